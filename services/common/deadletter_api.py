"""``/internal/<service>/dead-letters``: a service's own dead letters. The gateway does not lead there.

An operator settles them all, a tenant's administrator those whose event names his tenant. Supervision passes requests
on with the token of whoever asks: each service decides by itself whether he may.
"""

from contextlib import suppress
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
from fastapi import Depends, FastAPI, Path, Query
from pydantic import AwareDatetime, BaseModel, Field

from contracts.registry import ServiceName
from services.common import deadletter_desk as desk
from services.common.auth import CurrentPrincipal
from services.common.db import Connection, Pool
from services.common.looks import Looking, MayLook
from services.common.may import require
from services.common.reach import tenants_of
from services.common.record import unpack_headers
from services.common.web import Problem

LIMIT = 500
READ, SETTLE = "supervision.read", "dead_letter.settle"
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
_PLAIN = r"^[^\x00]*$"
Tenant = Annotated[str | None, Query(max_length=64, pattern=_PLAIN)]


class Order(BaseModel, extra="forbid"):
    """What to do with which letters. Without ``apply`` the answer says what would be done."""

    action: Literal["replay", "drop"]
    ids: list[Annotated[int, Field(ge=1, le=2**63 - 1)]] = Field(default=[], max_length=LIMIT)
    key: str | None = Field(default=None, max_length=600, pattern=_PLAIN)
    reason: str | None = Field(default=None, max_length=200, pattern=_PLAIN)
    tenant: str | None = Field(default=None, max_length=64, pattern=_PLAIN)
    apply: bool = False
    note: str | None = Field(default=None, max_length=500, pattern=_PLAIN)


async def _chosen(
    principal: CurrentPrincipal,
    reason: Annotated[str | None, Query(max_length=200, pattern=_PLAIN)] = None,
    key: Annotated[str | None, Query(max_length=600, pattern=_PLAIN)] = None,
    tenant: Tenant = None,
) -> desk.Choice:
    """FastAPI dependency: the letters asked for, among those that the caller may see."""
    require(principal, READ)
    return desk.Choice(key=key, reason=reason, tenants=tenants_of(principal, tenant))


Chosen = Annotated[desk.Choice, Depends(_chosen)]


def add_routes(app: FastAPI, service: ServiceName, pool: Pool, api_pool: Pool) -> None:
    """Serve a service's dead letters. ``pool`` is the owner's: the API's role has no right to them.

    Looks of operators are written through ``api_pool``.
    """
    base = f"/internal/{service}/dead-letters"
    _add_lists(app, base, service, pool)
    _add_one(app, base, service, pool, api_pool)

    @app.post(base, include_in_schema=False)
    async def settled(principal: CurrentPrincipal, order: Order) -> dict[str, Any]:
        require(principal, SETTLE)
        choice = desk.Choice(
            ids=tuple(order.ids), key=order.key, reason=order.reason, tenants=tenants_of(principal, order.tenant)
        )
        if choice.everything:
            raise Problem(422, "CHOICE_MISSING", "Choix manquant", "Dites lesquelles : ids, key ou reason.")
        note = (order.note or "").strip()
        if order.apply and not note:
            raise _note_missing()
        decided = desk.Decided(by=principal.subject, note=note) if order.apply else None
        async with pool.acquire() as connection, connection.transaction():
            found = await desk.settle(connection, choice, order.action, decided)
        if order.ids and not found.rows:
            raise _unknown()
        letters = [row["id"] for row in found.rows]
        return {"applied": order.apply, "letters": letters, "released": list(found.released)}


def _add_lists(app: FastAPI, base: str, service: ServiceName, pool: Pool) -> None:
    @app.get(base, include_in_schema=False)
    async def listed(
        choice: Chosen,
        settled: bool = False,
        after: AwareDatetime | None = None,
        after_id: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=LIMIT)] = LIMIT,
    ) -> list[dict[str, Any]]:
        place = (after, after_id) if after is not None else None
        async with pool.acquire() as connection:
            rows = await desk.page(connection, choice, place, limit, settled=settled)
        return [_letter(service, row) for row in rows]

    @app.get(f"{base}/reasons", include_in_schema=False)
    async def reasons(choice: Chosen) -> list[dict[str, Any]]:
        async with pool.acquire() as connection:
            return [{"service": service, **row} for row in await desk.reasons(connection, choice)]


def _add_one(app: FastAPI, base: str, service: ServiceName, pool: Pool, api_pool: Pool) -> None:
    async def found(connection: Connection, choice: desk.Choice, letter: int) -> asyncpg.Record:
        one = desk.Choice(ids=(letter,), tenants=choice.tenants)
        rows = await desk.find(connection, one, settled=True)
        if not rows:
            raise _unknown()
        return rows[0]

    @app.get(f"{base}/{{letter}}", include_in_schema=False)
    async def shown(choice: Chosen, letter: Number) -> dict[str, Any]:
        async with pool.acquire() as connection:
            row = await found(connection, choice, letter)
            steps = await desk.steps(connection, letter)
        return {**_letter(service, row), **_whole(row), "steps": [dict(step) for step in steps]}

    @app.get(f"{base}/{{letter}}/content", include_in_schema=False)
    async def content(choice: Chosen, looking: MayLook, letter: Number) -> dict[str, Any]:
        async with pool.acquire() as connection:
            row = await found(connection, choice, letter)
        await _looked(looking, api_pool, row)
        return {"value": (row["value"] or b"").decode("utf-8", "backslashreplace")}


async def _looked(looking: Looking, api_pool: Pool, row: asyncpg.Record) -> None:
    """Into the trail of whose it is; where the event does not say so, into everybody's."""
    invoice = None
    with suppress(ValueError):
        invoice = UUID(row["key"] or "")
    if row["tenant"] is not None and invoice is not None:
        await looking.at(api_pool, row["tenant"], invoice)
    else:
        await looking.everywhere(api_pool)


def _unknown() -> Problem:
    return Problem(
        404, "LETTER_UNKNOWN", "Lettre introuvable", "Aucune lettre de ce numéro n'attend : elle a pu être réglée."
    )


def _note_missing() -> Problem:
    return Problem(
        422,
        "NOTE_MISSING",
        "Motif manquant",
        "Dites pourquoi (note) : la décision est conservée.",
        errors=[
            {
                "field": "note",
                "value": "",
                "rule": "NOTE_MISSING",
                "message": "Le motif manque.",
                "action": "Dites pourquoi, en quelques mots : la décision est conservée avec votre nom.",
            }
        ],
    )


def _letter(service: str, row: asyncpg.Record) -> dict[str, Any]:
    shown = ("id", "state", "kind", "reason", "detail", "type", "key", "tenant", "attempts", "parked_at")
    place = f"{row['topic']}/{row['kafka_partition']}/{row['kafka_offset']}"
    return {"service": service, **{name: row[name] for name in shown}, "place": place}


def _whole(row: asyncpg.Record) -> dict[str, Any]:
    headers = unpack_headers(row["headers"])
    return {
        "traceback": row["traceback"],
        "headers": {name: (value or b"").decode("utf-8", "backslashreplace") for name, value in headers},
        "value_bytes": len(row["value"] or b""),
    }
