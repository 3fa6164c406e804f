"""The picture of invoices by month: a year of them, letters that can be read on a telephone too."""

import re
import xml.etree.ElementTree as ET

from services.portal.pages.invoices_curve import draw
from services.portal.pages.words import Words

SVG = "{http://www.w3.org/2000/svg}"
MONTH = re.compile(r"\d\d/\d{4}")


def _root(months: list[dict[str, object]], *, narrow: bool = False) -> ET.Element:
    return ET.fromstring(draw(months, "2026-11-23", Words("fr"), narrow=narrow)[0])


def _bars(root: ET.Element) -> list[float]:
    return [
        float(node.get("height", "0")) for node in root.iter(f"{SVG}rect") if "rect" in node.get("class", "").split()
    ]


def _labels(root: ET.Element) -> list[str]:
    return [node.text or "" for node in root.iter(f"{SVG}text") if MONTH.fullmatch(node.text or "")]


def test_one_month_is_one_bar_of_twelve() -> None:
    root = _root([{"month": "2026-11-01", "count": 6}])
    bars = _bars(root)
    assert len(bars) == 12
    assert [height > 0 for height in bars] == [False] * 11 + [True]
    assert _labels(root)[-1] == "11/2026"
    assert "rotate(" not in ET.tostring(root, encoding="unicode")


def test_no_invoice_at_all_is_twelve_months_of_nought() -> None:
    assert _bars(_root([])) == [0] * 12
    assert len(_labels(_root([]))) == 12


def test_what_is_older_than_a_year_is_shown_too_and_months_without_invoices_have_their_place() -> None:
    root = _root([{"month": "2025-01-01", "count": 2}, {"month": "2026-11-01", "count": 1}])
    assert len(_bars(root)) == 23
    assert len(_labels(root)) <= 12


def test_the_narrow_one_is_no_wide_one_made_small() -> None:
    root = _root([{"month": "2026-11-01", "count": 6}], narrow=True)
    assert float(root.get("viewBox", "").split()[2]) == 400
    assert len(_labels(root)) == 4
    assert _labels(root)[-1] == "11/2026"
