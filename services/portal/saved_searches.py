"""``/api/v1/accounts/me/searches``: searches of invoices that somebody keeps, under names of his own."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field

from services.common.db import scoped
from services.common.deliver import transaction
from services.common.problems import problems
from services.common.web import Problem
from services.portal.account_models import Line
from services.portal.parts import Parts
from services.portal.session_guard import CurrentSession

MOST: Final = 50
LONGEST_NAME: Final = 80
Space = Literal["issued", "received", "to_validate", "works"]
#: A name that is there already gets the new conditions: that is how a search is changed.
_KEEP: Final = (
    "insert into saved_search (id, subject, space, name, query, made_at) values ($1, $2, $3, $4, $5, $6)"
    " on conflict (subject, space, name) do update set query = excluded.query returning *"
)
_ID: Final = "0190e8a0-0000-7000-8000-000000000042"


class SearchIn(BaseModel):
    """A search to keep. ``query``: the conditions as they stand in the address of the page."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"space": "received", "name": "En retard", "query": "late=1&sort=due"}]},
    )

    space: Space
    name: Annotated[Line, Field(min_length=1, max_length=LONGEST_NAME)]
    query: Annotated[Line, Field(max_length=2000)]


class SearchView(BaseModel):
    """A search that is kept."""

    id: UUID
    space: Space
    name: str
    query: str
    made_at: datetime


class SearchList(BaseModel):
    """Those of the caller, by name."""

    searches: list[SearchView]


EXAMPLES: Final[dict[str, Any]] = {
    "GET /api/v1/accounts/me/searches": {
        "searches": [
            {
                "id": _ID,
                "space": "received",
                "name": "En retard",
                "query": "late=1&sort=due",
                "made_at": "2026-03-02T09:30:00Z",
            }
        ]
    }
}


def add_routes(app: FastAPI, parts: Parts) -> None:
    """Serve them on ``app``."""
    router = APIRouter(prefix="/api/v1/accounts/me/searches", tags=["comptes"])

    @router.get("", summary="Mes recherches enregistrées", responses=problems(401, 422, 503))
    async def searches(
        signed: CurrentSession, space: Annotated[Space | None, Query(description="Un seul espace")] = None
    ) -> SearchList:
        async with scoped(parts.api_pool, {"subject": signed.subject}) as connection:
            rows = await connection.fetch(
                "select * from saved_search where subject = $1 and ($2::text is null or space = $2)"
                " order by space, lower(name), id",
                signed.subject,
                space,
            )
        return SearchList(searches=[SearchView(**row) for row in rows])

    @router.post("", status_code=201, summary="Enregistre une recherche", responses=problems(401, 403, 409, 422, 503))
    async def keep(given: SearchIn, signed: CurrentSession) -> SearchView:
        name = given.name.strip()
        if not name:
            raise _nameless()
        async with transaction(parts.pool, "portal", keys=[f"searches {signed.subject}"]) as tx:
            held = await tx.conn.fetchval(
                "select count(*) from saved_search where subject = $1 and not (space = $2 and name = $3)",
                signed.subject,
                given.space,
                name,
            )
            if held >= MOST:
                raise _too_many()
            row = await tx.conn.fetchrow(_KEEP, uuid4(), signed.subject, given.space, name, given.query, tx.now)
        assert row is not None
        return SearchView(**row)

    @router.delete("/{search}", status_code=204, summary="Oublie une recherche", responses=problems(401, 403, 422, 503))
    async def forget(search: UUID, signed: CurrentSession) -> None:
        async with transaction(parts.pool, "portal") as tx:
            await tx.conn.execute("delete from saved_search where id = $1 and subject = $2", search, signed.subject)

    app.include_router(router)


def _nameless() -> Problem:
    return Problem(
        422,
        "SEARCH_NAMELESS",
        "Recherche sans nom",
        "Donnez un nom à la recherche.",
        errors=[{"field": "name", "value": "", "rule": "MISSING", "message": "Donnez un nom à la recherche."}],
    )


def _too_many() -> Problem:
    return Problem(
        409,
        "SEARCHES_TOO_MANY",
        "Trop de recherches enregistrées",
        f"Vous en gardez déjà {MOST} : oubliez-en une, puis recommencez.",
    )
