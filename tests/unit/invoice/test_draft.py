"""Completing an invoice from a reading: only what is sure, everything else to a person (decisions.md 19)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import events
from invoice.draft import Draft, complete
from invoice.findings import refusals
from tests.unit.invoice.sample import ALPES_MARITIMES, SUPPLIER, codes, only, pure

OTHER = "00099901100018"
READ: Mapping[str, str] = {
    "invoice_number": "2026-0117",
    "issue_date": "2026-11-03",
    "supplier_siret": SUPPLIER,
    "recipient_siret": ALPES_MARITIMES,
    "total_excl_tax": "100.00",
    "tax": "20.00",
    "total_incl_tax": "120.00",
}
MANDATORY = tuple(READ)


@dataclass(frozen=True)
class Field:
    """A read field as a reader would hand it over."""

    name: str
    value: str
    confidence: Literal["sure", "unsure"] = "sure"


def read(unsure: tuple[str, ...] = (), /, **values: str | None) -> list[Field]:
    """The good reading with some values changed, added or (None) not read; some of them unsure."""
    merged = {**READ, **values}
    return [
        Field(name, value, "unsure" if name in unsure else "sure")
        for name, value in merged.items()
        if value is not None
    ]


def done(unsure: tuple[str, ...] = (), /, **values: str | None) -> Draft:
    """The good reading, bent, completed for a depositor of one structure."""
    return complete(read(unsure, **values), (SUPPLIER,))


def waits(draft: Draft) -> list[str]:
    """The codes for which a draft waits for a person."""
    assert draft.outcome == "to_check"
    assert draft.header is None
    assert refusals(draft.findings) == ()
    return codes(draft.findings, "warn")


def test_a_reading_in_which_all_is_sure_becomes_an_invoice() -> None:
    draft = done(payable="120.00", service_code="DRIT", engagement="E1", contract="M1", currency="CHF")
    assert draft.outcome == "complete"
    assert draft.findings == ()
    header = draft.header
    assert header is not None
    assert (header.invoice_number, header.issue_date.isoformat(), header.type_code) == (
        "2026-0117",
        "2026-11-03",
        "380",
    )
    assert (header.supplier_siret, header.recipient_siret) == (SUPPLIER, ALPES_MARITIMES)
    assert (header.total_excl_tax, header.tax) == (Decimal("100.00"), Decimal("20.00"))
    assert (header.total_incl_tax, header.payable, header.currency) == (Decimal("120.00"), Decimal("120.00"), "CHF")
    assert (header.service_code, header.engagement, header.contract) == ("DRIT", "E1", "M1")
    assert header.cadre == "A1_FACTURE_FOURNISSEUR"


@pytest.mark.parametrize("name", [name for name in MANDATORY if name != "supplier_siret"])
def test_a_mandatory_field_that_is_missing_or_unsure_waits_for_a_person(name: str) -> None:
    missing = done(**{name: None})
    assert waits(missing) == ["FIELD_MISSING"]
    assert only(missing.findings, "FIELD_MISSING").field == name
    unsure = done((name,))
    assert waits(unsure) == ["FIELD_UNSURE"]
    assert READ[name] in only(unsure.findings, "FIELD_UNSURE").message


def test_a_missing_field_says_which_words_would_have_been_recognised() -> None:
    action = only(done(invoice_number=None).findings, "FIELD_MISSING").action or ""
    assert "« N° facture »" in action
    assert "Mots reconnus" in action


def test_an_empty_reading_names_every_field_that_is_missing() -> None:
    draft = complete((), ())
    assert waits(draft) == ["FIELD_MISSING"] * len(MANDATORY)
    assert {found.field for found in draft.findings} == set(MANDATORY)


@pytest.mark.parametrize("name", ["service_code", "engagement", "contract", "currency", "payable", "prepaid"])
def test_an_optional_field_read_without_certainty_is_neither_kept_nor_dropped(name: str) -> None:
    assert "FIELD_UNSURE" in waits(done((name,), **{name: "120.00"}))


@pytest.mark.parametrize("name", ["invoice_number", "engagement", "total_incl_tax", "payable", "type_code"])
def test_two_sure_values_that_differ_wait_for_a_person(name: str) -> None:
    fields = [*read(**{name: "381"}), Field(name, "380")]
    draft = complete(fields, (SUPPLIER,))
    assert "FIELD_CONFLICT" in waits(draft)
    assert "« 381 », « 380 »" in only(draft.findings, "FIELD_CONFLICT").message


def test_the_same_value_read_twice_is_one_value_and_a_sure_one_outweighs_an_unsure_one() -> None:
    fields = [*read(), *read(), Field("invoice_number", "2026-O117", "unsure")]
    draft = complete(fields, (SUPPLIER,))
    assert draft.outcome == "complete"
    assert draft.header is not None
    assert draft.header.invoice_number == "2026-0117"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("issue_date", "2026-02-30"),
        ("recipient_siret", "22060001900017"),
        ("supplier_siret", "123"),
        ("tax", "20.001"),
        ("total_incl_tax", "NaN"),
        ("type_code", "384"),
    ],
)
def test_a_value_that_has_not_its_form_waits_for_a_person(name: str, value: str) -> None:
    draft = done(**{name: value})
    assert waits(draft) == ["FIELD_MALFORMED"]
    assert value in only(draft.findings, "FIELD_MALFORMED").message


def test_what_accompanies_an_invoice_is_kept_if_it_is_sure_and_holds_nothing_up_if_not() -> None:
    more = {
        "due_date": "2026-12-03",
        "vat_regime": "TVA_SUR_DEBIT",
        "payment_mode": "VIREMENT",
        "preceding_invoice": "2026-0001",
        "prepaid": "20.00",
        "payable": "100.00",
    }
    header = done(**more).header
    assert header is not None
    assert (header.due_date, header.prepaid) == (date(2026, 12, 3), Decimal("20.00"))
    assert (header.vat_regime, header.payment_mode) == ("TVA_SUR_DEBIT", "VIREMENT")
    assert header.preceding_invoice == "2026-0001"
    without = done(("due_date", "vat_regime", "payment_mode", "preceding_invoice"), **more)
    assert without.outcome == "complete"
    assert without.header is not None
    assert (without.header.due_date, without.header.vat_regime, without.header.payment_mode) == (None, None, None)
    wrong = done(due_date="2026-02-30", vat_regime="AUTRE", payment_mode="TROC").header
    assert wrong is not None
    assert (wrong.due_date, wrong.vat_regime, wrong.payment_mode) == (None, None, None)


@pytest.mark.parametrize(
    ("cadre", "code"),
    [
        ("A3", "CADRE_NOT_SERVED"),
        ("A21", "CADRE_NOT_SERVED"),
        ("S5", "CADRE_FORBIDDEN"),
        ("Z9", "CADRE_UNKNOWN"),
    ],
)
def test_a_cadre_that_is_not_served_is_refused_in_words(cadre: str, code: str) -> None:
    draft = done(cadre=cadre)
    assert (draft.outcome, draft.header) == ("refused", None)
    assert only(draft.findings, code).level == "refuse"


@pytest.mark.parametrize(
    ("cadre", "code"),
    [("A9_FACTURE_SOUSTRAITANT", "A9"), ("S3", "S3"), ("A5_ETAT_ACOMPTE_FOURNISSEUR", "A5"), (None, "A1")],
)
def test_the_cadre_of_the_file_is_the_invoices(cadre: str | None, code: str) -> None:
    draft = done(cadre=cadre)
    assert draft.outcome == "complete"
    assert draft.header is not None
    assert (draft.header.cadre_code, draft.header.cadre) == (code, "A1_FACTURE_FOURNISSEUR")


@pytest.mark.parametrize(
    ("written", "unsure", "told"),
    [(None, (), []), ("A9_FACTURE_SOUSTRAITANT", (), []), ("A1_FACTURE_FOURNISSEUR", (), ["CADRE_GIVEN_DIFFERS"]),
     ("S3", (), ["CADRE_GIVEN_DIFFERS"]), ("A2_FACTURE_FOURNISSEUR_DEJA_PAYEE", ("cadre",), ["CADRE_GIVEN_DIFFERS"])],
)  # fmt: skip
def test_the_depositors_choice_of_cadre_holds_and_a_file_that_says_otherwise_is_remarked_on(
    written: str | None, unsure: tuple[str, ...], told: list[str]
) -> None:
    draft = complete(read(unsure, cadre=written), (SUPPLIER,), given_cadre="A9")
    assert draft.outcome == "complete"
    assert draft.header is not None
    assert draft.header.cadre_code == "A9"
    assert codes(draft.findings, "warn") == told


@pytest.mark.parametrize("written", ["S5", "A3", "A21"])
def test_a_document_that_calls_itself_what_is_not_served_is_refused_whatever_is_chosen(written: str) -> None:
    assert complete(read(cadre=written), (SUPPLIER,), given_cadre="A1").outcome == "refused"


def test_a_piece_of_the_works_supervisors_is_not_given_to_his_only_structure() -> None:
    other = "22060001900016"
    own = complete(read(supplier_siret=None), (other,))
    assert codes(own.findings, "info") == ["SUPPLIER_FROM_ACCOUNT", "PAYABLE_FROM_TOTAL"]
    piece = complete(read(supplier_siret=None), (other,), given_cadre="A15")
    assert (piece.outcome, codes(piece.findings, "warn")) == ("to_check", ["FIELD_MISSING"])


def test_a_cadre_read_without_certainty_waits_for_a_person() -> None:
    assert waits(done(("cadre",), cadre="A2_FACTURE_FOURNISSEUR_DEJA_PAYEE")) == ["FIELD_UNSURE"]


def test_an_invoice_already_paid_has_nothing_left_to_pay() -> None:
    draft = done(cadre="A2_FACTURE_FOURNISSEUR_DEJA_PAYEE", prepaid="120.00", payable="0.00")
    assert draft.outcome == "complete"
    assert draft.header is not None
    assert (draft.header.cadre, draft.header.payable) == ("A2_FACTURE_FOURNISSEUR_DEJA_PAYEE", Decimal(0))
    assert waits(done(prepaid="120.00", payable="0.00")) == ["PAYABLE_ZERO"]


def test_a_siren_tells_which_of_the_depositors_structures_is_meant() -> None:
    siren = SUPPLIER[:9]
    several = complete(read(supplier_siret=None, supplier_siren=siren), (OTHER, SUPPLIER))
    assert several.outcome == "complete"
    assert several.header is not None
    assert several.header.supplier_siret == SUPPLIER
    by_vat = complete(read(supplier_siret=None, supplier_vat=f"FR40{siren}"), (OTHER, SUPPLIER))
    assert by_vat.outcome == "complete"
    for stranger in ({"supplier_siren": siren}, {"supplier_vat": f"FR40{siren}"}, {"supplier_vat": "DE123456789"}):
        assert waits(complete(read(supplier_siret=None, **stranger), (OTHER,))) == ["FIELD_MISSING"]


def test_the_only_structure_of_the_depositor_stands_in_for_a_siret_that_was_not_read() -> None:
    for draft in (done(supplier_siret=None), done(("supplier_siret",))):
        assert draft.outcome == "complete"
        assert draft.header is not None
        assert draft.header.supplier_siret == SUPPLIER
        assert codes(draft.findings) == ["SUPPLIER_FROM_ACCOUNT", "PAYABLE_FROM_TOTAL"]


@pytest.mark.parametrize("structures", [(), (SUPPLIER, OTHER)])
def test_no_structure_or_several_stand_in_for_nothing(structures: tuple[str, ...]) -> None:
    assert waits(complete(read(supplier_siret=None), structures)) == ["FIELD_MISSING"]


def test_a_siret_that_is_not_the_depositors_is_never_replaced_by_his() -> None:
    sure = done(supplier_siret=OTHER)
    assert sure.header is not None
    assert sure.header.supplier_siret == OTHER
    assert waits(done(("supplier_siret",), supplier_siret=OTHER)) == ["FIELD_UNSURE"]


def test_the_total_is_payable_when_nothing_was_read_that_says_otherwise() -> None:
    draft = done()
    assert draft.header is not None
    assert draft.header.payable == Decimal("120.00")
    assert codes(draft.findings) == ["PAYABLE_FROM_TOTAL"]


@pytest.mark.parametrize(
    ("payable", "prepaid", "expected"),
    [
        ("120.00", None, []),
        ("120.01", None, []),
        ("90.00", None, ["PAYABLE_UNEXPLAINED"]),
        ("130.00", None, ["PAYABLE_UNEXPLAINED"]),
        ("90.00", "30.00", []),
        ("90.00", "20.00", ["PAYABLE_UNEXPLAINED"]),
        ("120.00", "30.00", ["PREPAID_UNEXPLAINED"]),
        ("120.00", "0.00", []),
        (None, "30.00", ["PAYABLE_NOT_READ"]),
        (None, "0.00", []),
        ("0.00", "120.00", ["PAYABLE_ZERO"]),
        ("0.00", None, ["PAYABLE_ZERO"]),
    ],
)
def test_a_net_a_payer_other_than_the_total_needs_a_sure_prepayment(
    payable: str | None, prepaid: str | None, expected: list[str]
) -> None:
    draft = done(payable=payable, prepaid=prepaid)
    if expected:
        assert waits(draft) == expected
    else:
        assert draft.outcome == "complete"
        assert draft.header is not None
        assert draft.header.payable == Decimal(payable or "120.00")


def test_an_unsure_prepayment_explains_nothing() -> None:
    assert "FIELD_UNSURE" in waits(done(("prepaid",), payable="90.00", prepaid="30.00"))


def test_a_net_a_payer_read_without_certainty_is_not_replaced_by_the_total() -> None:
    draft = done(("payable",), payable="90.00")
    assert codes(draft.findings) == ["FIELD_UNSURE"]


def test_sums_that_disagree_wait_for_a_person_and_refuse_nothing() -> None:
    draft = done(tax="19.60")
    assert waits(draft) == ["SUMS_DISAGREE"]
    assert "font 119,60\u00a0€" in only(draft.findings, "SUMS_DISAGREE").message
    assert done(tax="20.01", total_excl_tax="100.00").outcome == "complete"


def test_an_exempt_invoice_needs_its_tax_of_zero_to_be_read() -> None:
    assert done(tax="0.00", total_incl_tax="100.00").outcome == "complete"
    assert waits(done(tax=None, total_incl_tax="100.00")) == ["FIELD_MISSING"]


def test_a_credit_note_has_to_say_so_surely() -> None:
    draft = done(type_code="381")
    assert draft.header is not None
    assert draft.header.type_code == "381"
    assert waits(done(("type_code",), type_code="381")) == ["FIELD_UNSURE"]
    plain = done(("type_code",), type_code="380")
    assert plain.header is not None
    assert plain.header.type_code == "380"


@pytest.mark.parametrize("payable", [None, "-120.00", "120.00"])
def test_a_credit_note_printed_with_signs_is_taken_without_them(payable: str | None) -> None:
    draft = done(type_code="381", total_excl_tax="-100.00", tax="-20.00", total_incl_tax="-120.00", payable=payable)
    assert draft.header is not None
    assert "CREDIT_NOTE_SIGN" in codes(draft.findings, "info")
    assert (draft.header.total_excl_tax, draft.header.tax) == (Decimal("100.00"), Decimal("20.00"))
    assert (draft.header.total_incl_tax, draft.header.payable) == (Decimal("120.00"), Decimal("120.00"))


def test_an_exempt_credit_note_loses_its_signs_and_an_empty_one_has_none_to_lose() -> None:
    exempt = done(type_code="381", total_excl_tax="-100.00", tax="0.00", total_incl_tax="-100.00")
    assert exempt.header is not None
    assert (exempt.header.total_incl_tax, exempt.header.payable) == (Decimal("100.00"), Decimal("100.00"))
    empty = done(type_code="381", total_excl_tax="0.00", tax="0.00", total_incl_tax="0.00")
    assert empty.outcome == "complete"
    assert codes(empty.findings) == ["PAYABLE_FROM_TOTAL"]


def test_negative_amounts_that_are_no_credit_note_wait_for_a_person() -> None:
    draft = done(total_excl_tax="-100.00", tax="-20.00", total_incl_tax="-120.00")
    assert waits(draft) == ["AMOUNT_NEGATIVE"] * 4
    mixed = done(type_code="381", total_excl_tax="-100.00", tax="20.00", total_incl_tax="-80.00")
    assert "CREDIT_NOTE_NEGATIVE" in waits(mixed)


def test_a_document_for_the_state_is_refused_in_those_words_unless_a_siret_says_otherwise() -> None:
    draft = done(recipient_siret=None, recipient_state="Ministère")
    assert draft.outcome == "refused"
    assert codes(draft.findings) == ["DEST_STATE"]
    assert done(recipient_state="Ministère").outcome == "complete"
    assert waits(done(("recipient_siret",), recipient_state="Ministère")) == ["FIELD_UNSURE"]
    assert waits(done(("recipient_state",), recipient_siret=None, recipient_state="Ministère")) == ["FIELD_MISSING"]


def test_fields_that_no_rule_knows_change_nothing() -> None:
    assert done(vat_regime="TVA_SUR_DEBIT", due_date="2026-12-03", supplier_iban="FR76").outcome == "complete"


def test_the_fields_of_the_event_are_read_as_they_are() -> None:
    fields = [
        events.ReadField(
            name=one.name,
            value=one.value,
            confidence=one.confidence,
            page=1,
            box=(0.0, 0.0, 1.0, 1.0),
            keyword="Total",
            raw=one.value,
        )
        for one in read()
    ]
    assert complete(fields, (SUPPLIER,)).outcome == "complete"


names = st.sampled_from(
    [*MANDATORY, "payable", "prepaid", "type_code", "currency", "engagement", "recipient_state", "x"]
)
values = st.sampled_from([*READ.values(), "381", "380", "-120.00", "0.00", "EUR", "1E+999", "9" * 60]) | st.text(
    max_size=20
)
fields = st.builds(Field, names, values, st.sampled_from(["sure", "unsure"]))


@pure
@given(st.lists(fields, max_size=20), st.lists(st.sampled_from([SUPPLIER, OTHER]), unique=True, max_size=2))
def test_whatever_is_read_ends_complete_waiting_or_refused_with_a_reason(
    found: list[Field], structures: list[str]
) -> None:
    draft = complete(found, structures)
    assert (draft.header is not None) == (draft.outcome == "complete")
    assert bool(codes(draft.findings, "warn")) == (draft.outcome == "to_check")
    assert bool(codes(draft.findings, "refuse")) == (draft.outcome == "refused")


@pure
@given(st.sampled_from(MANDATORY), st.permutations(read()))
def test_less_certainty_never_completes_more_and_order_does_not_matter(name: str, shuffled: list[Field]) -> None:
    assert complete(shuffled, (SUPPLIER, OTHER)).header == complete(read(), (SUPPLIER, OTHER)).header
    doubted = [replace(one, confidence="unsure") if one.name == name else one for one in shuffled]
    assert complete(doubted, (SUPPLIER, OTHER)).outcome == "to_check"
