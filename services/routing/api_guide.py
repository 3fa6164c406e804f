"""How to invoice one structure, in words: what a supplier asks before he writes the invoice."""

from datetime import UTC, datetime

import msgspec
from fastapi import FastAPI
from pydantic import BaseModel, Field

from invoice.directory import Service, Structure, Tenant
from services.common.db import scoped
from services.routing.access import Pools, SiretPath, canonical_siret, problems, unknown_structure
from services.routing.domain import paris_day
from services.routing.guide import ON_EVERY_INVOICE, must, structure_guide
from services.routing.settings import Limits
from services.routing.views import ContactOut, contact_out

_ROW = (
    "select s.entry::text as structure, t.entry::text as tenant,"
    " array(select v.entry::text from service v where v.siret = s.siret order by v.code limit 1000) as services"
    " from structure s left join tenant t on t.id = s.tenant where s.siret = $1"
)
_tenant = msgspec.json.Decoder(Tenant).decode
_structure = msgspec.json.Decoder(Structure).decode
_service = msgspec.json.Decoder(Service).decode


class StructureGuideOut(BaseModel):
    """What one structure asks for, in French sentences; ``contacts`` are those of its tenant."""

    siret: str = Field(examples=["22060001900016"])
    name: str
    must: list[str] = Field(examples=[["Le code de service est obligatoire."]])
    on_every_invoice: list[str]
    payment_days: int = Field(examples=[30])
    link: str = Field(description="Ouvre un dépôt pour cette structure")
    contact: ContactOut | None
    contacts: list[ContactOut]


def add_routes(app: FastAPI, pools: Pools, limits: Limits) -> None:
    """A public route."""

    @app.get(
        "/api/v1/directory/structures/{siret}/guide",
        summary="Comment facturer une structure",
        responses=problems(404, 422, 503),
        tags=["annuaire"],
    )
    async def guide(siret: SiretPath) -> StructureGuideOut:
        wanted = canonical_siret(siret)
        async with scoped(pools.read, {}) as connection:
            row = await connection.fetchrow(_ROW, wanted)
        if row is None:
            raise unknown_structure(wanted)
        entry = _structure(row["structure"])
        tenant = _tenant(row["tenant"]) if row["tenant"] else None
        services = [_service(text) for text in row["services"]]
        found = structure_guide(entry, services, limits.deposit_page, paris_day(datetime.now(UTC)))
        return StructureGuideOut(
            siret=found.siret,
            name=found.name,
            must=must(entry),
            on_every_invoice=list(ON_EVERY_INVOICE),
            payment_days=found.payment_days,
            link=found.link,
            contact=found.contact,
            contacts=[out for each in (tenant.contacts if tenant else ()) if (out := contact_out(each)) is not None],
        )
