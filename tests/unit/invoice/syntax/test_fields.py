"""Every field of every syntax, from documents made for the test."""

from dataclasses import replace
from decimal import Decimal

import pytest

from contracts.events import ReadField
from invoice.draft import complete
from invoice.reading import FIELD_NAMES
from invoice.syntax import DataFile, Datum, Note, parse
from tests.unit.invoice.syntax.samples import CREDIT_NOTE, CUSTOMIZATION, PLAIN, Facts, cii, cpp, fields_of, ubl

WITHOUT_PROCESS = ("cadre",)


def one(data: bytes) -> DataFile:
    (found,) = parse(data)
    return found


def values(found: DataFile) -> dict[str, str]:
    assert [datum.name for datum in found.fields] == [
        name for name in FIELD_NAMES if name in {datum.name for datum in found.fields}
    ]
    return {datum.name: datum.value for datum in found.fields}


def read_field(datum: Datum) -> ReadField:
    return ReadField(
        name=datum.name,
        value=datum.value,
        confidence="sure",
        page=0,
        box=(0, 0, 0, 0),
        keyword=datum.term,
        raw=datum.raw,
    )


def clean(found: DataFile) -> dict[str, str]:
    assert found.warnings == ()
    assert [datum.name for datum in found.fields if not datum.sure] == []
    return values(found)


FLAVOURS = {
    "ubl": (ubl(PLAIN), "ubl", CUSTOMIZATION, set()),
    "cii": (cii(PLAIN), "cii", CUSTOMIZATION, set()),
    "zugferd 1": (cii(PLAIN, zugferd_1=True), "cii", CUSTOMIZATION, set()),
    "chorus ubl": (ubl(PLAIN, chorus="A1"), "ubl", "chorus-pro", set()),
    "chorus cii": (cii(PLAIN, chorus="A1"), "cii", "chorus-pro", {"supplier_siren", "recipient_siren"}),
    "cpp": (
        cpp(PLAIN),
        "cpp",
        "chorus-pro",
        {"supplier_siren", "recipient_siren", "due_date", "prepaid", "vat_regime", "supplier_vat", "supplier_iban"},
    ),
}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_flavour_gives_every_field_that_it_has_a_place_for(flavour: str) -> None:
    data, source, profile, absent = FLAVOURS[flavour]
    found = one(data)
    expected = {name: value for name, value in fields_of(PLAIN).items() if name not in absent}
    assert clean(found) == expected
    assert (found.source, found.profile) == (source, profile)


def test_each_datum_names_its_term_and_keeps_the_text_as_written() -> None:
    found = one(cii(PLAIN))
    terms = {datum.name: (datum.term, datum.raw) for datum in found.fields}
    assert terms["issue_date"] == ("BT-2", "20261120")
    assert terms["recipient_siret"] == ("BT-46", "00003200300014")
    assert terms["service_code"] == ("BT-46", "DRH")
    assert terms["cadre"] == ("BT-23", "S1")
    assert terms["payment_mode"] == ("BT-81", "30")
    assert terms["vat_breakdown"] == ("BG-23", "5.50 100.00 5.50; 20.00 1000.00 200.00")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(ubl(CREDIT_NOTE), id="UBL Invoice of type 381"),
        pytest.param(ubl(CREDIT_NOTE, root="CreditNote"), id="UBL CreditNote"),
        pytest.param(cii(CREDIT_NOTE), id="CII"),
        pytest.param(ubl(CREDIT_NOTE, chorus="A1"), id="Chorus UBL"),
    ],
)
def test_a_credit_note_keeps_its_type_and_its_positive_amounts(data: bytes) -> None:
    found = one(data)
    assert clean(found) == fields_of(CREDIT_NOTE)
    draft = complete([read_field(datum) for datum in found.fields if datum.name in HEADER], ["00099900300015"])
    assert draft.header is not None
    assert (draft.header.type_code, draft.header.total_incl_tax) == ("381", Decimal("1305.50"))


HEADER = (
    "invoice_number", "issue_date", "supplier_siret", "recipient_siret", "total_excl_tax", "tax", "total_incl_tax",
    "payable", "prepaid", "currency", "type_code", "service_code", "engagement", "contract",
)  # fmt: skip


def test_a_credit_note_by_its_root_is_one_even_without_a_type() -> None:
    data = ubl(CREDIT_NOTE, root="CreditNote").replace(b"<cbc:CreditNoteTypeCode>381</cbc:CreditNoteTypeCode>", b"")
    assert values(one(data))["type_code"] == "381"


def test_a_credit_note_that_says_it_is_an_invoice_is_unsure() -> None:
    found = one(ubl(replace(CREDIT_NOTE, type_code="380"), root="CreditNote"))
    datum = found.datum("type_code")
    assert datum is not None
    assert (datum.value, datum.raw, datum.sure) == ("381", "380", False)
    assert [warning.code for warning in found.warnings] == ["DATA_CREDIT_NOTE_TYPE"]


@pytest.mark.parametrize(
    ("code", "warning"), [("384", "DATA_TYPE_NOT_SERVED"), ("326", "DATA_TYPE_UNKNOWN"), ("AVOIR", "DATA_TYPE_UNKNOWN")]
)
def test_a_type_that_is_not_380_or_381_is_kept_as_written_and_said(code: str, warning: str) -> None:
    for data in (ubl(replace(PLAIN, type_code=code)), cii(replace(PLAIN, type_code=code))):
        found = one(data)
        assert values(found)["type_code"] == code
        assert [(w.code, w.value) for w in found.warnings] == [(warning, code)]


def test_minimum_profiles_give_what_they_have() -> None:
    bare = Facts(
        due_date=None, prepaid=None, rows=(), due_code=None, means=None, iban=None, supplier_siren=None,
        supplier_vat=None, recipient_siren=None, service=None, engagement=None, contract=None, process=None,
        notes=(), lines=0,
    )  # fmt: skip
    for found in (one(ubl(bare)), one(cii(bare))):
        assert clean(found) == fields_of(bare)
        assert (list(found.lines()), found.notes, found.attachments, found.payment_means) == ([], (), (), ())


def test_empty_elements_are_as_good_as_absent() -> None:
    # Chorus Pro's own files are full of them.
    found = one(ubl(replace(PLAIN, contract="", engagement="", preceding="", recipient_vat="", due_date="")))
    expected = fields_of(replace(PLAIN, contract=None, engagement=None, due_date=None))
    assert clean(found) == expected


def test_vat_rows_are_given_with_their_category() -> None:
    facts = replace(PLAIN, rows=(("AE", "0.00", "1000.00", "0.00"),), due_code=None, exemption="VATEX-EU-AE")
    for found in (one(ubl(facts)), one(cii(facts))):
        (row,) = found.vat_breakdown
        assert (row.category, row.exemption, row.rate, row.base) == ("AE", "VATEX-EU-AE", Decimal(0), Decimal(1000))


@pytest.mark.parametrize("rate", ["", None])
def test_a_category_without_tax_may_leave_its_rate_out(rate: str | None) -> None:
    data = ubl(replace(PLAIN, rows=(("O", "0.00", "10.00", "0.00"),)))
    data = data.replace(b"<cbc:Percent>0.00</cbc:Percent>", b"" if rate is None else b"<cbc:Percent/>")
    assert values(one(data))["vat_breakdown"] == "0.00 10.00 0.00"


def test_a_taxed_category_may_not_leave_its_rate_out() -> None:
    data = ubl(replace(PLAIN, rows=(("S", "20.00", "10.00", "2.00"),))).replace(
        b"<cbc:Percent>20.00</cbc:Percent>", b""
    )
    assert "vat_breakdown" not in values(one(data))


def test_lines_are_the_same_in_every_syntax() -> None:
    read = [list(one(data).lines()) for data in (ubl(PLAIN), cii(PLAIN), cii(PLAIN, zugferd_1=True))]
    assert read[0] == read[1] == read[2]
    first = read[0][0]
    assert (first.number, first.name, first.quantity, first.unit) == ("1", "Article 1", Decimal("1.5"), "C62")
    assert (first.unit_price, first.net_amount, first.vat_rate) == (Decimal("1.123456"), Decimal("10.00"), Decimal(20))
    assert first.malformed == ()
    credit = list(one(ubl(CREDIT_NOTE, root="CreditNote")).lines())
    assert credit == read[0]


def test_lines_are_read_only_when_asked_for() -> None:
    found = one(cii(replace(PLAIN, lines=3)).replace(b"<ram:LineTotalAmount>20.00<", b"<ram:LineTotalAmount>vingt<"))
    assert (found.lines_count, found.warnings) == (3, ())
    lines = found.lines()
    assert next(lines).malformed == ()
    second = next(lines)
    assert (second.malformed, second.net_amount) == (("net_amount",), None)


def test_notes_have_their_subject() -> None:
    expected = (Note(text="Indemnité de 40 €", subject="PMT"), Note(text="Merci"))
    assert one(ubl(PLAIN)).notes == one(cii(PLAIN)).notes == expected


def test_payment_means_are_given_as_they_stand() -> None:
    for found in (one(ubl(PLAIN)), one(cii(PLAIN))):
        (means,) = found.payment_means
        assert (means.code, means.mode, means.account) == ("30", "VIREMENT", PLAIN.iban)


def test_a_flow_holds_several_invoices_under_one_envelope() -> None:
    second = replace(PLAIN, number="F2", engagement="EJ2")
    both = parse(cpp(PLAIN, second))
    assert [found.datum("invoice_number").value for found in both] == ["F2026-001", "F2"]  # type: ignore[union-attr]
    assert {found.envelope for found in both} == {(("IdFlx", "FLUX-1"), ("Emetteur", "E1"), ("Recepteur", "R1"))}
    assert clean(one(cpp(PLAIN, namespace="urn:any"))) == clean(both[0])


def test_the_tax_of_a_flow_is_its_breakdown_and_has_to_fit_the_totals() -> None:
    found = one(cpp(replace(PLAIN, incl="1400.00")))
    datum = found.datum("tax")
    assert datum is not None
    assert (datum.value, datum.sure) == ("205.50", False)
    assert [w.code for w in found.warnings] == ["DATA_TAX_SUM"]
    alone = clean(one(cpp(replace(PLAIN, rows=()))))
    assert alone["tax"] == "205.50"
