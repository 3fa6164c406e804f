"""The terms of a delay: kind of body, contract, what the body reports, what has no delay at all."""

from decimal import Decimal

import msgspec
import pytest

from invoice.clock_terms import is_payment_reported, length, terms_of
from invoice.directory import Parameters, Service
from invoice.policies import Circuit, Policy, choose
from tests.unit.invoice.sample import GERS, bend, made


def circuit(cadre: str = "A1", validators: int = 0) -> Circuit:
    found = choose(cadre, validators)
    assert isinstance(found, Circuit)
    return found


@pytest.mark.parametrize(
    ("kind", "own", "contract", "expected"),
    [
        ("departement", None, None, 30),
        ("hopital", None, None, 50),
        ("entreprise_publique", None, None, 60),
        ("entreprise_publique", 45, None, 45),
        ("entreprise_publique", 45, 20, 20),
        ("departement", None, 20, 20),
        ("departement", None, 45, 30),  # a contract may set less, not more (L2192-10)
        ("hopital", 60, None, 50),
        ("departement", None, 0, 1),
        ("unheard_of", None, None, 30),
    ],
)
def test_the_length_is_that_of_the_kind_of_body_or_less_by_contract(
    kind: str, own: int | None, contract: int | None, expected: int
) -> None:
    assert length(made(kind=kind, payment_days=own), contract) == expected


def test_an_unknown_recipient_has_the_law_of_local_bodies() -> None:
    assert length(None) == 30


def test_a_services_word_on_payments_goes_before_its_bodys() -> None:
    silent, told = made(), made(Parameters(payment_status_reported=True))
    service = Service(siret=GERS, code="X", label="X", payment_status_reported=False)
    assert is_payment_reported(None) is None
    assert is_payment_reported(silent) is None
    assert is_payment_reported(told) is True
    assert is_payment_reported(told, service) is False
    assert is_payment_reported(told, msgspec.structs.replace(service, payment_status_reported=None)) is True


def test_the_terms_carry_the_amount_the_kind_and_the_tenants_policy() -> None:
    found = terms_of(
        bend(payable=Decimal("12.50")), circuit("S3", 1), made(), policy=Policy(recycling_restarts_delay=False)
    )
    assert (found.payable, found.kind, found.days, found.recycling_restarts_delay) == (
        Decimal("12.50"),
        "subcontractor",
        30,
        False,
    )
    assert terms_of(bend(), circuit("A12", 1), None).kind == "cocontractor"
    assert terms_of(bend(), circuit("A19"), None).kind == "works_instalment"
    assert terms_of(bend(), circuit("A8"), None).kind == "works_balance"


def test_an_invoice_already_paid_and_a_credit_note_have_no_delay() -> None:
    assert terms_of(bend(type_code="381"), circuit(), made()).nothing_due == "credit_note"
    assert (
        terms_of(bend(cadre="A2_FACTURE_FOURNISSEUR_DEJA_PAYEE"), circuit("A2"), made()).nothing_due == "already_paid"
    )
    assert terms_of(bend(), circuit(), made()).nothing_due is None
