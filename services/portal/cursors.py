"""Where a page of a list ends, as the next one is asked for. Opaque to clients; what comes or goes moves nothing."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec
from fastapi import Query

from services.common.web import Problem

T = TypeVar("T")
MOST: Final = 200
Cursor = Annotated[str | None, Query(max_length=4000, description="La valeur « next » de la page précédente")]
Limit = Annotated[int, Query(ge=1, le=MOST)]


def cut(found: Sequence[T], limit: int, place: Callable[[T], Sequence[object]]) -> tuple[list[T], str | None]:
    """A page of ``limit`` and the cursor of the next one, of a list that was read one row further."""
    shown = list(found[:limit])
    return shown, write(*place(shown[-1])) if len(found) > limit else None


def write(*place: object) -> str:
    """The values that the list is sorted by, of the last row shown."""
    parts = [each.isoformat() if isinstance(each, datetime) else str(each) for each in place]
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def read(cursor: str | None, *readers: Callable[[str], Any]) -> tuple[Any, ...] | None:
    """The reverse: each value by its reader. Raises a 422 problem for anything else."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts = msgspec.json.decode(raw, type=list[str])
        return tuple(reader(part) for reader, part in zip(readers, parts, strict=True))
    except (ValueError, OverflowError, binascii.Error, msgspec.MsgspecError) as error:
        said = "Ce curseur n'est pas de cette liste."
        entry = {
            "field": "cursor",
            "value": cursor[:40],
            "rule": "CURSOR_INVALID",
            "message": said,
            "action": "Reprenez la valeur « next » de la page précédente telle quelle, ou la liste depuis le début.",
        }
        raise Problem(422, "CURSOR_INVALID", "Curseur illisible", said, errors=[entry]) from error


def instant(part: str) -> datetime:
    """An instant. Raises ``ValueError`` for a naive one."""
    found = datetime.fromisoformat(part)
    if found.tzinfo is None:
        raise ValueError("naive")
    return found.astimezone(UTC)


def text(part: str) -> str:
    """A text that a database can hold. Raises ``ValueError``."""
    part.encode()
    if "\0" in part:
        raise ValueError("NUL")
    return part


def flag(part: str) -> bool:
    """A truth. Raises ``ValueError``."""
    if part not in ("True", "False"):
        raise ValueError("flag")
    return part == "True"
