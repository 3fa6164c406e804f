"""Change of SIRET: a successor is linked, rights move to it, and whoever has rights there sees the old invoices.

A principal manager of the old structure asks. Inside one company (same SIREN) it is done at once where the successor
has no manager of its own; else those managers accept, and between two companies without any the operator does.
"""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import msgspec

from services.common.db import Connection
from services.portal import member_store, rights, software_store, structure_directory, structure_store
from services.portal.member_desk import Scene
from services.portal.member_words import conflict, decided, not_found, not_yours
from services.portal.structure import same_siren
from services.portal.structure_store import Structure

_COLUMNS: Final = "id, old, new, state, asked_by, asked_at, decided_by, decided_at, reason"


class Succession(msgspec.Struct, frozen=True, kw_only=True):
    """A structure's successor, asked for, done or refused."""

    id: UUID
    old: UUID
    new: UUID
    state: str
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None


def _succession(row: asyncpg.Record) -> Succession:
    return Succession(**dict(row))


async def one(connection: Connection, identity: UUID) -> Succession | None:
    """A succession, or None."""
    row = await connection.fetchrow(f"select {_COLUMNS} from succession where id = $1", identity)
    return None if row is None else _succession(row)


async def around(connection: Connection, structure: UUID) -> list[Succession]:
    """Those from and to a structure that the caller may see."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from succession where $1 in (old, new) order by asked_at desc, id limit 50", structure
    )
    return [_succession(row) for row in rows]


async def waiting(connection: Connection) -> list[Succession]:
    """Those that nobody has decided yet, for the operator."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from succession where state = 'asked' order by asked_at, id limit 200"
    )
    return [_succession(row) for row in rows]


async def ask(scene: Scene, new: Structure) -> Succession:
    """Name the successor of this structure. The locks of both are held."""
    await scene.manage("principal")
    await _refuse(scene, new)
    row = await scene.conn.fetchrow(
        "insert into succession (id, old, new, state, asked_by, asked_at) values ($1, $2, $3, 'asked', $4, $5)"
        f" on conflict (old) where state in ('asked', 'done') do nothing returning {_COLUMNS}",
        uuid4(),
        scene.structure.id,
        new.id,
        scene.me,
        scene.tx.now,
    )
    if row is None:
        raise conflict(
            "SUCCESSOR_KNOWN", "Successeur déjà nommé", "Cette structure a déjà un successeur, ou en attend un."
        )
    found = _succession(row)
    await scene.note("structure.succession_asked", None, successor=new.key)
    if same_siren(scene.structure.key, new.key) and not await _managers(scene.conn, new):
        return await _done(scene, found, new)
    await scene.tell("STRUCTURE_MOVE_ASKED", await _managers(scene.conn, new), found.id, {"successor": new.name})
    return found


async def _refuse(scene: Scene, new: Structure) -> None:
    if new.id == scene.structure.id:
        raise conflict("SUCCESSOR_ITSELF", "Même structure", "Une structure ne se succède pas à elle-même.")
    if scene.body is not None or await structure_directory.body(scene.conn, new.key) is not None:
        raise conflict(
            "SUCCESSOR_PUBLIC",
            "Organisme public",
            "Le SIRET d'un organisme public change dans l'annuaire : son département s'adresse à l'exploitant.",
        )
    ring = await scene.conn.fetchval(
        "with recursive after(id) as (select new from succession where old = $1 and state in ('asked', 'done')"
        " union select s.new from after a join succession s on s.old = a.id and s.state in ('asked', 'done'))"
        " select exists (select from after where id = $2)",
        new.id,
        scene.structure.id,
    )
    if ring:
        raise conflict("SUCCESSOR_RING", "Succession en cercle", "Cette structure succède déjà à la vôtre.")


async def _managers(connection: Connection, structure: Structure) -> list[str]:
    return [each.subject for each in await member_store.managers(connection, structure.id, "supplier")]


async def _decider(scene: Scene, new: Structure) -> None:
    """The successor's principal managers, or the operator where it has no manager. Raises a 403 problem."""
    managers = await member_store.managers(scene.conn, new.id, "supplier")
    if any(each.subject == scene.me and each.manager == "principal" for each in managers):
        return
    if managers or not scene.operates():
        raise not_yours(("principal",) if managers else ("operator",))


async def _open(scene: Scene, identity: UUID) -> tuple[Succession, Structure]:
    """``scene`` is that of the old structure."""
    found = await one(scene.conn, identity)
    if found is None or found.old != scene.structure.id:
        raise not_found("Succession")
    new = await structure_store.by_id(scene.conn, found.new)
    assert new is not None
    await _decider(scene, new)
    if found.state != "asked":
        raise decided(found.state)
    return found, new


async def accept(scene: Scene, identity: UUID) -> Succession:
    """The successor agrees. The locks of both structures are held."""
    found, new = await _open(scene, identity)
    return await _done(scene, found, new)


async def refuse(scene: Scene, identity: UUID, reason: str) -> Succession:
    """The successor does not agree, and why."""
    found, new = await _open(scene, identity)
    await _settle(scene, found, "refused", reason)
    await scene.note("structure.succession_refused", found.asked_by, successor=new.key)
    words = {"successor": new.name, "reason": reason}
    await scene.tell("STRUCTURE_MOVE_REFUSED", [found.asked_by], found.id, words)
    return await _again(scene, identity)


async def _settle(scene: Scene, found: Succession, state: str, reason: str | None) -> None:
    await scene.conn.execute(
        "update succession set state = $2, decided_by = $3, decided_at = $4, reason = $5 where id = $1",
        found.id,
        state,
        scene.me,
        scene.tx.now,
        reason,
    )


async def _done(scene: Scene, found: Succession, new: Structure) -> Succession:
    """Link the two and move every right; both sides are told."""
    await _settle(scene, found, "done", None)
    before = await member_store.at(scene.conn, new.id)
    moved = await member_store.at(scene.conn, scene.structure.id)
    for member in moved:
        await _move(scene, member, new)
    await scene.conn.execute(
        "update held_role h set structure = $2 where structure = $1 and withdrawn_at is null and not exists"
        " (select from held_role o where o.structure = $2 and o.subject = h.subject and o.role = h.role"
        "  and coalesce(o.service, '') = coalesce(h.service, '') and o.withdrawn_at is null)",
        scene.structure.id,
        new.id,
    )
    await scene.conn.execute(
        "update held_role set withdrawn_at = $2 where structure = $1 and withdrawn_at is null",
        scene.structure.id,
        scene.tx.now,
    )
    await scene.conn.execute(
        "update delegation set structure = $2 where structure = $1 and ended_at is null", scene.structure.id, new.id
    )
    programs = await software_store.at_structure(scene.conn, scene.structure.key)
    await scene.conn.execute("update software set structure = $2 where structure = $1", scene.structure.key, new.key)
    await _moved_open(scene, new)
    await scene.note("structure.succeeded", None, successor=new.key)
    people = {each.subject for each in (*before, *moved)}
    await scene.tell("STRUCTURE_MOVED", people, found.id, {"successor": new.name})
    scene.changed(*people, *programs, *await rights.holders_at(scene.conn, [scene.structure.id, new.id]))
    return await _again(scene, found.id)


async def _move(scene: Scene, member: member_store.Membership, new: Structure) -> None:
    """The same rank at the successor; whoever is there already keeps the higher one."""
    there = await member_store.of(scene.conn, new.id, member.subject)
    how: member_store.How | None = "successor" if member.verified else None
    if there is None:
        by = scene.me if how else None
        there = await member_store.join(scene.conn, new.id, member.subject, member.side, scene.tx.now, how, by)
    elif how is not None:
        await member_store.verify(scene.conn, there.id, how, scene.me)
    if member.manager is not None and there.manager != "principal":
        await member_store.set_manager(scene.conn, there.id, member.manager)
    await member_store.leave(scene.conn, member.id, scene.tx.now)


async def _moved_open(scene: Scene, new: Structure) -> None:
    """What is asked of the old structure is asked of the new one; where both are asked the same, the old one ends."""
    await scene.conn.execute(
        "update attachment_request r set state = 'withdrawn', decided_at = $2 where structure = $1 and state = 'asked'",
        scene.structure.id,
        scene.tx.now,
    )
    await scene.conn.execute(
        "update invitation set state = 'cancelled', ended_at = $2, address = null where structure = $1"
        " and state = 'sent'",
        scene.structure.id,
        scene.tx.now,
    )
    await scene.conn.execute(
        "update proof p set structure = $2 where structure = $1 and state = 'submitted' and not exists"
        " (select from proof o where o.structure = $2 and o.subject = p.subject and o.state = 'submitted')",
        scene.structure.id,
        new.id,
    )


async def _again(scene: Scene, identity: UUID) -> Succession:
    found = await one(scene.conn, identity)
    assert found is not None
    return found
