"""The handler of the tests: the entries of a key one after another, each leaves a row and an event."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from contracts.envelope import Event
from contracts.events import StatusChanged
from services.common.deliver import Tx
from services.common.failures import Rejected, Transient
from tests.integration.plumbing.events import answer

SECRET = "DOCUMENT-CONTENT-7731"  # stands in payloads and in the texts of exceptions, and must show up nowhere


class Broken(Exception):
    """A bug of a handler, whose text quotes a document on several lines."""


def _bug() -> Exception:
    return Broken(f'{SECRET}\nfirst line\n  File "{SECRET}", line 1\nlast line of {SECRET}')


WRONG: Mapping[str, Callable[[], Exception]] = {
    "rejected": lambda: Rejected("TEST_RULE", "entry 1 to 9: this one never works"),
    "bug": _bug,
    "away": lambda: Transient("away"),
}


def die_once(mark: Path) -> None:
    """``kill -9`` of this very process, unless ``mark`` says that it has happened."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


class Ladder:
    """Applies entry n of a key after entry n-1; what is ahead waits, what was passed already is applied again.

    State and outgoing events are written before anything goes wrong, so that a test sees whether they stay.
    """

    def __init__(self, *, mended: bool = False) -> None:
        self.wrong = {} if mended else dict(WRONG)
        self.seen: list[Event] = []

    async def __call__(self, tx: Tx, events: Sequence[Event]) -> Sequence[Event]:
        self.seen += events
        keys = sorted({event.subject for event in events})
        rows = await tx.conn.fetch("select key, max(entry) top from effect where key = any($1) group by key", keys)
        top = {row["key"]: int(row["top"]) for row in rows}
        applied, left = [], []
        for event in events:
            assert isinstance(event.data, StatusChanged)
            if event.data.entry > top.get(event.subject, 0) + 1:
                left.append(event)
                continue
            top[event.subject] = max(event.data.entry, top.get(event.subject, 0))
            applied.append(event)
            tx.emit(answer(event.data.entry), key=event.subject, cause=event)
        await self._write(tx, applied)
        for event in applied:
            await self._go_wrong(event)
        return left

    async def _write(self, tx: Tx, events: Sequence[Event]) -> None:
        entries = [event.data.entry for event in events if isinstance(event.data, StatusChanged)]
        await tx.conn.execute(
            "insert into effect (event_id, key, entry)"
            " select id, key, entry from unnest($1::uuid[], $2::text[], $3::int[]) with ordinality t(id, key, entry, o)"
            " order by o",
            [event.id for event in events],
            [event.subject for event in events],
            entries,
        )

    async def _go_wrong(self, event: Event) -> None:
        assert isinstance(event.data, StatusChanged)
        number = event.data.invoice_number
        what, _, path = number.partition(" ")
        if what == "stuck":
            await asyncio.Event().wait()
        if what == "die":
            die_once(Path(path))
        if number in self.wrong:
            raise self.wrong[number]()
