"""Writes messages: who wants them how, what leaves at once and what is gathered. In the caller's transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from services.common.db import Connection
from services.common.deliver import Tx
from services.notify import metrics, people, writing
from services.notify.domain import Gathering, Message, clean_address
from services.notify.gathering import WINDOWS, Limits, Place, Window, places, window_of
from services.notify.matrix import Cadence, cadence, rule_of
from services.notify.people import NOBODY_SPECIAL, Person

_LENGTH = "case w.gathering {} end::interval".format(
    " ".join(f"when '{name}' then '{int(length.total_seconds())} s'" for name, length in WINDOWS.items())
)


class Desk:
    """The one way in for messages. ``domain`` is the right part of every Message-ID."""

    def __init__(self, domain: str, limits: Limits) -> None:
        self._domain = domain
        self._limits = limits

    async def write(
        self, tx: Tx, messages: Sequence[Message], known: Mapping[str, Person] | None = None
    ) -> list[Message]:
        """Write what is new and wanted; returns it. A message without an address is written as one that says so."""
        if not messages:
            return []
        if known is None:
            known = await people.load(tx.conn, {message.address for message in messages} - {""})
        wanted = _wanted(messages, known)
        begins = await self._begin(tx.conn, wanted, tx.now)
        written = [message for message, _ in wanted]
        new = await writing.write(tx.conn, list(zip(written, begins, strict=True)), self._domain, tx.now)
        due: dict[tuple[str, str, Gathering], datetime] = {}
        for message, place in zip(written, begins, strict=True):
            if message.id in new and place.gathering is not None:
                key = (message.address, message.audience, place.gathering)
                due[key] = min(due.get(key, place.due_at), place.due_at)
        await writing.gather(tx.conn, due)
        for message in written:
            if message.id in new:
                metrics.WRITTEN.labels(kind=message.kind, audience=message.audience).inc()
        return [message for message in written if message.id in new]

    async def _begin(
        self, connection: Connection, wanted: Sequence[tuple[Message, Cadence]], now: datetime
    ) -> list[Place]:
        counted = Counter((m.address, window) for m, c in wanted if m.address and (window := window_of(m, c)))
        windows = await _count(connection, counted, now)
        sent = [pair for pair in wanted if pair[0].address]
        found = iter(places(sent, windows, now, self._limits))
        return [next(found) if message.address else Place(None, now) for message, _ in wanted]


def _wanted(messages: Sequence[Message], known: Mapping[str, Person]) -> list[tuple[Message, Cadence]]:
    found: list[tuple[Message, Cadence]] = []
    for message in messages:
        person = known.get(message.address, NOBODY_SPECIAL)
        chosen = cadence(rule_of(message.kind, message.audience), person.cadences)
        # Whether a dead address lives again is answered by the mail that asks for it.
        if chosen != "off" and (not person.dead or message.kind == "CONTACT_CONFIRM"):
            found.append((msgspec.structs.replace(message, language=person.language, cadence=chosen), chosen))
    return found


async def _count(
    connection: Connection, counted: Mapping[tuple[str, Gathering], int], now: datetime
) -> dict[tuple[str, Gathering], Window]:
    """Count the mails that want to leave at once; each window as it stands with them. Rows are locked in order."""
    if not counted:
        return {}
    keys = sorted(counted)
    rows = await connection.fetch(
        "insert into address_window as w (address, gathering, opened_at, mails)"
        " select address, gathering, $4, mails from unnest($1::text[], $2::text[], $3::int[])"
        " t(address, gathering, mails) order by 1, 2"
        " on conflict (address, gathering) do update set"
        " mails = excluded.mails + case when w.opened_at > $4 - _window(w.gathering) then w.mails else 0 end,"
        " opened_at = case when w.opened_at > $4 - _window(w.gathering) then w.opened_at else $4 end"
        " returning address, gathering, opened_at, mails".replace("_window(w.gathering)", _LENGTH),
        [address for address, _ in keys],
        [gathering for _, gathering in keys],
        [counted[key] for key in keys],
        now,
    )
    return {(row["address"], row["gathering"]): Window(row["opened_at"], row["mails"]) for row in rows}


def alive(addresses: Sequence[str], known: Mapping[str, Person]) -> list[str]:
    """The addresses that can be written to: well formed, each once, none that a bounce has declared dead."""
    usable = [address for address in map(clean_address, addresses) if address]
    return [address for address in dict.fromkeys(usable) if not known.get(address, NOBODY_SPECIAL).dead]
