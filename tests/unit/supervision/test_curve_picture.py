"""Pictures of curves: what stands in them, and what never does."""

import base64
import hashlib
import re
import xml.etree.ElementTree as ET
from typing import Literal

import pytest

from services.supervision.curve_picture import draw
from services.supervision.views import Curve, Point, Series

SVG = "{http://www.w3.org/2000/svg}"
#: Half the width of "23/11 20:58" in letters of 13.
_HALF = 40


def _curve(kind: Literal["line", "bar"], values: list[float | None]) -> Curve:
    points = [Point(at=f"2026-11-23T09:{n:02d}:00Z", value=value) for n, value in enumerate(values)]
    series = [Series(name="Déposées <&>", points=points), Series(name="Lues", points=points)]
    return Curve(name="rates", title="Étapes & <ordre>", description="Dix en tout.", unit="s", kind=kind, series=series)


@pytest.mark.parametrize("kind", ["line", "bar"])
@pytest.mark.parametrize("values", [[1, 2, 7.5], [None, 0, None], [], [0.001] * 60])
def test_a_picture_has_title_and_words_and_no_script_and_no_outside_address(
    kind: Literal["line", "bar"], values: list[float | None]
) -> None:
    curve = _curve(kind, values)
    if not values:
        curve = curve.model_copy(update={"series": []})
    svg, policy = draw(curve)
    root = ET.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert [child.text for child in root][:2] == ["Étapes & <ordre>", "Dix en tout."]
    assert root.get("aria-labelledby") == "curve-title curve-desc"
    text = svg.decode()
    assert "<script" not in text
    assert not re.search(r"\son\w+=", text)
    assert not re.sub(r'xmlns(:\w+)?="[^"]*"', "", text).count("http")
    assert " style=" not in text
    assert "prefers-color-scheme: dark" in text
    styles = [node.text or "" for node in root.iter(f"{SVG}style")]
    hashes = {base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles}
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == hashes
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_a_higher_value_is_drawn_higher() -> None:
    svg, _ = draw(_curve("bar", [1.0, 4.0]))
    bars = [node for node in ET.fromstring(svg).iter(f"{SVG}rect") if "rect" in node.get("class", "").split()]
    heights = [float(node.get("height", "0")) for node in bars]
    assert len(heights) == 4
    assert heights[1] == pytest.approx(4 * heights[0], rel=0.02)


def test_days_are_named_by_their_date_and_instants_by_their_hour_in_paris() -> None:
    days = ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "2026-10-26T23:00:00Z")
    assert _texts(days) >= {"25/10", "26/10", "27/10"}
    hours = ("2026-11-23T22:00:00Z", "2026-11-23T23:00:00Z")
    assert _texts(hours) >= {"23/11 23:00", "24/11 00:00"}
    assert _texts(("2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z")) >= {"10:00", "11:00"}


def test_what_is_counted_has_no_halves_and_what_is_measured_has() -> None:
    drawn = _texts(("2026-11-23T09:00:00Z",), value=2)
    assert {"0", "1", "2"} <= drawn
    assert not any("," in text for text in drawn)
    assert any("," in text for text in _texts(("2026-11-23T09:00:00Z",), value=2, unit="s"))


@pytest.mark.parametrize("narrow", [False, True])
def test_the_last_instant_is_not_cut_at_the_edge(narrow: bool) -> None:
    points = [Point(at=f"2026-11-{day:02d}T{hour:02d}:00:00Z", value=1) for day in (22, 23) for hour in range(24)]
    curve = Curve(
        name="rates", title="t", description="d", unit="", kind="line", series=[Series(name="Lues", points=points)]
    )
    root = ET.fromstring(draw(curve, narrow=narrow)[0])
    width = float(root.get("viewBox", "").split()[2])
    parents = {child: parent for parent in root.iter() for child in parent}
    for node in root.iter(f"{SVG}text"):
        if re.fullmatch(r"\d\d/\d\d \d\d:\d\d", node.text or ""):
            assert _left(node, parents) + float(node.get("x", "0")) + _HALF < width


def test_few_labels_of_bars_stand_straight_and_many_lean() -> None:
    few, many = ("en retard", "5 jours ou moins"), tuple(f"{n:014d}" for n in range(12))
    assert "rotate(" not in _svg(few)
    assert "rotate(" in _svg(many)


def _left(node: ET.Element, parents: dict[ET.Element, ET.Element]) -> float:
    """Where the groups around it begin."""
    found = 0.0
    while node in parents:
        node = parents[node]
        moved = re.match(r"translate\(([\d.]+)", node.get("transform", ""))
        found += float(moved[1]) if moved else 0
    return found


def _texts(instants: tuple[str, ...], value: float = 1, unit: str = "") -> set[str]:
    return {node.text or "" for node in ET.fromstring(_svg(instants, value, unit)).iter(f"{SVG}text")}


def _svg(places: tuple[str, ...], value: float = 1, unit: str = "") -> str:
    series = [Series(name="Lues", points=[Point(at=at, value=value) for at in places])]
    curve = Curve(name="rates", title="t", description="d", unit=unit, kind="bar", series=series)
    return draw(curve)[0].decode()
