"""``/api/v1/accounts/tenants/{tenant}/administrators``: named by the operator."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from services.common.auth import CurrentPrincipal
from services.common.db import scoped
from services.common.principal import OPERATEUR, TENANT_ADMIN
from services.common.problems import problems
from services.portal import member_administrators, member_store, structure_reads
from services.portal.member_desk import request_cause
from services.portal.member_views import AdministratorList, AdministratorView
from services.portal.member_words import not_found
from services.portal.members_api import SubjectPath
from services.portal.parts import Parts
from services.portal.scope import scope_of

TenantPath = Annotated[str, Path(max_length=40, pattern=r"^[a-z0-9-]+$", examples=["cd06"])]


def add_routes(router: APIRouter, parts: Parts) -> None:
    """Serve them on ``router``."""

    @router.get(
        "/tenants/{tenant}/administrators",
        summary="Les administrateurs d'un département",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def listed(tenant: TenantPath, principal: CurrentPrincipal) -> AdministratorList:
        if OPERATEUR not in principal.roles and tenant not in principal.tenants_as(TENANT_ADMIN):
            raise not_found("Département")
        async with scoped(parts.api_pool, scope_of(principal)) as connection:
            subjects = await member_store.administrators(connection, tenant)
        async with parts.pool.acquire() as connection:
            people = await structure_reads.people(connection, subjects)
        nobody = structure_reads.Person("", None)
        found = [(subject, people.get(subject, nobody)) for subject in subjects]
        return AdministratorList(
            tenant=tenant,
            administrators=[AdministratorView(subject=s, name=p.name, email=p.email) for s, p in found],
        )

    @router.put(
        "/tenants/{tenant}/administrators/{subject}",
        status_code=204,
        summary="Nomme un administrateur (exploitant)",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def name(request: Request, tenant: TenantPath, subject: SubjectPath, principal: CurrentPrincipal) -> None:
        await member_administrators.name(parts.pool, principal, tenant, subject, request_cause(request))
        parts.mailing.wake()

    @router.delete(
        "/tenants/{tenant}/administrators/{subject}",
        status_code=204,
        summary="Retire un administrateur (exploitant)",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def dismiss(request: Request, tenant: TenantPath, subject: SubjectPath, principal: CurrentPrincipal) -> None:
        cause = request_cause(request)
        await member_administrators.dismiss(parts.pool, principal, tenant, subject, cause, parts.mailing)
        parts.mailing.wake()
