"""``/api/v1/announcements``: maintenance, codes that close, news. Anybody reads; operators and administrators write."""

import hashlib
from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4, uuid5

from fastapi import APIRouter, FastAPI, Query, Request

from services.common import clock, once
from services.common.auth import CurrentPrincipal, Principal
from services.common.db import Connection, scoped
from services.common.deliver import transaction
from services.common.may import require
from services.common.principal import OPERATEUR, TENANT_ADMIN
from services.common.problems import problems
from services.common.web import Problem
from services.portal import announcement as kept
from services.portal import audit, solicitation_people
from services.portal.announcement import Announcement, Said
from services.portal.announcement_examples import EXAMPLES
from services.portal.announcement_views import (
    AnnouncementChange,
    AnnouncementIn,
    AnnouncementPage,
    AnnouncementView,
    PublicAnnouncement,
    PublicAnnouncements,
)
from services.portal.member_words import conflict, invalid, not_found
from services.portal.parts import Parts
from services.portal.scope import scope_of

RIGHT = "announcement.post"


def add_routes(app: FastAPI, parts: Parts) -> None:
    """Serve announcements on ``app``."""
    router = APIRouter(prefix="/api/v1/announcements", tags=["announcements"])
    _add_reading(router, parts)
    _add_writing(router, parts)
    app.include_router(router)
    app.state.examples = {**getattr(app.state, "examples", {}), **EXAMPLES}


def _add_reading(router: APIRouter, parts: Parts) -> None:
    @router.get("", summary="Ce qui est annoncé en ce moment, à tous", responses=problems(422, 503))
    async def shown() -> PublicAnnouncements:
        async with scoped(parts.api_pool, {}) as connection:
            found = await kept.shown(connection, clock.now())
        return PublicAnnouncements(announcements=[PublicAnnouncement.of(each) for each in found])

    @router.get(
        "/mine",
        summary="Les annonces que je peux écrire : prévues, affichées, passées, retirées",
        responses=problems(401, 403, 422, 503),
    )
    async def mine(
        principal: CurrentPrincipal,
        cursor: Annotated[UUID | None, Query(description="La valeur « next » de la page d'avant")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> AnnouncementPage:
        require(principal, RIGHT)
        async with scoped(parts.api_pool, scope_of(principal)) as connection:
            found = await kept.own(connection, cursor, limit + 1)
        now = clock.now()
        views = [AnnouncementView.at(each, now) for each in found[:limit]]
        return AnnouncementPage(announcements=views, next=views[-1].id if len(found) > limit else None)


def _add_writing(router: APIRouter, parts: Parts) -> None:
    @router.post(
        "",
        status_code=201,
        summary="Annonce quelque chose à tous (exploitant), ou ce qui touche sa collectivité (son administrateur)",
        responses=problems(401, 403, 409, 422, 503),
    )
    async def write(
        request: Request,
        given: AnnouncementIn,
        principal: CurrentPrincipal,
        key: Annotated[str | None, once.header(max_length=200)] = None,
    ) -> AnnouncementView:
        require(principal, RIGHT)
        identity = uuid4() if key is None else uuid5(_KEYS, f"{principal.subject}/{key}")
        asked = hashlib.sha256(given.model_dump_json().encode()).hexdigest()
        async with transaction(parts.pool, "portal", keys=[str(identity), _ONE_BY_ONE]) as tx:
            known = await kept.asked(tx.conn, identity)
            if known is None:
                said = await _checked(tx.conn, given.said(), principal)
                await _room(tx.conn, said.tenant, principal, tx.now)
                await kept.write(tx.conn, identity, said, asked, principal.subject, tx.now)
                await _note(tx.conn, "announcement.made", identity, said.tenant, principal, tx.now, request)
            elif known != asked:
                raise once.reused(key or "")
            return await _view(tx.conn, identity, tx.now)

    @router.put(
        "/{announcement}",
        summary="Change une annonce",
        responses=problems(401, 403, 404, 409, 422, 503),
    )
    async def change(
        request: Request, announcement: UUID, given: AnnouncementChange, principal: CurrentPrincipal
    ) -> AnnouncementView:
        require(principal, RIGHT)
        async with transaction(parts.pool, "portal", keys=[str(announcement), _ONE_BY_ONE]) as tx:
            found = await _mine(tx.conn, announcement, principal)
            said = await _checked(tx.conn, given.said(), principal)
            if said.tenant != found.tenant or found.shown_until <= tx.now:
                await _room(tx.conn, said.tenant, principal, tx.now)
            if not await kept.change(tx.conn, announcement, given.version, said, tx.now):
                raise _changed(found)
            await _note(tx.conn, "announcement.changed", announcement, said.tenant, principal, tx.now, request)
            return await _view(tx.conn, announcement, tx.now)

    @router.delete(
        "/{announcement}",
        summary="Retire une annonce",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def withdraw(request: Request, announcement: UUID, principal: CurrentPrincipal) -> AnnouncementView:
        require(principal, RIGHT)
        async with transaction(parts.pool, "portal", keys=[str(announcement)]) as tx:
            found = await _mine(tx.conn, announcement, principal)
            if found.withdrawn_at is None:
                await kept.withdraw(tx.conn, announcement, tx.now)
                await _note(tx.conn, "announcement.withdrawn", announcement, found.tenant, principal, tx.now, request)
            return await _view(tx.conn, announcement, tx.now)


#: Announcements are counted while they are written: one at a time.
_ONE_BY_ONE = "announcements"
#: Under which a writer's key names an announcement.
_KEYS = UUID("0c8d1f55-5a4e-4d0e-9a5a-2f6f7c0f6b11")


async def _checked(connection: Connection, said: Said, principal: Principal) -> Said:
    """Whose it is: the operator's, or that of the tenant of the body that it speaks of. Raises a 403 or 422 problem."""
    known = await solicitation_people.tenant_of(connection, said.structure) if said.structure else None
    if said.structure and known is None:
        action = "Vérifiez le SIRET dans l'annuaire."
        raise invalid("structure", said.structure, "STRUCTURE_NOT_PUBLIC", "Aucun organisme n'a ce SIRET.", action)
    if known is not None and said.tenant not in (None, known[0]):
        action = "Indiquez la collectivité de cet organisme, ou aucune."
        raise invalid("tenant", said.tenant, "TENANT_OTHER", "L'organisme est d'une autre collectivité.", action)
    tenant = known[0] if known else said.tenant
    if said.kind == "maintenance" and OPERATEUR not in principal.roles:
        action = "Choisissez « news » (une nouvelle de votre collectivité) ou « code_closing »."
        words = "Seul l'exploitant annonce une maintenance : elle est celle de toute la plateforme."
        raise invalid("kind", said.kind, "KIND_OF_OPERATORS", words, action)
    if OPERATEUR not in principal.roles and tenant not in principal.tenants_as(TENANT_ADMIN):
        raise Problem(
            403,
            "TENANT_NOT_YOURS",
            "Collectivité d'un autre",
            "Indiquez votre collectivité dans « tenant », ou l'un de ses organismes : vous n'annoncez que pour elle.",
        )
    return Said(**{**{name: getattr(said, name) for name in Said.__struct_fields__}, "tenant": tenant})


async def _room(connection: Connection, tenant: str | None, principal: Principal, now: datetime) -> None:
    """Raises a 409 problem where a tenant says too much at a time; operators are not counted."""
    if tenant is None or OPERATEUR in principal.roles:
        return
    if await kept.standing(connection, tenant, now) >= kept.EACH_TENANT:
        raise conflict(
            "ANNOUNCEMENTS_MANY",
            "Trop d'annonces à la fois",
            f"Une collectivité en a {kept.EACH_TENANT} au plus, prévues ou affichées : retirez d'abord l'une d'elles.",
        )


async def _mine(connection: Connection, identity: UUID, principal: Principal) -> Announcement:
    """One that the caller may write. Raises a 404 problem, the same for one that is not there."""
    found = await kept.one(connection, identity)
    allowed = found is not None and (
        OPERATEUR in principal.roles or (found.tenant or "") in principal.tenants_as(TENANT_ADMIN)
    )
    if found is None or not allowed:
        raise not_found("Annonce")
    return found


def _changed(found: Announcement) -> Problem:
    if found.withdrawn_at is not None:
        return conflict(
            "ANNOUNCEMENT_WITHDRAWN", "Annonce retirée", "Cette annonce est retirée : écrivez-en une autre."
        )
    return conflict(
        "VERSION_CHANGED",
        "Changée entre-temps",
        "Quelqu'un d'autre a changé cette annonce : relisez-la, puis recommencez.",
    )


async def _view(connection: Connection, identity: UUID, now: datetime) -> AnnouncementView:
    found = await kept.one(connection, identity)
    assert found is not None
    return AnnouncementView.at(found, now)


async def _note(
    connection: Connection,
    action: str,
    identity: UUID,
    tenant: str | None,
    principal: Principal,
    now: datetime,
    request: Request,
) -> None:
    await audit.write(
        connection,
        at=now,
        actor=principal.subject,
        action=action,
        tenant=tenant,
        traceparent=request.state.traceparent,
        details={"announcement": str(identity)},
    )
