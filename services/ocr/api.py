"""Readings and stuck documents, for operators."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from fastapi import FastAPI
from pydantic import BaseModel

from services.common.auth import CurrentPrincipal, require_role
from services.common.db import Pool, scoped
from services.common.web import Problem

OPERATOR = "OPERATEUR"
_LISTED = 200


class ReadingOut(BaseModel):
    """What was read in a document, or why nothing was. ``result`` is the data of the event that told it."""

    invoice: UUID
    outcome: Literal["read", "empty", "unreadable"]
    result: dict[str, Any]
    read_at: datetime


class LostOut(BaseModel):
    """A document whose deposit was acknowledged and that cannot be had. It is tried again at ``next_try_at``."""

    invoice: UUID
    bucket: str
    key: str
    sha256: str
    trouble: str
    tries: int
    received_at: datetime
    next_try_at: datetime


def add_routes(app: FastAPI, api_pool: Pool) -> None:
    """``api_pool``: row-level security shows rows to operators only."""

    @app.get("/api/v1/pages/{invoice}/reading", summary="Ce qui a été lu dans un document (opérateur)")
    async def reading(invoice: UUID, principal: CurrentPrincipal) -> ReadingOut:
        require_role(principal, OPERATOR)
        async with scoped(api_pool, principal.scope()) as connection:
            row = await connection.fetchrow(
                "select outcome, result::text, read_at from reading where invoice_id = $1", invoice
            )
        if row is None:
            raise Problem(
                404,
                "READING_UNKNOWN",
                "Aucune lecture",
                "Ce document n'est pas connu, ou n'est pas encore lu : réessayez dans quelques secondes.",
            )
        return ReadingOut(
            invoice=invoice,
            outcome=row["outcome"],
            result=msgspec.json.decode(row["result"], type=dict[str, Any]),
            read_at=row["read_at"],
        )

    @app.get("/api/v1/pages/lost", summary="Documents acquittés mais introuvables ou altérés (opérateur)")
    async def lost(principal: CurrentPrincipal) -> list[LostOut]:
        require_role(principal, OPERATOR)
        async with scoped(api_pool, principal.scope()) as connection:
            rows = await connection.fetch(
                "select invoice_id as invoice, document ->> 'bucket' as bucket, document ->> 'key' as key,"
                " document ->> 'sha256' as sha256, coalesce(trouble, '') as trouble, failures as tries,"
                " queued_at as received_at, due_at as next_try_at"
                " from job where state = 'failed' order by queued_at limit $1",
                _LISTED,
            )
        return [LostOut(**dict(row)) for row in rows]
