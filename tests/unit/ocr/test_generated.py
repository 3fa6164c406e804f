"""Generated invoices of every layout and wording: what is read is right, and what is sure is never wrong."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoice.reading import FIELD_NAMES
from services.ocr.reader import read
from services.ocr.text import read_pages
from tests import documents
from tests.documents import LAYOUTS, InvoicePdf, sample

MANDATORY = ("invoice_number", "issue_date", "recipient_siret", "total_excl_tax", "tax", "total_incl_tax", "payable")
# What the generator prints on some pages without telling it in its truth.
UNTOLD = frozenset(
    (
        "due_date", "vat_breakdown", "vat_regime", "payment_mode", "supplier_siren", "supplier_vat", "recipient_siren",
        "recipient_vat", "supplier_iban", "preceding_invoice",
    )
)  # fmt: skip


def wrong(invoice: InvoicePdf) -> list[str]:
    """What was read otherwise than it stands on the page."""
    truth = invoice.truth()
    fields = read(invoice.render()).fields
    return [
        f"{f.name}: {f.value!r} for {truth.get(f.name)!r} ({f.keyword!r})"
        for f in fields
        if f.name not in UNTOLD and truth.get(f.name) != f.value
    ]


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(10_000, 10_000_000), layout=st.sampled_from(LAYOUTS))
def test_a_generated_invoice_is_never_read_wrongly(seed: int, layout: str) -> None:
    assert wrong(sample(seed, layout=layout)) == []


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000_000), cents=st.integers(2, 100_000))
def test_amounts_that_disagree_are_never_sure(seed: int, cents: int) -> None:
    invoice = sample(seed, wrong_sum=Decimal(cents) / 100)
    fields = {field.name: field for field in read(invoice.render()).fields}
    for name in ("total_excl_tax", "tax", "total_incl_tax"):
        assert name not in fields or fields[name].confidence == "unsure"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nearly_every_generated_invoice_needs_no_person(layout: str) -> None:
    complete = 0
    for seed in range(60):
        fields = read(sample(seed, layout=layout).render()).fields
        sure = {field.name for field in fields if field.confidence == "sure"}
        complete += sure.issuperset(MANDATORY)
    assert complete >= 57


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_value_stands_inside_the_page_and_its_box_holds_its_text(layout: str) -> None:
    invoice = sample(3, layout=layout)
    page = read_pages(invoice.render()).read[0]
    for field in read(invoice.render()).fields:
        x0, y0, x1, y1 = field.box
        assert 0 <= x0 < x1 <= page.width, field
        assert 0 <= y0 < y1 <= page.height, field
        assert field.raw.strip() == field.raw
        assert field.keyword


def test_fields_come_in_the_order_of_their_names_and_once_each() -> None:
    names = [field.name for field in read(sample(1).render()).fields]
    assert names == [name for name in FIELD_NAMES if name in names]


def test_totals_on_the_second_page_are_read_with_their_page() -> None:
    reading = read(documents.two_pages(4))
    fields = {field.name: field for field in reading.fields}
    assert reading.pages == 2
    assert fields["total_incl_tax"].page == 2
    truth = sample(4).truth()
    assert {name: field.value for name, field in fields.items() if name not in UNTOLD} == truth


@pytest.mark.parametrize(
    ("data", "code"),
    [(documents.scanned(), "SCAN_ONLY"), (documents.without_keywords(), "NOTHING_RECOGNISED")],
)
def test_what_holds_no_data_is_empty_with_its_reason(data: bytes, code: str) -> None:
    reading = read(data)
    assert reading.empty is not None
    assert (reading.empty.code, reading.fields, reading.unreadable) == (code, (), ())
    assert reading.empty.message.endswith(".")
    assert reading.empty.action


@pytest.mark.parametrize(
    ("data", "code"),
    [(documents.encrypted(), "PDF_ENCRYPTED"), (documents.damaged(), "PDF_DAMAGED"), (b"bonjour", "NOT_A_PDF")],
)
def test_what_cannot_be_opened_is_refused_with_its_reason(data: bytes, code: str) -> None:
    reading = read(data)
    assert [(reason.code, reason.level) for reason in reading.unreadable] == [(code, "refuse")]
    assert reading.empty is None


def test_the_same_invoice_makes_the_same_bytes() -> None:
    assert sample(5).render() == sample(5).render()
    assert sample(5).render() != sample(5, copy="2").render()
    assert documents.encrypted(5) == documents.encrypted(5)
