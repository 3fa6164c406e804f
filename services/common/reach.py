"""Whose things an operator or a tenant's administrator looks at: everybody's, or those of the tenants he has."""

from services.common.principal import OPERATEUR, TENANT_ADMIN, Principal
from services.common.web import Problem


def tenants_of(principal: Principal, tenant: str | None) -> tuple[str, ...] | None:
    """None: the whole platform. ``tenant`` narrows it.

    Raises 403 ``RIGHT_MISSING`` for whoever is neither, 404 ``TENANT_UNKNOWN`` for a tenant that is another's.
    """
    if OPERATEUR in principal.roles:
        return (tenant,) if tenant else None
    own = principal.tenants_as(TENANT_ADMIN)
    if not own:
        raise Problem(
            403,
            "RIGHT_MISSING",
            "Droit manquant",
            "Ceci est réservé à l'exploitant et aux administrateurs d'une collectivité.",
        )
    if tenant is not None and tenant not in own:
        raise Problem(404, "TENANT_UNKNOWN", "Collectivité introuvable", "Vous n'en administrez aucune de ce nom.")
    return (tenant,) if tenant else own
