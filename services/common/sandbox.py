"""The mark of the sandbox on answers: whoever draws one of its things says so here, and the answer bears a header.

The header is ASCII, as headers are; the field beside it has the words in full.
"""

from contextvars import ContextVar
from typing import Final

from invoice.sandbox import MARK

HEADER: Final = (b"chorale-sandbox", b"essai, sans valeur")
_answer: ContextVar[list[str] | None] = ContextVar("sandbox", default=None)


def begin() -> list[str]:
    """A new answer: the list is empty until something of a sandbox is drawn in it."""
    seen: list[str] = []
    _answer.set(seen)
    return seen


def marked(of_sandbox: bool) -> str | None:
    """The words that this thing bears; None for a real one. The answer under way bears its header from here on."""
    if not of_sandbox:
        return None
    seen = _answer.get()
    if seen is not None:
        seen.append(MARK)
    return MARK
