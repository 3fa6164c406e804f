"""Deposits while two hundred people a minute sign in with passwords hashed at the recommended cost.

Turns with and without sign-ins alternate, so that what the machine does besides falls on both. A deposit is timed from
the request to its answer, by its own clock: one that waits for the one before it counts with its waiting.
``CHORALE_BENCH_SIGN_IN_SECONDS`` and ``CHORALE_BENCH_SIGN_IN_TURNS`` shrink it.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from itertools import cycle
from uuid import uuid4

import asyncpg
import httpx
from argon2 import PasswordHasher

from contracts.registry import SERVICES
from deploy.demo.prepare import bearer, prepare
from deploy.local import Stack
from services.common.auth import Principal
from services.portal.settings import PortalSettings
from tests.bench.report import Figure
from tests.documents import SUPPLIER, InvoicePdf

SECONDS = int(os.environ.get("CHORALE_BENCH_SIGN_IN_SECONDS", "30"))
TURNS = int(os.environ.get("CHORALE_BENCH_SIGN_IN_TURNS", "4"))
DEPOSITS_A_SECOND = 8.0
SIGN_INS_A_MINUTE = 200
PEOPLE = 200
PASSWORD = "trois mots sans rapport : cuivre, hangar, lundi"
_WARM_SECONDS = 5
_ADD = (
    "insert into account (subject, email, email_key, state, password_hash, created_at, activated_at)"
    " select 'person:' || gen_random_uuid(), e, e, 'active', $2, now(), now() from unnest($1::text[]) e"
)


def measure() -> Sequence[Figure]:
    """The 99th percentile of deposits with and without sign-ins, and how long a sign-in takes."""
    settings = {"CHORALE_NETWORK_EACH_MINUTE": "100000", "CHORALE_WRITES_EACH_MINUTE": "100000"}
    with Stack(services=list(SERVICES), settings=settings) as stack:
        prepare(stack)
        return asyncio.run(_measure(stack))


async def _measure(stack: Stack) -> Sequence[Figure]:
    people = await _people(stack)
    total = int((_WARM_SECONDS + 2 * TURNS * SECONDS) * DEPOSITS_A_SECOND) + 1
    documents = [_document(number) for number in range(total)]
    quiet: list[float] = []
    busy: list[float] = []
    signed: list[float] = []
    turn = cycle(people)
    answers: Counter[int] = Counter()
    async with (
        httpx.AsyncClient(base_url=stack.base_url("ingest"), headers=_headers(stack), timeout=60) as ingest,
        httpx.AsyncClient(base_url=stack.base_url("portal"), timeout=60) as portal,
    ):

        async def deposit() -> None:
            number = total - len(documents)
            files = {"file": (f"{number}.pdf", documents.pop(), "application/pdf")}
            answer = await ingest.post("/api/v1/deposits", files=files)
            assert answer.status_code == 201, answer.text

        async def sign_in() -> None:
            person = {"email": next(turn), "password": PASSWORD}
            answer = await portal.post("/api/v1/accounts/sessions", json=person)
            answers[answer.status_code] += 1

        await _steadily(deposit, DEPOSITS_A_SECOND, _WARM_SECONDS, [])
        for _ in range(TURNS):
            await _steadily(deposit, DEPOSITS_A_SECOND, SECONDS, quiet)
            await asyncio.gather(
                _steadily(deposit, DEPOSITS_A_SECOND, SECONDS, busy),
                _steadily(sign_in, SIGN_INS_A_MINUTE / 60, SECONDS, signed),
            )
    return _figures(quiet, busy, signed, answers)


async def _people(stack: Stack) -> list[str]:
    """Accounts with one and the same password, hashed at the cost that the settings recommend."""
    cost = {name: field.default for name, field in PortalSettings.model_fields.items()}
    hasher = PasswordHasher(
        time_cost=cost["password_passes"], memory_cost=cost["password_kib"], parallelism=cost["password_lanes"]
    )
    names = [f"bench-{uuid4().hex}@people.example" for _ in range(PEOPLE)]
    connection = await asyncpg.connect(stack.dsns["portal"].worker, server_settings={"search_path": "portal"})
    try:
        await connection.execute(_ADD, names, hasher.hash(PASSWORD))
    finally:
        await connection.close()
    return names


def _document(number: int) -> bytes:
    return InvoicePdf(number=f"SI{number:06d}", issue_date=date(2026, 8, 15), service_code="DRH").render()


def _headers(stack: Stack) -> dict[str, str]:
    who = Principal(
        subject="bench-depositor",
        structures=(SUPPLIER.siret or "",),
        roles=("FOURNISSEUR",),
        contact="depositor@bench.example",
    )
    return bearer(stack, who)


async def _steadily(
    work: Callable[[], Awaitable[None]], rate: float, seconds: float, milliseconds: list[float]
) -> None:
    """Begin so many a second whatever the answers take, until the time is over and all have answered."""
    started, running = time.perf_counter(), set()
    for number in range(int(rate * seconds)):
        due = started + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        running.add(asyncio.create_task(_timed(work, due, milliseconds)))
    await asyncio.gather(*running)


async def _timed(work: Callable[[], Awaitable[None]], due: float, milliseconds: list[float]) -> None:
    await work()
    milliseconds.append((time.perf_counter() - due) * 1000)


def _at(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _figures(
    quiet: Sequence[float], busy: Sequence[float], signed: Sequence[float], answers: Counter[int]
) -> Sequence[Figure]:
    more = 100 * (_at(busy, 0.99) / _at(quiet, 0.99) - 1)
    baseline = {"alone p99": _at(quiet, 0.99), "alone p50": _at(quiet, 0.5), "deposits": float(len(busy))}
    return [
        Figure(
            bench="accounts",
            figure=f"deposits' p99 with {SIGN_INS_A_MINUTE} sign-ins a minute, more",
            value=more,
            unit="%",
            at_most=20.0,
            baseline=baseline,
        ),
        Figure(
            bench="accounts", figure="deposit with sign-ins, p99", value=_at(busy, 0.99), unit="ms", baseline=baseline
        ),
        Figure(
            bench="accounts",
            figure="sign-ins that opened a session",
            value=100 * answers[200] / max(1, answers.total()),
            unit="%",
            at_least=100.0,
        ),
        Figure(
            bench="accounts",
            figure="sign-in, median",
            value=_at(signed, 0.5),
            unit="ms",
            baseline={"p99": _at(signed, 0.99), "sign-ins": float(len(signed))},
        ),
    ]
