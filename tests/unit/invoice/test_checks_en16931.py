"""EN 16931 as code: the rules that a document breaks, with place and words. tests/corpus asks the official rules."""

import re
from collections.abc import Callable
from random import Random

import pytest

from invoice.en16931 import broken_rules
from invoice.en16931.table import ROWS
from invoice.en16931.values import decimal, double, rounded, rounded_double, same, tidy, to_cents
from invoice.syntax import SyntaxRefused
from tests.corpus.en16931 import cii, facts, ubl
from tests.unit.invoice.syntax import samples

Write = Callable[[facts.Made], bytes]
BOTH = pytest.mark.parametrize("write", [ubl.write, cii.write], ids=["ubl", "cii"])


def made(seed: int = 1, *codes: str, full: bool = True, credit_note: bool = False) -> facts.Made:
    return facts.make(Random(seed), full=full, codes=codes or ("S",), credit_note=credit_note)


def codes(data: bytes) -> list[str]:
    found = broken_rules(data)
    assert found is not None
    return [one.code for one in found]


def edited(data: bytes, pattern: str, replacement: str) -> bytes:
    text, count = re.subn(pattern, replacement, data.decode(), count=1, flags=re.DOTALL)
    assert count == 1, pattern
    return text.encode()


@BOTH
def test_a_whole_invoice_of_every_kind_breaks_no_rule(write: Write) -> None:
    for seed in range(60):
        assert codes(write(facts.make(Random(seed), credit_note=seed % 2 == 1))) == []


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        (r"<cbc:ID>F\d+</cbc:ID>", "BR-02"),
        (r"<cbc:IssueDate>.*?</cbc:IssueDate>", "BR-03"),
        (r"<cbc:RegistrationName>Vendeur SAS</cbc:RegistrationName>", "BR-06"),
        (r"<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:ClassifiedTaxCategory>", "BR-CO-04"),
        (r"<cbc:PayableAmount.*?</cbc:PayableAmount>", "BR-15"),
    ],
)
def test_what_is_missing_in_ubl_is_named(pattern: str, code: str) -> None:
    end = "</cac:ClassifiedTaxCategory>" if "Classified" in pattern else ""
    assert code in codes(edited(ubl.write(made()), pattern, end))


@pytest.mark.parametrize(
    ("pattern", "replacement", "code"),
    [
        (r"<ram:ID>F\d+</ram:ID>", "", "BR-02"),
        (r'format="102">20261120', 'format="102">20261320', "CII-DT-097"),
        (r"<ram:CountryID>FR", "<ram:CountryID>XX", "BR-CL-14"),
        (r"<ram:DuePayableAmount>", "<ram:DuePayableAmount>1", "BR-CO-16"),
        (r"<ram:GrandTotalAmount>", "<ram:GrandTotalAmount>1", "BR-CO-15"),
    ],
)
def test_what_is_wrong_in_cii_is_named(pattern: str, replacement: str, code: str) -> None:
    assert code in codes(edited(cii.write(made()), pattern, replacement))


@BOTH
def test_a_base_that_its_lines_do_not_make_names_the_category(write: Write) -> None:
    for category, name in (("S", "S"), ("E", "E"), ("AE", "AE"), ("K", "IC"), ("G", "G"), ("Z", "Z"), ("O", "O")):
        data = write(made(3, category))
        data = edited(
            data, r"<(cbc:TaxableAmount|ram:BasisAmount)([^>]*)>(?=[^<]*</[^>]*>(<cbc:TaxAmount|<ram:Cat))", r"<\1\2>9"
        )
        assert f"BR-{name}-08" in codes(data)


def test_a_credit_note_of_ubl_is_one_document_like_any_other() -> None:
    data = ubl.write(made(2, credit_note=True))
    assert b"<CreditNote " in data
    assert codes(data) == []
    assert "BR-16" in codes(edited(data, r"<cac:CreditNoteLine>.*</cac:CreditNoteLine>", ""))


def test_the_place_and_the_value_of_a_broken_rule_are_told() -> None:
    data = edited(cii.write(made()), r"<ram:CountryID>FR", "\n<ram:CountryID>XX")
    (found,) = [one for one in broken_rules(data) or () if one.code == "BR-CL-14"]
    assert found.value == "XX"
    assert found.line == 3
    assert found.path.endswith("ram:CountryID")
    assert found.level == "refuse"


def test_a_card_given_in_full_refuses_in_cii_and_warns_in_ubl() -> None:
    numbers = {"ubl": (ubl.write, r"(<cbc:PrimaryAccountNumberID>)1234"), "cii": (cii.write, r"(Card><ram:ID>)1234")}
    levels = {}
    for syntax, (write, pattern) in numbers.items():
        card = next(m for m in (made(seed) for seed in range(99)) if m.has("card"))
        found = broken_rules(edited(write(card), pattern, r"\g<1>4970101234567890")) or ()
        levels[syntax] = {one.code: one.level for one in found}
    assert levels == {"ubl": {"BR-51": "warn"}, "cii": {"BR-51": "refuse"}}


def test_what_says_both_charge_and_allowance_is_judged_as_an_allowance() -> None:
    """As the official rules do: of those that look at one element, the first alone speaks."""
    both = "<udt:Indicator>false</udt:Indicator><udt:Indicator>true</udt:Indicator>"
    said = f"<ram:ChargeIndicator>{both}</ram:ChargeIndicator>"
    adjustment = f"<ram:SpecifiedTradeAllowanceCharge>{said}</ram:SpecifiedTradeAllowanceCharge>"
    found = codes(edited(cii.write(made()), "<ram:SpecifiedTradePaymentTerms>", rf"{adjustment}\g<0>"))
    assert {"BR-31", "BR-32", "BR-33"} <= set(found)
    assert not {"BR-36", "BR-37", "BR-38"} & set(found)


def test_other_formats_have_no_rules_of_the_standard() -> None:
    assert broken_rules(samples.cpp(samples.PLAIN)) is None
    assert broken_rules(samples.cii(samples.PLAIN, zugferd_1=True)) is None
    with pytest.raises(SyntaxRefused):
        broken_rules(b"<Invoice")


def test_every_row_of_the_table_is_whole_french_sentences() -> None:
    for row in ROWS.values():
        for sentence in (row.rule, row.message, row.fix):
            assert sentence.endswith("."), row.code
            assert not re.search(r"[{}]", sentence), row.code
            assert sentence[0].isupper() or sentence[0] in "«", row.code


def test_numbers_are_read_as_xpath_reads_them() -> None:
    assert decimal(" 1.50\n") == decimal("1.5")
    for text in ("", "1,5", "1e3", "1_0", "١", "NaN", "0x1"):
        assert decimal(text).is_nan(), text
    assert double("1e3") == 1000
    assert double("-INF") == float("-inf")
    assert double("1_0") != double("1_0")
    assert tidy("\u00a0a \t b\n") == "\u00a0a b"


def test_a_half_is_rounded_upwards_even_below_zero() -> None:
    assert rounded(decimal("-2.5")) == -2
    assert to_cents(decimal("1.005")) == decimal("1.01")
    assert to_cents(decimal("-1.005")) == decimal("-1.00")
    assert rounded_double(-2.5) == -2
    assert rounded_double(0.49999999999999994) == 0
    assert not same(double("-0.00"), 0.0)
    assert same(double("-0"), 0.0)


def _flood(piece: str, count: int) -> bytes:
    data = ubl.write(made())
    return data.replace(
        b"<cac:AccountingSupplierParty>", (piece * count).encode() + b"<cac:AccountingSupplierParty>", 1
    )


@pytest.mark.parametrize(
    "piece",
    [
        "<cac:LegalMonetaryTotal/><cac:AllowanceCharge/>",
        "<cac:PayeeParty/><cac:AccountingSupplierParty><cac:Party/></cac:AccountingSupplierParty>",
        '<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">1</cbc:TaxAmount></cac:TaxTotal><cbc:DocumentCurrencyCode/>',
        "<cac:TaxTotal><cac:TaxSubtotal><cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>20</cbc:Percent><cac:TaxScheme>"
        "<cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal><cac:InvoiceLine/>",
        "<cbc:Note>#XXX#</cbc:Note><cbc:PaymentID/>",
    ],
)
def test_a_flood_of_elements_is_judged(piece: str) -> None:
    # A rule that compared each of them with each would not be through when the test's own time is over.
    assert len(codes(_flood(piece, 40_000))) > 0
