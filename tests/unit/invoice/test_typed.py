"""What is typed: read, added up to the cent, and said to be wrong field by field."""

from decimal import Decimal

import pytest

from invoice.cadre_questions import QUESTIONS
from invoice.cadres import CADRES
from invoice.typed import Sheet, assemble, parse_day
from invoice.typed_lines import Line

VALUES = {
    "invoice_number": "F1",
    "issue_date": "2026-03-02",
    "supplier_siret": "73282932000074",
    "recipient_siret": "20002983300015",
}


def sheet(*lines: Line, **values: str) -> Sheet:
    return Sheet(values={**VALUES, **values}, lines=lines)


def codes(made: Sheet, *, with_document: bool = False) -> dict[str | None, str]:
    return {found.field: found.code for found in assemble(made, with_document=with_document).findings}


def test_lines_are_added_up_to_the_cent_rounded_half_up_with_vat_once_per_rate() -> None:
    made = assemble(
        sheet(
            Line(label="a", quantity="3", unit_price="0,335", vat_rate="20"),
            Line(label="b", quantity="1", unit_price="0.335", vat_rate="20 %"),
            Line(label="c", quantity="2", unit_price="10", discount="1,50", vat_rate="5,5"),
        ),
        with_document=False,
    )
    assert made.computed is not None
    assert [line.amount for line in made.computed.lines] == [Decimal("1.01"), Decimal("0.34"), Decimal("18.50")]
    assert [(row.rate, row.base, row.amount) for row in made.computed.vat] == [
        (Decimal("5.5"), Decimal("18.50"), Decimal("1.02")),
        (Decimal("20"), Decimal("1.35"), Decimal("0.27")),
    ]
    assert made.header is not None
    assert (made.header.total_excl_tax, made.header.tax, made.header.total_incl_tax, made.header.payable) == (
        Decimal("19.85"), Decimal("1.29"), Decimal("21.14"), Decimal("21.14"),
    )  # fmt: skip


def test_a_typed_total_may_differ_by_one_cent_and_no_more() -> None:
    line = Line(label="a", unit_price="100", vat_rate="20")
    assert codes(sheet(line, total_incl_tax="120,01", tax="19.99")) == {}
    assert codes(sheet(line, total_incl_tax="120,02")) == {"total_incl_tax": "FORM_TOTAL_DIFFERS"}
    assert codes(sheet(line, payable="100", prepaid="20,00")) == {}


def test_without_vat_the_total_is_the_same_with_and_without_tax_and_the_regime_says_why() -> None:
    line = Line(label="Atelier", quantity="3", unit_price="60")
    franchise = assemble(sheet(line, vat_regime="FRANCHISE"), with_document=False)
    assert franchise.header is not None
    assert franchise.header.total_excl_tax == franchise.header.total_incl_tax == Decimal(180)
    assert codes(sheet(line)) == {"lines.1.vat_rate": "FORM_MISSING"}
    zero = Line(label="Atelier", unit_price="60", vat_rate="0")
    assert codes(sheet(zero)) == {"vat_regime": "FORM_VAT_ZERO"}
    taxed = Line(label="Atelier", unit_price="60", vat_rate="20")
    assert codes(sheet(taxed, vat_regime="FRANCHISE")) == {"vat_regime": "FORM_VAT_UNEXPECTED"}
    assert codes(sheet(line, vat_regime="EXONERATION")) == {"exemption_reason": "FORM_EXEMPTION_REASON"}


def test_a_document_needs_no_lines_but_what_is_typed_alone_does() -> None:
    totals = {"total_excl_tax": "100", "tax": "20", "total_incl_tax": "120", "payable": "120"}
    assert assemble(sheet(**totals), with_document=True).header is not None
    assert codes(sheet(**totals)) == {"lines": "FORM_LINES_MISSING"}
    missing = codes(sheet(), with_document=True)
    assert missing == dict.fromkeys(("total_excl_tax", "tax", "total_incl_tax", "payable"), "FORM_MISSING")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("issue_date", "31/02/2026", "FORM_MALFORMED"), ("total_excl_tax", "1.234", "FORM_MALFORMED"),
        ("recipient_siret", "20002983300016", "DEST_SIRET_INVALID"), ("type_code", "999", "FORM_MALFORMED"),
        ("supplier_siret", "1", "SUPPLIER_SIRET_INVALID"), ("payment_mode", "TROC", "FORM_MALFORMED"),
        ("supplier_iban", "FR1420041010050500013M02607", "FORM_IBAN"), ("note", "x" * 1025, "FORM_TOO_LONG"),
        ("call_off", "peut-être", "FORM_MALFORMED"), ("cadre", "A99", "CADRE_UNKNOWN"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_at_its_field(field: str, value: str, code: str) -> None:
    line = Line(label="a", unit_price="1", vat_rate="20")
    assert codes(sheet(line, **{field: value})) == {field: code}
    assert assemble(sheet(line, **{field: value}), with_document=False).header is None


@pytest.mark.parametrize(
    ("line", "field", "code"),
    [
        (Line(unit_price="1", vat_rate="20"), "lines.1.label", "FORM_MISSING"),
        (Line(label="a", vat_rate="20"), "lines.1.unit_price", "FORM_MISSING"),
        (Line(label="a", unit_price="1", vat_rate="19"), "lines.1.vat_rate", "VAT_RATE_UNKNOWN"),
        (Line(label="a", unit_price="1e3", vat_rate="20"), "lines.1.unit_price", "FORM_MALFORMED"),
        (Line(label="a", quantity="1,23456", unit_price="1", vat_rate="20"), "lines.1.quantity", "FORM_MALFORMED"),
        (Line(label="a", quantity="NaN", unit_price="1", vat_rate="20"), "lines.1.quantity", "FORM_MALFORMED"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_by_its_number(line: Line, field: str, code: str) -> None:
    assert codes(sheet(line))[field] == code


def test_a_transfer_needs_its_account() -> None:
    line = Line(label="a", unit_price="1", vat_rate="20")
    assert codes(sheet(line, payment_mode="VIREMENT")) == {"supplier_iban": "FORM_IBAN_MISSING"}
    assert codes(sheet(line, payment_mode="virement", supplier_iban="FR14 2004 1010 0505 0001 3M02 606")) == {}


def test_an_order_under_a_call_off_contract_is_sent_to_the_simple_space() -> None:
    line = Line(label="a", unit_price="1", vat_rate="20")
    parties = {"moe_siret": "55208131766522", "moa_siret": "20002983300015"}
    found = codes(sheet(line, cadre="A4", call_off="oui", **parties))
    assert found["cadre"] == "WORKS_CALL_OFF"
    assert codes(sheet(line, cadre="A1", call_off="oui")) == {}


def test_days_are_read_as_people_write_them() -> None:
    assert {parse_day(text).isoformat() for text in ("2026-03-02", "02/03/2026", "2.3.2026", "02-03-2026")} == {
        "2026-03-02"
    }


def test_every_answer_leads_to_a_question_or_to_a_cadre_and_every_cadre_is_reached() -> None:
    reached: set[str] = set()
    asked, waiting = set(), [QUESTIONS.first]
    while waiting:
        name = waiting.pop()
        asked.add(name)
        for answer in QUESTIONS.questions[name].answers:
            assert (answer.next is None) != (answer.cadre is None), answer
            if answer.cadre is not None:
                assert answer.cadre in CADRES
                reached.add(answer.cadre)
            elif answer.next not in asked:
                waiting.append(str(answer.next))
    assert asked == set(QUESTIONS.questions)
    assert reached == set(CADRES)
