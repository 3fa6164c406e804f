"""The same invoice as PDF, CII and UBL: the same header wherever the page shows it, the same way to its recipient."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any, get_args

import pytest

from invoice.addressing import Address, decide
from invoice.directory import Parameters, Service, Structure
from invoice.model import Cadre
from services.ocr.answers import Whole
from services.ocr.whole import read_document
from tests.carriers import facts_of, facturx
from tests.corpus.samples import corpus
from tests.documents import sample
from tests.unit.invoice.syntax.samples import cii, cpp, ubl

FAMILIES = ("LE VENDEUR|F202500001", "LE VENDEUR|F202500003", "LE VENDEUR|F202500004")
SAMPLES = corpus()
A1 = "A1_FACTURE_FOURNISSEUR"
SIRET = "20000000800025"
DAY = date(2026, 11, 23)
#: Recipients that ask for different things, so that an address that was read otherwise goes another way.
DEMANDS = (
    Parameters(),
    Parameters(service_required=True),
    Parameters(engagement_required=True),
    Parameters(service_required=True, engagement_required=True),
)
ADDRESS = ("service_code", "engagement", "contract")


def values(whole: Whole) -> dict[str, str]:
    return {field.name: field.value for field in whole.fields}


def sure(whole: Whole) -> dict[str, str]:
    return {field.name: field.value for field in whole.fields if field.confidence == "sure"}


def ways(found: dict[str, str], known_services: Sequence[str]) -> list[tuple[Any, ...]]:
    """Where each of several recipients would send the invoice, and why."""
    services = {code: Service(siret=SIRET, code=code, label=code) for code in known_services}
    cadre = found.get("cadre", A1)
    assert cadre in get_args(Cadre)
    address = Address(
        recipient_siret=SIRET,
        cadre="A2_FACTURE_FOURNISSEUR_DEJA_PAYEE" if cadre.startswith("A2") else "A1_FACTURE_FOURNISSEUR",
        service_code=found.get("service_code"),
        engagement=found.get("engagement"),
        contract=found.get("contract"),
    )
    told = []
    for demand in DEMANDS:
        structure = Structure(siret=SIRET, name="X", tenant="t", kind="budget_principal", parameters=demand)
        decision = decide(address, structure, services, DAY)
        told.append((decision.outcome, decision.service_code, tuple(one.code for one in decision.findings)))
    return told


def assert_same(forms: Sequence[dict[str, str]], shown: dict[str, str]) -> None:
    """Every data file says the same; what the page surely ``shown`` is what the data say; all go the same way."""
    first, *others = forms
    for other in others:
        assert other == first
    assert shown == {name: value for name, value in first.items() if name in shown}
    codes = [first["service_code"]] if "service_code" in first else []
    for known in ([], codes, ["OTHER"]):
        expected = ways(first, known)
        assert all(ways(other, known) == expected for other in others)
        if all(shown.get(name) == first.get(name) for name in ADDRESS):
            assert ways(shown | {"cadre": first.get("cadre", A1)}, known) == expected


@pytest.mark.parametrize("seed", range(24))
def test_a_generated_invoice_is_the_same_in_every_form(seed: int) -> None:
    invoice = sample(seed, layout=("label_left", "label_above", "table_totals", "two_columns")[seed % 4])
    facts = facts_of(invoice, due_code=None)
    forms = [read_document(document) for document in (cii(facts), ubl(facts))]
    assert [form.source for form in forms] == ["cii", "ubl"]
    flow = read_document(cpp(facts))
    assert flow.source == "cpp"
    assert values(flow).keys() >= {"invoice_number", "recipient_siret", "total_incl_tax", "payable"}
    assert values(flow).items() <= values(forms[0]).items(), "a CPP has no place for some fields"
    shown = sure(read_document(invoice.render()))
    assert {"total_excl_tax", "tax", "total_incl_tax", "invoice_number"} <= shown.keys()
    assert_same([values(form) for form in forms], {name: shown[name] for name in shown if name in values(forms[0])})
    whole = read_document(facturx(invoice))
    assert values(whole) | values(forms[0]) == values(whole)
    assert whole.warnings == ()


def rows(family: str) -> list[dict[str, Any]]:
    """The samples of one invoice. Those of the profile EXTENDED say more of the recipient than the others can."""
    lines = (SAMPLES / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row.get("family") == family and "EXTENDED" not in row["file"]]


@pytest.mark.skipif(
    not (SAMPLES / "truth.jsonl").exists(), reason="the public samples are not beside the project (CHORALE_CORPUS)"
)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_public_sample_is_the_same_in_every_form(family: str) -> None:
    found = rows(family)
    forms = {row["file"]: read_document((SAMPLES / row["file"]).read_bytes()) for row in found if row["kind"] == "xml"}
    assert {form.source for form in forms.values()} == {"cii", "ubl"}
    said = [values(form) for form in forms.values()]
    pages = [(SAMPLES / row["file"]).read_bytes() for row in found if row["kind"] == "pdf"]
    assert pages
    for page in pages:
        whole, text = read_document(page), sure(read_document(page, text_only=True))
        assert whole.source == "facturx"
        assert values(whole) | said[0] == values(whole)
        shown = {name: text[name] for name in text if name in said[0]}
        assert len(shown) >= 15
        assert_same(said, shown)
