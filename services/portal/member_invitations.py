"""Invitations by mail: a manager names the address and what the person will be there; the link of the mail accepts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

import asyncpg
import msgspec

from services.common import timers
from services.common.db import Connection
from services.portal import delegation_store, member_acts, member_requests, member_store
from services.portal.member_acts import GUEST
from services.portal.member_desk import Scene
from services.portal.member_store import Given, Manager
from services.portal.member_words import conflict, decided, not_found, not_yours, oneself, too_many

LASTS: Final = timedelta(days=14)
EXPIRY: Final = "invitation_expiry"
#: How many a structure sends in a day: each is a mail to somebody who has not asked for it.
A_DAY: Final = 50
_COLUMNS: Final = (
    "id, structure, address, manager, joins, roles::text, delegation, invited_by, invited_at, expires_at, state"
)
_roles = msgspec.json.Decoder(tuple[Given, ...])


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation. ``address`` goes when it has ended; ``joins``: he will belong to the structure."""

    id: UUID
    structure: UUID
    address: str | None
    manager: Manager | None
    joins: bool
    roles: tuple[Given, ...]
    delegation: UUID | None
    invited_by: str
    invited_at: datetime
    expires_at: datetime
    state: str


def _invitation(row: asyncpg.Record) -> Invitation:
    found: dict[str, Any] = dict(row)
    return Invitation(**{**found, "roles": _roles.decode(found["roles"])})


async def one(connection: Connection, identity: UUID) -> Invitation | None:
    """An invitation, or None."""
    row = await connection.fetchrow(f"select {_COLUMNS} from invitation where id = $1", identity)
    return None if row is None else _invitation(row)


async def at(
    connection: Connection, structure: UUID, after: tuple[datetime, UUID] | None, limit: int
) -> list[Invitation]:
    """Those of a structure that the caller manages, the newest first, behind ``after``: when one was sent, its id."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from invitation where structure = $1"
        " and ($2::timestamptz is null or (invited_at, id) < ($2, $3::uuid))"
        " order by invited_at desc, id desc limit $4",
        structure,
        *(after or (None, None)),
        limit,
    )
    return [_invitation(row) for row in rows]


async def invite(
    scene: Scene,
    address: str,
    *,
    language: str = "fr",
    manager: Manager | None = None,
    roles: Sequence[Given] = (),
) -> Invitation:
    """Invite. Who is given nothing but reading does not join; a manager is named by a principal or the tenant."""
    level = await scene.manage()
    if manager is not None and level == "secondaire":
        raise not_yours(("principal", "tenant"))
    joins = manager is not None or not roles or any(each.role != GUEST for each in roles)
    await member_acts.check_roles(scene, roles, guest=not joins)
    return await _send(scene, address, language, manager=manager, roles=roles, joins=joins, delegation=None)


async def send_for(scene: Scene, address: str, delegation: UUID) -> Invitation:
    """Invite somebody to stand in for another; the caller has seen that it may be."""
    return await _send(scene, address, "fr", manager=None, roles=(), joins=False, delegation=delegation)


async def _send(
    scene: Scene,
    address: str,
    language: str,
    *,
    manager: Manager | None,
    roles: Sequence[Given],
    joins: bool,
    delegation: UUID | None,
) -> Invitation:
    recent: int = await scene.conn.fetchval(
        "select count(*) from invitation where structure = $1 and invited_at > $2",
        scene.structure.id,
        scene.tx.now - timedelta(days=1),
    )
    if recent >= A_DAY:
        raise too_many("invitations", A_DAY)
    identity = uuid4()
    row = await scene.conn.fetchrow(
        "insert into invitation (id, structure, address, manager, joins, roles, delegation, invited_by, invited_at,"
        " expires_at) values ($1, $2, $3, $4, $5, $6::text::jsonb, $7, $8, $9, $10)"
        f" returning {_COLUMNS}",
        identity,
        scene.structure.id,
        address,
        manager,
        joins,
        msgspec.json.encode(tuple(roles)).decode(),
        delegation,
        scene.me,
        scene.tx.now,
        scene.tx.now + LASTS,
    )
    await timers.start(
        scene.conn,
        uuid5(identity, EXPIRY),
        key=str(identity),
        kind=EXPIRY,
        due_at=scene.tx.now + LASTS,
        traceparent=scene.cause.traceparent,
    )
    await scene.note("invitation.sent", None, invitation=str(identity), roles=[member_acts.shown(r) for r in roles])
    await scene.invite(address, language, identity, {"until": (scene.tx.now + LASTS).strftime("%d/%m/%Y")})
    assert row is not None
    return _invitation(row)


async def cancel(scene: Scene, identity: UUID) -> Invitation:
    """Take an invitation back."""
    await scene.manage()
    found = await _open(scene, identity)
    await _end(scene, found, "cancelled", None)
    await scene.note("invitation.cancelled", None, invitation=str(identity))
    return found


async def accept(scene: Scene, identity: UUID) -> Invitation:
    """Whoever holds the link becomes what it says; the invitation of a manager answers for him."""
    found = await _open(scene, identity)
    if found.invited_by == scene.me:
        raise oneself()
    if found.delegation is not None:
        await _stand_in(scene, found.delegation)
    if found.joins:
        member = await member_requests.join(scene, scene.me, "invited")
        if found.manager is not None and member.manager != "principal":
            await member_store.set_manager(scene.conn, member.id, found.manager)
        await member_acts.first_manages(scene, await member_acts.member(scene, scene.me))
    await member_store.give(
        scene.conn, scene.structure.id, scene.me, scene.side, found.roles, found.invited_by, scene.tx.now
    )
    await _end(scene, found, "accepted", scene.me)
    await scene.note("invitation.accepted", scene.me, invitation=str(identity), invited_by=found.invited_by)
    scene.changed(scene.me)
    return found


async def _stand_in(scene: Scene, delegation: UUID) -> None:
    if not await delegation_store.receive(scene.conn, delegation, scene.me):
        raise conflict(
            "DELEGATION_ENDED",
            "Délégation terminée",
            "La délégation a pris fin, ou vous êtes la personne qui délègue : il n'y a rien à accepter.",
        )


async def expire(scene: Scene, identity: UUID) -> None:
    """Nobody has followed the link in time."""
    found = await one(scene.conn, identity)
    if found is not None and found.state == "sent":
        await _end(scene, found, "expired", None)
        await scene.note("invitation.expired", None, invitation=str(identity))


async def _open(scene: Scene, identity: UUID) -> Invitation:
    found = await one(scene.conn, identity)
    if found is None or found.structure != scene.structure.id:
        raise not_found("Invitation")
    if found.state != "sent" or found.expires_at <= scene.tx.now:
        raise decided(found.state if found.state != "sent" else "expired")
    return found


async def _end(scene: Scene, found: Invitation, state: str, by: str | None) -> None:
    await scene.conn.execute(
        "update invitation set state = $2, accepted_by = $3, ended_at = $4, address = null where id = $1",
        found.id,
        state,
        by,
        scene.tx.now,
    )
