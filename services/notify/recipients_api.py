"""``/api/v1/messages/recipients``: who is written to beside the managers. Each structure and tenant edits its own."""

from typing import Annotated, Literal
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from invoice.identifiers import InvalidIdentifier, parse_siret
from services.common.auth import CurrentPrincipal
from services.common.db import Connection, Pool, scoped
from services.common.deliver import transaction
from services.common.problems import problems
from services.common.web import Problem
from services.notify.domain import clean_address
from services.notify.letters import one_line

_AT_MOST = 50  # addresses of one structure (or tenant) in one role
Role = Literal["supplier", "validator", "moe", "moa", "administrator"]


class RecipientIn(BaseModel):
    """An address: of a structure by its SIRET, or of a tenant for an administrator."""

    role: Role
    siret: str | None = Field(default=None, max_length=50)
    tenant: str | None = Field(default=None, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")
    name: str = Field(default="", max_length=200)
    email: str = Field(max_length=300)


class RecipientView(RecipientIn):
    """An address that is registered."""

    id: UUID


class RecipientList(BaseModel):
    """The addresses that the caller may see."""

    recipients: list[RecipientView]


def add_recipients(router: APIRouter, api_pool: Pool) -> None:
    """Serve the recipients on ``router``."""

    @router.get(
        "/recipients",
        summary="Adresses de mes structures : fournisseur, valideur, MOE, MOA, administrateur",
        responses=problems(401, 403, 422, 503),
    )
    async def list_recipients(
        principal: CurrentPrincipal,
        siret: Annotated[str | None, Query(pattern=r"^\d{14}$")] = None,
        role: Role | None = None,
    ) -> RecipientList:
        async with scoped(api_pool, principal.scope()) as connection:
            rows = await connection.fetch(
                "select id, role, siret, tenant, name, email from correspondent"
                " where ($1::text is null or siret = $1) and ($2::text is null or role = $2)"
                " order by role, siret, tenant, email limit 1000",
                siret,
                role,
            )
        return RecipientList(recipients=[RecipientView(**dict(row)) for row in rows])

    @router.post(
        "/recipients", status_code=201, summary="Ajoute une adresse", responses=problems(401, 403, 409, 422, 503)
    )
    async def add_recipient(given: RecipientIn, principal: CurrentPrincipal) -> RecipientView:
        siret, email = _checked(given)
        try:
            keys = [f"recipients/{siret or given.tenant}"]
            async with transaction(api_pool, "notify", keys=keys, scope=principal.scope()) as tx:
                await _room(tx.conn, given.role, siret, given.tenant)
                row = await tx.conn.fetchrow(
                    "with new as (insert into correspondent (role, siret, tenant, name, email, changed_by)"
                    " values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning id, role, siret, tenant, name,"
                    " email) select * from new union all select id, role, siret, tenant, name, email from correspondent"
                    " where role = $1 and siret is not distinct from $2 and tenant is not distinct from $3"
                    " and email = $5 limit 1",
                    given.role,
                    siret,
                    given.tenant if given.role == "administrator" else None,
                    one_line(given.name),
                    email,
                    principal.subject,
                )
        except asyncpg.InsufficientPrivilegeError as error:
            raise Problem(
                403,
                "RECIPIENT_NOT_YOURS",
                "Structure d'un autre",
                "Vous ne pouvez inscrire que des adresses de vos structures ou de votre collectivité.",
            ) from error
        assert row is not None
        return RecipientView(**dict(row))

    @router.delete(
        "/recipients/{identity}",
        status_code=204,
        summary="Retire une adresse",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def remove_recipient(identity: UUID, principal: CurrentPrincipal) -> Response:
        async with transaction(api_pool, "notify", scope=principal.scope()) as tx:
            gone = await tx.conn.fetchval("delete from correspondent where id = $1 returning true", identity)
        if not gone:
            raise Problem(404, "RECIPIENT_UNKNOWN", "Adresse inconnue", "Aucune de vos adresses ne porte cet id.")
        return Response(status_code=204)


async def _room(connection: Connection, role: Role, siret: str | None, tenant: str | None) -> None:
    """Nobody makes the platform write to a crowd. Raises a 409 problem."""
    there = await connection.fetchval(
        "select count(*) from correspondent where role = $1 and (siret = $2 or role = 'administrator' and tenant = $3)",
        role,
        siret,
        tenant,
    )
    if there >= _AT_MOST:
        raise Problem(
            409,
            "RECIPIENTS_TOO_MANY",
            "Trop d'adresses",
            f"Il y a déjà {_AT_MOST} adresses dans ce rôle, le maximum : retirez-en une, ou inscrivez une liste de "
            "diffusion.",
        )


def _checked(given: RecipientIn) -> tuple[str | None, str]:
    """SIRET and address as they are kept. Raises a 422 problem with every field that cannot be used."""
    errors: list[dict[str, object]] = []
    siret: str | None = None
    email = clean_address(given.email)
    if email is None:
        errors.append(_error("email", given.email, "EMAIL_FORM", "Écrivez l'adresse sous la forme nom@domaine.fr."))
    if given.role == "administrator":
        if not given.tenant or given.siret:
            errors.append(
                _error("tenant", given.tenant, "TENANT_NEEDED", "Donnez la collectivité, sans SIRET, pour ce rôle.")
            )
    else:
        try:
            siret = parse_siret(given.siret or "")
        except InvalidIdentifier as error:
            errors.append(_error("siret", given.siret, error.code, "Recopiez les 14 chiffres du SIRET."))
    if errors or email is None:
        raise Problem(422, "RECIPIENT_INVALID", "Adresse refusée", "Corrigez les champs indiqués.", errors=errors)
    return siret, email


def _error(field: str, value: str | None, rule: str, action: str) -> dict[str, object]:
    return {"field": field, "value": (value or "")[:80], "rule": rule, "message": action, "action": action}
