"""How answers and boxes are judged."""

import pytest

from contracts.events import ReadField
from services.ocr.domain import Reading
from tests.corpus.scoring import Evidence, Tally, forms, judge, squeezed, verdict
from tests.corpus.variety import layouts, make


@pytest.mark.parametrize(
    ("value", "truth", "implied", "answer"),
    [
        ("10.00", "10.00", (), "right"),
        ("10.01", "10.00", (), "wrong"),
        ("10.00", None, (), "wrong"),
        ("10.00", None, ("10.00",), None),
        ("11.00", None, ("10.00",), "wrong"),
        (None, "10.00", (), "silent"),
        (None, None, ("10.00",), None),
    ],
)
def test_a_value_is_right_only_when_the_page_shows_it(
    value: str | None, truth: str | None, implied: tuple[str, ...], answer: str | None
) -> None:
    assert verdict(value, truth, implied) == answer


def field(name: str, value: str, box: tuple[float, float, float, float], confidence: str = "sure") -> ReadField:
    return ReadField(name=name, value=value, confidence=confidence, page=1, box=box, keyword="", raw=value)  # type: ignore[arg-type]


def test_a_box_beside_its_value_is_no_evidence() -> None:
    made = make(layouts("train")[3], 0)
    evidence = Evidence(made.pdf)
    number = made.truth["invoice_number"] or ""
    whole = field("invoice_number", number, (0, 0, 600, 850))
    assert squeezed(number) in squeezed(evidence.text(1, whole.box))
    assert not evidence.holds(whole, [number])  # the whole page is no place
    assert not evidence.holds(field("invoice_number", number, (0, 0, 20, 20)), [number])
    evidence.close()


def test_counts_separate_what_is_sure() -> None:
    made = make(layouts("train")[3], 0)
    number = made.truth["invoice_number"] or ""
    tally = Tally()
    place = (0.0, 0.0, 1.0, 1.0)
    given = (field("invoice_number", number, place), field("issue_date", "1999-01-01", place, "unsure"))
    judge(tally, "layout", made, Reading(pages=1, fields=given))
    right, wrong = tally.over(name="invoice_number"), tally.over(name="issue_date")
    assert (right.right, right.sure_right, right.boxes, right.boxed) == (1, 1, 1, 0)
    assert (wrong.wrong, wrong.sure_wrong) == (1, 0)
    assert tally.over().silent == sum(value is not None for value in made.truth.values()) - 2


def test_a_canonical_value_is_found_in_the_forms_pages_use() -> None:
    printed = {squeezed(form) for form in forms("issue_date", "2026-03-01")}
    assert {squeezed(text) for text in ("01/03/2026", "1 mars 2026", "01.03.26")} <= printed
    assert "1234" in {squeezed(form) for form in forms("tax", "1234.00")}
