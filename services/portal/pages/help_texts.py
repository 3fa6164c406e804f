"""The help that people read: one document per task and language, ``words/<language>/help/<name>.yaml``.

A document is made of parts, each with an anchor; a part of blocks: a paragraph, or one named thing (steps, points,
a note, a picture, a table that is made from the program's data). Within a sentence ``[words](/way)`` leads on,
``**words**`` are strong and backquotes hold what is to be typed; nothing else is markup, and everything is escaped.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

import msgspec
from markupsafe import Markup, escape

from invoice import packaged
from services.portal.pages.words import Language, spaced

Table = Literal["keywords", "models", "kinds"]
#: In the order of the index: tasks of who sends, of who receives, of who administers, then what one looks up.
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "supplier": (
        "compte",
        "deposer",
        "saisir",
        "numeriser",
        "lots",
        "pieces-jointes",
        "suivre",
        "corriger",
        "sous-traitance",
        "travaux",
        "questions",
    ),
    "body": ("agent", "finances", "gestionnaire", "exploitant"),
    "software": ("logiciels",),
    "know": ("annuaire", "regles-pdf", "faq", "qui-quand"),
}
NAMES: Final = tuple(name for names in GROUPS.values() for name in names)
_UNIT: Final = re.compile(r"(\d) (€|Mo|Go|jours?|points|caractères)")
_LINK: Final = re.compile(r"\[([^\]]+)\]\((/[^)\s]*|#[^)\s]+)\)")
_STRONG: Final = re.compile(r"\*\*([^*]+)\*\*")
_CODE: Final = re.compile(r"`([^`]+)`")


class Block(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing of a part; only one of its fields is given (``alt`` goes with ``picture``)."""

    text: str = ""
    steps: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    note: str = ""
    picture: str = ""
    alt: str = ""
    table: Table | None = None

    @property
    def kind(self) -> str:
        """Which of the fields is given."""
        return next(name for name in ("text", "steps", "points", "note", "picture", "table") if getattr(self, name))

    @property
    def sentences(self) -> tuple[str, ...]:
        """All that is read of it."""
        return tuple(filter(None, (self.text, *self.steps, *self.points, self.note, self.alt)))


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part under a heading. ``id``: its anchor, the same in every language."""

    id: str
    title: str
    blocks: tuple[Block, ...]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A page of help. ``also``: other pages that help with the same; ``words``: what else people call it."""

    name: str
    title: str
    lead: str
    parts: tuple[Part, ...]
    words: str = ""
    also: tuple[str, ...] = ()


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    title: str
    blocks: list[str | Block]


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    lead: str
    parts: list[_Part]
    words: str = ""
    also: tuple[str, ...] = ()


@cache
def documents(language: Language) -> Mapping[str, Document]:
    """Every document of a language by its name, in the order of the index."""
    return {name: _read(name, language) for name in NAMES}


def _read(name: str, language: Language) -> Document:
    folder = resources.files("services.portal.pages").joinpath("words", language, "help")
    raw = packaged.parse(folder.joinpath(f"{name}.yaml").read_text("utf-8"))
    found = msgspec.convert(_french(raw) if language == "fr" else raw, _Document)
    parts = tuple(
        Part(
            id=part.id,
            title=part.title,
            blocks=tuple(Block(text=block) if isinstance(block, str) else block for block in part.blocks),
        )
        for part in found.parts
    )
    return Document(
        name=name, title=found.title, lead=found.lead, parts=parts, words=found.words, also=tuple(found.also)
    )


def _french(value: Any) -> Any:
    """The same with French spaces in every sentence, and numbers kept beside what they count."""
    if isinstance(value, str):
        return _UNIT.sub("\\1\u00a0\\2", spaced(value))
    if isinstance(value, list):
        return [_french(each) for each in value]
    return {name: _french(each) for name, each in value.items()} if isinstance(value, dict) else value


def marked(sentence: str) -> Markup:
    """A sentence as markup."""
    text = str(escape(sentence))
    text = _LINK.sub(r'<a href="\2">\1</a>', text)
    text = _STRONG.sub(r"<b>\1</b>", text)
    return Markup(_CODE.sub(r"<code>\1</code>", text))


def plain(sentence: str) -> str:
    """A sentence without its marks, for the search."""
    return _CODE.sub(r"\1", _STRONG.sub(r"\1", _LINK.sub(r"\1", sentence)))


def ways(sentence: str) -> list[str]:
    """Where its links lead."""
    return [way for _, way in _LINK.findall(sentence)]
