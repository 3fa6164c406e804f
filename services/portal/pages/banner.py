"""What every page says above itself: a maintenance, a code that closes. Read once a minute in each process. What a
tenant announces stands above the pages of its own people alone, and under its name; others find it on ``/annonces``.

Announcements are asked by the API that everybody asks. Where it is away, nothing is said: no page waits for them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from services.common import clock
from services.portal.pages.connections import Services

_KEPT: Final = 60.0
_SECONDS: Final = 1.0
_KINDS: Final = ("maintenance", "code_closing")
#: Answers the announcements of now as the API gives them; may raise anything.
Reads = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """One that stands above pages. ``title_en``: where there is English too; ``tenant`` None: the operator's."""

    kind: str
    title: str
    title_en: str | None
    ends_at: datetime | None
    shown_until: datetime
    tenant: str | None = None
    tenant_name: str | None = None


class Banner:
    """The announcements of this minute."""

    def __init__(self, reads: Reads, *, kept: float = _KEPT, seconds: float = _SECONDS) -> None:
        self._reads, self._kept, self._seconds = reads, kept, seconds
        self._found: tuple[Announced, ...] = ()
        self._until = 0.0
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, services: Services) -> "Banner":
        """That of the platform."""

        async def read() -> Sequence[Mapping[str, Any]]:
            client, url = services.client("portal")
            answer = (await client.get(f"{url}/api/v1/announcements")).raise_for_status()
            found: Sequence[Mapping[str, Any]] = msgspec.json.decode(answer.content)["announcements"]
            return found

        return cls(read)

    async def now(self, tenants: Collection[str] = ()) -> tuple[Announced, ...]:
        """What is to be said now to somebody of these tenants: the operator's before theirs.

        Those who ask while it is read wait for the same reading, but the first alone: whoever comes while an older
        answer is there gets that one.
        """
        if time.monotonic() >= self._until and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read())
        if self._until == 0.0 and self._reading is not None:
            await asyncio.shield(self._reading)
        moment = clock.now()
        return tuple(
            each
            for each in self._found
            if moment < each.shown_until and (each.tenant is None or each.tenant in tenants)
        )

    def forget(self) -> None:
        """Something was announced or withdrawn here: the next page reads anew."""
        self._until = 0.0

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                given = await self._reads()
            rows = [msgspec.convert(dict(row), Announced) for row in given if row.get("kind") in _KINDS]
            self._found = tuple(sorted(rows, key=lambda row: (row.tenant is not None, _KINDS.index(row.kind))))
        except Exception:  # an announcement less is no error of a page
            self._found = ()
        self._until = time.monotonic() + self._kept
