"""Whose address a service sees: the caller's, as the gateway found it, and never what the caller says of himself."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI, Request

from deploy.servers.caddy import Caddy
from deploy.servers.ports import LOOPBACK
from deploy.servers.workspace import Workspace
from services.common.web import Server
from tests.processes import free_port

FORGED, CALLER, PROXY = "198.51.100.1", "203.0.113.7", "192.0.2.10"


@asynccontextmanager
async def seen(proxies: Sequence[str] = ()) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """A service that says who asks: asked through the gateway, and past it."""
    app = FastAPI()

    @app.get("/api/v1/invoices")
    async def who(request: Request) -> str:
        return request.client.host if request.client else ""

    port = free_port()
    server = Server(app, LOOPBACK, port, stop_seconds=2)
    serving = asyncio.create_task(server.serve())
    workspace = Workspace()
    caddy = Caddy(workspace, lambda: {"status": [f"{LOOPBACK}:{port}"]}, proxies=proxies)
    try:
        await asyncio.to_thread(caddy.start)
        async with (
            httpx.AsyncClient(base_url=caddy.url, timeout=15) as gateway,
            httpx.AsyncClient(
                base_url=f"http://{LOOPBACK}:{port}", transport=httpx.AsyncHTTPTransport(retries=5)
            ) as past,
        ):
            yield gateway, past
    finally:
        await asyncio.to_thread(caddy.stop)
        server.should_exit = True
        await serving
        await asyncio.to_thread(workspace.close)


async def address(client: httpx.AsyncClient, *forwarded: str) -> str:
    headers = {"X-Forwarded-For": ", ".join(forwarded)} if forwarded else {}
    answer = await client.get("/api/v1/invoices", headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json())


async def test_what_a_caller_says_of_his_own_address_counts_for_nothing() -> None:
    async with seen() as (gateway, _):
        assert await address(gateway) == LOOPBACK
        assert await address(gateway, FORGED) == LOOPBACK


async def test_of_proxies_in_front_that_the_gateway_is_told_of_the_caller_is_whom_they_name() -> None:
    async with seen([LOOPBACK, f"{PROXY}/31"]) as (gateway, _):
        assert await address(gateway, CALLER) == CALLER
        assert await address(gateway, FORGED, CALLER) == CALLER, "the last that a trusted one has added"
        assert await address(gateway, FORGED, CALLER, PROXY) == CALLER, "past a second proxy"


async def test_a_service_believes_only_the_gateways_that_it_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", PROXY)
    async with seen([LOOPBACK]) as (gateway, past):
        assert await address(gateway, CALLER) == LOOPBACK, "this gateway is none of them"
        assert await address(past, CALLER) == LOOPBACK
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", f"{PROXY},{LOOPBACK}")
    async with seen([LOOPBACK]) as (gateway, past):
        assert await address(gateway, CALLER) == CALLER
