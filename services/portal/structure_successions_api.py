"""``…/successor``: change of SIRET."""

from uuid import UUID

from fastapi import APIRouter, Request

from services.common.auth import CurrentPrincipal, Principal
from services.common.db import scoped
from services.common.problems import problems
from services.portal import member_arrival, structure_reads, structure_succession
from services.portal.member_desk import Desk, request_cause
from services.portal.member_words import not_found
from services.portal.parts import Parts
from services.portal.scope import scope_of
from services.portal.structure import right_key
from services.portal.structure_succession import Succession
from services.portal.structure_views import (
    ReasonIn,
    StructureKey,
    SuccessionList,
    SuccessionView,
    SuccessorIn,
    key_of,
)
from services.portal.structures_api import answers, named, postal


def add_routes(router: APIRouter, parts: Parts, desk: Desk) -> None:
    """Serve them on ``router``."""
    _add_asking(router, parts, desk)
    _add_deciding(router, parts, desk)


async def _view(parts: Parts, found: Succession) -> SuccessionView:
    async with parts.pool.acquire() as connection:
        return SuccessionView.of(found, await structure_reads.keys_of(connection, [found.old, found.new]))


def _add_asking(router: APIRouter, parts: Parts, desk: Desk) -> None:
    @router.post(
        "/structures/{structure}/successor",
        status_code=201,
        summary="Nomme la structure qui succède à celle-ci (changement de SIRET)",
        description="Dans une même entreprise, et si le successeur n'a pas de gestionnaire, c'est fait aussitôt ; "
        "sinon son gestionnaire principal accepte, ou l'exploitant s'il n'en a pas.",
        responses=answers(401, 403, 404, 409, 422, 503),
    )
    async def ask(
        request: Request, structure: StructureKey, given: SuccessorIn, principal: CurrentPrincipal
    ) -> SuccessionView:
        found, key = named(given.type, given.identifier), key_of(structure)
        async with desk.at(key, principal, request_cause(request), right_key(found)) as scene:
            await scene.manage("principal")
            new = await member_arrival.structure_of(
                scene.tx, found, given.name or scene.structure.name, postal(given.address), principal.subject
            )
            made = await structure_succession.ask(scene, new)
        return await _view(parts, made)

    @router.get(
        "/structures/{structure}/successions",
        summary="Changements de SIRET de cette structure, faits ou demandés",
        responses=answers(401, 403, 404, 422, 503),
    )
    async def around(structure: StructureKey, principal: CurrentPrincipal) -> SuccessionList:
        known = await structure_reads.seen(parts.pool, parts.api_pool, principal, key_of(structure))
        async with scoped(parts.api_pool, scope_of(principal)) as connection:
            found = await structure_succession.around(connection, known.id)
        return SuccessionList(successions=[await _view(parts, each) for each in found])


def _add_deciding(router: APIRouter, parts: Parts, desk: Desk) -> None:
    async def keys(succession: UUID, principal: Principal) -> tuple[str, str]:
        """Of both structures, once the caller may see the succession at all."""
        async with scoped(parts.api_pool, scope_of(principal)) as connection:
            found = await structure_succession.one(connection, succession)
        if found is None:
            raise not_found("Succession")
        async with parts.pool.acquire() as connection:
            known = await structure_reads.keys_of(connection, [found.old, found.new])
        return known[found.old], known[found.new]

    @router.post(
        "/successions/{succession}/accept",
        summary="Accepte de succéder : les droits passent à la nouvelle structure",
        responses=problems(401, 403, 404, 409, 422, 503),
    )
    async def accept(request: Request, succession: UUID, principal: CurrentPrincipal) -> SuccessionView:
        old, new = await keys(succession, principal)
        async with desk.at(old, principal, request_cause(request), new) as scene:
            made = await structure_succession.accept(scene, succession)
        return await _view(parts, made)

    @router.post(
        "/successions/{succession}/refuse",
        summary="Refuse de succéder, avec le motif",
        responses=problems(401, 403, 404, 409, 422, 503),
    )
    async def refuse(
        request: Request, succession: UUID, given: ReasonIn, principal: CurrentPrincipal
    ) -> SuccessionView:
        old, new = await keys(succession, principal)
        async with desk.at(old, principal, request_cause(request), new) as scene:
            made = await structure_succession.refuse(scene, succession, given.reason)
        return await _view(parts, made)

    @router.get(
        "/successions",
        summary="Changements de SIRET qui attendent une décision",
        responses=problems(401, 403, 503),
    )
    async def waiting(principal: CurrentPrincipal) -> SuccessionList:
        async with scoped(parts.api_pool, scope_of(principal)) as connection:
            found = await structure_succession.waiting(connection)
        return SuccessionList(successions=[await _view(parts, each) for each in found])
