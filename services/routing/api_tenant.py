"""The guide of a tenant, and links that open a deposit."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

import msgspec
from fastapi import FastAPI, Header, Path, Query, Response
from pydantic import BaseModel, Field

from invoice.directory import Service, Structure, Tenant
from invoice.identifiers import normalise_code
from services.common.db import Connection, scoped
from services.common.web import Problem
from services.routing.access import Pools, TenantId, canonical_siret, problems, unknown_structure
from services.routing.domain import paris_day
from services.routing.guide import PAGE, GuideOut, html, structure_guide, tenant_guide
from services.routing.links import deposit_link, qr_svg
from services.routing.settings import Limits

_tenant = msgspec.json.Decoder(Tenant).decode
_structure = msgspec.json.Decoder(Structure).decode
_service = msgspec.json.Decoder(Service).decode
# Nothing runs in the page, and nothing but a logo comes from elsewhere.
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; base-uri 'none'; form-action 'none'"
)
_SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
Code = Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$", examples=["DRH"])]
Number = Annotated[str | None, Query(max_length=50, pattern=r"^[^\x00]*$", examples=["CP2020/X123456/1"])]


class LinkOut(BaseModel):
    """A link that opens a deposit, and the address of its QR code."""

    link: str = Field(examples=["https://factures.example/deposer?siret=22060001900016&service=DRH"])
    qr: str = Field(examples=["/api/v1/directory/deposit-link/22060001900016.svg?service=DRH"])


def add_routes(app: FastAPI, pools: Pools, limits: Limits) -> None:
    """Public routes."""

    @app.get(
        "/api/v1/directory/tenants/{tenant}/guide",
        summary="Comment facturer un département",
        description="En JSON, ou en page à imprimer (`format=html`, ou un navigateur).",
        response_model=GuideOut,
        responses={200: {"content": {"text/html": {}}}, **problems(404, 422)},
        tags=["annuaire"],
    )
    async def guide(
        tenant: TenantId,
        format: Annotated[Literal["json", "html"] | None, Query()] = None,
        page: Annotated[int, Query(ge=1, le=100_000)] = 1,
        accept: Annotated[str, Header(include_in_schema=False)] = "",
    ) -> GuideOut | Response:
        async with scoped(pools.read, {}) as connection:
            found = await _guide(connection, tenant, page, limits.deposit_page, paris_day(datetime.now(UTC)))
        if format == "html" or (format is None and "text/html" in accept):
            headers = {"Content-Security-Policy": _PAGE_POLICY, "X-Content-Type-Options": "nosniff", "Vary": "Accept"}
            return Response(html(found), media_type="text/html; charset=utf-8", headers=headers)
        return found

    async def link_to(siret: str, service: str | None, engagement: str | None) -> str:
        wanted = canonical_siret(siret)
        async with scoped(pools.read, {}) as connection:
            known = await connection.fetchval(
                "select (select code from service v where v.siret = s.siret and v.code = $2) is not null"
                " or coalesce(s.entry->>'services_stated', 'true') = 'false' from structure s where s.siret = $1",
                wanted,
                normalise_code(service or ""),
            )
        if known is None:
            raise unknown_structure(wanted)
        if service and not known:
            detail = f"La structure {wanted} n'a pas de service « {service} » : prenez un code de sa liste."
            raise Problem(404, "SERVICE_UNKNOWN", "Service inconnu", detail)
        return deposit_link(limits.deposit_page, wanted, service, engagement)

    @app.get(
        "/api/v1/directory/deposit-link/{siret}.svg",
        summary="Le QR code d'un dépôt prérempli",
        response_class=Response,
        responses={200: {"content": {"image/svg+xml": {}}}, **problems(404, 422)},
        tags=["annuaire"],
    )
    async def qr(
        siret: Annotated[str, Path(max_length=40, examples=["22060001900016"])],
        service: Code = None,
        engagement: Number = None,
    ) -> Response:
        link = await link_to(siret, service, engagement)
        headers = {"Content-Security-Policy": _SVG_POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(qr_svg(link), media_type="image/svg+xml", headers=headers)

    @app.get(
        "/api/v1/directory/deposit-link/{siret}",
        summary="Le lien d'un dépôt prérempli",
        description="Il ouvre un dépôt dont le SIRET, le service et l'engagement sont remplis.",
        responses=problems(404, 422),
        tags=["annuaire"],
    )
    async def link(
        siret: Annotated[str, Path(max_length=40, examples=["22060001900016"])],
        service: Code = None,
        engagement: Number = None,
    ) -> LinkOut:
        found = await link_to(siret, service, engagement)
        query = found.partition("&")[2]
        address = f"/api/v1/directory/deposit-link/{canonical_siret(siret)}.svg"
        return LinkOut(link=found, qr=f"{address}?{query}" if query else address)


async def _guide(connection: Connection, tenant: str, page: int, deposit_page: str, on: date) -> GuideOut:
    row = await connection.fetchrow(
        "select entry::text, (select count(*) from structure s where s.tenant = t.id) as structures,"
        " (select coalesce(max(version), 0) from directory_history) as version from tenant t where id = $1",
        tenant,
    )
    if row is None:
        detail = f"L'annuaire n'a aucun tenant « {tenant} » : vérifiez l'adresse."
        raise Problem(404, "TENANT_UNKNOWN", "Département inconnu", detail)
    rows = await connection.fetch(
        "select s.entry::text as structure, v.services from ("
        " select siret, entry from structure where tenant = $1 order by label, siret limit $2 offset $3) s"
        " left join lateral (select array_agg(x.entry::text order by x.code) as services from ("
        "  select code, entry from service where siret = s.siret order by code limit 1000) x) v on true",
        tenant,
        PAGE,
        (page - 1) * PAGE,
    )
    structures = [
        structure_guide(
            _structure(found["structure"]), [_service(text) for text in found["services"] or ()], deposit_page, on
        )
        for found in rows
    ]
    pages = max(1, -(-row["structures"] // PAGE))
    return tenant_guide(_tenant(row["entry"]), structures, page=page, pages=pages, on=on, version=row["version"])
