"""Who is asking: signed development tokens, with the claims that accounts will keep.

``python -m services.common.auth --subject … --structure …`` prints one for development.
"""

import argparse
import sys
import time
from typing import Annotated

import jwt
import msgspec
from fastapi import Depends, Request

from services.common.problems import WHO
from services.common.settings import DEVELOPMENT_SECRET
from services.common.web import Problem

_ALGORITHM = "HS256"
_AUDIENCE = "chorale"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """A person or a program. ``structures`` are SIRETs, ``services`` are ``siret/code``, ``tenants`` ids.

    ``expires`` is the token's end in seconds since the epoch, None where there was no token: what goes on for long
    ends with it.
    """

    subject: str
    structures: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    contact: str = ""
    expires: int | None = None

    def scope(self) -> dict[str, str]:
        """The settings that row-level security reads. Lists are joined by a comma, which no identifier holds."""
        return {
            "subject": self.subject,
            "structures": ",".join(self.structures),
            "services": ",".join(self.services),
            "roles": ",".join(self.roles),
            "tenants": ",".join(self.tenants),
        }


def mint(secret: str, principal: Principal, *, ttl_seconds: int = 3600) -> str:
    """A signed token for this principal."""
    now = int(time.time())
    claims = {**msgspec.to_builtins(principal), "aud": _AUDIENCE, "iat": now, "exp": now + ttl_seconds}
    claims["sub"] = claims.pop("subject")
    del claims["expires"]
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def verify(secret: str, token: str) -> Principal:
    """The principal of a token. Raises ``jwt.InvalidTokenError`` or ``msgspec.ValidationError``."""
    claims = jwt.decode(
        token, secret, algorithms=[_ALGORITHM], audience=_AUDIENCE, options={"require": ["exp", "sub", "aud"]}
    )
    principal = msgspec.convert({**claims, "subject": claims["sub"], "expires": claims["exp"]}, Principal)
    if not principal.subject or any("," in item for group in _lists(principal) for item in group):
        raise jwt.InvalidTokenError("claims")
    return principal


def _lists(principal: Principal) -> tuple[tuple[str, ...], ...]:
    return (principal.structures, principal.services, principal.roles, principal.tenants)


async def current_principal(request: Request) -> Principal:
    """FastAPI dependency: the bearer token's principal, or a 401 problem."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(
            401,
            "TOKEN_MISSING",
            "Authentification requise",
            "Ajoutez l'en-tête « Authorization: Bearer … » : aucun dépôt ni aucune lecture n'est anonyme.",
        )
    try:
        return verify(request.app.state.token_secret, token.strip())
    except (jwt.InvalidTokenError, msgspec.ValidationError) as error:
        raise Problem(
            401, "TOKEN_INVALID", "Jeton refusé", "Le jeton est expiré, mal formé ou mal signé : demandez-en un autre."
        ) from error


WHO.add(current_principal)
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
