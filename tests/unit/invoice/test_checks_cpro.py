"""BR-FR-CPRO: what binds a file of the reform to a public buyer, in both syntaxes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from invoice import checks_cpro
from invoice.messages import CODES
from invoice.syntax import parse
from tests.unit.invoice.syntax.samples import PLAIN, Facts, cii, ubl

Write = Callable[[Facts], bytes]
BOTH = pytest.mark.parametrize("write", [ubl, cii], ids=["ubl", "cii"])
FACTS = replace(PLAIN, process="S1")


def broken(data: bytes, process: str = "S1") -> list[str]:
    (invoice,) = parse(data)
    document = invoice.document()
    assert document is not None
    return [one.code.removeprefix("BR-FR-CPRO-") for one in checks_cpro.broken(document, process)]


@BOTH
def test_a_good_invoice_breaks_none(write: Write) -> None:
    assert broken(write(FACTS)) == []


@BOTH
@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"number": "F" * 21}, "02"),
        ({"preceding": "F" * 21}, "02"),
        ({"supplier_siret": "123"}, "03"),
        ({"supplier_siret": None}, "09"),
        ({"recipient_siret": None}, "10"),
        ({"notes": ((None, "x" * 1025),)}, "42"),
        ({"iban": "X" * 85}, "40"),
        ({"attachments": (("x" * 47 + ".pdf", "application/pdf", b"x"),)}, "41"),
    ],
)
def test_what_is_too_long_or_missing_is_named(write: Write, given: dict[str, Any], rule: str) -> None:
    assert broken(write(replace(FACTS, **given))) == [rule]


@BOTH
def test_the_longest_that_may_stand_passes(write: Write) -> None:
    longest = replace(FACTS, number="F" * 20, notes=((None, "x" * 1024),), iban="X" * 84)
    assert broken(write(longest)) == []


@BOTH
def test_a_direct_payment_names_the_agent_of_the_seller(write: Write) -> None:
    assert broken(write(FACTS), "S3") == ["21"]


@pytest.mark.parametrize(("scheme", "good", "bad"), [
    ("0223", "DE123456789", "123456789"),
    ("0226", "1" * 80, "1" * 81),
    ("0227", "USACME INC", "ACME-Incorporated-of-America"),
    ("0228", "123456789", "12345"),
    ("0229", "1234567890", "12345678901"),
])  # fmt: skip
def test_a_foreign_seller_has_the_number_of_its_scheme(scheme: str, good: str, bad: str) -> None:
    for value, expected in ((good, 0), (bad, 1)):
        data = ubl(replace(FACTS, supplier_siret=value, supplier_siren=None))
        data = data.replace(b'schemeID="0009"', f'schemeID="{scheme}"'.encode(), 1)
        assert len(broken(data)) == expected, (value, broken(data))


def test_two_of_what_stands_once_and_a_contract_of_another_kind_are_named() -> None:
    more = (
        b"<cac:PaymentTerms/><cac:PaymentTerms/><cac:BillingReference/><cac:BillingReference/>"
        b"<cac:ContractDocumentReference><cbc:DocumentType>DEVIS</cbc:DocumentType></cac:ContractDocumentReference>"
        b'<cac:PayeeParty><cac:PartyLegalEntity><cbc:CompanyID schemeID="0002">1</cbc:CompanyID></cac:PartyLegalEntity>'
        b"<cac:Contact/><cac:Contact/></cac:PayeeParty>"
    )
    data = ubl(FACTS).replace(b"<cac:AccountingSupplierParty>", more + b"<cac:AccountingSupplierParty>", 1)
    assert broken(data) == ["01", "17", "20", "25", "28"]


def test_only_a_cadre_of_the_reform_binds() -> None:
    assert all(checks_cpro.binds(code) for code in ("S1", "B2", "M9", " S3 "))
    assert not any(
        checks_cpro.binds(code) for code in (None, "A1", "P1", "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0")
    )


def test_the_table_has_all_forty_four_and_each_answers_or_says_who_does() -> None:
    assert list(checks_cpro.ROWS) == [f"BR-FR-CPRO-{number:02}" for number in range(1, 45)]
    for code, row in checks_cpro.ROWS.items():
        assert bool(row.message) == bool(row.fix), code
        assert set(row.by) <= CODES.keys(), code
        assert row.message or row.by or code == "BR-FR-CPRO-16", code
