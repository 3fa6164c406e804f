"""A curve as SVG, drawn by pygal: no script, no outside address, readable in light and dark, with title and words."""

import base64
import hashlib
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pygal
from pygal.style import Style

# pygal looks for its maps by a way of importing that Python 3.12 has not; until then every later import would warn.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]

from services.supervision.views import Curve  # noqa: E402 (a later import)
from services.supervision.words import Language, sentence  # noqa: E402

_PARIS: Final = ZoneInfo("Europe/Paris")
_SVG: Final = "http://www.w3.org/2000/svg"
#: Blue, orange, green, violet, brown, grey: told apart by who sees no red or green, and on both grounds.
_COLOURS: Final = ("#2f6fb3", "#c4660c", "#2b8a5a", "#8a5fc0", "#a8702a", "#6c757d", "#b5486f", "#3a8fa3")
_STYLE: Final = Style(
    background="transparent",
    plot_background="transparent",
    foreground="#5a6572",
    foreground_strong="#46515d",
    foreground_subtle="#8c97a3",
    colors=_COLOURS,
    font_family="system-ui, sans-serif",
    guide_stroke_color="#d3d9df",
    major_guide_stroke_color="#d3d9df",
    label_font_size=13,
    major_label_font_size=13,
    opacity=".9",
    opacity_hover="1",
    transition="0s",
)
_MORE: Final = (
    "@media (prefers-color-scheme: dark) {"
    " .pygal-chart text, .pygal-chart .title { fill: #d5dce4 !important; }"
    " .pygal-chart .axis .line { stroke: #97a3b0 !important; }"
    " .pygal-chart .axis .guide.line { stroke: #3a444f !important; }"
    " .pygal-chart .series, .pygal-chart .legends rect { filter: brightness(1.4); } }"
    " .pygal-chart .series .line { stroke-width: 2.5px !important; }"
)
_LABELS: Final = 7
_LABELS_NARROW: Final = 3
Node = ET.Element
ET.register_namespace("", _SVG)


def draw(curve: Curve, language: Language = "fr", *, narrow: bool = False) -> tuple[bytes, str]:
    """The picture, and the policy to answer it with: nothing but its own style, named by its hash.

    ``narrow``: for a telephone, where the letters of the wide one would be too small.
    """
    chart = _chart(curve, language, narrow)
    root = _plain(ET.fromstring(chart.render()), curve, language)
    styles = [node for node in root.iter() if _name(node) == "style"]
    hashes = " ".join(f"'sha256-{_hash(node.text or '')}'" for node in styles)
    svg: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return svg, f"default-src 'none'; style-src {hashes or chr(39) + 'none' + chr(39)}; frame-ancestors 'self'"


def _chart(curve: Curve, language: Language, narrow: bool) -> Any:
    kind = pygal.Bar if curve.kind == "bar" else pygal.Line
    most = max((point.value or 0.0 for series in curve.series for point in series.points), default=0.0)
    labels = _labels([point.at for point in curve.series[0].points] if curve.series else [])
    most_labels = _LABELS_NARROW if narrow else _LABELS
    chart = kind(
        style=_STYLE,
        js=(),
        title=None if narrow else curve.title,
        no_data_text=sentence("nothing", language),
        show_dots=False,
        legend_at_bottom=True,
        legend_at_bottom_columns=1 if narrow else None,
        width=400 if narrow else 800,
        height=(280 + 28 * len(curve.series)) if narrow else 380,
        show_minor_x_labels=curve.kind == "bar" or len(labels) <= most_labels,
        truncate_label=-1,
        max_scale=8,
        x_label_rotation=(40 if narrow else 25) if curve.kind == "bar" else 0,
        range=(0, most or 1),
        value_formatter=lambda value: f"{_short(value, language)} {curve.unit}".strip(),
        show_legend=len(curve.series) > 1,
        disable_xml_declaration=True,
        pretty_print=False,
    )
    chart.x_labels = labels
    if curve.kind == "line" and len(labels) > most_labels:
        chart.x_labels_major = labels[:: max(1, len(labels) // most_labels)]
    for series in curve.series:
        chart.add(series.name, [point.value for point in series.points])
    return chart


def _labels(points: Sequence[str]) -> list[str]:
    """Instants as people in Paris read them, days by their date alone; other words as they are."""
    local = [_local(at) for at in points]
    days = len(local) > 1 and all(at is not None and at.hour == at.minute == 0 for at in local)
    form = "%d/%m" if days else "%d/%m %H:%M"
    return [words if at is None else at.strftime(form) for words, at in zip(points, local, strict=True)]


def _local(at: str) -> datetime | None:
    """None for other words."""
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:
        return None
    return None if instant.tzinfo is None else instant.astimezone(_PARIS)


def _short(value: float | None, language: Language) -> str:
    return "" if value is None else f"{value:.10g}".replace(".", "," if language == "fr" else ".")


def _plain(root: Node, curve: Curve, language: Language) -> Node:
    """Without script and hidden data; with a title, a description and a role that name the picture to who hears it."""
    for parent in list(root.iter()):
        for child in list(parent):
            name = _name(child)
            # Tooltips need the script; titles and descriptions of pygal's own are numbers without words.
            if name in ("script", "desc", "title") or "tooltip" in child.get("class", "").split():
                parent.remove(child)
            child.attrib.pop("style", None)
    for style in (node for node in root.iter() if _name(node) == "style"):
        style.text = f"{style.text or ''}\n{_MORE}"
    for place, (name, words) in enumerate((("title", curve.title), ("desc", curve.description))):
        node = ET.Element(f"{{{_SVG}}}{name}", {"id": f"curve-{name}"})
        node.text = words
        root.insert(place, node)
    root.set("role", "img")
    root.set("aria-labelledby", "curve-title curve-desc")
    root.set("lang", language)
    return root


def _name(node: Node) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
