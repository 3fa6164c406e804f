"""``POST /api/v1/invoices/actions``: one action on many invoices, each in a transaction of its own, with a report.

The request is written down before it begins and each answer with what it tells, so that the same request under the same
key finishes what was begun, does nothing twice and gives the same report.
"""

import hashlib
from collections import Counter
from typing import Any, Final

import msgspec
from fastapi import APIRouter, FastAPI, Request
from fastapi.datastructures import QueryParams

from services.common import clock, once
from services.common.auth import CurrentPrincipal, Principal
from services.common.db import Pool, scoped
from services.common.deliver import Tx, transaction
from services.common.once import IdempotencyKey
from services.common.principal import OPERATEUR
from services.common.web import Problem
from services.status import action_store, bulk_store, queries, viewing
from services.status.action_views import ActionIn
from services.status.actions import ACTIONS, repeated
from services.status.api import etag
from services.status.api_actions import act_on, check_version, load, standing_of, wanted_of
from services.status.api_queries import Wanted
from services.status.bulk_store import Chosen
from services.status.bulk_views import MOST, BulkIn, BulkItem, BulkProblem, BulkReport
from services.status.search import Search

#: A search without any condition: all that the caller may see is no selection.
_ANYTHING: Final = Search()
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    409: {"description": "La clé a déjà servi à une autre demande"},
    422: {"description": "La demande est incomplète, ou la sélection trop grande : rien n'a été fait"},
}


def add_routes(app: FastAPI, pool: Pool, api_pool: Pool) -> None:
    """One route. ``pool`` is the worker's, ``api_pool`` that of the API's role."""
    router = APIRouter(prefix="/api/v1/invoices", tags=["actions"])

    @router.post("/actions", summary="La même action sur une sélection de factures", responses=_RESPONSES)
    async def act_on_all(
        request: Request,
        body: BulkIn,
        asked: Wanted,
        principal: CurrentPrincipal,
        idempotency_key: IdempotencyKey = None,
    ) -> BulkReport:
        key = once.checked(idempotency_key)
        if key is None:
            raise _no_key()
        digest = _digest(body, request.query_params)
        async with transaction(pool, "status", keys=[_lock(principal, key)]) as tx:
            chosen = await _begin(tx, api_pool, principal, key, digest, body, asked)
        wanted = ActionIn(action=body.action, motif=body.motif, comment=body.comment, fields=body.fields)
        bulk = _Bulk(pool, api_pool, principal, key, wanted, request.state.traceparent)
        found = [await bulk.one(each) for each in chosen]
        counts = Counter(item.outcome for item in found)
        return BulkReport(
            action=body.action,
            asked=len(found),
            done=counts["done"],
            already=counts["already"],
            refused=counts["refused"],
            invoices=found,
        )

    app.include_router(router)


class _Bulk:
    """One request at work."""

    def __init__(
        self, pool: Pool, api_pool: Pool, principal: Principal, key: str, wanted: ActionIn, traceparent: str | None
    ) -> None:
        self._pool, self._api_pool, self._principal = pool, api_pool, principal
        self._key, self._wanted, self._traceparent = key, wanted, traceparent

    async def one(self, chosen: Chosen) -> BulkItem:
        """One invoice: done or refused, once."""
        subject, identity = self._principal.subject, chosen.invoice
        async with transaction(self._pool, "status", keys=[str(identity)]) as tx:
            known = await bulk_store.answer_of(tx.conn, subject, self._key, identity)
            if known is not None:
                return BulkItem.model_validate_json(known)
            try:
                item = await self._do(tx, chosen)
            except Problem as problem:  # raised before anything is written
                item = _refused(chosen, problem)
            answer = item.model_dump_json()
            await bulk_store.keep_answer(tx.conn, subject, self._key, identity, answer)
        return item

    async def _do(self, tx: Tx, chosen: Chosen) -> BulkItem:
        standing = await standing_of(self._api_pool, self._principal, chosen.invoice)
        before = await load(tx.conn, chosen.invoice)
        wanted, action = wanted_of(self._wanted), ACTIONS.get(self._wanted.action)
        if repeated(before, wanted, standing.actors, await action_store.past(tx.conn, before.id)):
            status = viewing.status_view(before.status, before.status_at)
            return BulkItem(invoice=before.id, outcome="already", version=etag(before.version), status=status)
        if chosen.version is not None and (action is None or not action.light):
            check_version(etag(chosen.version), before)
        done = await act_on(tx, before, self._wanted, standing, self._principal.subject, self._traceparent)
        return BulkItem(
            invoice=done.invoice, outcome="done", entry=done.entry, version=done.version, status=done.status
        )


async def _begin(
    tx: Tx, api_pool: Pool, principal: Principal, key: str, digest: bytes, body: BulkIn, asked: Search
) -> tuple[Chosen, ...]:
    """The invoices that the request is about: those of its first time. Raises a problem, and nothing is done."""
    known = await bulk_store.begun(tx.conn, principal.subject, key)
    if known is not None:
        if known.digest != digest:
            raise once.reused(key)
        return known.chosen
    if body.filter and body.invoices:
        raise _both()
    if body.filter and msgspec.structs.replace(asked, side=None) == _ANYTHING:
        raise _nothing()
    chosen = await _filtered(api_pool, principal, asked) if body.filter else _named(body)
    if not chosen:
        raise _nothing()
    await bulk_store.begin(tx.conn, principal.subject, key, digest, chosen, tx.now)
    return chosen


def _named(body: BulkIn) -> tuple[Chosen, ...]:
    """Each once, in the order asked for."""
    named = {item.invoice: item.version for item in reversed(body.invoices)}
    return tuple(
        Chosen(identity, _version(named[identity]))
        for identity in dict.fromkeys(item.invoice for item in body.invoices)
    )


def _version(given: str | None) -> int | None:
    if given is None:
        return None
    plain = given.strip().removeprefix("W/").strip('"')
    if plain.isascii() and plain.isdigit():
        return int(plain)
    raise _wrong("VERSION_INVALID", "version", given, "Recopiez l'ETag de la facture, tel que lu.")


async def _filtered(api_pool: Pool, principal: Principal, asked: Search) -> tuple[Chosen, ...]:
    # Nobody acts as an operator: what he could only look at is none of a selection to act on.
    roles = tuple(role for role in principal.roles if role != OPERATEUR)
    principal = msgspec.structs.replace(principal, roles=roles)
    async with scoped(api_pool, principal.scope()) as connection:
        rows = await queries.search(connection, principal, asked, MOST + 1, clock.of("status"))
    if len(rows) > MOST:
        raise _wrong(
            "SELECTION_TOO_LARGE",
            "filter",
            f"plus de {MOST}",
            f"Resserrez les conditions : {MOST} factures au plus par demande.",
        )
    return tuple(Chosen(row["id"], row["version"]) for row in rows)


def _refused(chosen: Chosen, problem: Problem) -> BulkItem:
    return BulkItem(
        invoice=chosen.invoice,
        outcome="refused",
        problem=BulkProblem(
            status=problem.status,
            code=problem.code,
            title=problem.title,
            detail=problem.detail,
            errors=problem.errors,
        ),
    )


def _digest(body: BulkIn, query: QueryParams) -> bytes:
    return hashlib.sha256(str(query).encode() + b"\n" + body.model_dump_json().encode()).digest()


def _lock(principal: Principal, key: str) -> str:
    return f"bulk {principal.subject} {key}"


def _no_key() -> Problem:
    return _wrong(
        "IDEMPOTENCY_KEY_REQUIRED",
        "Idempotency-Key",
        None,
        "Donnez à la demande une clé à elle : après une coupure, la même demande finit ce qui était commencé.",
    )


def _both() -> Problem:
    return _wrong(
        "SELECTION_TWICE",
        "filter",
        "true",
        "Nommez des factures, ou mettez « filter » avec des conditions : l'un ou l'autre.",
    )


def _nothing() -> Problem:
    return _wrong(
        "SELECTION_EMPTY",
        "invoices",
        None,
        "Nommez des factures, ou mettez « filter » avec des conditions.",
    )


def _wrong(code: str, field: str, value: str | None, action: str) -> Problem:
    return Problem(
        422,
        code,
        "Demande à corriger",
        f"Rien n'a été fait. {action}",
        errors=[{"field": field, "value": value and value[:40], "rule": code, "action": action}],
    )
