"""``/internal/ingest/trial``: what a deposit of these values would be told, for somebody without an account.

Nothing is kept and no number is taken. The supplier named on the page is taken at his word for the length of the
answer; so what only a supplier may know, such as his engagements and whether a number is his already, is left out.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from fastapi import FastAPI, Request, Response

from contracts.events import ReadField
from invoice.cadres import Depositor, Given
from invoice.draft import complete
from invoice.findings import Finding
from invoice.typed import assemble
from services.common import clock
from services.common.auth import CurrentPrincipal, require_role
from services.common.db import Pool
from services.common.usage import ASKER
from services.common.web import Problem
from services.ingest import directory, draft_refusals, draft_rules, replica
from services.ingest.answering import answered
from services.ingest.domain import paris_day
from services.ingest.settings import IngestSettings

_MOST: Final = 1_000_000
_TOLD: Final = ("warn", "refuse")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was read on a document."""

    fields: tuple[ReadField, ...] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a deposit would be told. ``outcome``: it would be sent at once, wait as a draft, or be refused."""

    outcome: str
    findings: tuple[Finding, ...]


_asked = msgspec.json.Decoder(Asked).decode
_encode = msgspec.json.Encoder(decimal_format="string").encode


def add_routes(app: FastAPI, pool: Pool, settings: IngestSettings) -> None:
    """Add the route."""

    @app.post("/internal/ingest/trial", include_in_schema=False)
    async def trial(request: Request, principal: CurrentPrincipal) -> Response:
        require_role(principal, ASKER)
        try:
            asked = _asked((await request.body())[: _MOST + 1])
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise Problem(400, "BAD_REQUEST", "Demande illisible", "La demande ne peut pas être lue.") from error
        told = await answered(settings.store_seconds, rehearsed(pool, asked.fields))
        return Response(_encode(told), media_type="application/json", headers={"Cache-Control": "no-store"})


async def rehearsed(pool: Pool, fields: Sequence[ReadField]) -> Told:
    """The checks of a deposit over these values, as of today."""
    suppliers = tuple(field.value for field in fields if field.name == "supplier_siret" and field.confidence == "sure")
    draft = complete(fields, suppliers)
    if draft.outcome == "refused":
        refused = tuple(msgspec.structs.replace(found, level="refuse") for found in draft.findings)
        return Told(outcome="refused", findings=refused)
    filled = draft_rules.prefilled(fields, None, Given(), suppliers)
    assembled = assemble(filled.sheet, with_document=True)
    async with pool.acquire() as connection:
        if await directory.gap(connection) is not None:
            raise draft_refusals.directory_not_ready()
        known = await replica.load(connection, [assembled.provisional], draft_rules.others_asked(assembled))
    examined = draft_rules.examine(
        assembled,
        Depositor(structures=suppliers),
        on=paris_day(clock.now()),
        known=msgspec.structs.replace(known, around={}),
        pieces={},
        own="",
    )
    seen = {(found.code, found.field) for found in examined.findings}
    more = tuple(f for f in draft.findings if f.level in _TOLD and (f.code, f.field) not in seen)
    ready = draft.outcome == "complete" and examined.header is not None
    return Told(outcome="sent" if ready else "draft", findings=(*examined.findings, *more))
