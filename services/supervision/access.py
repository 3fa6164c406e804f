"""Who sees which figures: the operator the whole platform or one tenant, a tenant's administrators their own."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from fastapi import Depends, Query

from services.common.auth import CurrentPrincipal, Principal
from services.common.may import require
from services.common.principal import OPERATEUR
from services.common.reach import tenants_of
from services.supervision.sums import ALL

Tenant = Annotated[
    str | None,
    Query(description="Une seule collectivité ; sans elle, toutes les vôtres", max_length=64, pattern=r"^[\w.-]+$"),
]


class Reach(msgspec.Struct, frozen=True):
    """Whose figures are shown. ``tenants`` is what row-level security lets through."""

    standing: Literal["operator", "tenant"]
    tenants: Sequence[str]

    @property
    def scope(self) -> Mapping[str, str]:
        """The setting that the policies read."""
        return {"reach": ",".join(self.tenants)}

    @property
    def platform(self) -> bool:
        """Whether this is a look at everything."""
        return ALL in self.tenants


async def reach(principal: CurrentPrincipal, tenant: Tenant = None) -> Reach:
    """FastAPI dependency. Raises 403 ``RIGHT_MISSING``, or 404 ``TENANT_UNKNOWN`` for what is another's."""
    require(principal, "supervision.read")
    found = tenants_of(principal, tenant)
    standing: Literal["operator", "tenant"] = "operator" if OPERATEUR in principal.roles else "tenant"
    return Reach(standing, (ALL,) if found is None else found)


Reached = Annotated[Reach, Depends(reach)]


async def watcher(principal: CurrentPrincipal) -> Principal:
    """FastAPI dependency: how the services do is no tenant's, but the operator's."""
    require(principal, "supervision.services")
    return principal


async def settler(principal: CurrentPrincipal) -> Principal:
    """FastAPI dependency: who may settle dead letters somewhere. Which ones is for their service to say."""
    require(principal, "dead_letter.settle")
    return principal


Watches = Annotated[Principal, Depends(watcher)]
Settles = Annotated[Principal, Depends(settler)]
