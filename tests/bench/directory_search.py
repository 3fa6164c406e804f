"""The public search with a country's directory: latency at 50 requests a second, and whether it finds what was meant.

The service runs as its own process, loaded by the import that operators use. Requests leave at their time whether the
earlier ones have been answered or not, and each is timed from the moment it was due. 40 % are codes (SIRETs and parts
of them, postal codes, service codes), 40 % words, 20 % words with a typing error.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from itertools import islice

import httpx
import msgspec

from deploy.database import bootstrap, drop
from deploy.local import Stack
from invoice.directory import Service, Structure
from services.routing.imports import import_lines
from services.routing.load import opened
from services.routing.sources import Line
from tests import directory_variety as variety
from tests import processes
from tests.bench.measure import cpu_seconds
from tests.bench.report import Figure

RATE, SECONDS = 50, 20.0
NAME = "directory_search"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_WORDS = ("voirie", "ressources humaines", "finances", "restauration scolaire", "parc automobile")


class Query(msgspec.Struct, frozen=True):
    """What somebody types, and a structure that he means; ``unique`` where the text leaves no other."""

    kind: str
    text: str
    siret: str
    unique: bool


def lines() -> Iterator[Line]:
    """The directory as an import's lines."""
    number = 0
    entries = (
        ("tenant", variety.tenants()),
        ("structure", variety.structures()),
        ("service", variety.services()),
    )
    for kind, found in entries:
        for entry in found:
            number += 1
            yield Line(number=number, kind=kind, entry=entry)


def queries(count: int, seed: int = 7) -> list[Query]:
    """Searches in the proportions above; the same seed gives the same ones."""
    dice = random.Random(seed)
    bodies = list(islice(variety.structures(), 0, None, 29))
    offers = list(islice(variety.services(), 0, None, 97))
    return [_query(dice, dice.choice(bodies), dice.choice(offers)) for _ in range(count)]


def _query(dice: random.Random, body: Structure, offer: Service) -> Query:
    share, town = dice.random(), body.town or ""
    if share < 0.4:
        text, siret, unique = dice.choice(
            (
                (body.siret, body.siret, True),
                (body.siret[: dice.randrange(10, 14)], body.siret, True),
                (body.siret[3:13], body.siret, True),
                (body.siret[-5:], body.siret, False),
                (body.postal_code or "", body.siret, False),
                (offer.code, offer.siret, False),
            )
        )
        return Query("codes", text, siret, unique)
    if share < 0.8:
        text, unique = dice.choice(
            (
                (body.name, True),
                (town, False),
                (f"{town} {body.name.split()[0]}", False),
                (f"{dice.choice(_WORDS)} {town}", False),
            )
        )
        return Query("words", text.lower(), body.siret, unique)
    said = body.name.split()
    longest = max(range(len(said)), key=lambda n: len(said[n]))
    said[longest] = _mistyped(dice, said[longest])
    return Query("typos", " ".join(said), body.siret, True)


def _mistyped(dice: random.Random, word: str) -> str:
    place = dice.randrange(1, len(word) - 1)
    return dice.choice(
        (
            word[:place] + word[place + 1 :],
            word[:place] + word[place + 1] + word[place] + word[place + 2 :],
            word[:place] + dice.choice(_LETTERS) + word[place + 1 :],
            word[:place] + dice.choice(_LETTERS) + word[place:],
        )
    )


class Answer(msgspec.Struct, frozen=True):
    """How long a query took in milliseconds, and whether the structure was among the answers."""

    query: Query
    ms: float
    found: bool


async def ask(client: httpx.AsyncClient, asked: Sequence[Query], rate: float) -> list[Answer]:
    """Send every query at its time."""
    begun = time.perf_counter()

    async def one(number: int, query: Query) -> Answer:
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        answer = await client.get("/api/v1/directory/structures", params={"q": query.text})
        answer.raise_for_status()
        ms = (time.perf_counter() - due) * 1000
        return Answer(query, ms, any(line["siret"] == query.siret for line in answer.json()))

    return await asyncio.gather(*(one(number, query) for number, query in enumerate(asked)))


async def _load(dsn: str) -> float:
    pool = await opened(dsn)
    try:
        begun = time.perf_counter()
        await import_lines(pool, lines(), by="bench")
        took = time.perf_counter() - begun
        # What a broker would be told is not measured here.
        await pool.execute("truncate outbox")
        await pool.execute("vacuum analyze")
    finally:
        await pool.close()
    return took


async def _measure(stack: Stack) -> list[Figure]:
    dsns = await bootstrap(stack.postgres.admin_dsn, NAME)
    try:
        took = await _load(dsns["routing"].worker)
        service = processes.Service("routing", stack, dsns["routing"], CHORALE_LOG_LEVEL="WARNING")
        await service.start(quiet=False)
        try:
            async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
                await service.ready()
                await service.ready("/api/v1/directory/export", within=300)
                await ask(client, queries(200, seed=1), RATE)
                before = _cpu(stack, service)
                answers = await ask(client, queries(int(RATE * SECONDS)), RATE)
                after = _cpu(stack, service)
        finally:
            await service.stop(within=15)
    finally:
        await drop(stack.postgres.admin_dsn, NAME)
    used = {name: 1000 * (after[name] - before[name]) / len(answers) for name in before}
    cpu = Figure(bench=NAME, figure="CPU of a search", value=sum(used.values()), unit="ms", baseline=used)
    return [_imported(took), *_latencies(answers), cpu, *_finds(answers)]


def _cpu(stack: Stack, service: processes.Service) -> dict[str, float]:
    return {**cpu_seconds({"service": service.process.pid}), "database": stack.cpu_seconds("postgres")}


def _imported(took: float) -> Figure:
    count = variety.TENANTS + variety.STRUCTURES + variety.SERVICES
    return Figure(bench=NAME, figure=f"import of {count:,} entries", value=took, unit="s")


def _latencies(answers: Sequence[Answer]) -> list[Figure]:
    def at(share: float, found: Sequence[Answer]) -> float:
        ordered = sorted(answer.ms for answer in found)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    parts = {kind: at(0.99, [a for a in answers if a.query.kind == kind]) for kind in ("codes", "words", "typos")}
    baseline = {"p50": at(0.5, answers), **parts}
    figure = f"search p99 at {RATE} requests/s"
    return [Figure(bench=NAME, figure=figure, value=at(0.99, answers), unit="ms", at_most=50, baseline=baseline)]


def _finds(answers: Sequence[Answer]) -> list[Figure]:
    meant = [answer for answer in answers if answer.query.unique]
    shares = {
        kind: 100 * sum(a.found for a in some) / max(1, len(some))
        for kind in ("codes", "words", "typos")
        if (some := [a for a in meant if a.query.kind == kind])
    }
    share = 100 * sum(answer.found for answer in meant) / len(meant)
    figure = "what was meant is among the 20 answers"
    return [Figure(bench=NAME, figure=figure, value=share, unit="%", at_least=95, baseline=shares)]


def measure() -> Sequence[Figure]:
    """Start the servers, load the directory, search."""
    with Stack(settings={"CHORALE_READS_EACH_MINUTE": "1000000"}) as stack:  # one network searches for a whole country
        return asyncio.run(_measure(stack))
