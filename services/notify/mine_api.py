"""``GET /api/v1/messages/mine``: what was written to the caller, in words, as the mail said it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query
from jinja2 import UndefinedError
from pydantic import BaseModel

from contracts.codec import codec
from services.common.auth import CurrentPrincipal
from services.common.db import Pool, scoped
from services.common.problems import problems
from services.notify.domain import Facts, Language
from services.notify.letters import said
from services.notify.matrix import Audience
from services.notify.own_api import speaks_for
from services.notify.store import CARRIERS

_facts = codec(Facts)
_MINE = (
    "select id, subject, kind, audience, language, data, state, legal, created_at from message"
    " where address = $1 and kind <> all($2::text[])"
    " and ($3::uuid is null or (created_at, id) < (select created_at, id from message where id = $3))"
    " order by created_at desc, id desc limit $4"
)
#: What becomes of a mail, for whoever reads it here anyway.
_SENT = {"accepted": "sent", "permanent": "undeliverable", "technical": "undeliverable"}


class OwnMessage(BaseModel):
    """A message. ``path``: the page it leads to; ``outcome`` is that of the mail. Secrets are not here."""

    id: UUID
    kind: str
    audience: Audience
    at: datetime
    title: str
    text: list[str]
    act: str
    path: str | None
    link_label: str
    mandatory: bool
    outcome: Literal["sent", "waiting", "undeliverable"]


class OwnMessages(BaseModel):
    """Newest first. ``next`` is the value of ``before`` for the next page, absent on the last."""

    messages: list[OwnMessage]
    next: UUID | None


def add_mine(router: APIRouter, api_pool: Pool) -> None:
    """Serve it on ``router``."""

    @router.get(
        "/mine",
        summary="Mes messages, en toutes lettres, le plus récent d'abord",
        responses=problems(401, 403, 409, 422, 503),
    )
    async def mine(
        principal: CurrentPrincipal,
        before: Annotated[UUID | None, Query(description="La valeur « next » de la page précédente")] = None,
        language: Annotated[Literal["fr", "en"] | None, Query(description="Par défaut, celle du courriel")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> OwnMessages:
        async with scoped(api_pool, principal.scope()) as connection:
            address = await speaks_for(connection, principal)
            rows = await connection.fetch(_MINE, address, list(CARRIERS), before, limit + 1)
        shown = [_view(row, language or row["language"]) for row in rows[:limit]]
        return OwnMessages(messages=shown, next=shown[-1].id if len(rows) > limit else None)


def _view(row: asyncpg.Record, language: Language) -> OwnMessage:
    facts = _facts.decode(row["data"].encode())
    outcome: Any = _SENT.get(row["state"], "waiting")
    try:
        words = said(row["kind"], row["audience"], facts, row["subject"], language)
        title, text, act, place, label = words
    except (UndefinedError, KeyError):  # words that were erased, or a kind that is no more
        title, text, act, place, label = row["kind"], [], "", None, ""
    return OwnMessage(
        id=row["id"],
        kind=row["kind"],
        audience=row["audience"],
        at=row["created_at"],
        title=title,
        text=text,
        act=act,
        path=place,
        link_label=label if place else "",
        mandatory=row["legal"],
        outcome=outcome,
    )
