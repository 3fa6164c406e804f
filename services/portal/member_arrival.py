"""How people come to a structure and go: whoever names a SIRET deposits for it, and sees what he deposited himself."""

from collections.abc import Sequence
from typing import Final

from invoice.directory import Identifier
from services.common.auth import Principal
from services.common.db import lock_keys
from services.common.deliver import Cause, Tx
from services.portal import (
    member_acts,
    member_store,
    sirene_lookup,
    software_makers,
    structure_directory,
    structure_store,
)
from services.portal.mailing import Mailing
from services.portal.member_desk import Scene, scene_of
from services.portal.member_store import Membership
from services.portal.member_words import last_principal, public_body, too_many
from services.portal.structure import Postal, right_key
from services.portal.structure_store import Structure, lock_of

#: At how many structures somebody may be whom nobody answers for yet. Each is a right that every service carries.
UNVERIFIED: Final = 50


async def arrive(
    tx: Tx, principal: Principal, found: Identifier, name: str, postal: Postal, cause: Cause, mailing: Mailing
) -> Scene:
    """The person deposits for this structure from now on, which is made where nobody has named it before.

    For sign-up and for another structure of one's own. The lock of the structure is taken here; the caller publishes
    ``touched`` of the scene last. Raises a 409 problem ``PUBLIC_BODY``.
    """
    key = right_key(found)
    await lock_keys(tx.conn, "portal", [lock_of(key)])
    body = await structure_directory.body(tx.conn, key)
    if body is not None:
        raise public_body(body.name, body.siret)
    await structure_of(tx, found, name, postal, principal.subject)
    scene = await scene_of(tx, key, principal, cause, mailing)
    if await member_store.of(tx.conn, scene.structure.id, principal.subject) is None:
        others = await member_store.of_subject(tx.conn, principal.subject)
        if sum(not each.verified for each in others) >= UNVERIFIED:
            raise too_many("structures où personne ne répond encore de vous", UNVERIFIED)
        await member_store.join(tx.conn, scene.structure.id, principal.subject, "supplier", tx.now, None, None)
        await scene.note("member.arrived", principal.subject)
        scene.changed(principal.subject)
    return scene


async def structure_of(tx: Tx, found: Identifier, name: str, postal: Postal, by: str) -> Structure:
    """The structure, made where it is not there: what was not given is filled in from INSEE's file."""
    known = await structure_store.by_key(tx.conn, right_key(found))
    if known is not None:
        return known
    given = {
        "name": name.strip() or None,
        **{n: getattr(postal, n) for n in ("street", "complement", "postal_code", "town")},
    }
    filed = await sirene_lookup.fields(tx.conn, found.normalised) if found.type == "SIRET" else {}
    prefilled = [n for n, value in filed.items() if value and not given.get(n)]
    fields = {n: given[n] or filed.get(n) for n in given}
    shown = fields.pop("name") or found.value.strip()
    return await structure_store.make(
        tx.conn,
        found,
        name=shown,
        postal=Postal(**fields, country=postal.country),
        prefilled=prefilled,
        by=by,
        now=tx.now,
    )


async def close(tx: Tx, principal: Principal, cause: Cause, mailing: Mailing) -> list[str]:
    """Everything that an account holds at structures ends, because it is closed; returns whom to publish.

    Raises a 409 problem ``LAST_PRINCIPAL`` where he leaves verified people without a principal manager. Whoever is
    alone may go.
    """
    subject = principal.subject
    rows = await tx.conn.fetch(
        "select s.key from structure s where exists (select from membership m where m.structure = s.id"
        "  and m.subject = $1 and m.left_at is null) or exists (select from held_role h where h.structure = s.id"
        "  and h.subject = $1 and h.withdrawn_at is null) or exists (select from delegation d where d.structure = s.id"
        "  and d.receiver = $1 and d.ended_at is null) order by s.key",
        subject,
    )
    keys: Sequence[str] = [row["key"] for row in rows]
    managed = await software_makers.managed(tx.conn, subject, tx.now)
    await lock_keys(tx.conn, "portal", [lock_of(key) for key in (*keys, *managed)])
    await tx.conn.execute(
        "update held_office set withdrawn_at = $2 where subject = $1 and withdrawn_at is null", subject, tx.now
    )
    touched = {subject}
    for key in keys:
        scene = await scene_of(tx, key, principal, cause, mailing)
        found = await member_store.of(tx.conn, scene.structure.id, subject)
        if found is not None:
            await _only_alone(scene, found)
        await member_acts.end(scene, subject, found, "member.left", alone=True)
        touched |= scene.touched
    for key in sorted(set(managed).difference(keys)):
        await software_makers.tell(await scene_of(tx, key, principal, cause, mailing), subject)
    await tx.conn.execute(
        "update attachment_request set state = 'withdrawn', decided_at = $2 where subject = $1 and state = 'asked'",
        subject,
        tx.now,
    )
    await tx.conn.execute(
        "update proof set state = 'withdrawn', decided_at = $2 where subject = $1 and state = 'submitted'",
        subject,
        tx.now,
    )
    return sorted(touched)


async def _only_alone(scene: Scene, found: Membership) -> None:
    if found.manager != "principal":
        return
    members = await member_store.at(scene.conn, scene.structure.id)
    others = [each for each in members if each.subject != found.subject and each.verified]
    if others and not any(each.manager == "principal" for each in others):
        raise last_principal()
