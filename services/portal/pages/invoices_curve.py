"""Invoices by month as SVG, drawn by pygal: without script and outside address, readable in light and in dark."""

import base64
import hashlib
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import pygal
from pygal.style import Style

from services.portal.pages.words import Words

# pygal looks for its maps by a way of importing that Python 3.12 has not; until then every later import would warn.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]
_SVG: Final = "http://www.w3.org/2000/svg"
_STYLE: Final = Style(
    background="transparent",
    plot_background="transparent",
    foreground="#55625d",
    foreground_strong="#1d2724",
    foreground_subtle="#7d8781",
    colors=("#14594d",),
    font_family="system-ui, sans-serif",
    guide_stroke_color="#d9d5ca",
    major_guide_stroke_color="#d9d5ca",
    label_font_size=14,
    major_label_font_size=14,
    opacity=".95",
    transition="0s",
)
_DARK: Final = (
    "@media (prefers-color-scheme: dark) { .pygal-chart text { fill: #e9ede9 !important; }"
    " .pygal-chart .axis .line { stroke: #7f8f87 !important; }"
    " .pygal-chart .axis .guide.line { stroke: #33403a !important; }"
    " .pygal-chart .series rect { fill: #7fd0bb !important; stroke: #7fd0bb !important; } }"
)
ET.register_namespace("", _SVG)


def draw(months: Sequence[Mapping[str, Any]], t: Words) -> tuple[bytes, str]:
    """The picture, and the policy to answer it with: nothing but its own style, named by its hash."""
    chart = pygal.Bar(
        style=_STYLE,
        js=(),
        no_data_text=t("invoices.months_none"),
        show_legend=False,
        width=900,
        height=300,
        margin=8,
        spacing=4,
        max_scale=5,
        truncate_label=-1,
        x_label_rotation=45,
        disable_xml_declaration=True,
        value_formatter=lambda value: f"{value:.0f}",
    )
    chart.x_labels = [f"{date.fromisoformat(each['month']):%m/%Y}" for each in months]
    chart.add(t("invoices.count"), [each["count"] for each in months])
    root = _plain(ET.fromstring(chart.render()), t)
    styles = [node.text or "" for node in root.iter() if _name(node) == "style"]
    hashes = " ".join(f"'sha256-{_hash(text)}'" for text in styles)
    drawn: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return drawn, f"default-src 'none'; style-src {hashes or chr(39) + 'none' + chr(39)}; frame-ancestors 'none'"


def _plain(root: ET.Element, t: Words) -> ET.Element:
    """Without what needs a script, with a title for who hears it."""
    for parent in list(root.iter()):
        for child in list(parent):
            if _name(child) in ("script", "desc", "title") or "tooltip" in child.get("class", "").split():
                parent.remove(child)
            child.attrib.pop("style", None)
    for style in (node for node in root.iter() if _name(node) == "style"):
        style.text = f"{style.text or ''}\n{_DARK}"
    title = ET.Element(f"{{{_SVG}}}title")
    title.text = t("invoices.by_month")
    root.insert(0, title)
    root.set("role", "img")
    return root


def _name(node: ET.Element) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
