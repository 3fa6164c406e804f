"""What clients asked of every service: each service counts where it answers, here it is gathered and summed."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import httpx
import msgspec
from pydantic import BaseModel, Field

from services.common import clock, telemetry
from services.common.usage import Usage, UsageLine
from services.common.web import Problem
from services.portal.neighbours import Neighbours

LONGEST_DAYS = 400
_USUAL_DAYS = 30


class UsageRow(BaseModel):
    """One day of one client in one area, over all instances of the service that has it."""

    day: date
    client: str = Field(description="Sujet du logiciel ; vide pour les personnes, comptées ensemble")
    tenant: str
    area: str = Field(description="Première partie de l'adresse : deposits, invoices…")
    act: str = Field(description="read ou write")
    requests: int
    refused: int = Field(description="Réponses 4xx")
    failed: int = Field(description="Réponses 5xx")


class UsageReport(BaseModel):
    """What was counted. ``missing`` names the services that did not answer: their part is not in the sums."""

    first: date
    last: date
    rows: list[UsageRow]
    requests: int
    missing: list[str]


class UsageSums:
    """Asks every service at once; portal's own counts are its own."""

    def __init__(self, neighbours: Neighbours, own: Usage) -> None:
        self._neighbours = neighbours
        self._own = own

    async def report(
        self, first: date, last: date, *, tenants: Sequence[str] | None, subjects: Sequence[str] | None
    ) -> UsageReport:
        """The counts of these days, both included; None: of every tenant, of every client."""
        asked = {"first": [first.isoformat()], "last": [last.isoformat()]}
        asked |= {"tenant": list(tenants or ()), "subject": list(subjects or ())}
        names = list(self._neighbours.urls)
        answers = await asyncio.gather(*(self._ask(name, asked) for name in names))
        own = await self._own.sums(first, last, _listed(tenants), _listed(subjects))
        lines = [*own, *(line for answer in answers for line in answer or ())]
        rows = [
            UsageRow(client=line.subject, **{k: v for k, v in msgspec.structs.asdict(line).items() if k != "subject"})
            for line in lines
        ]
        rows.sort(key=lambda row: (row.day, row.client, row.tenant, row.area, row.act))
        missing = [name for name, answer in zip(names, answers, strict=True) if answer is None]
        return UsageReport(
            first=first, last=last, rows=rows, requests=sum(row.requests for row in rows), missing=missing
        )

    async def _ask(self, service: str, asked: Mapping[str, Sequence[str]]) -> list[UsageLine] | None:
        try:
            found: Any = await self._neighbours.get(service, "/usage", asked)
            return msgspec.convert(found, list[UsageLine])
        except (httpx.HTTPError, ValueError) as error:
            telemetry.logger().warning("usage.missing", service_asked=service, error=type(error).__name__)
            return None


def period(first: date | None, last: date | None) -> tuple[date, date]:
    """The days that are asked for, the last thirty unless said otherwise. Raises a 422 problem."""
    until = last or clock.now().date()
    since = first or date.fromordinal(max(1, until.toordinal() - _USUAL_DAYS))
    if 0 <= (until - since).days <= LONGEST_DAYS:
        return since, until
    entry = {
        "field": "first",
        "value": since.isoformat(),
        "rule": "USAGE_DAYS",
        "message": f"Le premier jour précède le dernier, de {LONGEST_DAYS} jours au plus.",
        "action": "Donnez des jours plus proches.",
    }
    raise Problem(422, "REQUEST_INVALID", "Demande invalide", "Corrigez les champs indiqués.", errors=[entry])


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)
