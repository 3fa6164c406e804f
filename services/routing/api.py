"""The public directory over HTTP, and its import by an operator."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Literal

import msgspec
from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, Field

from invoice.addressing import PUBLIC_INVOICES_SERVICE
from invoice.directory import NumberFormat, Service
from invoice.directory_file import InvalidDirectory, parse
from invoice.hints import display_name, open_on
from invoice.identifiers import InvalidIdentifier, normalise_code, parse_siret
from services.common.auth import CurrentPrincipal, require_role
from services.common.db import Pool, scoped
from services.common.web import Problem
from services.routing import store
from services.routing.domain import Body, paris_day, search_text
from services.routing.load import import_directory

OPERATOR = "OPERATEUR"
_LISTED = 20


class FormOut(BaseModel):
    """The shape of a number: ``regex`` is anchored and only warns; ``mask`` and ``examples`` are for people."""

    regex: str
    mask: str
    examples: list[str]


class DemandsOut(BaseModel):
    """What the structure asks for. ``market``: off, warn (expected) or refuse (required)."""

    service_required: bool
    engagement_required: bool
    service_or_engagement: bool
    market: Literal["off", "warn", "refuse"]
    market_replaces_engagement: bool
    works_only: bool = Field(description="La structure ne reçoit que des pièces de marchés de travaux")
    engagement_formats: list[FormOut]
    market_formats: list[FormOut]


class ServiceOut(BaseModel):
    """A service. ``open_today``: it can be addressed today (Paris); ``reserved``: to public structures only."""

    code: str
    label: str
    open_today: bool
    reserved: bool
    engagement_required: bool
    valid_from: date | None
    valid_to: date | None


class StructureOut(BaseModel):
    """A public structure as a form needs it. ``version`` is that of the directory the answer was read from."""

    siret: str
    name: str
    kind: str
    tenant: str
    tenant_name: str
    active: bool
    payment_status_reported: bool | None
    demands: DemandsOut
    services_stated: bool = Field(description="Faux : la structure n'a pas publié ses codes de service")
    services: list[ServiceOut]
    version: int


class StructureLine(BaseModel):
    """A structure in a list."""

    siret: str
    name: str
    tenant: str
    active: bool


class ImportOut(BaseModel):
    """What an import did, or would do when ``dry_run``."""

    added: int
    changed: int
    unchanged: int
    version: int
    dry_run: bool


def add_routes(app: FastAPI, pool: Pool, api_pool: Pool, import_limit: int) -> None:
    """``pool`` writes the directory; ``api_pool`` may only read what is public. ``import_limit`` in bytes."""

    @app.get("/api/v1/directory/structures", summary="Chercher une structure par nom ou SIRET")
    async def search(
        q: Annotated[str, Query(min_length=2, max_length=100, pattern=r"^[^\x00]*$")],
    ) -> list[StructureLine]:
        async with scoped(api_pool, {}) as connection:
            found = await store.search(connection, search_text(q), _LISTED)
        return [StructureLine(siret=s.siret, name=display_name(s), tenant=s.tenant, active=s.active) for s in found]

    @app.get("/api/v1/directory/structures/{siret}", summary="Une structure, ses services et ses exigences")
    async def structure(siret: str) -> StructureOut:
        wanted = _siret(siret)
        async with scoped(api_pool, {}) as connection:
            found = await store.in_force(connection, [wanted])
        body = found.bodies[wanted]
        if body is None:
            raise Problem(
                404,
                "STRUCTURE_UNKNOWN",
                "Structure inconnue",
                f"L'annuaire n'a aucune structure au SIRET {wanted} : vérifiez-le sur le bon de commande.",
            )
        return _structure(body, found.version, paris_day(datetime.now(UTC)))

    @app.post("/api/v1/directory/import", summary="Charger un fichier d'annuaire (opérateur)")
    async def import_file(request: Request, principal: CurrentPrincipal, dry_run: bool = False) -> ImportOut:
        require_role(principal, OPERATOR)
        try:
            wanted = parse(await _content(request, import_limit))
            report = await import_directory(
                pool, wanted, by=principal.subject, dry_run=dry_run, traceparent=request.state.traceparent
            )
        except InvalidDirectory as error:
            raise Problem(
                422,
                "DIRECTORY_INVALID",
                "Annuaire refusé",
                "Rien n'est changé : corrigez les entrées indiquées et renvoyez le fichier entier.",
                errors=[{"field": "body", "rule": "DIRECTORY_FILE", "message": text} for text in error.problems],
            ) from error
        return ImportOut(**msgspec.to_builtins(report))


async def _content(request: Request, limit: int) -> bytes:
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > limit:
            raise Problem(
                413, "FILE_TOO_LARGE", "Fichier trop grand", f"Un fichier d'annuaire a {limit // 2**20} Mo au plus."
            )
    return bytes(content)


def _siret(text: str) -> str:
    try:
        return parse_siret(text)
    except InvalidIdentifier as error:
        raise Problem(
            422,
            error.code,
            "SIRET invalide",
            "Un SIRET a 14 chiffres et une clé de contrôle : vérifiez chaque chiffre.",
            errors=[{"field": "siret", "value": text, "rule": error.code, "action": "Corrigez le SIRET."}],
        ) from error


def _structure(body: Body, version: int, on: date) -> StructureOut:
    entry, asked = body.structure, body.structure.parameters
    return StructureOut(
        siret=entry.siret,
        name=display_name(entry),
        kind=entry.kind,
        tenant=entry.tenant,
        tenant_name=body.tenant.name,
        active=entry.active and body.tenant.active,
        payment_status_reported=asked.payment_status_reported,
        demands=DemandsOut(
            service_required=asked.service_required,
            engagement_required=asked.engagement_required,
            service_or_engagement=asked.service_or_engagement,
            market=asked.market_required,
            market_replaces_engagement=asked.market_replaces_engagement,
            works_only=asked.moa_only,
            engagement_formats=_forms(entry.engagement_formats),
            market_formats=_forms(entry.market_formats),
        ),
        services_stated=entry.services_stated,
        services=[_service(service, on) for _, service in sorted(body.services.items())],
        version=version,
    )


def _forms(formats: Sequence[NumberFormat]) -> list[FormOut]:
    return [FormOut(regex=form.regex, mask=form.mask, examples=list(form.examples)) for form in formats]


def _service(service: Service, on: date) -> ServiceOut:
    return ServiceOut(
        code=service.code,
        label=service.label,
        open_today=open_on(service, on),
        reserved=normalise_code(service.code) == PUBLIC_INVOICES_SERVICE,
        engagement_required=bool(service.engagement_required),
        valid_from=service.valid_from,
        valid_to=service.valid_to,
    )
