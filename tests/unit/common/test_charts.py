"""Charts: what stands in each, and what never does."""

import base64
import hashlib
import re
import xml.etree.ElementTree as ET
from typing import Literal

import pytest

from services.common import charts

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("frames", ["none", "self"])
def test_a_chart_has_its_words_and_a_policy_for_its_style_alone(frames: Literal["none", "self"]) -> None:
    chart = charts.chart("bar", charts.style())
    chart.x_labels = ["09/2026", "10/2026"]
    chart.add("Factures", [3, 5])
    drawn, policy = charts.answer(chart, ".bar { fill: red }", "fr", "Par mois & <jour>", frames=frames)
    root = ET.fromstring(drawn)
    assert (root.get("role"), root.get("lang"), root.get("aria-labelledby")) == ("img", "fr", "curve-title")
    assert root[0].text == "Par mois & <jour>"
    text = drawn.decode()
    assert "<script" not in text
    assert " style=" not in text
    styles = [node.text or "" for node in root.iter(f"{SVG}style")]
    assert any(".bar { fill: red }" in style for style in styles)
    hashes = {base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles}
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == hashes
    assert policy.endswith(f"frame-ancestors '{frames}'")
