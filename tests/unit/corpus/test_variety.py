"""The made invoices say what their truth says, and the two splits differ where they should."""

from decimal import Decimal

import pypdfium2.raw as pdfium
import pytest

from services.ocr.text import read_pages
from tests.corpus.scoring import Evidence, squeezed
from tests.corpus.variety import FIELDS, layouts, make
from tests.corpus.variety_bill import bill
from tests.corpus.variety_firms import iban_of, siret_of, vat_of, with_check
from tests.corpus.variety_style import STRUCTURES, style_of
from tests.corpus.variety_words import LABELS

SOME = (*layouts("train")[::9], *layouts("test")[::9])


def page_text(data: bytes) -> str:
    """All text of a document, as pdfium gives it."""
    evidence = Evidence(data)
    try:
        return " ".join(evidence.text(page, (-2000, -2000, 4000, 4000)) for page in range(1, 12))
    finally:
        evidence.close()


def test_there_are_hundreds_of_layouts_and_no_test_layout_is_a_train_layout() -> None:
    assert len(layouts("train")) > 250
    assert len(layouts("test")) > 100
    assert set(layouts("train")).isdisjoint(layouts("test"))


def test_test_layouts_hold_structures_and_wordings_that_no_train_layout_has() -> None:
    seen = {split: [style_of(name) for name in layouts(split)] for split in ("train", "test")}
    for kind in ("page", "refs", "pair", "totals", "dates", "negative"):
        known = {style.is_[kind] for style in seen["train"]}
        assert known == set(STRUCTURES[kind].common), kind
        assert set(STRUCTURES[kind].held) - known <= {style.is_[kind] for style in seen["test"]}, kind
    for name, choice in LABELS.items():
        held = set(choice.held) - set(choice.common)
        assert held, name
        assert held.isdisjoint(style.words[name] for style in seen["train"]), name
        assert not held.isdisjoint(style.words[name] for style in seen["test"]), name


def test_the_same_document_is_made_of_the_same_bytes() -> None:
    for layout in SOME[:12]:
        assert make(layout, 4) == make(layout, 4)
        assert make(layout, 4).pdf != make(layout, 5).pdf


@pytest.mark.parametrize("layout", SOME)
def test_every_value_stands_on_the_page_as_it_is_said_to_be_printed(layout: str) -> None:
    made = make(layout, 1)
    text = squeezed(page_text(made.pdf))
    ordered = style_of(layout).is_["order"] in ("drawn", "reading") and style_of(layout).is_["turn"] == "no"
    for name in FIELDS:
        if made.truth[name] is None:
            assert name not in made.printed
            continue
        for form in made.printed[name]:
            parts = [form] if ordered else form.split()
            assert all(squeezed(part) in text for part in parts), (name, form)


def test_the_figures_of_a_bill_agree() -> None:
    for layout in SOME:
        content = bill(style_of(layout), 2)
        assert content.total_excl_tax + content.tax == content.total_incl_tax
        assert content.payable == content.total_incl_tax - content.prepaid - content.retention
        assert sum(base for _, base, _ in content.breakdown) == content.total_excl_tax
        made = make(layout, 2).truth
        shown = [made[name] for name in ("total_excl_tax", "tax", "total_incl_tax")]
        if None not in shown:
            assert Decimal(shown[0] or 0) + Decimal(shown[1] or 0) == Decimal(shown[2] or 0)


def test_invented_identifiers_pass_the_checks() -> None:
    from random import Random

    siret = siret_of("999", Random(1))
    assert with_check(siret[:8]) == siret[:9]
    assert with_check(siret[:13]) == siret
    assert vat_of("404833048") == "FR83404833048"
    assert iban_of("20041", "01005", "05000130267"[:11])[:2] == "FR"
    iban = iban_of("30001", "00794", "12345678901")
    assert int("".join(str(int(mark, 36)) for mark in iban[4:] + iban[:4])) % 97 == 1


def test_documents_open_and_have_the_pages_that_were_drawn() -> None:
    pages = [read_pages(make(layout, 3).pdf).pages for layout in SOME]
    assert min(pages) == 1
    assert max(pages) > 1
    assert pdfium.FPDF_GetLastError() == 0
