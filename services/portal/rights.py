"""Publishes what subjects may do: one entry each on ``chorale.account``, in the transaction that changes it.

Whoever changes anything that a right follows from calls :func:`publish` last in the same transaction. It takes the
locks of the subjects, reads what stands now, and emits a higher version where that says something else than the version
before. So the entry with the highest version is always the truth, whoever changed what at once, and a killed process
leaves neither a change without its entry nor an entry without its change.

Order of locks: structures first (``structure/<key>``), then subjects here; nothing is locked after it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID, uuid5

import asyncpg
import msgspec

from contracts.events import AccountPublished
from services.common.db import Connection, lock_keys
from services.common.deliver import Cause, Tx
from services.common.trace import RequestCause
from services.portal import member_grants, publishing, software_store
from services.portal.member_grants import Holder, Member, Office, Place, Role, Stand

_NAMESPACE: Final = UUID("0d5c7f0e-2f5b-5d0c-8f57-6a2c9d3b1e44")
_SERVICE: Final = "service:"
_SOFTWARE: Final = "software:"

_RECEIVERS: Final = "select distinct receiver from delegation where giver = any($1::text[]) and receiver is not null"
_STANDS: Final = (
    "select d.receiver, d.giver, s.key, d.since, d.until from delegation d join structure s on s.id = d.structure"
    " where d.receiver = any($1::text[]) and d.ended_at is null order by d.id"
)
_MEMBERS: Final = (
    "select subject, structure, side, verified, manager from membership"
    " where subject = any($1::text[]) and left_at is null order by subject, structure"
)
_ROLES: Final = (
    "select subject, structure, side, role, service, since, until from held_role"
    " where subject = any($1::text[]) and withdrawn_at is null order by subject, structure, role, service"
)
_OFFICES: Final = (
    "select subject, role, tenant from held_office where subject = any($1::text[]) and withdrawn_at is null"
    " order by subject, role, tenant"
)
_PLACES: Final = (
    "with recursive before(structure, old) as ("
    " select new, old from succession where state = 'done' and new = any($1::uuid[])"
    " union select b.structure, s.old from before b join succession s on s.new = b.old and s.state = 'done')"
    " select s.id, s.key, p.tenant, array(select o.key from before b join structure o on o.id = b.old"
    "  where b.structure = s.id order by o.key) as earlier"
    " from structure s left join public_structure p on s.kind = 'SIRET' and p.siret = s.key and not p.deleted"
    " where s.id = any($1::uuid[])"
)
_ACCOUNTS: Final = "select subject, state, sessions_from from account where subject = any($1::text[])"
_BEFORE: Final = "select subject, version, content::text from published_right where subject = any($1::text[])"
_KEEP: Final = (
    "insert into published_right (subject, version, content, published_at)"
    " select subject, version, content::jsonb, $4 from unnest($1::text[], $2::bigint[], $3::text[])"
    "  as n(subject, version, content)"
    " on conflict (subject) do update set version = excluded.version, content = excluded.content,"
    " published_at = excluded.published_at"
)


async def publish(tx: Tx, subjects: Iterable[str], cause: Cause) -> list[str]:
    """Publish what these subjects, and those who stand in for them, may do now; returns those whose rights changed.

    The transaction is that of the owner of the schema. A person whose account is not active yet is left out.
    """
    asked = await _with_receivers(tx.conn, subjects)
    if not asked:
        return []
    await lock(tx.conn, asked)
    contents = await current(tx, asked)
    held = {row["subject"]: row for row in await tx.conn.fetch(_BEFORE, asked)}
    changed: dict[str, Content] = {}
    for subject, content in contents.items():
        known, plain = held.get(subject), msgspec.json.decode(msgspec.json.encode(content))
        if known is None or msgspec.json.decode(known["content"]) != plain:
            changed[subject] = content
    return await say(tx, changed, {subject: row["version"] for subject, row in held.items()}, cause)


async def say(tx: Tx, contents: Mapping[str, "Content"], above: Mapping[str, int], cause: Cause) -> list[str]:
    """Publish these, each as a version above the one given; the transaction has the subjects' locks. Returns them."""
    said: list[tuple[str, int, str]] = []
    for subject, content in sorted(contents.items()):
        # Not only the next number: brought back from a backup, portal goes on above what the others have read since.
        version = max(above.get(subject, 0) + 1, int(tx.now.timestamp() * 1000))
        # The same version of a subject is the same event, whatever else its transaction emits.
        made = RequestCause(uuid5(_NAMESPACE, f"{subject}/{version}"), cause.traceparent)
        entry = content.entry(version)
        await publishing.emit(tx, entry, key=f"account/{subject}", partition_key=subject, cause=made)
        said.append((subject, version, msgspec.json.encode(content).decode()))
    if said:
        await tx.conn.execute(_KEEP, *(list(column) for column in zip(*said, strict=True)), tx.now)
    return [subject for subject, _, _ in said]


async def before(connection: Connection, subjects: Collection[str]) -> dict[str, tuple[int, datetime]]:
    """Version and instant of what was published of these subjects last."""
    rows = await connection.fetch(
        "select subject, version, published_at from published_right where subject = any($1::text[])", list(subjects)
    )
    return {row["subject"]: (row["version"], row["published_at"]) for row in rows}


async def lock(connection: Connection, subjects: Iterable[str]) -> None:
    """Until the transaction ends nobody else publishes of these subjects."""
    await lock_keys(connection, "portal/rights", subjects)


async def _with_receivers(connection: Connection, subjects: Iterable[str]) -> list[str]:
    asked = set(subjects)
    rows = await connection.fetch(_RECEIVERS, list(asked))
    return sorted(asked | {row["receiver"] for row in rows})


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry without its version: what is compared."""

    subject: str
    kind: Literal["person", "software", "service"]
    state: Literal["active", "locked", "closed"]
    grants: tuple[Any, ...] = ()
    scopes: tuple[str, ...] = ()
    sessions_from: Any = None
    writes_each_minute: int | None = None
    writes_each_day: int | None = None

    def entry(self, version: int) -> AccountPublished:
        """As it is published."""
        plain = msgspec.json.decode(msgspec.json.encode(self))
        return msgspec.convert({**plain, "version": version}, AccountPublished)


def ended(subject: str) -> Content:
    """Of whom nothing is known (any more): he may do nothing."""
    return Content(subject=subject, kind=_kind(subject), state="closed")


def _kind(subject: str) -> Literal["person", "software", "service"]:
    if subject.startswith(_SERVICE):
        return "service"
    return "software" if subject.startswith(_SOFTWARE) else "person"


async def current(tx: Tx, subjects: Collection[str]) -> dict[str, Content]:
    """What each of these subjects may do by what stands in the tables; who has no active account yet is not there."""
    holders, stands = await _held(tx.conn, subjects)
    software = await software_store.of_subjects(tx.conn, subjects)
    earlier = await _earlier(tx.conn, {each.structure for each in software.values()})
    accounts = {row["subject"]: row for row in await tx.conn.fetch(_ACCOUNTS, list(subjects))}
    found: dict[str, Content] = {}
    for subject in subjects:
        if subject in software:
            found[subject] = _of_software(software[subject], earlier.get(software[subject].structure, ()))
            continue
        grants = member_grants.grants(holders.get(subject, Holder()), stands.get(subject, ()), tx.now)
        account = accounts.get(subject)
        if account is None or account["state"] != "pending":
            found[subject] = _of_person(subject, grants, account)
    return found


def _of_person(subject: str, grants: tuple[Any, ...], account: asyncpg.Record | None) -> Content:
    if account is None and not grants:
        return ended(subject)
    state: Literal["active", "locked", "closed"] = account["state"] if account else "active"
    return Content(
        subject=subject,
        kind=_kind(subject),
        state=state,
        grants=() if state == "closed" else grants,
        sessions_from=account["sessions_from"] if account else None,
    )


def _of_software(found: software_store.Software, earlier: Sequence[str]) -> Content:
    closed = found.revoked_at is not None
    return Content(
        subject=found.subject,
        kind="software",
        state="closed" if closed else "active",
        grants=tuple(sorted(member_grants.with_earlier(found.grants(), earlier), key=member_grants.order)),
        scopes=() if closed else tuple(sorted(found.scopes)),
        writes_each_minute=found.writes_each_minute,
        writes_each_day=found.writes_each_day,
    )


async def _held(
    connection: Connection, subjects: Collection[str]
) -> tuple[Mapping[str, Holder], Mapping[str, list[Stand]]]:
    """What the subjects and those they stand in for hold, and the delegations that the subjects receive."""
    lent = await connection.fetch(_STANDS, list(subjects))
    everybody = sorted({*subjects, *(row["giver"] for row in lent)})
    members = await connection.fetch(_MEMBERS, everybody)
    roles = await connection.fetch(_ROLES, everybody)
    offices = await connection.fetch(_OFFICES, everybody)
    places = await _places(connection, {row["structure"] for row in (*members, *roles)})
    holders = _holders(members, roles, offices, places)
    stands: dict[str, list[Stand]] = defaultdict(list)
    for row in lent:
        giver = holders.get(row["giver"], Holder())
        stands[row["receiver"]].append(Stand(giver=giver, key=row["key"], since=row["since"], until=row["until"]))
    return holders, stands


def _holders(
    members: Iterable[asyncpg.Record],
    roles: Iterable[asyncpg.Record],
    offices: Iterable[asyncpg.Record],
    places: Mapping[UUID, Place],
) -> dict[str, Holder]:
    found: dict[str, tuple[list[Member], list[Role], list[Office]]] = defaultdict(lambda: ([], [], []))
    for row in members:
        place = places[row["structure"]]
        member = Member(place=place, side=row["side"], verified=row["verified"], manager=row["manager"])
        found[row["subject"]][0].append(member)
    for row in roles:
        given = {name: row[name] for name in ("side", "role", "service", "since", "until")}
        found[row["subject"]][1].append(Role(place=places[row["structure"]], **given))
    for row in offices:
        found[row["subject"]][2].append(Office(role=row["role"], tenant=row["tenant"]))
    return {subject: Holder(members=m, roles=r, offices=o) for subject, (m, r, o) in found.items()}


async def _places(connection: Connection, structures: Collection[UUID]) -> dict[UUID, Place]:
    rows = await connection.fetch(_PLACES, list(structures)) if structures else []
    return {row["id"]: Place(key=row["key"], tenant=row["tenant"], earlier=tuple(row["earlier"])) for row in rows}


async def _earlier(connection: Connection, keys: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The keys that these structures had before."""
    rows = await connection.fetch("select id from structure where key = any($1::text[])", list(keys)) if keys else []
    found = await _places(connection, {row["id"] for row in rows})
    return {place.key: place.earlier for place in found.values()}


async def holders_at(connection: Connection, structures: Collection[UUID]) -> list[str]:
    """Everybody who has a right at one of these structures: whose entries follow when the structure changes."""
    rows = await connection.fetch(
        "select subject from membership where structure = any($1::uuid[]) and left_at is null"
        " union select subject from held_role where structure = any($1::uuid[]) and withdrawn_at is null order by 1",
        list(structures),
    )
    return [row["subject"] for row in rows]


async def everybody(connection: Connection) -> list[str]:
    """Every subject that has, or had, any right or account."""
    rows = await connection.fetch(
        "select subject from published_right union select subject from membership union select subject from held_role"
        " union select subject from held_office union select subject from account union select subject from software"
        " union select receiver from delegation where receiver is not null order by 1"
    )
    return [row["subject"] for row in rows]
