"""``GET /api/v1/accounts/audit``: the trail, for whoever is in it, manages the structure, administers the tenant."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, FastAPI, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel

from services.common.auth import CurrentPrincipal
from services.common.db import scoped
from services.portal.parts import Parts
from services.portal.scope import scope_of
from services.portal.software_views import CLEAN

_FILTERS = {
    "actor": "actor = ${}",
    "action": "action = ${}",
    "about": "about = ${}",
    "structure": "structure = ${}",
    "tenant": "tenant = ${}",
    "since": "at >= ${}",
    "until": "at < ${}",
    "cursor": "id < ${}",
}


class AuditEntry(BaseModel):
    """Who did what: ``about`` is the subject it was done to."""

    id: int
    at: datetime
    actor: str
    action: str
    about: str | None
    structure: str | None
    tenant: str | None
    details: dict[str, Any]
    trace: str | None


class AuditPage(BaseModel):
    """Entries, newest first; ``next`` goes on."""

    entries: list[AuditEntry]
    next: int | None


Word = Annotated[str | None, Query(max_length=200, pattern=CLEAN)]


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("Cet instant est hors du calendrier.") from error


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]


def add_routes(app: FastAPI, parts: Parts) -> None:
    """Serve the trail on ``app``."""
    router = APIRouter(prefix="/api/v1/accounts/audit", tags=["audit"])

    @router.get("", summary="Le journal : qui a fait quoi sur les comptes, les droits, les logiciels")
    async def search(
        principal: CurrentPrincipal,
        actor: Word = None,
        action: Word = None,
        about: Word = None,
        structure: Word = None,
        tenant: Word = None,
        since: Instant | None = None,
        until: Instant | None = None,
        cursor: Annotated[int | None, Query(ge=1, le=2**62)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> AuditPage:
        given = {
            "actor": actor,
            "action": action,
            "about": about,
            "structure": structure,
            "tenant": tenant,
            "since": since,
            "until": until,
            "cursor": cursor,
        }
        asked = {name: value for name, value in given.items() if value is not None}
        conditions = " and ".join(_FILTERS[name].format(place) for place, name in enumerate(asked, 1)) or "true"
        async with scoped(parts.api_pool, scope_of(principal)) as connection:
            rows = await connection.fetch(
                "select id, at, actor, action, about, structure, tenant, details::text as details, trace"
                f" from audit_entry where {conditions} order by id desc limit {limit + 1}",
                *asked.values(),
            )
        entries = [AuditEntry(**{**row, "details": msgspec.json.decode(row["details"])}) for row in rows[:limit]]
        return AuditPage(entries=entries, next=entries[-1].id if len(rows) > limit else None)

    app.include_router(router)
