"""Reads a structure as its API shows it, through row-level security; bank references by who may read them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from invoice.rights import allows
from services.common.auth import Principal
from services.common.db import Connection, Pool, scoped
from services.common.deliver import transaction
from services.common.principal import OPERATEUR, TENANT_ADMIN
from services.portal import structure_directory, structure_store
from services.portal.member_words import unknown_structure
from services.portal.scope import scope_of
from services.portal.structure import SIRET
from services.portal.structure_store import Structure
from services.portal.structure_views import BankView, GrantView, StructureView, address_of

_OWN = (
    "select s.id, s.name, s.key from structure s where ($3::text is null or (s.name, s.key) > ($3, $4::text))"
    " and (exists (select from membership m where m.structure = s.id and m.subject = $1"
    "  and m.left_at is null) or exists (select from held_role h where h.structure = s.id and h.subject = $1"
    "  and h.withdrawn_at is null and (h.until is null or h.until > $2)) or exists (select from delegation d"
    "  where d.structure = s.id and d.receiver = $1 and d.ended_at is null and d.until > $2))"
    " order by s.name, s.key limit $5"
)
#: What a page asks before it shows the way there: actions of docs/rights.md.
MAY = ("structure.change", "membership.decide", "proof.decide", "software.manage", "audit.read", "directory.change")


class Person(msgspec.Struct, frozen=True):
    """How an account shows itself to those who decide about it."""

    name: str
    email: str | None


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """A structure at which somebody is anything, and its place in the list."""

    id: UUID
    name: str
    key: str


async def own(
    connection: Connection, subject: str, after: tuple[str, str] | None, limit: int, now: datetime
) -> list[Own]:
    """The structures at which somebody is anything, by name, behind ``after``: a name and a key."""
    rows = await connection.fetch(_OWN, subject, now, *(after or (None, None)), limit)
    return [Own(**dict(row)) for row in rows]


async def views(pool: Pool, api_pool: Pool, principal: Principal, ids: Sequence[UUID]) -> list[StructureView]:
    """These structures as the caller may see them, in this order."""
    async with scoped(api_pool, scope_of(principal)) as connection:
        found = await structure_store.by_ids(connection, list(ids))
        rows = await connection.fetch(
            "select structure, verified, manager, side from membership where subject = $1 and left_at is null"
            " and structure = any($2::uuid[])",
            principal.subject,
            list(found),
        )
        links = await connection.fetch(
            "select old, new from succession where state = 'done' and (old = any($1::uuid[]) or new = any($1::uuid[]))",
            list(found),
        )
    members = {row["structure"]: row for row in rows}
    async with pool.acquire() as connection:
        keys = await keys_of(connection, [each for link in links for each in (link["old"], link["new"])])
        banks = await structure_store.banks_of(connection, list(found))
        public = await connection.fetch(
            "select siret, tenant from public_structure where siret = any($1::text[]) and not deleted",
            [each.key for each in found.values()],
        )
    bodies = {row["siret"]: row["tenant"] for row in public}
    made: list[StructureView] = []
    for each in (found[identity] for identity in ids if identity in found):
        bank, member = banks.get(each.id), members.get(each.id)
        view = _view(each, member, principal, tenant=bodies.get(each.key))
        view.bank = None if bank is None else BankView.of(bank, masked=not _reads_bank(each, member, principal))
        view.successor = next((keys[link["new"]] for link in links if link["old"] == each.id), None)
        view.predecessors = sorted(keys[link["old"]] for link in links if link["new"] == each.id)
        made.append(view)
    return made


def _reads_bank(structure: Structure, member: asyncpg.Record | None, principal: Principal) -> bool:
    """Verified people of the supplier, and whoever manages it; never who only reads or deposits."""
    verified = member is not None and member["verified"] and member["side"] == "supplier"
    return verified or structure.key in principal.structures_as("GESTIONNAIRE")


def _view(
    structure: Structure, member: asyncpg.Record | None, principal: Principal, *, tenant: str | None
) -> StructureView:
    held = [grant for grant in principal.grants if grant.structure == structure.key]
    return StructureView.model_validate(
        {
            "structure": structure.key,
            "type": structure.kind,
            "identifier": structure.key if structure.kind == SIRET else structure.written,
            "name": structure.name,
            "public": tenant is not None,
            "address": address_of(structure),
            "bank": None,
            "prefilled": list(structure.prefilled),
            "version": structure.version,
            "verified": bool(member and member["verified"]),
            "manager": member["manager"] if member else None,
            "rights": [GrantView(role=g.role, service=g.service, since=g.since, until=g.until) for g in held],
            "may": [a for a in MAY if allows(principal.held, a, structure=structure.key, tenant=tenant)],
            "tenant": tenant,
            "successor": None,
            "predecessors": [],
        }
    )


async def view(pool: Pool, api_pool: Pool, principal: Principal, key: str) -> StructureView:
    """One structure. Raises a 404 problem."""
    structure = await seen(pool, api_pool, principal, key)
    return (await views(pool, api_pool, principal, [structure.id]))[0]


async def seen(pool: Pool, api_pool: Pool, principal: Principal, key: str) -> Structure:
    """The structure, through the walls. Raises a 404 problem, the same for one that is not there."""
    async with scoped(api_pool, scope_of(principal)) as connection:
        found = await structure_store.by_key(connection, key)
    return found or await _untouched(pool, principal, key)


async def _untouched(pool: Pool, principal: Principal, key: str) -> Structure:
    """A public body at which nobody has been anything yet, for whoever will invite its first people."""
    async with transaction(pool, "portal", keys=[structure_store.lock_of(key)]) as tx:
        body = await structure_directory.body(tx.conn, key)
        if body is None or not (OPERATEUR in principal.roles or body.tenant in principal.tenants_as(TENANT_ADMIN)):
            raise unknown_structure(key)
        return await structure_store.of_body(tx.conn, body, principal.subject, tx.now)


async def keys_of(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, str]:
    """How rights name these structures."""
    rows = await connection.fetch("select id, key from structure where id = any($1::uuid[])", list(ids))
    return {row["id"]: row["key"] for row in rows}


async def people(connection: Connection, subjects: Iterable[str]) -> dict[str, Person]:
    """Names and login addresses; asked only for subjects that the caller may see."""
    rows = await connection.fetch(
        "select subject, name, email from account where subject = any($1::text[])", sorted(set(subjects))
    )
    return {row["subject"]: Person(row["name"], row["email"]) for row in rows}
