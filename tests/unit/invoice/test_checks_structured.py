"""What a structured invoice is refused or warned for: which rules bind it, and what they say."""

from dataclasses import replace
from random import Random

import pytest

from invoice.checks_structured import check_rates, check_structured
from invoice.findings import Finding
from invoice.syntax import VatLine, parse
from invoice.syntax.values import number
from tests.corpus.en16931 import cii, facts, ubl
from tests.unit.invoice.syntax import samples

STANDARD = b"urn:cen.eu:en16931:2017"
EXTENDED = STANDARD + b"#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr"


def findings(data: bytes) -> dict[str, Finding]:
    (invoice,) = parse(data)
    return {one.code: one for one in check_structured(invoice)}


def whole(write: object = ubl.write) -> bytes:
    made = facts.make(Random(5), codes=("S",), full=True)
    made = replace(made, parts=made.parts - {"process"}, currency="EUR")
    return ubl.write(made) if write is ubl.write else cii.write(made)


@pytest.mark.parametrize("write", [ubl.write, cii.write], ids=["ubl", "cii"])
def test_a_whole_invoice_is_told_nothing(write: object) -> None:
    assert findings(whole(write)) == {}


def test_the_standard_refuses_and_below_it_no_rule_binds() -> None:
    broken = whole().replace(b"<cbc:IssueDate>2026-11-20</cbc:IssueDate>", b"")
    assert findings(broken)["BR-03"].level == "refuse"
    assert "date" in findings(broken)["BR-03"].message
    assert findings(broken.replace(STANDARD, b"urn:factur-x.eu:1p0:basicwl")) == {}


def test_an_extension_may_hold_more_than_the_core_and_must_count_as_well() -> None:
    twice = whole().replace(b"<cac:PaymentTerms>", b"<cac:PaymentTerms><cbc:Note>a</cbc:Note>")
    assert findings(twice)["UBL-SR-05"].level == "refuse"
    assert findings(twice.replace(STANDARD, EXTENDED))["UBL-SR-05"].level == "warn"
    wrong = whole().replace(b"<cbc:PayableAmount ", b"<cbc:PayableAmount note='1' ").replace(STANDARD, EXTENDED)
    assert findings(wrong) == {}
    start = wrong.index(b"<cbc:PayableAmount")
    digit = wrong.index(b">", start) + 1
    assert findings(wrong[:digit] + b"1" + wrong[digit:])["BR-CO-16"].level == "refuse"


def test_chorus_pros_own_formats_are_not_asked_the_standard() -> None:
    for data in (
        samples.ubl(samples.PLAIN, chorus="A1"),
        samples.cii(samples.PLAIN, chorus="A1"),
        samples.cpp(samples.PLAIN),
    ):
        assert findings(data) == {}


def test_rates_are_french_for_a_french_supplier() -> None:
    rows = (VatLine(rate=number("25"), base=number("1"), amount=number("0.25"), category="L"),)
    assert [(one.code, one.level) for one in check_rates(rows)] == [
        ("VAT_RATE_UNKNOWN", "refuse"),
        ("VAT_CATEGORY_UNKNOWN", "refuse"),
    ]
    assert {one.level for one in check_rates(rows, french=False)} == {"warn"}
    assert "25 %" in check_rates(rows)[0].message
    overseas = (VatLine(rate=number("8.50"), base=number("1"), amount=number("0.08"), category="S"),)
    assert check_rates(overseas) == ()


def test_the_value_that_broke_a_rule_is_kept_and_its_line_said() -> None:
    found = findings(whole(cii.write).replace(b"<ram:CountryID>FR", b"<ram:CountryID>XX", 1))["BR-CL-14"]
    assert found.value == "XX"
    assert "(ligne 2 du fichier)" in found.message
    assert found.action
