"""What managers do with the people of a structure, and leaving it. Each act holds the structure's lock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.portal import (
    audit,
    delegation_store,
    member_grants,
    member_store,
    software_makers,
    structure_directory,
)
from services.portal.member_desk import Scene
from services.portal.member_store import Given, Manager, Membership
from services.portal.member_words import (
    conflict,
    invalid,
    last_principal,
    not_found,
    not_yours,
    oneself,
    unknown_structure,
)

#: Roles that may be given, by the side that manages the structure. The others follow from the membership itself.
AT_SUPPLIER: Final = ("VALIDATEUR", "MOE", "MOA", "LECTURE")
AT_BODY: Final = ("AGENT", "FINANCE", "COMPTABLE", "MOE", "MOA", "VALIDATEUR", "LECTURE", "FOURNISSEUR")
#: The only role of somebody who does not belong to the structure, such as a factor: to read, for a time.
GUEST: Final = "LECTURE"


async def member(scene: Scene, subject: str) -> Membership:
    """The membership of this person. Raises a 404 problem."""
    found = await member_store.of(scene.conn, scene.structure.id, subject)
    if found is None:
        raise not_found("Membre de la structure")
    return found


async def vouch(scene: Scene, subject: str) -> bool:
    """A manager answers for somebody who deposits already; whether that was new."""
    await scene.manage()
    found = await member(scene, subject)
    if found.verified:
        return False
    if subject == scene.me:
        raise oneself()
    await verify(scene, found, "vouched")
    await scene.tell("RATTACHEMENT_GRANTED", [subject], found.id)
    scene.changed(subject)
    return True


async def verify(scene: Scene, found: Membership, how: member_store.How) -> None:
    """From now on he sees all of the structure. The first whom anything or anybody answers for manages it."""
    await member_store.verify(scene.conn, found.id, how, scene.me)
    await scene.note("member.verified", found.subject, how=how)
    await first_manages(scene, found)


async def first_manages(scene: Scene, found: Membership) -> None:
    """Where the structure has no principal manager, this verified member becomes it."""
    if found.side == scene.side and not await _principals(scene):
        await member_store.set_manager(scene.conn, found.id, "principal")
        await scene.note("member.manager_set", found.subject, level="principal")


async def _principals(scene: Scene) -> list[str]:
    managers = await member_store.managers(scene.conn, scene.structure.id, scene.side)
    return [each.subject for each in managers if each.manager == "principal"]


async def _spare_last(scene: Scene, found: Membership) -> None:
    if found.manager == "principal" and await _principals(scene) == [found.subject]:
        raise last_principal()


async def set_manager(scene: Scene, subject: str, level: Manager | None) -> None:
    """Name somebody manager, or no longer."""
    await scene.manage("principal", "tenant")
    found = await member(scene, subject)
    if level is not None and (not found.verified or found.side != scene.side):
        raise not_verified()
    if found.manager == level:
        return
    if subject == scene.me and found.manager != "principal":
        raise oneself()
    if level != "principal":
        await _spare_last(scene, found)
    await member_store.set_manager(scene.conn, found.id, level)
    if level is None:
        await member_store.take_back_invitations(scene.conn, scene.structure.id, subject, scene.tx.now)
        await software_makers.tell(scene, subject)
    await scene.note("member.manager_set", subject, level=level)
    scene.changed(subject)


def not_verified() -> Exception:
    """Nobody answers for him yet."""
    return conflict(
        "MEMBER_NOT_VERIFIED",
        "Personne non vérifiée",
        "Cette personne ne voit que ce qu'elle a déposé : répondez d'abord d'elle (POST …/members/{subject}/vouch), ou "
        "attendez que son justificatif soit accepté.",
    )


async def give_roles(scene: Scene, subject: str, wanted: Sequence[Given]) -> list[Given]:
    """The roles that somebody has there from now on: these and no others; returns them."""
    await scene.manage()
    found = await member_store.of(scene.conn, scene.structure.id, subject)
    held = (await member_store.roles_of(scene.conn, scene.structure.id, [subject], scene.tx.now))[subject]
    if found is None and not held:
        raise not_found("Membre de la structure")
    if subject == scene.me and await scene.only_stands_in():
        raise oneself()
    if found is not None and not found.verified and wanted:
        raise not_verified()
    await check_roles(scene, wanted, guest=found is None)
    await member_store.withdraw_roles(scene.conn, scene.structure.id, subject, scene.tx.now, but=wanted)
    await member_store.give(scene.conn, scene.structure.id, subject, scene.side, wanted, scene.me, scene.tx.now)
    await scene.note("member.roles_given", subject, roles=[shown(each) for each in wanted])
    scene.changed(subject)
    return list(wanted)


def shown(given: Given) -> str:
    """A role as the audit trail writes it. Its service is one of the directory: :func:`check_roles` has seen to it."""
    place = given.role if given.service is None else f"{given.role}/{given.service}"
    text = place if given.until is None else f"{place} until {given.until.date().isoformat()}"
    return text if given.service is None else audit.Code(text)


async def check_roles(scene: Scene, wanted: Sequence[Given], *, guest: bool) -> None:
    """Raises a 422 problem unless these roles can be given there; ``guest``: to somebody who does not belong to it."""
    possible = (GUEST,) if guest else AT_BODY if scene.body else AT_SUPPLIER
    for n, given in enumerate(wanted):
        field = f"roles.{n}"
        if given.role not in possible:
            words = "Cette structure ne peut pas confier ce rôle à cette personne."
            raise invalid(
                f"{field}.role", given.role, "ROLE_NOT_HERE", words, f"Choisissez parmi {', '.join(possible)}."
            )
        if (given.role == "AGENT") != (given.service is not None):
            words = "Le rôle AGENT s'exerce dans un service, et lui seul."
            raise invalid(f"{field}.service", given.service, "SERVICE_WITH_AGENT", words, "Donnez un code service.")
        if given.role == GUEST and given.until is None:
            words = "La lecture est confiée pour un temps."
            raise invalid(f"{field}.until", None, "UNTIL_MISSING", words, "Donnez la date de fin (until).")
        _check_dates(field, given.since, given.until, scene.tx.now)
    names = [(given.role, given.service) for given in wanted]
    if len(set(names)) != len(names):
        raise invalid("roles", None, "ROLE_TWICE", "Un rôle est donné deux fois.", "Gardez une ligne par rôle.")
    codes = [given.service for given in wanted if given.service is not None]
    for code in codes:
        if not member_grants.carried(code):
            raise invalid("roles", code, member_grants.CODE_COMMA, *member_grants.NOT_CARRIED)
    unknown = await structure_directory.unknown_services(scene.conn, scene.structure.key, codes)
    if unknown:
        words = f"La structure n'a pas de service ouvert « {unknown[0]} »."
        raise invalid("roles", unknown[0], "SERVICE_UNKNOWN", words, "Prenez un code de sa liste, dans l'annuaire.")


def _check_dates(field: str, since: datetime | None, until: datetime | None, now: datetime) -> None:
    if until is not None and (until <= now or (since is not None and since >= until)):
        words = "La fin doit venir après le début, et n'être pas déjà passée."
        raise invalid(f"{field}.until", until.isoformat(), "DATES_ORDER", words, "Corrigez les dates.")


async def copy(scene: Scene, source: str, target: str) -> list[Given]:
    """Give somebody the roles that another has there; returns what he has now. Managers are named one by one."""
    await scene.manage()
    first, second = await member(scene, source), await member(scene, target)
    if not first.verified or first.id == second.id:
        raise conflict("NOTHING_TO_COPY", "Rien à copier", "Choisissez une autre personne, vérifiée, comme modèle.")
    if target == scene.me and await scene.only_stands_in():
        raise oneself()
    if not second.verified:
        await verify(scene, second, "vouched")
    found = await member_store.roles_of(scene.conn, scene.structure.id, [source, target], scene.tx.now)
    has = {(given.role, given.service) for given in found[target]}
    new = [given for given in found[source] if (given.role, given.service) not in has]
    await member_store.give(scene.conn, scene.structure.id, target, scene.side, new, scene.me, scene.tx.now)
    await scene.note("member.roles_copied", target, source=source, roles=[shown(each) for each in new])
    scene.changed(target)
    return [*found[target], *new]


async def withdraw(scene: Scene, subject: str) -> None:
    """A manager ends somebody's rights there. Only a principal, or the tenant, ends those of a manager."""
    level = await scene.manage()
    found = await member_store.of(scene.conn, scene.structure.id, subject)
    if found is not None and found.manager is not None and level == "secondaire":
        raise not_yours(("principal", "tenant"))
    if found is None and subject not in await member_store.guests_at(scene.conn, scene.structure.id, scene.tx.now):
        raise not_found("Membre de la structure")
    await end(scene, subject, found, "member.withdrawn")
    await member_store.take_back_invitations(scene.conn, scene.structure.id, subject, scene.tx.now)
    scene.changed(subject)


async def leave(scene: Scene) -> None:
    """The caller leaves. The last principal manager stays until another is named."""
    if not await scene.belongs():
        raise unknown_structure(scene.structure.key)
    await end(scene, scene.me, await member_store.of(scene.conn, scene.structure.id, scene.me), "member.left")
    scene.changed(scene.me)


async def end(scene: Scene, subject: str, found: Membership | None, action: str, *, alone: bool = False) -> None:
    """All that somebody has there ends, with what he lent and was lent. ``alone``: the last principal may go too."""
    if found is not None:
        if not alone:
            await _spare_last(scene, found)
        await member_store.leave(scene.conn, found.id, scene.tx.now)
    await member_store.withdraw_roles(scene.conn, scene.structure.id, subject, scene.tx.now)
    others = await delegation_store.end_of(scene.conn, scene.structure.id, subject, scene.tx.now)
    await scene.note(action, subject)
    await software_makers.tell(scene, subject, *others)
    scene.changed(*others)
