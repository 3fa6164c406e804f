"""Who is asking: the subject of an access token, with the rights that it holds now.

``python -m services.common.auth --subject … --structure …`` prints a token for development.
"""

import argparse
import sys
from typing import Annotated

from fastapi import Depends, Request

from contracts.events import Grant
from invoice import rights
from services.common import telemetry
from services.common.access import Identity, Pending
from services.common.may import refuse_reader
from services.common.principal import Principal
from services.common.problems import LIMITED, WHO
from services.common.rates import Rates
from services.common.settings import DEVELOPMENT_SECRET
from services.common.tokens import Refused, mint, verify
from services.common.web import Problem

__all__ = [
    "CurrentPrincipal",
    "Grant",
    "Principal",
    "current_principal",
    "mint",
    "require_role",
    "rights_pending",
    "verify",
]


async def current_principal(request: Request) -> Principal:
    """FastAPI dependency: the bearer token's principal, or a 401, 403 (scopes), 429 (rates) or 503 problem."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(
            401,
            "TOKEN_MISSING",
            "Authentification requise",
            "Ajoutez l'en-tête « Authorization: Bearer … » : aucun dépôt ni aucune lecture n'est anonyme.",
        )
    access: Identity = request.app.state.access
    try:
        principal = await access.principal(token.strip())
    except Refused as error:
        telemetry.TOKENS_REFUSED.labels(reason=error.reason).inc()
        raise Problem(
            401, "TOKEN_INVALID", "Jeton refusé", "Le jeton est expiré, mal formé ou mal signé : demandez-en un autre."
        ) from error
    except Pending as error:
        raise rights_pending() from error
    if principal.kind == "software":
        _within_scopes(request, principal)
    refuse_reader(principal, request.method, request.url.path)
    request.state.principal = principal
    rates: Rates | None = getattr(request.app.state, "rates", None)
    if rates is not None:
        await rates.of_client(request, principal)
    return principal


def rights_pending() -> Problem:
    """The rights of whoever asks are newer than what this service knows of them."""
    return Problem(
        503,
        "RIGHTS_PENDING",
        "Droits en cours de mise à jour",
        "Vos droits viennent de changer et arrivent : renvoyez la même demande dans une seconde.",
        headers={"Retry-After": "1"},
    )


def _within_scopes(request: Request, principal: Principal) -> None:
    """Software asks only for what it was registered for. Raises a 403 problem."""
    opened = rights.opened_by(request.method, request.url.path)
    if not set(opened) & set(principal.scopes):
        asked = " ou ".join(opened) or "aucune : ce chemin est réservé aux personnes"
        raise Problem(
            403,
            "SCOPE_REQUIRED",
            "Portée manquante",
            f"Ce logiciel n'a pas la portée que demande ce chemin ({asked}) : faites-la ajouter par le gestionnaire de"
            " la structure.",
        )


WHO.add(current_principal)
LIMITED.add(current_principal)
CurrentPrincipal = Annotated[Principal, Depends(current_principal)]


def require_role(principal: Principal, *roles: str) -> None:
    """Raises a 403 problem unless the principal has one of these roles."""
    if not set(roles) & set(principal.roles):
        raise Problem(403, "ROLE_REQUIRED", "Droit manquant", f"Cette action demande le rôle {' ou '.join(roles)}.")


def main() -> None:
    """Print a token signed with the development secret."""
    parser = argparse.ArgumentParser(description="A token for development")
    parser.add_argument("--subject", required=True)
    parser.add_argument("--contact", default="")
    parser.add_argument("--secret", default=DEVELOPMENT_SECRET)
    parser.add_argument("--hours", type=int, default=24)
    for name in ("structure", "service", "role", "tenant"):
        parser.add_argument(f"--{name}", action="append", default=[])
    given = parser.parse_args()
    principal = Principal(
        subject=given.subject,
        structures=tuple(given.structure),
        services=tuple(given.service),
        roles=tuple(given.role),
        tenants=tuple(given.tenant),
        contact=given.contact,
    )
    sys.stdout.write(mint(given.secret, principal, ttl_seconds=given.hours * 3600) + "\n")


if __name__ == "__main__":
    main()
