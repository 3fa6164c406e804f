"""An operator's look into what is a tenant's: only with a reason, and then in that tenant's own trail.

An operator sees every tenant's invoices. So that he does so for a cause, whatever shows him their content asks for the
header ``X-Chorale-Reason`` and writes, before it answers, who looked at what and why. Nobody else is asked anything.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel, StringConstraints

from services.common.auth import CurrentPrincipal, Principal
from services.common.db import Connection, Pool, scoped, set_scope
from services.common.may import require
from services.common.principal import OPERATEUR
from services.common.problems import problems
from services.common.web import Problem

HEADER: Final = "X-Chorale-Reason"
SHORTEST: Final = 10
LONGEST: Final = 500
_CRITERIA: Final = 2_000
_INSERT: Final = (
    "insert into operator_look (subject, session, reason, tenant, everywhere, invoice, invoices, what, criteria)"
    " select $1, $2, $3, t.tenant, $4, t.invoice, t.invoices, $5, $6::jsonb"
    " from unnest($7::text[], $8::uuid[], $9::int[]) t(tenant, invoice, invoices)"
)
_PAGE: Final = (
    "select id, at, subject, reason, tenant, everywhere, invoice, invoices, what, criteria::text from operator_look"
    " where ($1::text[] is null or subject = any($1)) and ($2::uuid[] is null or invoice = any($2))"
    " and ($3::date is null or at >= $3::timestamp at time zone 'Europe/Paris'"
    "  and at < ($3 + 1)::timestamp at time zone 'Europe/Paris')"
    " and ($4::bigint is null or id < $4) order by id desc limit $5"
)
#: So many people, and so many invoices, a trail may be asked about at once.
_AT_ONCE: Final = 20
Subject = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
Seen = tuple[str | None, UUID]
#: Whose, the one invoice that was opened, and how many.
Entry = tuple[str | None, UUID | None, int | None]


class Looking:
    """One request that shows what is a tenant's. ``reason`` is None for whoever is no operator: nothing is written."""

    def __init__(self, principal: Principal, reason: str | None, what: str, criteria: dict[str, Any]) -> None:
        self.principal = principal
        self.reason = reason
        self._what = what
        self._criteria = criteria
        self._told: set[str | None] = set()

    async def at(self, pool: Pool, tenant: str | None, invoice: UUID) -> None:
        """One invoice was opened. ``pool`` is that of the API's role."""
        await self._write(pool, [(tenant, invoice, 1)])

    async def among(self, pool: Pool, seen: Iterable[Seen]) -> None:
        """These came out of a list or a search: one entry for each tenant, with what was asked for.

        A long list is given page by page: a tenant that is in the trail already is not written again.
        """
        if self.reason is None:
            return
        counts: dict[str | None, int] = {}
        for tenant, _ in dict.fromkeys(seen):
            counts[tenant] = counts.get(tenant, 0) + 1
        fresh = [(tenant, None, count) for tenant, count in counts.items() if tenant not in self._told]
        await self._write(pool, fresh)
        self._told.update(counts)

    async def everywhere(self, pool: Pool) -> None:
        """What will be shown is not known yet, and may be any tenant's."""
        await self._write(pool, [(None, None, None)], everywhere=True)

    async def _write(self, pool: Pool, entries: Collection[Entry], *, everywhere: bool = False) -> None:
        if self.reason is None or not entries:
            return
        principal = self.principal
        async with pool.acquire() as connection, connection.transaction():
            await set_scope(connection, principal.scope())
            await insert(
                connection,
                entries,
                subject=principal.subject,
                session=principal.session,
                reason=self.reason,
                what=self._what,
                criteria=None if everywhere else self._criteria,
                everywhere=everywhere,
            )


async def insert(
    connection: Connection,
    entries: Collection[Entry],
    *,
    subject: str,
    reason: str,
    what: str,
    session: str | None = None,
    criteria: dict[str, Any] | None = None,
    everywhere: bool = False,
) -> None:
    """Write into the trail, one entry for each of ``entries``."""
    await connection.execute(
        _INSERT,
        subject,
        session,
        reason,
        everywhere,
        what,
        msgspec.json.encode(criteria or {}).decode(),
        [tenant for tenant, _, _ in entries],
        [invoice for _, invoice, _ in entries],
        [count for _, _, count in entries],
    )


def one_line(text: str) -> str:
    """What was written, without what would break a line or move a cursor."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


async def looking(
    request: Request,
    principal: CurrentPrincipal,
    reason: Annotated[
        str | None,
        Header(
            alias=HEADER,
            max_length=2 * LONGEST,
            description="Exploitant seulement : le motif de sa consultation, 10 caractères au moins. Il paraît au "
            "journal de la collectivité concernée.",
        ),
    ] = None,
) -> Looking:
    """FastAPI dependency. Raises a 403 problem for an operator who gives no reason."""
    given = _reason(reason) if OPERATEUR in principal.roles else None
    route = request.scope.get("route")
    return Looking(principal, given, f"{request.method} {getattr(route, 'path', '')}", _criteria(request))


MayLook = Annotated[Looking, Depends(looking)]


def _reason(given: str | None) -> str:
    """What was written, on one line. Clients send the header as UTF-8, which the server hands over as Latin-1."""
    text = given or ""
    with suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8")
    text = one_line(text)
    if not SHORTEST <= len(text) <= LONGEST:
        action = f"Écrivez le motif dans l'en-tête {HEADER} : de {SHORTEST} à {LONGEST} caractères."
        raise Problem(
            403,
            "REASON_REQUIRED",
            "Motif demandé",
            "Vous regardez en exploitant ce qui est à une collectivité : dites pourquoi. Elle lit ce motif.",
            errors=[
                {
                    "field": HEADER,
                    "value": given and given[:40],
                    "rule": f"{SHORTEST} à {LONGEST} caractères",
                    "action": action,
                }
            ],
        )
    return text


def _criteria(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        found[name] = values[0] if len(values) == 1 else values
    shown: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found).replace(b"\\u0000", b""))
    return shown if len(str(shown)) <= _CRITERIA else {"…": str(shown)[:_CRITERIA]}


class LookView(BaseModel):
    """A look: who (the operator's account), when, why, at what. ``invoice`` where one was opened.

    Of a list, ``invoices`` counts those of the tenant that came out, ``criteria`` are those it was asked with.
    ``everywhere``: it could show every tenant's.
    """

    id: int
    at: datetime
    subject: str
    reason: str
    tenant: str | None
    everywhere: bool
    invoice: UUID | None
    invoices: int | None
    what: str
    criteria: dict[str, Any]


#: One of an answer, as the services show it by example.
LOOK: Final[dict[str, Any]] = {
    "id": 41,
    "at": "2026-03-03T10:12:00Z",
    "subject": "0190e8a0-0000-7000-8000-0000000000aa",
    "reason": "Réclamation 4711 : facture introuvable",
    "tenant": "cd06",
    "everywhere": False,
    "invoice": "0190e8a0-0000-7000-8000-000000000042",
    "invoices": 1,
    "what": "GET /api/v1/invoices/{invoice}",
    "criteria": {},
}


class LookPage(BaseModel):
    """The latest first. ``next`` is the ``cursor`` of the page after it."""

    looks: list[LookView]
    next: int | None


def add_looks(router: APIRouter, api_pool: Pool) -> None:
    """``GET …/looks`` on ``router``: a tenant's trail, for its administrators."""

    @router.get(
        "/looks",
        summary="Journal des consultations de l'exploitant dans ma collectivité",
        responses=problems(401, 403, 422, 503),
    )
    async def looks(
        principal: CurrentPrincipal,
        subject: Annotated[list[Subject] | None, Query(max_length=_AT_ONCE, description="Qui (plusieurs)")] = None,
        invoice: Annotated[
            list[UUID] | None, Query(max_length=_AT_ONCE, description="La facture regardée (plusieurs)")
        ] = None,
        day: Annotated[date | None, Query(description="Le jour, à Paris")] = None,
        cursor: Annotated[int | None, Query(ge=1, le=2**62)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> LookPage:
        require(principal, "audit.read")
        async with scoped(api_pool, principal.scope()) as connection:
            rows = await connection.fetch(_PAGE, subject, invoice, day, cursor, limit + 1)
        shown = rows[:limit]
        views = [LookView(**{**row, "criteria": msgspec.json.decode(row["criteria"])}) for row in shown]
        return LookPage(looks=views, next=shown[-1]["id"] if len(rows) > limit else None)
