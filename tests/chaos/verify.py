"""After a fault: wait until nothing is under way, then look at every promise."""

import asyncio
import time
from collections import Counter
from uuid import UUID

import asyncpg
import httpx
import msgspec

from contracts.events import DocumentRead, DocumentReceived, InvoiceRouted, InvoiceSubmitted, StatusChanged
from contracts.registry import SERVICES, topics_read_by, topics_shared_by
from services.common.db import Connection
from tests.chaos.world import World

END_OF = {"good": "submitted", "refused": "refused", "wrong_sum": "to_verify", "again": "duplicate"}

_UNDER_WAY = {
    "deposits not read": "select count(*) from ingest.deposit where state = 'received'",
    "invoices not at disposal": (
        "select count(*) from ingest.deposit d left join status.invoice i on i.id = d.id"
        " where d.state = 'submitted' and i.status is distinct from 'MISE_A_DISPOSITION'"
    ),
    "messages not sent": (
        "select count(*) from notify.message where state in ('created', 'sending', 'held', 'carried')"
    ),
    "ends not announced": (
        "select count(*) from ingest.deposit d where d.state in ('submitted', 'refused', 'to_verify')"
        " and not exists (select from notify.message m where m.subject = d.id::text)"
    ),
    "delays not begun": (
        "select count(*) from status.invoice where status = 'MISE_A_DISPOSITION' and payment_delay_started_on is null"
    ),
    "notices not in the history": (
        "select count(*) from notify.message m join status.invoice i on i.id::text = m.subject"
        " where m.state = 'accepted' and not exists (select from status.history h"
        " where h.invoice = i.id and h.kind = 'notice' and h.notice ->> 'message' = m.id::text)"
    ),
    **{f"{s}: outbox": f"select count(*) from {s}.outbox where sequence is null" for s in SERVICES},
    **{f"{s}: waiting": f"select count(*) from {s}.waiting_event" for s in SERVICES},
}


class Verdict(msgspec.Struct, kw_only=True):
    """What was found after one round. ``repeated_mails``: same Message-ID again, the documented window."""

    problems: list[str]
    accepted: int
    settled_seconds: float
    dead_letters: int
    repeated_mails: int
    repeated_records: int


async def settle(world: World, limit: float) -> tuple[float, dict[str, int]]:
    """Wait until nothing is under way; returns the seconds it took and what still is after ``limit``."""
    started = time.monotonic()
    left: dict[str, int] = {"unknown": 1}
    while time.monotonic() - started < limit:
        try:
            left = await _under_way(world)
        except (OSError, asyncpg.PostgresError, TimeoutError) as error:
            left = {type(error).__name__: 1}
        if not left and await _all_heard(world):
            break
        await asyncio.sleep(0.3)
    return time.monotonic() - started, left


async def _under_way(world: World) -> dict[str, int]:
    connection = await world.connect()
    try:
        counts = {name: await connection.fetchval(query) for name, query in _UNDER_WAY.items()}
        letters = await connection.fetchval(_dead_letter_count())
        counts["poison not parked"] = max(0, len(_expected_letters(world)) - letters)
    finally:
        await connection.close()
    return {name: count for name, count in counts.items() if count}


async def _all_heard(world: World) -> bool:
    """True once our own listener has the last event of every good deposit."""
    heard = {a.event.subject for a in world.travelled if a.event and _is_available(a.event.data)}
    return all(str(identity) in heard for identity, kind in world.accepted.items() if kind == "good")


def _is_available(data: object) -> bool:
    return isinstance(data, StatusChanged) and data.status_to == "MISE_A_DISPOSITION"


async def verify(world: World, limit: float = 120.0) -> Verdict:
    """Every promise about everything accepted since the stack began."""
    seconds, left = await settle(world, limit)
    problems = [f"after {limit:.0f} s still under way: {left}"] if left else []
    connection = await world.connect()
    try:
        problems += await _ends(world, connection)
        problems += await _histories(world, connection)
        problems += await _announcements(world, connection)
        problems += await _dead_letters(world, connection)
        repeats, mail_problems = await _mails(world, connection)
    finally:
        await connection.close()
    problems += mail_problems + _order(world)
    return Verdict(
        problems=problems,
        accepted=len(world.accepted),
        settled_seconds=round(seconds, 1),
        dead_letters=len(_expected_letters(world)),
        repeated_mails=repeats,
        repeated_records=len(world.records()) - len({a.id for a in world.travelled if a.event}),
    )


async def _ends(world: World, connection: Connection) -> list[str]:
    """Every deposit answered 201 has reached the end of its kind, and there is none that nobody was told of."""
    rows = await connection.fetch("select id, state from ingest.deposit")
    states = {row["id"]: row["state"] for row in rows}
    problems = [
        f"deposit {identity}: {states.get(identity, 'LOST')} instead of {END_OF[kind]}"
        for identity, kind in world.accepted.items()
        if states.get(identity) != END_OF[kind]
    ]
    unknown = states.keys() - world.accepted.keys()
    return problems + ([f"{len(unknown)} deposits that no client was told of"] if unknown else [])


async def _histories(world: World, connection: Connection) -> list[str]:
    """One history per good deposit: deposited once, at disposal once, every notice once, the delay begun once."""
    rows = await connection.fetch(
        "select i.id, i.payment_delay_started_on is not null as started,"
        " array_agg(h.status_to order by h.entry) filter (where h.kind = 'status') as statuses,"
        " array_agg(h.notice ->> 'message') filter (where h.kind = 'notice') as notices,"
        " count(*) filter (where h.kind = 'delay') as delays, max(h.entry) as last, count(*) as entries"
        " from status.invoice i join status.history h on h.invoice = i.id group by i.id"
    )
    good = {identity for identity, kind in world.accepted.items() if kind == "good"}
    problems = [f"invoice {row['id']} has no accepted deposit" for row in rows if row["id"] not in good]
    for row in rows:
        if row["statuses"] != ["DEPOSEE", "MISE_A_DISPOSITION"]:
            problems.append(f"invoice {row['id']}: statuses {row['statuses']}")
        if len(set(row["notices"] or [])) != len(row["notices"] or []):
            problems.append(f"invoice {row['id']}: a notice is recorded twice")
        if row["delays"] > 1 or not row["started"]:
            problems.append(f"invoice {row['id']}: delay begun {row['delays']} times, started {row['started']}")
        if row["last"] != row["entries"]:
            problems.append(f"invoice {row['id']}: a gap in the history")
    missing = good - {row["id"] for row in rows}
    return problems + [f"invoice {identity}: no history" for identity in missing]


async def _announcements(world: World, connection: Connection) -> list[str]:
    """Each invoice is announced once to each recipient: the supplier and every manager of structure and service."""
    managers = {
        row["email"]
        for row in await connection.fetch(
            "select email from notify.manager where siret = '22060001900016'"
            " and (service_code is null or service_code = 'DRH')"
        )
    }
    wanted = sorted([*managers, "comptabilite@chaos.example"])
    rows = await connection.fetch(
        "select subject, array_agg(address order by address) as addresses from notify.message"
        " where kind = 'MISE_A_DISPOSITION' group by subject"
    )
    found = {UUID(row["subject"]): row["addresses"] for row in rows}
    return [
        f"invoice {identity}: announced to {found.get(identity)} instead of {wanted}"
        for identity, kind in world.accepted.items()
        if kind == "good" and sorted(found.get(identity, [])) != wanted
    ]


def _expected_letters(world: World) -> set[tuple[str, str, int, int]]:
    """Who reads a topic parks what is no event; supervision's streams count it and go on (decision 0100)."""
    return {
        (service, topic, partition, offset)
        for topic, partition, offset in world.poison
        for service in SERVICES
        if topic in topics_read_by(service) and not (service == "supervision" and topic in topics_shared_by(service))
    }


def _dead_letter_count() -> str:
    return "select " + " + ".join(f"(select count(*) from {service}.dead_letter)" for service in SERVICES)


async def _dead_letters(world: World, connection: Connection) -> list[str]:
    """Dead letters hold exactly the poison."""
    found = set()
    for service in SERVICES:
        rows = await connection.fetch(f"select topic, kafka_partition, kafka_offset, kind from {service}.dead_letter")
        found |= {(service, row["topic"], row["kafka_partition"], row["kafka_offset"]) for row in rows}
    expected = _expected_letters(world)
    return [f"dead letter that is no poison: {letter}" for letter in found - expected] + [
        f"poison that is not parked: {letter}" for letter in expected - found
    ]


async def _mails(world: World, connection: Connection) -> tuple[int, list[str]]:
    """What lies in the inbox: every accepted message is there; a repeat has the same Message-ID."""
    async with httpx.AsyncClient(base_url=world.stack.smtp.url or "", timeout=60) as client:
        after, mails = 0, []
        while True:
            page = (await client.get("/api/messages", params={"after": after, "limit": 1000, "bodies": 0})).json()
            if not page:
                break
            mails += page
            after = max(mail["id"] for mail in page)
    counts = Counter((mail["message_id"], tuple(mail["to"])) for mail in mails)
    rows = await connection.fetch(
        "select message_id_header, address from notify.message where state = 'accepted' and carried_by is null"
    )
    problems = [
        f"message {row['message_id_header']} was accepted but is not in the inbox"
        for row in rows
        if not counts[(row["message_id_header"], (row["address"],))]
    ]
    return sum(counts.values()) - len(counts), problems


def _order(world: World) -> list[str]:
    """Events of one invoice travel in order, and each has one id."""
    problems: list[str] = []
    entries: dict[str, list[int]] = {}
    ids: dict[tuple[str, type], set[UUID]] = {}
    first: set[UUID] = set()
    for arrival in world.travelled:
        event = arrival.event
        if event is None or event.id in first:
            continue
        first.add(event.id)
        ids.setdefault((event.subject, type(event.data)), set()).add(event.id)
        if isinstance(event.data, StatusChanged):
            entries.setdefault(event.subject, []).append(event.data.entry)
    problems += [f"invoice {key}: status events in the order {e}" for key, e in entries.items() if e != sorted(e)]
    once = (DocumentReceived, DocumentRead, InvoiceSubmitted, InvoiceRouted)
    problems += [
        f"{key}: {len(found)} different {kind.__name__}"
        for (key, kind), found in ids.items()
        if kind in once and len(found) > 1
    ]
    return problems
