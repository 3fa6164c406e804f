"""How each life has ended, beside its table; its story is the one that ``python -m services.status explain`` tells."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx
import msgspec

from deploy.local import Stack
from invoice.clock import paris_day
from invoice.interest import owed
from services.status import explain
from tests.scenarios.days import Days
from tests.scenarios.player import Playing, Unplayable
from tests.scenarios.table import ClockEnd, End

#: Mails that are judged: those that the law asks for, and the one to a body that an invoice has left.
JUDGED: Final = frozenset(("MISE_A_DISPOSITION/body", "A_RECYCLER/supplier", "RECYCLEE/body"))
_FIRED: Final = "select kind from timer where key = $1 and fired_at is not null and kind <> 'follow' order by kind"
_DUE: Final = "select count(*) from timer where next_try_at <= $1 and fired_at is null and cancelled_at is null"
#: A mail is taken by the relay a moment before the history says so, and a fact travels from one service to the next.
_PATIENCE: Final = 30.0


class Ended(msgspec.Struct, frozen=True):
    """A piece of a life at its end."""

    piece: str
    told: explain.Told
    fired: Sequence[str]
    mails: Sequence[Mapping[str, Any]]


class Court:
    """Reads how lives have ended from the services' own tables and from the inbox of the relay."""

    def __init__(self, stack: Stack, days: Days) -> None:
        self._stack = stack
        self._days = days

    def settle(self, day: int) -> None:
        """Until every timer that is due on this day has fired."""
        asyncio.run(self._settle())

    async def _settle(self) -> None:
        connection = await self._connect()
        try:
            deadline = time.monotonic() + _PATIENCE
            while await connection.fetchval(_DUE, self._days.now()):
                if time.monotonic() > deadline:
                    raise Unplayable(f"des minuteries échues n'ont pas sonné en {_PATIENCE:.0f} s")
                await asyncio.sleep(0.1)
        finally:
            await connection.close()

    async def _connect(self) -> Any:
        return await asyncpg.connect(
            self._stack.dsns["status"].worker, server_settings={"search_path": "status", "timezone": "UTC"}
        )

    def end(self, one: Playing) -> list[Ended]:
        """How the pieces of a life stand, once the mails that are to come have come."""
        return asyncio.run(self._end(one))

    async def _end(self, one: Playing) -> list[Ended]:
        connection = await self._connect()
        try:
            found = []
            for piece, identity in one.pieces.items():
                wanted = one.life.ends.get(piece)
                deadline = time.monotonic() + _PATIENCE
                while True:
                    ended = await self._read(connection, one, piece, UUID(identity))
                    enough = wanted is None or _mails(ended.told) >= Counter(_judged(wanted))
                    if enough or time.monotonic() > deadline:
                        break
                    await asyncio.sleep(0.2)
                found.append(ended)
            return found
        finally:
            await connection.close()

    async def _read(self, connection: Any, one: Playing, piece: str, identity: UUID) -> Ended:
        told = await explain.tell(connection, identity)
        told = msgspec.structs.replace(told, today=paris_day(self._days.now()))
        fired = [row["kind"] for row in await connection.fetch(_FIRED, str(identity))]
        return Ended(piece, told, fired, self._inbox(told.invoice.header.invoice_number))

    def _inbox(self, number: str) -> list[dict[str, Any]]:
        """The mails that the relay took about this number."""
        answer = httpx.get(f"{self._stack.smtp.url}/api/messages", params={"bodies": 0})
        found: list[dict[str, Any]] = answer.json()
        return [mail for mail in found if number in mail["subject"].split()]

    def faults(self, one: Playing, ended: Sequence[Ended]) -> Iterator[str]:
        """What differs from the table, one sentence each."""
        if one.failed is not None:
            yield one.failed
        by_piece = {each.piece: each for each in ended}
        for piece, wanted in one.life.ends.items():
            if piece not in by_piece:
                yield f"{piece} n'existe pas"
                continue
            yield from (f"{piece} : {fault}" for fault in self._faults(wanted, by_piece[piece]))

    def _faults(self, wanted: End, found: Ended) -> Iterator[str]:
        yield from _differs("statuts", list(wanted.statuses), list(self._statuses(found.told)))
        yield from _differs("dits", list(wanted.said), list(_said(found.told)))
        yield from _differs("minuteries", sorted(wanted.timers), sorted(found.fired))
        yield from _differs("courriels", sorted(_judged(wanted)), sorted(_mails(found.told).elements()))
        if len(found.mails) < sum(_mails(found.told).values()):
            yield f"la boîte du relais n'a que {len(found.mails)} courriel(s) sur cette facture"
        yield from _differs("délai", wanted.clock, self._clock(found.told))
        if (
            wanted.clock.late
            and found.told.clock.state == "stopped"
            and not owed(found.told.clock, found.told.today).interest
        ):
            yield "aucun intérêt n'est dû malgré le retard"

    def _statuses(self, told: explain.Told) -> Iterator[str]:
        for row in told.history:
            if row["status_to"]:
                hidden = " (body)" if row["visibility"] == "body" else ""
                yield f"{self._days.number(paris_day(row['at']))} {row['actor']} {row['status_to']}{hidden}"

    def _clock(self, told: explain.Told) -> ClockEnd:
        clock, state = told.clock, told.invoice.delay_state
        counts = state in ("running", "interrupted", "stopped")
        return ClockEnd(
            state=state,
            started=None if clock.started_on is None or state == "none" else self._days.number(clock.started_on),
            due=None if clock.due_on is None or not counts else self._days.number(clock.due_on),
            late=clock.days_late(told.today) if counts else 0,
        )


def _said(told: explain.Told) -> Iterator[str]:
    for row in told.history:
        if row["action"] and not row["status_to"]:
            hidden = " (body)" if row["visibility"] == "body" else ""
            yield f"{row['actor']} {row['action']}{hidden}"


def _mails(told: explain.Told) -> Counter[str]:
    """The notices that a relay has accepted, by the history: one for each entry and audience."""
    found: set[tuple[str, int]] = set()
    for row in told.history:
        if row["notice"]:
            notice = msgspec.json.decode(row["notice"])
            if notice["outcome"] == "accepted":
                found.add((f"{notice['kind']}/{notice['audience']}", notice["about"]))
    return Counter(name for name, _ in found if name in JUDGED)


def _judged(wanted: End) -> list[str]:
    return [mail for mail in wanted.mails if mail in JUDGED]


def _differs(what: str, wanted: object, found: object) -> Iterator[str]:
    if wanted != found:
        yield f"{what} : attendu {wanted}, trouvé {found}"
