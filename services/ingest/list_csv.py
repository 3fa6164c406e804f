"""One's own lists as CSV: written as they are read, page by page, and cut where they are too long, which they say."""

from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

import msgspec
from fastapi import Request
from fastapi.responses import StreamingResponse

from services.common.auth import Principal
from services.common.downloads import download_headers
from services.common.lasting import lasting
from services.common.table_csv import MARK, MEDIA_TYPE, lines
from services.ingest.answering import answered

PAGE: Final = 500
#: So many rows are given at once; the line behind them says how to have those that follow.
MOST: Final = 50_000


class Row(NamedTuple):
    """A row of a table: what it is about, and its cells."""

    id: UUID
    cells: Sequence[object]


class Read(Protocol):
    """Reads at most ``limit`` rows, newest first, those minted before ``before``."""

    def __call__(self, before: UUID | None, limit: int) -> Coroutine[Any, Any, Sequence[Row]]: ...


class Table(msgspec.Struct, frozen=True):
    """``name``: of the file; ``head``: of the columns; ``seconds``: in which a page must be read."""

    name: str
    head: tuple[str, ...]
    read: Read
    seconds: float


def responses(example: str) -> dict[int | str, dict[str, Any]]:
    """What the description of a route says of its table."""
    words = f"Une ligne par élément, {_most()} au plus ; coupée, la dernière ligne dit comment avoir la suite"
    return {200: {"content": {MEDIA_TYPE: {"example": example}}, "description": words}}


async def answer(request: Request, principal: Principal, table: Table, before: UUID | None) -> StreamingResponse:
    """The table as a download. Raises the 503 problem while its first page cannot be read.

    Trouble later on breaks the answer off: a part never passes for the whole.
    """
    written = stream(table, before)
    first = await anext(written)
    chunks = lasting(request, principal, _all(first, written))
    return StreamingResponse(chunks, media_type=MEDIA_TYPE, headers=download_headers(table.name))


async def stream(table: Table, before: UUID | None) -> AsyncIterator[bytes]:
    """The bytes of the table, a page at a time: a slow reader holds no connection."""
    head, count = MARK + lines([table.head]), 0
    while True:
        asked = min(PAGE, MOST - count)
        found = await answered(table.seconds, table.read(before, asked + 1))
        shown = found[:asked]
        yield (head + lines(row.cells for row in shown)).encode()
        if len(found) <= asked:
            return
        head, count, before = "", count + asked, shown[-1].id
        if count == MOST:
            yield lines([_cut(before, len(table.head))]).encode()
            return


def _cut(last: UUID, columns: int) -> list[str]:
    words = f"Liste coupée à {_most()} lignes. La suite : la même adresse, avec cursor={last}"
    return [words, *[""] * (columns - 1)]


def _most() -> str:
    return f"{MOST:,}".replace(",", " ")


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
