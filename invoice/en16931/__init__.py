"""The rules of EN 16931 as code: which of them a UBL or CII document breaks.

Written after the semantics of the European artefacts, release 1.3.16, down to how they count: a document that those
refuse is refused here, by the same rules, and no other is (docs/checks-disagreements.md). Pure, one walk over the
document.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import localcontext
from typing import Literal

import msgspec

from invoice.en16931 import cii, ubl
from invoice.en16931.fired import Fired
from invoice.en16931.table import ROWS
from invoice.en16931.values import EXACT
from invoice.syntax.document import open_document
from invoice.syntax.elements import Document, Element
from invoice.syntax.model import DEFAULT, Limits

__all__ = ["Broken", "broken_rules", "broken_rules_in"]

_ORDER = {code: place for place, code in enumerate(ROWS)}
_MAX_VALUE = 80
# The artefact for UBL only warns of a card number given in full; that for CII refuses it.
_WARNS_IN_UBL = frozenset({"BR-51"})


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that does not hold: its code, the first element it does not hold at, with its line and its value.

    The sentences stand in :data:`invoice.en16931.table.ROWS` under the code.
    """

    code: str
    level: Literal["refuse", "warn"]
    path: str
    line: int
    value: str = ""


def broken_rules(data: bytes, *, limits: Limits = DEFAULT) -> tuple[Broken, ...] | None:
    """The rules that a document breaks, in the order of the table; None where it is neither UBL nor CII.

    Raises SyntaxRefused as :func:`invoice.syntax.parse` does.
    """
    root = open_document(data, limits)
    with uncollected():
        document = Document(root)
        try:
            return broken_rules_in(document)
        finally:
            document.close()


def broken_rules_in(document: Document) -> tuple[Broken, ...] | None:
    """The same for a document that was read."""
    tag = document.root.tag
    with localcontext(EXACT), uncollected():
        if tag in ubl.ROOTS:
            return _broken(ubl.check(document), _WARNS_IN_UBL)
        if tag == cii.ROOT:
            return _broken(cii.check(document), frozenset())
    return None


def _broken(fired: Fired, warns: frozenset[str]) -> tuple[Broken, ...]:
    if not fired.places:
        return ()
    return tuple(
        Broken(
            code=code,
            level="warn" if code in warns else ROWS[code].level,
            path=fired.places[code].path,
            line=fired.places[code].line,
            value=_value(fired.places[code]),
        )
        for code in sorted(fired.places, key=_ORDER.__getitem__)
    )


def _value(element: Element) -> str:
    """What stands in an element that holds no other, short and on one line."""
    if element.kids:
        return ""
    return "".join(character if character.isprintable() else " " for character in element.text[:_MAX_VALUE]).strip()


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector of cycles: a document makes a thousand objects at once, which it would look through
    again and again, at a third of the whole time. They are dropped together once the rules have been asked."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
