"""What a file says twice, in the wrong place or in the wrong form: never picked in silence."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from invoice.findings import Finding
from invoice.syntax import DataFile, Datum, parse
from tests.unit.invoice.syntax.samples import PLAIN, Facts, cii, cpp, ubl


def one(data: bytes) -> DataFile:
    (found,) = parse(data)
    return found


def datum(found: DataFile, name: str) -> Datum:
    taken = found.datum(name)
    assert taken is not None
    return taken


def codes(found: DataFile) -> list[str]:
    return [warning.code for warning in found.warnings]


def put(data: bytes, after: str, more: str) -> bytes:
    assert data.count(after.encode()) == 1
    return data.replace(after.encode(), (after + more).encode())


# ---------------------------------------------------------------- elements given twice


def test_two_numbers_that_differ_make_the_number_unsure_and_name_both() -> None:
    found = one(put(ubl(PLAIN), "<cbc:ID>F2026-001</cbc:ID>", "\n<cbc:ID>F2026-002</cbc:ID>"))
    assert (datum(found, "invoice_number").value, datum(found, "invoice_number").sure) == ("F2026-001", False)
    (warning,) = found.warnings
    assert (warning.code, warning.field, warning.level) == ("DATA_SEVERAL", "invoice_number", "warn")
    assert "« F2026-001 », « F2026-002 »" in warning.message
    assert "cbc:ID (ligne 3)" in warning.message


def test_the_same_number_twice_is_one_number() -> None:
    found = one(put(ubl(PLAIN), "<cbc:ID>F2026-001</cbc:ID>", "<cbc:ID> F2026-001\n</cbc:ID>"))
    assert (datum(found, "invoice_number").sure, found.warnings) == (True, ())


@pytest.mark.parametrize("name", ["total_excl_tax", "total_incl_tax", "payable", "prepaid", "tax"])
def test_an_amount_given_twice_is_unsure(name: str) -> None:
    element = {
        "total_excl_tax": "TaxBasisTotalAmount>1100.00</ram:TaxBasisTotalAmount>",
        "tax": 'TaxTotalAmount currencyID="EUR">205.50</ram:TaxTotalAmount>',
        "total_incl_tax": "GrandTotalAmount>1305.50</ram:GrandTotalAmount>",
        "prepaid": "TotalPrepaidAmount>300.00</ram:TotalPrepaidAmount>",
        "payable": "DuePayableAmount>1005.50</ram:DuePayableAmount>",
    }[name]
    tag = element.partition(">")[0].partition(" ")[0]
    found = one(put(cii(PLAIN), f"<ram:{element}", f"<ram:{tag}>9.99</ram:{tag}>"))
    assert not datum(found, name).sure
    assert codes(found) == ["DATA_SEVERAL"]


def test_several_accounts_are_no_fault_but_the_first_is_not_sure() -> None:
    more = (
        "<cac:PaymentMeans><cbc:PaymentMeansCode>30</cbc:PaymentMeansCode><cac:PayeeFinancialAccount>"
        "<cbc:ID>DE89370400440532013000</cbc:ID></cac:PayeeFinancialAccount></cac:PaymentMeans>"
    )
    found = one(put(ubl(PLAIN), "</cac:PaymentMeans>", more))
    assert (datum(found, "supplier_iban").value, datum(found, "supplier_iban").sure) == (PLAIN.iban, False)
    assert datum(found, "payment_mode").sure
    assert [(w.code, w.level) for w in found.warnings] == [("DATA_ONE_OF_MANY", "info")]
    assert len(found.payment_means) == 2


# ---------------------------------------------------------------- texts that are not what they should be


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1305.5", "1305.50"),
        (" 1305.50\n", "1305.50"),
        ("+1305.500", "1305.50"),
        ("1305", "1305.00"),
        ("0001305.50", "1305.50"),
        ("-0.00", "0.00"),
        (".5", "0.50"),
        ("-12.30", "-12.30"),
        ("1234567890123456.78", "1234567890123456.78"),
    ],
)
def test_amounts_that_can_be_read_in_one_way_are_canonical(written: str, value: str) -> None:
    assert datum(one(ubl(replace(PLAIN, incl=written))), "total_incl_tax").value == value


@pytest.mark.parametrize(
    "written",
    ["1 305,50", "1305,50", "1.305,50", "1,305.50", "12.345", "1e3", "NaN", "INF", "0x10", "１２.00", "--1",
     "1305.50 EUR", "12345678901234567.00", "9" * 200, "1_000.00", "1234567890123456.7800000000001"],
)  # fmt: skip
def test_amounts_that_do_not_parse_are_absent_and_named(written: str) -> None:
    found = one(cii(replace(PLAIN, incl=written)))
    assert found.datum("total_incl_tax") is None
    (warning,) = found.warnings
    assert (warning.code, warning.field, warning.level) == ("DATA_MALFORMED", "total_incl_tax", "warn")
    assert "MonetarySummation/ram:GrandTotalAmount (ligne 2)" in warning.message
    assert warning.value == written.strip()[:80]


@pytest.mark.parametrize(
    "written", ["20/11/2026", "2026-02-30", "2026-13-01", "26-11-20", "2026-11-20T10:30:00", "hier"]
)
def test_days_that_do_not_exist_are_absent_and_named(written: str) -> None:
    found = one(ubl(replace(PLAIN, issue_date=written)))
    assert found.datum("issue_date") is None
    assert [(w.code, w.field) for w in found.warnings] == [("DATA_MALFORMED", "issue_date")]


@pytest.mark.parametrize(
    "written", ["2026-11-20", "2026-11-20Z", "2026-11-20+01:00", " 2026-11-20 ", "2026-11-20T00:00:00"]
)
def test_days_of_ubl_may_have_a_time_zone(written: str) -> None:
    found = one(ubl(replace(PLAIN, issue_date=written)))
    assert (datum(found, "issue_date").value, found.warnings) == ("2026-11-20", ())


@pytest.mark.parametrize(
    ("form", "written", "value", "sure"),
    [
        (' format="102"', "20261120", "2026-11-20", True),
        ("", "20261120", "2026-11-20", True),
        ("", "2026-11-20", "2026-11-20", True),
        (' format="102"', "2026-11-20", "2026-11-20", False),
        (' format="610"', "202611", None, True),
        (' format="203"', "202611201030", None, True),
        (' format="102"', "20261320", None, True),
        (' format="102"', "２０２６１１２０", None, True),
    ],
)
def test_days_of_cii_are_those_of_format_102(form: str, written: str, value: str | None, sure: bool) -> None:
    data = cii(PLAIN).replace(b' format="102">20261120<', f"{form}>{written}<".encode())
    found = one(data)
    taken = found.datum("issue_date")
    assert (taken and taken.value) == value
    assert taken is None or taken.sure == sure
    assert bool(found.warnings) == (value is None or not sure)


LONG = "x" * 501


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("engagement", replace(PLAIN, engagement=LONG)),
        ("contract", replace(PLAIN, contract=LONG)),
        ("service_code", replace(PLAIN, service=LONG)),
    ],
)
def test_a_reference_that_cannot_be_read_is_not_dropped(name: str, facts: Facts) -> None:
    # Without it, the invoice would look as if it had none.
    found = one(ubl(facts))
    assert not datum(found, name).sure
    assert codes(found) == ["DATA_MALFORMED"]


def test_an_element_inside_a_text_is_no_text() -> None:
    found = one(ubl(PLAIN).replace(b"<cbc:ID>F2026-001</cbc:ID>", b"<cbc:ID>F2026<cbc:x/>-001</cbc:ID>"))
    assert found.datum("invoice_number") is None
    assert codes(found) == ["DATA_MALFORMED"]


def test_comments_and_cdata_do_not_cut_a_value() -> None:
    data = ubl(PLAIN).replace(b"F2026-001", b"F20<!-- BT-1 --><![CDATA[26-0]]><?x y?>01")
    assert datum(one(data), "invoice_number").value == "F2026-001"


def test_a_currency_that_is_none_is_unsure() -> None:
    found = one(cii(replace(PLAIN, currency="EURO")))
    assert (datum(found, "currency").value, datum(found, "currency").sure) == ("EURO", False)


def test_an_invoice_without_a_currency_takes_that_of_its_amounts_unsure() -> None:
    dollars = replace(PLAIN, currency="USD")
    for data, element in (
        (ubl(dollars), "cbc:DocumentCurrencyCode"),
        (cii(dollars), "ram:InvoiceCurrencyCode"),
    ):
        found = one(data.replace(f"<{element}>USD</{element}>".encode(), b""))
        assert (datum(found, "currency").value, datum(found, "currency").sure) == ("USD", False)


def test_an_amount_in_another_currency_is_unsure() -> None:
    data = ubl(PLAIN).replace(b'PayableAmount currencyID="EUR"', b'PayableAmount currencyID="USD"')
    found = one(data)
    assert not datum(found, "payable").sure
    assert [(w.code, w.field, w.value) for w in found.warnings] == [("DATA_CURRENCY", "payable", "USD")]


def test_the_tax_is_the_one_in_the_currency_of_the_invoice() -> None:
    dollars = replace(PLAIN, currency="USD")
    second = '<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">190.00</cbc:TaxAmount></cac:TaxTotal>'
    for data in (
        ubl(dollars).replace(b"<cac:TaxTotal>", second.encode() + b"<cac:TaxTotal>"),
        cii(dollars).replace(
            b"<ram:TaxTotalAmount",
            b'<ram:TaxTotalAmount currencyID="EUR">190.00</ram:TaxTotalAmount><ram:TaxTotalAmount',
        ),
    ):
        found = one(data)
        assert (datum(found, "tax").value, datum(found, "tax").sure, found.warnings) == ("205.50", True, ())
        assert len(found.vat_breakdown) == 2


@pytest.mark.parametrize("write", [ubl, cii])
def test_a_breakdown_that_is_not_the_tax_is_unsure(write: Callable[[Facts], bytes]) -> None:
    found = one(write(replace(PLAIN, tax="205.52")))
    assert not datum(found, "vat_breakdown").sure
    assert datum(found, "tax").sure
    assert codes(found) == ["DATA_BREAKDOWN_SUM"]
    assert one(write(replace(PLAIN, tax="205.51"))).warnings == ()


def test_a_breakdown_given_twice_is_unsure() -> None:
    data = ubl(PLAIN)
    start, end = data.find(b"<cac:TaxTotal>"), data.find(b"</cac:TaxTotal>") + len(b"</cac:TaxTotal>")
    found = one(data[:end] + data[start:end] + data[end:])
    assert datum(found, "tax").sure
    assert not datum(found, "vat_breakdown").sure


def test_rows_of_other_taxes_are_no_vat() -> None:
    other = "<ram:ApplicableTradeTax><ram:CalculatedAmount>7.00</ram:CalculatedAmount><ram:TypeCode>ENV</ram:TypeCode>"
    other += "<ram:BasisAmount>9.00</ram:BasisAmount></ram:ApplicableTradeTax>"
    found = one(
        cii(PLAIN).replace(b"<ram:SpecifiedTradePaymentTerms>", other.encode() + b"<ram:SpecifiedTradePaymentTerms>")
    )
    assert (len(found.vat_breakdown), found.warnings) == (2, ())


def test_what_is_shown_of_a_value_is_short_and_visible() -> None:
    found = one(ubl(replace(PLAIN, issue_date="a\u202eb\nc" + "d" * 200)))
    (warning,) = found.warnings
    assert warning.value == "a b c" + "d" * 75


def test_every_warning_is_french_with_an_action_where_one_is_asked() -> None:
    broken = Facts(
        issue_date="x", due_date="x", incl="x", payable="x", excl="x", tax="x", currency="X", service="A",
        reference="B", type_code="1", means="99", iban="FR0012345678901234567", rows=(("S", "x", "x", "x"),),
    )  # fmt: skip
    warnings: list[Finding] = [w for data in (ubl(broken), cii(broken), cpp(broken)) for w in one(data).warnings]
    assert {w.code for w in warnings} >= {"DATA_MALFORMED", "SERVICE_CODES_DIFFER", "DATA_TYPE_UNKNOWN"}
    for warning in warnings:
        assert warning.message[0].isupper() or warning.message[0] == "«"
        assert warning.level != "warn" or warning.action
