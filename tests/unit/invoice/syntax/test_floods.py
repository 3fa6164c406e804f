"""Floods inside an invoice that is otherwise right: bounded answers, in bounded time."""

import time
from dataclasses import replace

import pytest

from invoice.syntax import DataFile, SyntaxRefused, parse
from tests.unit.invoice.syntax.samples import PLAIN, cii, ubl

MANY = 15_000
LONG = 600_000


def inserted(more: str, after: str, data: bytes | None = None) -> bytes:
    data = ubl(PLAIN) if data is None else data
    assert after.encode() in data
    return data.replace(after.encode(), after.encode() + more.encode(), 1)


def read(data: bytes) -> DataFile:
    began = time.process_time()
    (found,) = parse(data)
    for _ in found.lines():
        pass
    assert len(found.notes) <= 1_000
    assert len(found.attachments) <= 1_000
    assert time.process_time() - began < 3
    assert len(found.warnings) <= 100
    assert len(repr(found.fields)) < 20_000
    assert all(len(warning.message) < 2_000 for warning in found.warnings)
    return found


REFERENCE = "<cac:AdditionalDocumentReference>{}</cac:AdditionalDocumentReference>"
BINARY = "<cac:Attachment><cbc:EmbeddedDocumentBinaryObject>QQ==</cbc:EmbeddedDocumentBinaryObject></cac:Attachment>"
FLOODS = {
    "numbers": ("<cbc:ID>F2</cbc:ID>", "</cbc:ID>"),
    "days": ("<cbc:IssueDate>never</cbc:IssueDate>", "</cbc:IssueDate>"),
    "notes": ("<cbc:Note>n</cbc:Note>", "</cbc:IssueDate>"),
    "tax rows": ("<cac:TaxSubtotal><cbc:TaxableAmount>1</cbc:TaxableAmount></cac:TaxSubtotal>", "</cac:TaxSubtotal>"),
    "tax totals": ("<cac:TaxTotal><cbc:TaxAmount>1.00</cbc:TaxAmount></cac:TaxTotal>", "</cac:TaxTotal>"),
    "means": (
        "<cac:PaymentMeans><cbc:PaymentMeansCode>0</cbc:PaymentMeansCode></cac:PaymentMeans>",
        "</cac:PaymentMeans>",
    ),
    "tax schemes": (
        "<cac:PartyTaxScheme><cbc:CompanyID>?</cbc:CompanyID></cac:PartyTaxScheme>",
        "</cac:PartyTaxScheme>",
    ),
    "documents": (REFERENCE.format(BINARY), "</cbc:IssueDate>"),
    "attachments of a document": (BINARY, ""),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_the_same_thing_many_times_gives_a_bounded_answer(flood: str) -> None:
    more, after = FLOODS[flood]
    if not after:
        found = read(inserted(REFERENCE.format(more * MANY), "</cbc:IssueDate>"))
        assert len(found.attachments) == 1_000
        return
    found = read(inserted(more * MANY, after))
    datum = found.datum("payable")
    assert datum is not None
    assert datum.sure


LONG_TEXTS = {
    "spaces": " " * LONG,
    "words": "a " * (LONG // 2),
    "digits": "1" * LONG,
    "a siret and more behind": "00003200300014" + " " * LONG + "1",
}


@pytest.mark.parametrize("text", LONG_TEXTS)
@pytest.mark.parametrize("name", ["number", "issue_date", "incl", "supplier_vat", "recipient_siret", "iban", "process"])
def test_a_text_without_end_is_no_value(name: str, text: str) -> None:
    facts = replace(PLAIN, **{name: LONG_TEXTS[text]})  # type: ignore[arg-type]
    for data in (ubl(facts), cii(facts)):
        found = read(data)
        fields = {"number": "invoice_number", "incl": "total_incl_tax", "iban": "supplier_iban", "process": "cadre"}
        assert found.datum(fields.get(name, name)) is None


def test_a_file_name_without_end_is_cut() -> None:
    facts = replace(PLAIN, attachments=(("x" * LONG, "y" * LONG, b"1"),))
    (attachment,) = read(ubl(facts)).attachments
    assert (len(attachment.name), len(attachment.media_type)) == (200, 100)


def test_five_thousand_lines_are_read_one_by_one() -> None:
    found = read(cii(replace(PLAIN, lines=5_000)))
    assert found.lines_count == 5_000


@pytest.mark.parametrize("piece", [b"xmlns", b"xmlns:", b" xmlns", b"xmlns ", b'xmlns"', b"\txmlns:a"])
def test_words_that_look_like_namespaces_cost_no_more_than_their_length(piece: bytes) -> None:
    started = time.process_time()
    with pytest.raises(SyntaxRefused):
        parse(b"<a>" + piece * 200_000 + b"</a>")
    assert time.process_time() - started < 5  # seconds; looking again from each word takes minutes
