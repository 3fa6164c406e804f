"""Rattachement: somebody asks to belong to a structure; a manager accepts or refuses; what nobody decides expires."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4, uuid5

import asyncpg
import msgspec

from services.common import timers
from services.common.db import Connection
from services.common.web import Problem
from services.portal import member_acts, member_store
from services.portal.member_desk import Scene
from services.portal.member_store import Given
from services.portal.member_words import conflict, decided, not_found, not_yours, oneself, public_body, too_many

EXPIRES_AFTER: Final = timedelta(days=30)
REMINDED_AFTER: Final = timedelta(days=23)
#: How many requests of one person may wait at once: each is a mail to managers who do not know him.
AT_ONCE: Final = 20
REMINDER: Final = "attachment_reminder"
EXPIRY: Final = "attachment_expiry"
_COLUMNS: Final = "id, structure, subject, message, state, asked_at, expires_at, decided_by, decided_at, reason"


class AttachmentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request to belong to a structure."""

    id: UUID
    structure: UUID
    subject: str
    message: str
    state: str
    asked_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None


def _request(row: asyncpg.Record) -> AttachmentRequest:
    return AttachmentRequest(**dict(row))


async def one(connection: Connection, identity: UUID) -> AttachmentRequest | None:
    """A request; through the API's role, only one's own or that of a structure one manages."""
    row = await connection.fetchrow(f"select {_COLUMNS} from attachment_request where id = $1", identity)
    return None if row is None else _request(row)


async def listed(
    connection: Connection,
    *,
    structure: UUID | None = None,
    subject: str | None = None,
    state: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 200,
) -> list[AttachmentRequest]:
    """Requests that the caller may see, the newest first, behind ``after``: when one was asked, and its id."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from attachment_request where ($1::uuid is null or structure = $1)"
        " and ($2::text is null or subject = $2) and ($3::text is null or state = $3)"
        " and ($4::timestamptz is null or (asked_at, id) < ($4, $5::uuid)) order by asked_at desc, id desc limit $6",
        structure,
        subject,
        state,
        *(after or (None, None)),
        limit,
    )
    return [_request(row) for row in rows]


async def ask(scene: Scene, message: str, *, works_there: bool) -> AttachmentRequest:
    """Ask to belong to the structure. Raises a 409 problem where that cannot be, or is so already."""
    own = await member_store.of(scene.conn, scene.structure.id, scene.me)
    if own is not None and own.verified:
        raise conflict("ALREADY_MEMBER", "Déjà rattaché", "Vous êtes déjà rattaché à cette structure.")
    if scene.body is not None and (not works_there or await _supplies(scene)):
        raise public_body(scene.body.name, scene.body.siret)
    deciders = await scene.deciders()
    if not deciders:
        raise nobody_decides(public=scene.body is not None)
    waiting = await listed(scene.conn, subject=scene.me, state="asked")
    if len(waiting) >= AT_ONCE:
        raise too_many("demandes de rattachement en attente", AT_ONCE)
    identity = uuid4()
    row = await scene.conn.fetchrow(
        "insert into attachment_request (id, structure, subject, message, asked_at, expires_at)"
        " values ($1, $2, $3, $4, $5, $6) on conflict (structure, subject) where state = 'asked' do nothing"
        f" returning {_COLUMNS}",
        identity,
        scene.structure.id,
        scene.me,
        message,
        scene.tx.now,
        scene.tx.now + EXPIRES_AFTER,
    )
    if row is None:
        raise conflict("ALREADY_ASKED", "Demande en attente", "Votre demande attend déjà la réponse d'un gestionnaire.")
    await _set_timers(scene, identity)
    await scene.note("request.asked", scene.me, request=str(identity))
    await scene.tell("RATTACHEMENT_ASKED", [scene.me], identity)
    await scene.tell("RATTACHEMENT_TO_DECIDE", deciders, identity)
    return _request(row)


async def _supplies(scene: Scene) -> bool:
    """Whether the person came for a supplier: he has no business in a public body's spaces unless he is invited."""
    return any(each.side == "supplier" for each in await member_store.of_subject(scene.conn, scene.me))


def nobody_decides(*, public: bool = False) -> Problem:
    """Nobody could answer: the same for a structure that nobody has named yet."""
    if not public:
        return conflict(
            "NO_MANAGER_YET",
            "Personne pour décider",
            "Aucun gestionnaire n'est encore vérifié pour cette structure : déposez un justificatif "
            "(POST …/proofs) ; une fois accepté, vous en serez le gestionnaire principal.",
        )
    return conflict(
        "NO_MANAGER_YET",
        "Personne pour décider",
        "Cet organisme n'a encore ni gestionnaire ni administrateur sur la plateforme : demandez à son département de "
        "s'adresser à l'exploitant.",
    )


async def _set_timers(scene: Scene, request: UUID) -> None:
    for kind, after in ((REMINDER, REMINDED_AFTER), (EXPIRY, EXPIRES_AFTER)):
        await timers.start(
            scene.conn,
            uuid5(request, kind),
            key=str(request),
            kind=kind,
            due_at=scene.tx.now + after,
            traceparent=scene.cause.traceparent,
        )


async def decider(scene: Scene) -> None:
    """Raises a 403 or 404 problem unless the caller decides on requests there.

    Managers do; the tenant's administrator does where there is none.
    """
    level = await scene.manage()
    if level in ("tenant", "operator") and await member_store.managers(scene.conn, scene.structure.id, scene.side):
        raise not_yours(("principal", "secondaire"))


async def _open(scene: Scene, identity: UUID) -> AttachmentRequest:
    found = await one(scene.conn, identity)
    if found is None or found.structure != scene.structure.id:
        raise not_found("Demande de rattachement")
    if found.state != "asked" or found.expires_at <= scene.tx.now:
        raise decided(found.state if found.state != "asked" else "expired")
    return found


async def approve(scene: Scene, identity: UUID, roles: Sequence[Given]) -> AttachmentRequest:
    """Accept: he belongs to the structure, verified, with these roles beside."""
    await decider(scene)
    found = await _open(scene, identity)
    if found.subject == scene.me:
        raise oneself()
    await member_acts.check_roles(scene, roles, guest=False)
    await _settle(scene, found, "approved", None)
    member = await join(scene, found.subject, "approved")
    await member_store.give(scene.conn, scene.structure.id, found.subject, scene.side, roles, scene.me, scene.tx.now)
    await scene.note(
        "request.approved", found.subject, request=str(identity), roles=[member_acts.shown(each) for each in roles]
    )
    await member_acts.first_manages(scene, member)
    await scene.tell("RATTACHEMENT_GRANTED", [found.subject], identity)
    scene.changed(found.subject)
    return await _again(scene, identity)


async def join(scene: Scene, subject: str, how: member_store.How) -> member_store.Membership:
    """A verified membership on the side that manages the structure, whatever he had there before."""
    known = await member_store.of(scene.conn, scene.structure.id, subject)
    if known is None:
        return await member_store.join(scene.conn, scene.structure.id, subject, scene.side, scene.tx.now, how, scene.me)
    if known.side != scene.side and known.verified:
        supplies = [Given(role="FOURNISSEUR")]
        await member_store.give(scene.conn, scene.structure.id, subject, scene.side, supplies, scene.me, scene.tx.now)
    await member_store.verify(scene.conn, known.id, how, scene.me)
    if known.side != scene.side:
        await member_store.set_side(scene.conn, known.id, scene.side)
    return await member_acts.member(scene, subject)


async def refuse(scene: Scene, identity: UUID, reason: str) -> AttachmentRequest:
    """Refuse, with the reason."""
    await decider(scene)
    found = await _open(scene, identity)
    await _settle(scene, found, "refused", reason)
    await scene.note("request.refused", found.subject, request=str(identity))
    await scene.tell("RATTACHEMENT_REFUSED", [found.subject], identity, {"reason": reason})
    return await _again(scene, identity)


async def withdraw(scene: Scene, identity: UUID) -> AttachmentRequest:
    """Whoever asked takes his request back."""
    found = await one(scene.conn, identity)
    if found is None or found.subject != scene.me:
        raise not_found("Demande de rattachement")
    found = await _open(scene, identity)
    await _settle(scene, found, "withdrawn", None)
    await scene.note("request.withdrawn", scene.me, request=str(identity))
    return await _again(scene, identity)


async def _settle(scene: Scene, found: AttachmentRequest, state: str, reason: str | None) -> None:
    await scene.conn.execute(
        "update attachment_request set state = $2, decided_by = $3, decided_at = $4, reason = $5 where id = $1",
        found.id,
        state,
        scene.me,
        scene.tx.now,
        reason,
    )


async def _again(scene: Scene, identity: UUID) -> AttachmentRequest:
    found = await one(scene.conn, identity)
    assert found is not None
    return found


async def remind(scene: Scene, request: UUID) -> None:
    """Those who decide are told once more, a week before the end."""
    found = await one(scene.conn, request)
    if found is not None and found.state == "asked":
        days = {"days": str((found.expires_at - scene.tx.now).days)}
        await scene.tell("RATTACHEMENT_REMINDER", await scene.deciders(), request, days)


async def expire(scene: Scene, request: UUID) -> None:
    """Nobody has decided: the request ends, and who asked is told."""
    found = await one(scene.conn, request)
    if found is not None and found.state == "asked":
        await _settle(scene, found, "expired", None)
        await scene.note("request.expired", found.subject, request=str(request))
        await scene.tell("RATTACHEMENT_EXPIRED", [found.subject], request)
