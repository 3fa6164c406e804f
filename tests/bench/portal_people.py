"""Who looks at the pages of the bench: suppliers, bodies, clerks and administrators, with accounts and rights.

Their rights go the way of everybody's (published, read by each service); names of all structures stand in the portal,
so that lists are shown with names, and what suppliers deposited stands in ingest.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import msgspec

from deploy.local import Stack
from services.common.db import open_pool
from services.common.deliver import Tx, transaction
from services.common.trace import RequestCause
from services.portal import account_store, member_store, rights, session_store
from services.portal.member_store import Given
from services.status.search import OPEN
from tests.records import eventually

#: How many of each; the largest of each come first.
SUPPLIERS, BODIES, CLERKS, ADMINISTRATORS = 40, 15, 10, 3
#: Of whom so many are the ones with the most invoices.
LARGEST: Final = 4
#: An ordinary supplier has so many invoices at least.
_SOME: Final = 6
_KNOWN: Final = 60
_FULLEST: Final = 5
_BODIES: Final = (
    "select distinct on (recipient) recipient, tenant, recipient_name from status.invoice where tenant is not null"
)
_NAMES: Final = (
    "insert into portal.public_tenant (id, name, version, deleted)"
    " select distinct tenant, 'Département ' || tenant, 1, false from status.invoice where tenant is not null",
    "insert into portal.public_structure (siret, tenant, name, town, postal_code, active, version, deleted)"
    f" select recipient, tenant, recipient_name, 'Nice', '06000', true, 1, false from ({_BODIES}) b",
    "insert into portal.structure (id, kind, identifier, written, key, name, created_at, created_by, changed_at)"
    " select gen_random_uuid(), 'SIRET', key, key, key, name, now(), 'bench', now() from ("
    "select distinct supplier as key, 'Entreprise ' || substr(supplier, 2, 8) as name from status.invoice"
    f" union all select recipient, recipient_name from ({_BODIES}) b) s",
    "vacuum analyze portal.public_structure",
    "vacuum analyze portal.structure",
)
_DEPOSITS: Final = """
insert into ingest.deposit (id, depositor, contact, structures, state, file_name, sha256, size, media_type, bucket,
    object_key, received_at, read_at, decided_at, invoice_number, header, issuer)
select i.id, $1, 'bench@example.org', array[$2], 'submitted', 'facture-' || i.number || '.pdf',
    encode(sha256(uuid_send(i.id)), 'hex'), 100000, 'application/pdf', 'chorale-ingest', i.id::text, i.submitted_at,
    i.submitted_at, i.submitted_at, i.number, i.header, $2
from (select * from status.invoice where supplier = $2 order by submitted_at desc limit 500) i
"""


class Person(msgspec.Struct, kw_only=True):
    """Somebody with a session. ``place``: the SIRET or tenant that is his; ``invoices`` and ``numbers``: some that he
    may see; ``services`` of a body: those with the most open ones (``siret/code``)."""

    name: str
    kind: str
    place: str
    service: str | None
    cookie: str
    subject: str
    invoices: Sequence[UUID] = ()
    numbers: Sequence[str] = ()
    services: Sequence[str] = ()

    @property
    def space(self) -> str:
        """Where his invoices are listed."""
        return "/factures/emises" if self.kind == "supplier" else "/factures/recues"


async def furnish(stack: Stack, admin: asyncpg.Connection) -> list[Person]:
    """Give them accounts, rights and sessions; return when every service knows them."""
    await _names(admin)
    pool = await open_pool(stack.dsns["portal"].worker, "portal", max_size=1)
    try:
        async with transaction(pool, "portal") as tx:
            people = [await _open(tx, *each) for each in await _chosen(admin)]
            await rights.publish(tx, [person.subject for person in people], RequestCause(uuid4()))
    finally:
        await pool.close()
    for person in people:
        await _show(admin, person)
    await _known_everywhere(admin, [person.subject for person in people])
    return people


async def _names(admin: asyncpg.Connection) -> None:
    """Every structure by its name; the bench's are no real SIRETs, so no import would take them."""
    for statement in _NAMES:
        await admin.execute(statement)


async def _chosen(admin: asyncpg.Connection) -> list[tuple[str, str, str | None]]:
    """Kind, SIRET and service: the largest, and ordinary ones taken evenly from the rest."""
    suppliers = await admin.fetch(
        "select supplier from status.invoice group by supplier having count(*) >= $1 order by count(*) desc", _SOME
    )
    bodies = await admin.fetch(
        "select recipient from status.invoice where tenant is not null group by recipient order by count(*) desc"
    )
    clerks = await admin.fetch(
        "select recipient, service_code from status.invoice where tenant is not null group by recipient, service_code"
        " having count(*) >= $1 order by count(*) desc",
        _SOME,
    )
    tenants = await admin.fetch(
        "select tenant from status.invoice where tenant is not null group by tenant order by count(*) desc limit $1",
        ADMINISTRATORS,
    )
    return [
        *(("supplier", row[0], None) for row in _spread(suppliers, SUPPLIERS)),
        *(("body", row[0], None) for row in _spread(bodies, BODIES)),
        *(("clerk", row[0], row[1]) for row in _spread(clerks, CLERKS)),
        *(("administrator", row[0], None) for row in tenants),
    ]


def _spread(rows: Sequence[asyncpg.Record], count: int) -> Iterable[asyncpg.Record]:
    rest = rows[LARGEST:]
    step = max(1, len(rest) // max(1, count - LARGEST))
    return [*rows[:LARGEST], *rest[::step][: count - LARGEST]]


async def _open(tx: Tx, kind: str, place: str, service: str | None) -> Person:
    name = f"{kind.capitalize()} {place} {service or ''}".strip()
    subject = await account_store.make(tx.conn, f"{uuid4().hex}@bench.example", name, "fr", "active", tx.now)
    structure = await tx.conn.fetchval("select id from structure where key = $1", place)
    if kind == "administrator":
        await member_store.give_office(tx.conn, subject, "TENANT_ADMIN", place, "bench", tx.now)
    elif kind == "supplier":
        await member_store.join(tx.conn, structure, subject, "supplier", tx.now, "proof", "bench")
    else:
        member = await member_store.join(tx.conn, structure, subject, "body", tx.now, "approved", "bench")
        if kind == "body":
            await member_store.set_manager(tx.conn, member.id, "principal")
        else:
            given = [Given(role="AGENT", service=service)]
            await member_store.give(tx.conn, structure, subject, "body", given, "bench", tx.now)
    session = await session_store.open_session(
        tx.conn, subject, ["password"], network="", agent="bench", now=tx.now, lasts=timedelta(days=1)
    )
    cookie = f"chorale={session.secret}"
    return Person(name=name, kind=kind, place=place, service=service, cookie=cookie, subject=subject)


async def _show(admin: asyncpg.Connection, person: Person) -> None:
    """What he deposited, and some invoices that he may see."""
    if person.kind == "supplier":
        await admin.execute(_DEPOSITS, person.subject, person.place)
        mine = "supplier = $1 and $2::text is null"
    else:
        mine = "recipient = $1 and tenant is not null and ($2::text is null or service_code = $2)"
    rows = await admin.fetch(
        f"select id, number from status.invoice where {mine} order by submitted_at desc limit {_KNOWN}",
        person.place,
        person.service,
    )
    person.invoices, person.numbers = [row["id"] for row in rows], [row["number"] for row in rows]
    if person.kind == "body":
        fullest = await admin.fetch(
            "select address from status.invoice where recipient = $1 and tenant is not null and address is not null"
            f" and status = any ($2) group by address order by count(*) desc limit {_FULLEST}",
            person.place,
            list(OPEN),
        )
        person.services = [row["address"] for row in fullest]


async def _known_everywhere(admin: asyncpg.Connection, subjects: Sequence[str], within: float = 60.0) -> None:
    """Raises ``TimeoutError`` where a service has not read their rights by then."""

    async def known() -> bool:
        counts = [
            await admin.fetchval(f"select count(*) from {name}.account_right where subject = any ($1)", list(subjects))
            for name in ("portal", "ingest", "ocr", "routing", "status", "notify")
        ]
        return bool(min(counts) >= len(subjects))

    await eventually(known, within=within)
