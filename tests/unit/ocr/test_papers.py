"""Whole pages in the manner of real suppliers: every value that they show is read, and nothing else for sure."""

import pytest

from services.ocr.reader import read
from tests.unit.ocr import paper_texts, paper_texts_more
from tests.unit.ocr.paper_texts import Paper
from tests.unit.ocr.papers import paper

PAPERS = {
    name.lower(): value
    for module in (paper_texts, paper_texts_more)
    for name, value in vars(module).items()
    if isinstance(value, Paper)
}


@pytest.mark.parametrize("name", PAPERS)
def test_every_value_of_a_usual_page_is_read(name: str) -> None:
    shown = PAPERS[name].shown
    fields = {field.name: field.value for field in read(paper(PAPERS[name].page)).fields}
    assert {field: fields.get(field) for field in shown} == shown


@pytest.mark.parametrize("name", PAPERS)
def test_every_value_of_a_usual_page_stands_in_its_box(name: str) -> None:
    for field in read(paper(PAPERS[name].page)).fields:
        x0, y0, x1, y1 = field.box
        assert 0 <= x0 < x1 <= 596, field
        assert 0 <= y0 < y1 <= 842, field
