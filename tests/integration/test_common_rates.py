"""How often a client may ask: counted alike by all instances, exactly, by one statement for all who ask at once."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import httpx
import pytest
from fastapi import Depends, FastAPI
from pydantic import SecretStr

from contracts.events import Grant
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.auth import CurrentPrincipal, Principal
from services.common.db import Pool, migrate, open_pool
from services.common.persons import PersonPart, Subject, erased
from services.common.principal import of_grants
from services.common.rates import Rates, by_network
from services.common.settings import ServiceSettings
from services.common.tenants import Erasure
from services.common.web import create_app
from tests.identity import Named
from tests.records import eventually

SECRET = "a secret of the tests that is long enough"
ADA, BOB = Principal(subject="ada"), Principal(subject="bob")


class Instance:
    """An application that counts, with a pool of its own."""

    def __init__(self, pool: Pool, identity: Named, *, seconds: float = 10.0, **limits: int) -> None:
        self.app = create_app("status", token_secret=SECRET, live=_fine, ready=[], access=identity)
        self.rates = self.app.state.rates = Rates(pool, _settings(**limits), seconds=seconds)
        self._identity = identity
        _routes(self.app)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://status")

    async def ask(self, who: Principal, method: str = "POST", path: str = "/thing") -> httpx.Response:
        """One request of theirs."""
        return await self.client.request(method, path, headers={"Authorization": f"Bearer {self._identity.token(who)}"})


def _routes(app: FastAPI) -> None:
    @app.get("/thing")
    async def read(principal: CurrentPrincipal) -> str:
        return principal.subject

    @app.post("/thing")
    async def write(principal: CurrentPrincipal) -> str:
        return principal.subject

    @app.get("/public", dependencies=[Depends(by_network)])
    async def public() -> str:
        return "anybody"


def _settings(**limits: int) -> ServiceSettings:
    return ServiceSettings(
        environment="development",
        kafka="unused:1",
        dsn=SecretStr("unused"),
        api_dsn=SecretStr("unused"),
        port=1,
        token_secret=SecretStr(SECRET),
        **limits,  # type: ignore[arg-type]
    )


async def _fine() -> str | None:
    return None


@pytest.fixture
async def own(dsns: Mapping[str, ServiceDsns]) -> ServiceDsns:
    await migrate(dsns["status"].worker, "status", "services.status")
    return dsns["status"]


@asynccontextmanager
async def instances(own: ServiceDsns, count: int, **more: float) -> AsyncIterator[list[Instance]]:
    identity = Named(SECRET)
    pools = [await open_pool(own.worker, "status") for _ in range(count)]
    try:
        yield [Instance(pool, identity, **more) for pool in pools]  # type: ignore[arg-type]
    finally:
        for pool in pools:
            pool.terminate()


def left(answer: httpx.Response, name: str) -> int:
    """What ``RateLimit`` says of this limit."""
    [found] = [part for part in answer.headers["ratelimit"].split(", ") if part.startswith(f'"{name}"')]
    return int(found.split(";r=")[1].split(";")[0])


async def test_of_a_hundred_requests_at_once_to_two_instances_just_as_many_pass_as_may(own: ServiceDsns) -> None:
    async with instances(own, 2, writes_each_minute=60) as both:
        answers = await asyncio.gather(*(both[n % 2].ask(ADA) for n in range(100)))
        assert sorted(answer.status_code for answer in answers) == [200] * 60 + [429] * 40
        passed = [answer for answer in answers if answer.status_code == 200]
        assert sorted(left(answer, "minute") for answer in passed) == list(range(60)), "each has its own place"
        assert {left(answer, "jour") for answer in answers} == set(range(200_000 - 100, 200_000))
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert (refused.json()["code"], refused.json()["status"]) == ("RATE_LIMITED", 429)
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert "60 fois par 60 secondes" in refused.json()["detail"]
        assert refused.headers["ratelimit-policy"] == '"minute";q=60;w=60, "jour";q=200000;w=86400'
        # Reading is another count, and so is everybody else's.
        assert (await both[0].ask(ADA, "GET")).status_code == 200
        assert left(await both[1].ask(BOB), "minute") == 59


async def test_a_clients_own_limits_count_and_a_service_of_the_platform_has_none(own: ServiceDsns) -> None:
    async with instances(own, 1, writes_each_minute=1) as (one,):
        placed = [Grant(role="FOURNISSEUR", structure="99900001100018")]
        generous = of_grants("erp", placed, writes_each_minute=3, writes_each_day=2)
        answers = [await one.ask(generous) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].json()["code"] == "QUOTA_EXHAUSTED"
        assert answers[2].headers["ratelimit-policy"] == '"minute";q=3;w=60, "jour";q=2;w=86400'
        service = Principal(subject="service:portal", roles=("SERVICE",))
        found = [await one.ask(service) for _ in range(3)]
        assert [answer.status_code for answer in found] == [200] * 3
        assert "ratelimit" not in found[0].headers


async def test_who_has_no_token_is_counted_by_his_network_of_which_no_address_is_kept(own: ServiceDsns) -> None:
    async with instances(own, 1, reads_each_minute=2) as (one,):
        answers = [await one.client.get("/public") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        connection = await asyncpg.connect(own.worker, server_settings={"search_path": "status"})
        [row] = await connection.fetch("select subject, used from rate_window")
        await connection.close()
        assert (row["used"], "127.0.0.1" in row["subject"]) == (3, False)


async def test_what_is_refused_without_a_token_is_not_counted_and_bears_no_headers(own: ServiceDsns) -> None:
    async with instances(own, 1) as (one,):
        for answer in (await one.client.get("/thing"), await one.client.get("/health/ready")):
            assert "ratelimit" not in answer.headers
        schema = (await one.client.get("/openapi/status.json")).json()
        assert "ratelimit" not in (await one.client.get("/openapi/status.json")).headers
        for path, method in (("/thing", "get"), ("/thing", "post"), ("/public", "get")):
            refusal = schema["paths"][path][method]["responses"]["429"]
            assert set(refusal["headers"]) == {"Retry-After", "RateLimit-Policy", "RateLimit"}
            assert refusal["content"]["application/problem+json"]["example"]["code"] == "RATE_LIMITED"
        assert "429" not in schema["paths"].get("/health/ready", {}).get("get", {}).get("responses", {})
        assert "RateLimit-Policy" in schema["info"]["description"]


async def test_windows_that_are_over_begin_anew_and_are_swept(own: ServiceDsns) -> None:
    async with instances(own, 1, writes_each_minute=1) as (one,):
        pool = await open_pool(own.worker, "status", max_size=1)
        assert [(await one.ask(ADA)).status_code for _ in range(2)] == [200, 429]
        await pool.execute("update rate_window set started_at = started_at - $1::interval", timedelta(minutes=1))
        assert (await one.ask(ADA)).status_code == 200
        await one.ask(BOB)
        await pool.execute(
            "update rate_window set started_at = started_at - $1::interval where subject = 'bob'", timedelta(days=2)
        )
        await one.rates.sweep()
        kept = await pool.fetch("select subject, name from rate_window order by name")
        assert [(row["subject"], row["name"]) for row in kept] == [("ada", "jour"), ("ada", "minute")]
        part = PersonPart(lines=(), erase=_nothing)
        await erased(pool, part, "status", Subject(subject="ada"))
        assert await pool.fetchval("select count(*) from rate_window") == 0
        pool.terminate()


async def _nothing(*_: object) -> Erasure:
    return Erasure(erased={}, kept=())


async def test_without_the_database_the_answer_is_503_in_time_and_afterwards_all_is_as_before(
    own: ServiceDsns, stack: Stack
) -> None:
    async with instances(own, 1, seconds=1.0) as (one,):
        assert (await one.ask(ADA)).status_code == 200
        await asyncio.to_thread(stack.pause, "postgres")
        try:
            answers = await asyncio.wait_for(asyncio.gather(*(one.ask(ADA) for _ in range(5))), 20)
            gone = asyncio.create_task(one.ask(BOB))  # leaves before he is counted
            await asyncio.sleep(0)
            gone.cancel()
        finally:
            await asyncio.to_thread(stack.resume, "postgres")
        assert {answer.json()["code"] for answer in answers} == {"TEMPORARILY_UNAVAILABLE"}

        async def taken() -> bool:
            return (await one.ask(ADA)).status_code == 200

        await eventually(taken, within=30)
