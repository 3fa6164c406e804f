"""``/api/v1/messages/announcements``: the operator's and a tenant's words to everybody they know."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID, uuid4

import asyncpg
from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, Field

from services.common.auth import CurrentPrincipal
from services.common.db import Pool, scoped
from services.common.deliver import transaction
from services.common.may import require
from services.common.problems import problems
from services.common.web import Problem
from services.notify.letters import one_line

_LINE = r"^[^\x00-\x1f\x7f-\x9f]*$"
_PARAGRAPHS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"


def _trimmed(given: object) -> object:
    """As the title will stand in a subject, before its length is looked at: three spaces are no title."""
    return one_line(given) if isinstance(given, str) else given


class AnnouncementIn(BaseModel):
    """What is said, to whom. Without ``tenant`` it goes to everybody on the platform: for operators."""

    audience: Literal["everybody", "suppliers", "bodies"]
    title: Annotated[str, BeforeValidator(_trimmed), Field(min_length=3, max_length=150)]
    body: str = Field(min_length=3, max_length=8000, pattern=_PARAGRAPHS)
    title_en: str | None = Field(default=None, max_length=150)
    body_en: str | None = Field(default=None, max_length=8000, pattern=_PARAGRAPHS)
    tenant: str | None = Field(default=None, max_length=100, pattern=_LINE)


class AnnouncementView(AnnouncementIn):
    """An announcement. ``done_at``: all its messages are written; ``sent_to`` counts them."""

    id: UUID
    at: datetime
    sent_to: int
    done_at: datetime | None


class AnnouncementList(BaseModel):
    """Newest first."""

    announcements: list[AnnouncementView]


_SHOWN = "id, audience, title, body, title_en, body_en, tenant, at, sent_to, done_at"


def add_announcements(router: APIRouter, api_pool: Pool) -> None:
    """Serve announcements on ``router``."""

    @router.post(
        "/announcements",
        status_code=202,
        summary="Écrit à tous (opérateurs) ou à ceux de sa collectivité",
        responses=problems(401, 403, 422, 503),
    )
    async def announce(given: AnnouncementIn, principal: CurrentPrincipal) -> AnnouncementView:
        require(principal, "announcement.send")
        try:
            async with transaction(api_pool, "notify", scope=principal.scope()) as tx:
                row = await tx.conn.fetchrow(
                    "insert into announcement (id, tenant, audience, title, body, title_en, body_en, by_subject, at)"
                    f" values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning {_SHOWN}",
                    uuid4(),
                    given.tenant,
                    given.audience,
                    given.title,
                    given.body,
                    one_line(given.title_en) if given.title_en else None,
                    given.body_en,
                    principal.subject,
                    tx.now,
                )
        except asyncpg.InsufficientPrivilegeError as error:
            raise Problem(
                403,
                "TENANT_NOT_YOURS",
                "Collectivité d'un autre",
                "Indiquez votre collectivité dans « tenant » : vous n'écrivez qu'à ceux de la vôtre.",
            ) from error
        assert row is not None
        return AnnouncementView(**dict(row))

    @router.get("/announcements", summary="Annonces envoyées", responses=problems(401, 403, 422, 503))
    async def list_announcements(principal: CurrentPrincipal) -> AnnouncementList:
        require(principal, "announcement.send")
        async with scoped(api_pool, principal.scope()) as connection:
            rows = await connection.fetch(f"select {_SHOWN} from announcement order by at desc limit 200")
        return AnnouncementList(announcements=[AnnouncementView(**dict(row)) for row in rows])
