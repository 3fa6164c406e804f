"""Dated delegation: during somebody's leave another has his rights at one structure, and no longer than he has them."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4, uuid5

from services.common import timers
from services.portal import delegation_store, member_invitations, member_store, software_makers
from services.portal.delegation_store import Delegation
from services.portal.member_desk import Scene
from services.portal.member_words import conflict, invalid, not_found, not_yours, oneself

LONGEST: Final = timedelta(days=366)
#: Nothing is done when a delegation is over; but something may be told.
OVER: Final = "delegation_over"


async def make(
    scene: Scene, giver: str, receiver: str | None, address: str | None, since: datetime, until: datetime
) -> Delegation:
    """Lend somebody's rights: one's own, or as a manager those of a member, to a person known or invited."""
    own = await member_store.of(scene.conn, scene.structure.id, giver)
    if giver != scene.me:
        level = await scene.manage()
        if own is not None and own.manager == "principal" and level == "secondaire":
            raise not_yours(("principal", "tenant"))
        if receiver == scene.me or giver in await scene.stands_in_for():
            raise oneself()
    elif own is None or address is not None:
        await scene.manage()  # whoever brings somebody from outside answers for him
    if own is None or not own.verified:
        raise conflict(
            "NOTHING_TO_DELEGATE",
            "Rien à déléguer",
            "Seules se délèguent les droits d'une personne vérifiée de la structure.",
        )
    _check(scene, giver, receiver, since, until)
    if receiver is not None:
        await _check_receiver(scene, receiver)
    new = Delegation(
        id=uuid4(),
        structure=scene.structure.id,
        giver=giver,
        receiver=receiver,
        since=since,
        until=until,
        made_by=scene.me,
        made_at=scene.tx.now,
    )
    await delegation_store.make(scene.conn, new)
    await timers.start(
        scene.conn,
        uuid5(new.id, OVER),
        key=str(new.id),
        kind=OVER,
        due_at=until,
        traceparent=scene.cause.traceparent,
    )
    dates = {"since": since.date().isoformat(), "until": until.date().isoformat()}
    await scene.note("delegation.made", receiver, delegation=str(new.id), giver=giver, **dates)
    if receiver is not None:
        shown = {"since": since.strftime("%d/%m/%Y"), "until": until.strftime("%d/%m/%Y")}
        await scene.tell("DELEGATION_GIVEN", [giver, receiver], new.id, shown)
        scene.changed(receiver)
    elif address is not None:
        await member_invitations.send_for(scene, address, new.id)
    return new


def _check(scene: Scene, giver: str, receiver: str | None, since: datetime, until: datetime) -> None:
    if receiver == giver:
        raise invalid(
            "receiver", receiver, "DELEGATION_TO_ONESELF", "On ne se remplace pas soi-même.", "Nommez un autre."
        )
    if until <= since or until <= scene.tx.now:
        words = "La fin doit venir après le début, et n'être pas déjà passée."
        raise invalid("until", until.isoformat(), "DATES_ORDER", words, "Corrigez les dates.")
    if until - since > LONGEST:
        words = "Une délégation dure un an au plus."
        raise invalid("until", until.isoformat(), "DELEGATION_TOO_LONG", words, "Donnez une fin plus proche.")


async def _check_receiver(scene: Scene, subject: str) -> None:
    """He is there already; for one whom nobody answers for yet, or who only reads there, a manager does."""
    found = await member_store.of(scene.conn, scene.structure.id, subject)
    if found is not None and found.verified:
        return
    if found is None and subject not in await member_store.guests_at(scene.conn, scene.structure.id, scene.tx.now):
        raise not_found("Personne à qui déléguer")
    await scene.manage()


async def end(scene: Scene, identity: UUID) -> Delegation:
    """End a delegation before its time: who gave or received it, or a manager."""
    found = await delegation_store.one(scene.conn, scene.structure.id, identity)
    if found is None or scene.me not in (found.giver, found.receiver):
        await scene.manage()
    if found is None:
        raise not_found("Délégation")
    await delegation_store.end(scene.conn, identity, scene.tx.now)
    await scene.note("delegation.ended", found.receiver, delegation=str(identity), giver=found.giver)
    if found.receiver is not None:
        await software_makers.tell(scene, found.receiver)
        scene.changed(found.receiver)
    return found


async def over(scene: Scene, identity: UUID) -> None:
    """Its time is over: what its receiver leaves behind is told."""
    found = await delegation_store.one(scene.conn, scene.structure.id, identity)
    if found is not None and found.receiver is not None and found.ended_at is None:
        await software_makers.tell(scene, found.receiver)
