"""Proofs: papers sent by somebody who deposits already, looked at by the operator or a manager."""

from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from contracts.events import ClaimCheck
from services.common.blobs import Blobs
from services.common.db import Connection, Pool
from services.common.deliver import transaction
from services.portal import member_acts, member_store
from services.portal.member_desk import Scene
from services.portal.member_words import conflict, decided, not_found, not_yours, oneself, unknown_structure

#: How long the file of a decided proof is kept: until a complaint about the decision cannot come any more.
KEEP: Final = timedelta(days=90)
_FOLDER: Final = "proofs"
_COLUMNS: Final = (
    "id, structure, subject, kind, dated, file_name, document::text, state, submitted_at, decided_by, decided_at,"
    " reason"
)


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A paper. ``document`` None: the file has been erased."""

    id: UUID
    structure: UUID
    subject: str
    kind: str
    dated: date | None
    file_name: str
    document: ClaimCheck | None
    state: str
    submitted_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None


def _proof(row: asyncpg.Record) -> Proof:
    found: dict[str, Any] = dict(row)
    document = found["document"]
    return Proof(**{**found, "document": msgspec.json.decode(document, type=ClaimCheck) if document else None})


async def one(connection: Connection, identity: UUID) -> Proof | None:
    """A proof; through the API's role, only one's own, or any for the operator."""
    row = await connection.fetchrow(f"select {_COLUMNS} from proof where id = $1", identity)
    return None if row is None else _proof(row)


async def listed(
    connection: Connection,
    state: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
    structure: UUID | None = None,
) -> list[Proof]:
    """Those that the caller may see, the longest waiting first, behind ``after``: when one was sent, and its id."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from proof where ($1::text is null or state = $1)"
        " and ($2::timestamptz is null or (submitted_at, id) > ($2, $3::uuid)) and ($5::uuid is null or structure = $5)"
        " order by submitted_at, id limit $4",
        state,
        *(after or (None, None)),
        limit,
        structure,
    )
    return [_proof(row) for row in rows]


def object_key(subject: str, identity: UUID) -> str:
    """Where the file of a proof is in the store."""
    return f"{_FOLDER}/{subject.replace(':', '-')}/{identity}"


async def may_submit(scene: Scene) -> None:
    """Raises a 404 or 409 problem unless a proof of the caller would change anything."""
    own = await member_store.of(scene.conn, scene.structure.id, scene.me)
    if own is None:
        raise unknown_structure(scene.structure.key)
    if own.verified:
        raise conflict(
            "ALREADY_VERIFIED", "Déjà vérifié", "Vous êtes déjà vérifié pour cette structure : rien à prouver."
        )


async def submit(
    scene: Scene, identity: UUID, kind: str, dated: date | None, file_name: str, document: ClaimCheck
) -> Proof:
    """Keep a proof whose file is stored already; the operator looks at it."""
    await may_submit(scene)
    row = await scene.conn.fetchrow(
        "insert into proof (id, structure, subject, kind, dated, file_name, document, submitted_at)"
        " values ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8)"
        f" on conflict (structure, subject) where state = 'submitted' do nothing returning {_COLUMNS}",
        identity,
        scene.structure.id,
        scene.me,
        kind,
        dated,
        file_name,
        msgspec.json.encode(document).decode(),
        scene.tx.now,
    )
    if row is None:
        raise conflict("PROOF_WAITING", "Justificatif en attente", "Votre justificatif attend déjà d'être examiné.")
    await scene.note("proof.submitted", scene.me, proof=str(identity), kind=kind)
    return _proof(row)


async def _open(scene: Scene, identity: UUID) -> Proof:
    found = await one(scene.conn, identity)
    if found is None or found.structure != scene.structure.id:
        raise not_found("Justificatif")
    if await scene.level() not in ("principal", "secondaire", "operator"):
        raise not_yours(("principal", "secondaire", "operator"))
    if found.state != "submitted":
        raise decided(found.state)
    return found


async def approve(scene: Scene, identity: UUID) -> Proof:
    """The paper proves it: the person sees all of the structure from now on."""
    found = await _open(scene, identity)
    if found.subject == scene.me:
        raise oneself()
    await _settle(scene, found, "approved", None)
    member = await member_store.of(scene.conn, scene.structure.id, found.subject)
    if member is not None and not member.verified:
        await member_acts.verify(scene, member, "proof")
        scene.changed(found.subject)
    await scene.note("proof.approved", found.subject, proof=str(identity), kind=found.kind)
    await scene.tell("PROOF_APPROVED", [found.subject], identity)
    return await _again(scene, identity)


async def refuse(scene: Scene, identity: UUID, reason: str) -> Proof:
    """The paper does not prove it, and why."""
    found = await _open(scene, identity)
    await _settle(scene, found, "refused", reason)
    await scene.note("proof.refused", found.subject, proof=str(identity), kind=found.kind)
    await scene.tell("PROOF_REFUSED", [found.subject], identity, {"reason": reason})
    return await _again(scene, identity)


async def _settle(scene: Scene, found: Proof, state: str, reason: str | None) -> None:
    await scene.conn.execute(
        "update proof set state = $2, decided_by = $3, decided_at = $4, reason = $5 where id = $1",
        found.id,
        state,
        scene.me,
        scene.tx.now,
        reason,
    )


async def _again(scene: Scene, identity: UUID) -> Proof:
    found = await one(scene.conn, identity)
    assert found is not None
    return found


async def sweep(pool: Pool, blobs: Blobs, now: datetime) -> int:
    """Erase the files of proofs decided longer ago than :data:`KEEP`, and those that no row speaks of; how many.

    The record that there was a proof stays. A file goes before its row says so: whoever is killed between erases again.
    """
    async with transaction(pool, "portal") as tx:
        rows = await tx.conn.fetch(
            "select id, document::text from proof where document is not null and decided_at < $1 limit 100"
            " for update skip locked",
            now - KEEP,
        )
        for row in rows:
            await blobs.delete(msgspec.json.decode(row["document"], type=ClaimCheck).key)
        erased = [row["id"] for row in rows]
        await tx.conn.execute("update proof set document = null where id = any($1::uuid[])", erased)
    return len(rows) + await _sweep_orphans(pool, blobs, now)


async def _sweep_orphans(pool: Pool, blobs: Blobs, now: datetime) -> int:
    keys = await blobs.older_than(f"{_FOLDER}/", now - timedelta(days=1))
    rows = await pool.fetch(
        "select k from unnest($1::text[]) k where not exists (select from proof p where p.document ->> 'key' = k)", keys
    )
    for row in rows:
        await blobs.delete(row["k"])
    return len(rows)
