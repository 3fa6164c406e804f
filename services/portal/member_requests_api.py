"""``…/requests``: asking to belong to a structure (rattachement), and the answers."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request

from invoice.identifiers import is_siret
from services.common.auth import CurrentPrincipal, Principal
from services.common.db import scoped
from services.common.problems import problems
from services.common.web import Problem
from services.portal import cursors, member_requests, structure_reads
from services.portal.cursors import Cursor, Limit
from services.portal.member_desk import Desk, request_cause
from services.portal.member_requests import AttachmentRequest
from services.portal.member_views import (
    ApprovalIn,
    AttachmentRequestIn,
    AttachmentRequestList,
    AttachmentRequestView,
)
from services.portal.member_words import not_found
from services.portal.parts import Parts
from services.portal.scope import scope_of
from services.portal.structure_views import ReasonIn, StructureKey, key_of
from services.portal.structures_api import answers

State = Annotated[Literal["asked", "approved", "refused", "expired", "withdrawn"] | None, Query()]


def add_routes(router: APIRouter, parts: Parts, desk: Desk) -> None:
    """Serve them on ``router``."""
    _add_asking(router, parts, desk)
    _add_deciding(router, parts, desk)


async def _views(parts: Parts, found: Sequence[AttachmentRequest]) -> list[AttachmentRequestView]:
    async with parts.pool.acquire() as connection:
        rows = await connection.fetch(
            "select id, key, name from structure where id = any($1::uuid[])", [each.structure for each in found]
        )
        people = await structure_reads.people(connection, [each.subject for each in found])
    named = {row["id"]: row for row in rows}
    nobody = structure_reads.Person("", None)
    return [
        AttachmentRequestView.model_validate(
            {
                "id": each.id,
                "structure": named[each.structure]["key"],
                "structure_name": named[each.structure]["name"],
                "subject": each.subject,
                "name": people.get(each.subject, nobody).name,
                "email": people.get(each.subject, nobody).email,
                "message": each.message,
                "state": each.state,
                "asked_at": each.asked_at,
                "expires_at": each.expires_at,
                "decided_at": each.decided_at,
                "reason": each.reason,
            }
        )
        for each in found
    ]


def _add_asking(router: APIRouter, parts: Parts, desk: Desk) -> None:
    @router.post(
        "/structures/{structure}/requests",
        status_code=201,
        summary="Demande le rattachement à une structure",
        description="Un gestionnaire répond ; sans réponse, la demande expire après 30 jours. Un fournisseur n'a pas à "
        "être rattaché à un organisme public : la réponse dit pourquoi, et quoi faire.",
        responses=answers(401, 403, 404, 409, 422, 429, 503),
    )
    async def ask(
        request: Request, structure: StructureKey, given: AttachmentRequestIn, principal: CurrentPrincipal
    ) -> AttachmentRequestView:
        key = key_of(structure)
        try:
            async with desk.at(key, principal, request_cause(request)) as scene:
                made = await member_requests.ask(scene, given.message, works_there=given.works_there)
        except Problem as problem:
            if problem.status == 404 and is_siret(key):  # whether somebody has named it is nobody else's business
                raise member_requests.nobody_decides() from problem
            raise
        return (await _views(parts, [made]))[0]

    @router.get(
        "/requests",
        summary="Mes demandes de rattachement, et celles qui attendent ma réponse",
        responses=problems(401, 403, 422, 503),
    )
    async def listed(
        principal: CurrentPrincipal,
        state: State = None,
        structure: Annotated[str | None, Query(max_length=400)] = None,
        cursor: Cursor = None,
        limit: Limit = cursors.MOST,
    ) -> AttachmentRequestList:
        after = cursors.read(cursor, cursors.instant, UUID)
        known = (
            await structure_reads.seen(parts.pool, parts.api_pool, principal, key_of(structure)) if structure else None
        )
        async with scoped(parts.api_pool, scope_of(principal)) as connection:
            found = await member_requests.listed(
                connection, structure=known.id if known else None, state=state, after=after, limit=limit + 1
            )
        shown, following = cursors.cut(found, limit, lambda last: (last.asked_at, last.id))
        return AttachmentRequestList(requests=await _views(parts, shown), next=following)

    @router.post(
        "/requests/{request_id}/withdraw",
        summary="Retire ma demande",
        responses=problems(401, 403, 404, 409, 422, 503),
    )
    async def withdraw(request: Request, request_id: UUID, principal: CurrentPrincipal) -> AttachmentRequestView:
        async with desk.at(await _key(parts, principal, request_id), principal, request_cause(request)) as scene:
            made = await member_requests.withdraw(scene, request_id)
        return (await _views(parts, [made]))[0]


async def _key(parts: Parts, principal: Principal, request_id: UUID) -> str:
    """The structure of a request, once the caller may see it. Raises a 404 problem."""
    async with scoped(parts.api_pool, scope_of(principal)) as connection:
        found = await member_requests.one(connection, request_id)
    if found is None:
        raise not_found("Demande de rattachement")
    async with parts.pool.acquire() as connection:
        return (await structure_reads.keys_of(connection, [found.structure]))[found.structure]


def _add_deciding(router: APIRouter, parts: Parts, desk: Desk) -> None:
    @router.post(
        "/requests/{request_id}/approve",
        summary="Accepte une demande de rattachement, avec les rôles qui vont avec",
        responses=problems(401, 403, 404, 409, 422, 503),
    )
    async def approve(
        request: Request, request_id: UUID, given: ApprovalIn, principal: CurrentPrincipal
    ) -> AttachmentRequestView:
        async with desk.at(await _key(parts, principal, request_id), principal, request_cause(request)) as scene:
            made = await member_requests.approve(scene, request_id, [each.given() for each in given.roles])
        return (await _views(parts, [made]))[0]

    @router.post(
        "/requests/{request_id}/refuse",
        summary="Refuse une demande de rattachement, avec le motif",
        responses=problems(401, 403, 404, 409, 422, 503),
    )
    async def refuse(
        request: Request, request_id: UUID, given: ReasonIn, principal: CurrentPrincipal
    ) -> AttachmentRequestView:
        async with desk.at(await _key(parts, principal, request_id), principal, request_cause(request)) as scene:
            made = await member_requests.refuse(scene, request_id, given.reason)
        return (await _views(parts, [made]))[0]
