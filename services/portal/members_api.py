"""``…/structures/{structure}/members``: who belongs to a structure, who answers for whom, who manages, who leaves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request

from services.common import clock
from services.common.auth import CurrentPrincipal, Principal
from services.common.db import scoped
from services.portal import cursors, member_acts, member_store, structure_reads
from services.portal.cursors import Cursor, Limit
from services.portal.member_desk import Desk, request_cause
from services.portal.member_views import CopyIn, ManagerIn, MemberList, MemberView, RoleList, RolesIn, RoleView
from services.portal.parts import Parts
from services.portal.scope import scope_of
from services.portal.structure_views import StructureKey, key_of
from services.portal.structures_api import answers

SubjectPath = Annotated[str, Path(max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", examples=["person:7c9e6679"])]


def add_routes(router: APIRouter, parts: Parts, desk: Desk) -> None:
    """Serve them on ``router``."""
    _add_list(router, parts)
    _add_trust(router, desk)
    _add_roles(router, desk)
    _add_ends(router, desk)


def _add_list(router: APIRouter, parts: Parts) -> None:
    @router.get(
        "/structures/{structure}/members",
        summary="Les personnes de la structure : toutes pour ses gestionnaires, soi-même pour les autres",
        responses=answers(401, 403, 404, 422, 503),
    )
    async def members(
        structure: StructureKey, principal: CurrentPrincipal, cursor: Cursor = None, limit: Limit = cursors.MOST
    ) -> MemberList:
        after = cursors.read(cursor, cursors.flag, cursors.instant, cursors.text)
        known = await structure_reads.seen(parts.pool, parts.api_pool, principal, key_of(structure))
        now = clock.now()
        async with scoped(parts.api_pool, scope_of(principal)) as connection:
            found = await member_store.page(connection, known.id, after, limit + 1, now)
        shown, following = cursors.cut(found, limit, lambda last: (last.guest, last.since, last.subject))
        subjects = [each.subject for each in shown]
        return MemberList(members=await _members(parts, principal, known.id, subjects, now), next=following)


async def _members(
    parts: Parts, principal: Principal, structure: UUID, subjects: Sequence[str], now: datetime
) -> list[MemberView]:
    async with scoped(parts.api_pool, scope_of(principal)) as connection:
        found = await member_store.among(connection, structure, subjects)
        roles = await member_store.roles_of(connection, structure, subjects, now)
    async with parts.pool.acquire() as connection:
        people = await structure_reads.people(connection, subjects)
    nobody = structure_reads.Person("", None)
    told = {each.subject: each for each in found}
    views: list[MemberView] = []
    for subject in subjects:
        member, person = told.get(subject), people.get(subject, nobody)
        views.append(
            MemberView(
                subject=subject,
                name=person.name,
                email=person.email,
                side=member.side if member else "guest",
                verified=bool(member and member.verified),
                verified_how=member.verified_how if member else None,
                manager=member.manager if member else None,
                since=member.since if member else None,
                roles=[RoleView.of(given) for given in roles[subject]],
            )
        )
    return views


def _add_trust(router: APIRouter, desk: Desk) -> None:
    @router.post(
        "/structures/{structure}/members/{subject}/vouch",
        status_code=204,
        summary="Répond d'une personne qui dépose déjà : elle voit désormais toute la structure",
        responses=answers(401, 403, 404, 409, 422, 503),
    )
    async def vouch(
        request: Request, structure: StructureKey, subject: SubjectPath, principal: CurrentPrincipal
    ) -> None:
        async with desk.at(key_of(structure), principal, request_cause(request)) as scene:
            await member_acts.vouch(scene, subject)

    @router.put(
        "/structures/{structure}/members/{subject}/manager",
        status_code=204,
        summary="Nomme une personne gestionnaire principal ou secondaire, ou lui retire la gestion",
        responses=answers(401, 403, 404, 409, 422, 503),
    )
    async def manager(
        request: Request, structure: StructureKey, subject: SubjectPath, given: ManagerIn, principal: CurrentPrincipal
    ) -> None:
        async with desk.at(key_of(structure), principal, request_cause(request)) as scene:
            await member_acts.set_manager(scene, subject, given.level)


def _add_roles(router: APIRouter, desk: Desk) -> None:
    @router.put(
        "/structures/{structure}/members/{subject}/roles",
        summary="Les rôles d'une personne dans la structure et ses services : ceux-là et aucun autre",
        responses=answers(401, 403, 404, 409, 422, 503),
    )
    async def roles(
        request: Request, structure: StructureKey, subject: SubjectPath, given: RolesIn, principal: CurrentPrincipal
    ) -> RoleList:
        async with desk.at(key_of(structure), principal, request_cause(request)) as scene:
            held = await member_acts.give_roles(scene, subject, [each.given() for each in given.roles])
        return RoleList(subject=subject, roles=[RoleView.of(each) for each in held])

    @router.post(
        "/structures/{structure}/members/{subject}/copy",
        summary="Donne à une personne les rôles qu'une autre a dans la structure",
        responses=answers(401, 403, 404, 409, 422, 503),
    )
    async def copy(
        request: Request, structure: StructureKey, subject: SubjectPath, given: CopyIn, principal: CurrentPrincipal
    ) -> RoleList:
        async with desk.at(key_of(structure), principal, request_cause(request)) as scene:
            held = await member_acts.copy(scene, given.source, subject)
        return RoleList(subject=subject, roles=[RoleView.of(each) for each in held])


def _add_ends(router: APIRouter, desk: Desk) -> None:
    @router.delete(
        "/structures/{structure}/members/{subject}",
        status_code=204,
        summary="Retire à une personne tout ce qu'elle a dans la structure",
        responses=answers(401, 403, 404, 409, 422, 503),
    )
    async def withdraw(
        request: Request, structure: StructureKey, subject: SubjectPath, principal: CurrentPrincipal
    ) -> None:
        async with desk.at(key_of(structure), principal, request_cause(request)) as scene:
            await member_acts.withdraw(scene, subject)

    @router.post(
        "/structures/{structure}/leave",
        status_code=204,
        summary="Quitte la structure ; le dernier gestionnaire principal nomme d'abord quelqu'un d'autre",
        responses=answers(401, 403, 404, 409, 422, 503),
    )
    async def leave(request: Request, structure: StructureKey, principal: CurrentPrincipal) -> None:
        async with desk.at(key_of(structure), principal, request_cause(request)) as scene:
            await member_acts.leave(scene)
