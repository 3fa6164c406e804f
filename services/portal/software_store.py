"""Software accounts and their secrets in SQL. Writes belong to a transaction that holds the lock of the subject."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from contracts.events import Grant
from services.common.db import Connection
from services.portal.software_domain import BODY_ONLY, SUPPLIERS, Place, Side

_SOFTWARE = (
    "id, subject, structure, tenant, name, roles, services, scopes, writes_each_minute, writes_each_day, made_by,"
    " made_at, changed_at, last_used_at, revoked_at, side"
)
#: With the tenant that the structure has now, and the keys that it had before.
_WHOLE = (
    "with recursive before(structure, old) as ("
    " select n.key, s.old from succession s join structure n on n.id = s.new where s.state = 'done'"
    " union select b.structure, s.old from before b join succession s on s.new = b.old and s.state = 'done')"
    f" select {_SOFTWARE.replace(' tenant,', '')}, (select p.tenant from public_structure p"
    "  where p.siret = software.structure and not p.deleted) as tenant, array(select o.key from before b"
    "  join structure o on o.id = b.old where b.structure = software.structure order by o.key) as earlier"
    " from software where subject = any($1::text[])"
)
_SECRET = "id, software, hint, made_by, made_at, expires_at, last_used_at, revoked_at"


class Software(msgspec.Struct, frozen=True, kw_only=True):
    """A software account as it stands. A revoked one is never used again."""

    id: UUID
    subject: str
    structure: str
    tenant: str | None
    name: str
    roles: tuple[str, ...]
    services: tuple[str, ...]
    scopes: tuple[str, ...]
    writes_each_minute: int | None
    writes_each_day: int | None
    made_by: str
    made_at: datetime
    changed_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    side: Side = "supplier"

    earlier: tuple[str, ...] = ()

    def grants(self) -> tuple[Grant, ...]:
        """What it holds, as accounts are published; nothing once it is revoked.

        What only a public body gives ends with the body, and what a supplier gave reads nothing that the body receives,
        should it have become one; under keys that the structure had before, old invoices are.
        """
        if self.revoked_at is not None:
            return ()
        tenant = self.tenant if self.side == "body" else None
        places: list[tuple[str, str | None]] = []
        for role in self.roles:
            if tenant is not None or role not in BODY_ONLY:
                places += [(role, code) for code in self.services] if role == "AGENT" else [(role, None)]
        own = [
            Grant(
                role=role,
                structure=self.structure,
                service=code,
                tenant=None if role in SUPPLIERS else tenant,
            )
            for role, code in places
        ]
        before = [msgspec.structs.replace(grant, structure=key, tenant=None) for grant in own for key in self.earlier]
        return (*own, *before)


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret without what it is: when it ends, when it was used, whether it still counts."""

    id: UUID
    software: UUID
    hint: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    def live(self, now: datetime) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and self.expires_at > now


def _software(row: asyncpg.Record) -> Software:
    found: dict[str, Any] = dict(row.items())
    lists: dict[str, Any] = {
        name: tuple(found[name]) for name in ("roles", "services", "scopes", "earlier") if name in found
    }
    return Software(**{**found, **lists})


async def of_subjects(connection: Connection, subjects: Collection[str]) -> dict[str, Software]:
    """The software accounts among these subjects, by subject, as the worker sees them."""
    rows = await connection.fetch(_WHOLE, list(subjects))
    return {row["subject"]: _software(row) for row in rows}


async def at_structure(connection: Connection, structure: str) -> list[str]:
    """Subjects of the software of a structure that is not revoked: whoever ends a structure publishes them anew."""
    rows = await connection.fetch(
        "select subject from software where structure = $1 and revoked_at is null order by subject", structure
    )
    return [row["subject"] for row in rows]


async def follow(connection: Connection, structures: Collection[str]) -> list[str]:
    """Put the tenant that these structures have now beside their software, whose administrator then sees it. Returns
    the subjects, whose rights may follow."""
    rows = await connection.fetch(
        "update software s set tenant = (select p.tenant from public_structure p where p.siret = s.structure"
        " and not p.deleted) where structure = any($1::text[]) and revoked_at is null returning subject",
        list(structures),
    )
    return sorted(row["subject"] for row in rows)


async def place(connection: Connection, structure: str) -> Place | None:
    """What the structure is by the directory and by what suppliers registered; None where nobody knows it."""
    row = await connection.fetchrow(
        "select (select tenant from public_structure where siret = $1 and not deleted) as tenant,"
        " exists (select from structure where key = $1) as known, exists (select from membership m"
        "  join structure s on s.id = m.structure where s.key = $1 and m.side = 'supplier' and m.verified"
        "  and m.left_at is null) as supplier",
        structure,
    )
    if row is None or not (row["tenant"] or row["known"]):
        return None
    return Place(structure=structure, tenant=row["tenant"], supplier=row["supplier"])


async def one(connection: Connection, software: UUID) -> Software | None:
    """One account, or None where it is not there or, through the API's role, not for the caller."""
    row = await connection.fetchrow(f"select {_SOFTWARE} from software where id = $1", software)
    return None if row is None else _software(row)


async def page(connection: Connection, structure: str | None, after: UUID | None, limit: int) -> list[Software]:
    """The newest first, behind ``after``, of one structure or of all that the caller may see."""
    rows = await connection.fetch(
        f"select {_SOFTWARE} from software where ($1::text is null or structure = $1) and ($2::uuid is null"
        " or (made_at, id) < (select a.made_at, a.id from software a where a.id = $2))"
        " order by made_at desc, id desc limit $3",
        structure,
        after,
        limit,
    )
    return [_software(row) for row in rows]


async def secrets(connection: Connection, software: Sequence[UUID]) -> dict[UUID, list[Secret]]:
    """The secrets of these accounts, newest first; revoked and ended ones too."""
    rows = await connection.fetch(
        f"select {_SECRET} from software_secret where software = any($1::uuid[]) order by made_at desc, id",
        list(software),
    )
    found: dict[UUID, list[Secret]] = {one: [] for one in software}
    for row in rows:
        found[row["software"]].append(Secret(**dict(row)))
    return found


async def add(connection: Connection, software: Software) -> None:
    """A new account. The database makes its subject."""
    await connection.execute(
        "insert into software (id, structure, tenant, name, roles, services, scopes, writes_each_minute,"
        " writes_each_day, made_by, made_at, changed_at, side)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12)",
        software.id,
        software.structure,
        software.tenant,
        software.name,
        list(software.roles),
        list(software.services),
        list(software.scopes),
        software.writes_each_minute,
        software.writes_each_day,
        software.made_by,
        software.made_at,
        software.side,
    )


async def change(connection: Connection, software: Software, now: datetime) -> None:
    """Keep what may be changed: name, roles, services, scopes, limits, and the side that answers for them."""
    await connection.execute(
        "update software set name = $2, roles = $3, services = $4, scopes = $5, writes_each_minute = $6,"
        " writes_each_day = $7, changed_at = $8, side = $9 where id = $1",
        software.id,
        software.name,
        list(software.roles),
        list(software.services),
        list(software.scopes),
        software.writes_each_minute,
        software.writes_each_day,
        now,
        software.side,
    )


async def revoke(connection: Connection, software: UUID, by: str, now: datetime) -> bool:
    """End an account with its secrets; whether it was not ended before."""
    await connection.execute(
        "update software_secret set revoked_at = $3, revoked_by = $2 where software = $1 and revoked_at is null",
        software,
        by,
        now,
    )
    status: str = await connection.execute(
        "update software set revoked_at = $3, revoked_by = $2, changed_at = $3 where id = $1 and revoked_at is null",
        software,
        by,
        now,
    )
    return status.endswith(" 1")


async def add_secret(connection: Connection, secret: Secret, digest: bytes) -> None:
    """A new secret, of which only the digest is kept."""
    await connection.execute(
        "insert into software_secret (id, software, digest, hint, made_by, made_at, expires_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        secret.id,
        secret.software,
        digest,
        secret.hint,
        secret.made_by,
        secret.made_at,
        secret.expires_at,
    )


async def replace_unused(connection: Connection, secret: UUID, hint: str, digest: bytes) -> bool:
    """Give a secret another text; whether nobody had used the one that it had."""
    status: str = await connection.execute(
        "update software_secret set digest = $2, hint = $3 where id = $1 and last_used_at is null"
        " and revoked_at is null",
        secret,
        digest,
        hint,
    )
    return status.endswith(" 1")


async def revoke_secret(connection: Connection, software: UUID, secret: UUID, by: str, now: datetime) -> bool:
    """End one secret; whether it was not ended before."""
    status: str = await connection.execute(
        "update software_secret set revoked_at = $4, revoked_by = $3"
        " where software = $1 and id = $2 and revoked_at is null",
        software,
        secret,
        by,
        now,
    )
    return status.endswith(" 1")


async def digests(connection: Connection, software: UUID, now: datetime) -> list[tuple[UUID, bytes]]:
    """The live secrets of an account that is not revoked: at most two."""
    rows = await connection.fetch(
        "select s.id, s.digest from software_secret s join software a on a.id = s.software where a.id = $1"
        " and a.revoked_at is null and s.revoked_at is null and s.expires_at > $2",
        software,
        now,
    )
    return [(row["id"], row["digest"]) for row in rows]


async def used(connection: Connection, software: UUID, secret: UUID, now: datetime) -> None:
    """Note the use, to the minute: a busy client does not write a row for each token."""
    await connection.execute(
        "with s as (update software_secret set last_used_at = $3::timestamptz where id = $2"
        "  and (last_used_at is null or last_used_at < $3::timestamptz - interval '1 minute'))"
        " update software set last_used_at = $3::timestamptz where id = $1"
        " and (last_used_at is null or last_used_at < $3::timestamptz - interval '1 minute')",
        software,
        secret,
        now,
    )
