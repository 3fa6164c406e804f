"""What happens to requests, invitations and delegations by themselves: a reminder, and their end."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from services.common.auth import Principal
from services.common.db import lock_keys
from services.common.deliver import Tx
from services.common.timers import Timer
from services.common.trace import RequestCause
from services.portal import delegation, member_invitations, member_requests, rights
from services.portal.mailing import Mailing
from services.portal.member_desk import scene_of
from services.portal.structure_store import lock_of

#: Who acts where nobody asked for it.
PLATFORM: Final = "platform"
_ACTS: Final = {
    member_requests.REMINDER: member_requests.remind,
    member_requests.EXPIRY: member_requests.expire,
    member_invitations.EXPIRY: member_invitations.expire,
    delegation.OVER: delegation.over,
}
_KEYS: Final = (
    "select r.id, s.key from attachment_request r join structure s on s.id = r.structure where r.id = any($1::uuid[])"
    " union all select i.id, s.key from invitation i join structure s on s.id = i.structure"
    " where i.id = any($1::uuid[])"
    " union all select d.id, s.key from delegation d join structure s on s.id = d.structure"
    " where d.id = any($1::uuid[])"
)


async def fire(tx: Tx, due: Sequence[Timer], mailing: Mailing) -> None:
    """Do what these timers are for; timers of others are left alone. All structures are locked at once, in order."""
    own = [timer for timer in due if timer.kind in _ACTS]
    if not own:
        return
    rows = await tx.conn.fetch(_KEYS, [UUID(timer.key) for timer in own])
    keys: dict[UUID, str] = {row["id"]: row["key"] for row in rows}
    await lock_keys(tx.conn, "portal", [lock_of(key) for key in keys.values()])
    touched: set[str] = set()
    for timer in own:
        about = UUID(timer.key)
        if about not in keys:
            continue
        cause = RequestCause(timer.id, timer.traceparent)
        scene = await scene_of(tx, keys[about], Principal(subject=PLATFORM), cause, mailing)
        await _ACTS[timer.kind](scene, about)
        touched |= scene.touched
    await rights.publish(tx, touched, RequestCause(own[0].id, own[0].traceparent))
