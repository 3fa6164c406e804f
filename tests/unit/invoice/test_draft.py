"""Completing an invoice from a reading: only what is sure, everything else to a person (decisions.md 19)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import events
from invoice.draft import complete
from tests.unit.invoice.draft_sample import MANDATORY, OTHER, READ, Field, done, read, waits
from tests.unit.invoice.sample import ALPES_MARITIMES, SUPPLIER, codes, only, pure


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
