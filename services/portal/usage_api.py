"""``GET /api/v1/accounts/usage``: how much each client asks, for a tenant's administrator and the operator."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query

from services.common.auth import CurrentPrincipal, Principal
from services.common.principal import OPERATEUR, TENANT_ADMIN
from services.common.web import Problem
from services.portal.software_views import CLEAN
from services.portal.usage_sums import UsageReport, UsageSums, period


def add_routes(app: FastAPI, sums: UsageSums) -> None:
    """Serve the sums on ``app``."""
    router = APIRouter(prefix="/api/v1/accounts/usage", tags=["usage"])

    @router.get("", summary="L'usage par jour, collectivité et logiciel")
    async def read(
        principal: CurrentPrincipal,
        first: Annotated[date | None, Query(description="Premier jour ; il y a trente jours sinon")] = None,
        last: Annotated[date | None, Query(description="Dernier jour ; aujourd'hui sinon")] = None,
        tenant: Annotated[str | None, Query(max_length=100, pattern=CLEAN)] = None,
        client: Annotated[str | None, Query(max_length=100, pattern=CLEAN)] = None,
    ) -> UsageReport:
        since, until = period(first, last)
        return await sums.report(
            since, until, tenants=_tenants(principal, tenant), subjects=None if client is None else [client]
        )

    app.include_router(router)


def _tenants(principal: Principal, asked: str | None) -> list[str] | None:
    """The tenants whose usage is shown; None: every one. The same refusal for a tenant that is not there."""
    if OPERATEUR in principal.roles:
        return None if asked is None else [asked]
    own = principal.tenants_as(TENANT_ADMIN)
    if not own or (asked is not None and asked not in own):
        raise Problem(
            403,
            "ROLE_REQUIRED",
            "Droit manquant",
            "L'usage se lit avec le rôle TENANT_ADMIN de la collectivité, ou OPERATEUR.",
        )
    return list(own) if asked is None else [asked]
