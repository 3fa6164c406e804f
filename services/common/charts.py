"""Charts as SVG, drawn by pygal: no script, no outside address, readable in light and in dark."""

import base64
import hashlib
import sys
import xml.etree.ElementTree as ET
from typing import Any, Final, Literal

import pygal
from pygal.style import Style

# pygal looks for its maps by a way of importing that Python 3.12 has not; until then every later import would warn.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]
Chart = pygal.Graph
_SVG: Final = "http://www.w3.org/2000/svg"
ET.register_namespace("", _SVG)


def style(**given: Any) -> Style:
    """How charts look; ``given``: what differs."""
    clear = {"background": "transparent", "plot_background": "transparent", "transition": "0s"}
    return Style(font_family="system-ui, sans-serif", **clear, **given)


def chart(kind: Literal["bar", "line"], look: Style, **settings: Any) -> Chart:
    """A chart to be filled."""
    made = pygal.Bar if kind == "bar" else pygal.Line
    return made(style=look, js=(), truncate_label=-1, disable_xml_declaration=True, **settings)


def answer(
    drawn: Chart,
    css: str,
    language: str,
    title: str,
    description: str | None = None,
    *,
    frames: Literal["none", "self"],
) -> tuple[bytes, str]:
    """The picture with its words, and the policy to answer it with: nothing but its own style, named by its hash.

    ``css``: rules beside pygal's own. ``frames``: who may show it within a page.
    """
    root = _plain(ET.fromstring(drawn.render()))
    styles = [node for node in root.iter() if _name(node) == "style"]
    for node in styles:
        node.text = f"{node.text or ''}\n{css}"
    _told(root, language, {"title": title, "desc": description})
    hashes = " ".join(f"'sha256-{_hash(node.text or '')}'" for node in styles)
    svg: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return svg, f"default-src 'none'; style-src {hashes or chr(39) + 'none' + chr(39)}; frame-ancestors '{frames}'"


def _plain(root: ET.Element) -> ET.Element:
    """Without script and hidden data."""
    for parent in list(root.iter()):
        for child in list(parent):
            # Tooltips need the script; titles and descriptions of pygal's own are numbers without words.
            if _name(child) in ("script", "desc", "title") or "tooltip" in child.get("class", "").split():
                parent.remove(child)
            child.attrib.pop("style", None)
    return root


def _told(root: ET.Element, language: str, words: dict[str, str | None]) -> None:
    """With words and a role that name the picture to who hears it."""
    said = {name: text for name, text in words.items() if text is not None}
    for place, (name, text) in enumerate(said.items()):
        node = ET.Element(f"{{{_SVG}}}{name}", {"id": f"curve-{name}"})
        node.text = text
        root.insert(place, node)
    root.set("role", "img")
    root.set("aria-labelledby", " ".join(f"curve-{name}" for name in said))
    root.set("lang", language)


def _name(node: ET.Element) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
