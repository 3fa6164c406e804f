"""What is not public: a supplier's own engagements; who changed an entry and why an invoice went where it went."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, FastAPI, Query
from pydantic import BaseModel

from invoice.directory import Engagement
from invoice.findings import Finding
from invoice.identifiers import normalise_code
from invoice.rules_table import operator_sentence
from services.common.auth import CurrentPrincipal
from services.common.db import scoped
from services.common.looks import MayLook, add_looks
from services.common.web import Problem
from services.routing import store
from services.routing.access import Pools, SiretPath, canonical_siret, decided, problems, readable
from services.routing.views import EngagementOut, VersionOut

_engagement = msgspec.json.Decoder(Engagement).decode


class DecisionOut(BaseModel):
    """A decision of the router, with every rule that was looked at and the version of the directory it used.

    Of each finding, ``message`` is what the supplier reads and ``operator_message`` what the directory's side does.
    ``purpose``: what asked for it: the deposit (``submitted``), the supplier's new address (``recycled``), or the
    body's own hand-over to another of its services (``transferred``).
    """

    invoice: UUID
    attempt: int
    purpose: str
    outcome: str
    structure: str | None
    service_code: str | None
    findings: list[dict[str, Any]]
    directory_version: int
    decided_on: str
    decided_at: str


def add_routes(app: FastAPI, pools: Pools) -> None:
    """Three routes, each for those whom it concerns, and the trail of the operator's looks."""
    router = APIRouter(prefix="/api/v1/directory", tags=["administration"])
    add_looks(router, pools.read)
    app.include_router(router)

    @app.get(
        "/api/v1/directory/engagements",
        summary="Mes engagements ouverts chez une structure",
        description="Ceux d'un fournisseur, par son jeton : jamais ceux d'un autre.",
        responses=problems(401, 422),
        tags=["mes données"],
    )
    async def engagements(
        principal: CurrentPrincipal,
        structure: Annotated[str, Query(max_length=40, examples=["22060001900016"])],
        q: Annotated[str, Query(max_length=50, pattern=r"^[^\x00]*$", description="Une partie du numéro")] = "",
    ) -> list[EngagementOut]:
        siret = canonical_siret(structure)
        async with scoped(pools.read, principal.scope()) as connection:
            rows = await connection.fetch(
                "select entry::text from engagement where siret = $1 and open and strpos(number, $2) > 0"
                " order by number limit 100",
                siret,
                normalise_code(q),
            )
        return [_out(_engagement(row["entry"])) for row in rows]

    @app.get(
        "/api/v1/directory/structures/{siret}/history",
        summary="Qui a changé une structure et ses services, et quand",
        description="Pour l'opérateur, l'administrateur du tenant et le gestionnaire de la structure ; les plus"
        " récents d'abord.",
        responses=problems(401, 403, 422),
        tags=["administration"],
    )
    async def history(principal: CurrentPrincipal, siret: SiretPath) -> list[VersionOut]:
        reach, wanted = readable(principal), canonical_siret(siret)
        rows = await pools.write.fetch(
            "select version, key, replaces, deleted, changed_by, changed_at::text, entry::text from directory_history"
            " where (key collate \"C\" = 'structure:' || $1 or"
            " (key collate \"C\" >= 'service:' || $1 || '/' and key collate \"C\" < 'service:' || $1 || '0'))"
            " and ($2 or tenant = any ($3::text[])) order by version desc limit 500",
            wanted,
            reach.everything,
            reach.tenants_of(wanted),
        )
        return [VersionOut(**{**row, "entry": msgspec.json.decode(row["entry"])}) for row in rows]

    @app.get(
        "/api/v1/directory/decisions/{invoice}",
        summary="Pourquoi une facture est allée là",
        description="Pour l'opérateur et l'administrateur du tenant : chaque tentative, chaque règle regardée.",
        responses=problems(401, 403, 404, 422),
        tags=["administration"],
    )
    async def decisions(principal: CurrentPrincipal, looking: MayLook, invoice: UUID) -> list[DecisionOut]:
        tenants = decided(principal)
        rows = await store.decisions(pools.write, invoice, tenants)
        if not rows:
            raise Problem(
                404, "DECISION_UNKNOWN", "Décision inconnue", "Aucune décision n'est connue ici pour cette facture."
            )
        for tenant in dict.fromkeys(row["tenant"] for row in rows):
            await looking.at(pools.read, tenant, invoice)
        return [DecisionOut(**{**row, "findings": _explained(row["findings"])}) for row in rows]


def _explained(findings: str) -> list[dict[str, Any]]:
    """The findings as they were kept, each with the sentence for who runs the directory."""
    found: list[dict[str, Any]] = msgspec.json.decode(findings)
    return [{**one, "operator_message": operator_sentence(msgspec.convert(one, Finding))} for one in found]


def _out(entry: Engagement) -> EngagementOut:
    return EngagementOut(
        structure=entry.siret,
        number=entry.number,
        service_code=entry.service_code,
        remaining=None if entry.remaining is None else str(entry.remaining),
    )
