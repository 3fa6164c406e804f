"""The gateway: how much a request may bring, by its address; what is too much is said in words."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web
from fastapi.routing import iter_route_contexts

from contracts.registry import SERVICES
from deploy.servers.caddy import Caddy
from deploy.servers.ports import LOOPBACK
from deploy.servers.workspace import Workspace
from services.common import bodies
from tests.every_app import every_app

SAMPLE = "0190e8a0-0000-7000-8000-000000000042"
LARGE = b" " * (bodies.JSON + 1)


async def _size(request: web.Request) -> web.Response:
    return web.Response(text=str(sum([len(chunk) async for chunk in request.content.iter_any()])))


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Caddy before one server that stands for every service and counts what comes."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _size)
    runner, workspace = web.AppRunner(app, shutdown_timeout=0.1), Workspace()
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    where = [f"{LOOPBACK}:{runner.addresses[0][1]}"]
    caddy = Caddy(workspace, lambda: dict.fromkeys(SERVICES, where))
    try:
        await asyncio.to_thread(caddy.start)
        async with httpx.AsyncClient(base_url=caddy.url, timeout=60) as opened:
            yield opened
    finally:
        await asyncio.to_thread(caddy.stop)
        await runner.cleanup()
        await asyncio.to_thread(workspace.close)


async def _pieces() -> AsyncIterator[bytes]:
    for _ in range(21):
        yield b" " * 50_000


async def test_files_come_through_where_a_route_takes_them_and_nowhere_else(client: httpx.AsyncClient) -> None:
    taking, others = set[tuple[str, str]](), set[tuple[str, str]]()
    for app in every_app().values():
        for context in iter_route_contexts(app.routes):
            path = re.sub(r"\{[^}]+\}", SAMPLE, str(context.path_format))
            methods = (context.methods or set()) & {"POST", "PUT", "PATCH"}
            if not path.startswith("/internal/"):
                larger = bodies.most_of(context.endpoint) != bodies.JSON
                (taking if larger else others).update((method, path) for method in methods)
    assert len(taking) > 20
    assert len(others) > 100
    for method, path in sorted(taking):
        answer = await client.request(method, path, content=LARGE)
        assert (answer.status_code, answer.text) == (200, str(len(LARGE))), (method, path)
    paths = {path for _, path in taking}
    for method, path in sorted(others):
        if path not in paths:
            answer = await client.request(method, path, content=LARGE)
            assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE"), (method, path)
    json = "/api/v1/accounts/sessions"
    assert (await client.post(json, content=b" " * bodies.JSON)).text == str(bodies.JSON)
    assert (await client.post(json, content=_pieces())).json()["code"] == "BODY_TOO_LARGE"


async def test_a_person_is_told_on_a_page(client: httpx.AsyncClient) -> None:
    answer = await client.post("/compte", content=LARGE, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, answer.headers["content-type"]) == (413, "text/html; charset=utf-8")
    assert "Envoi trop lourd" in answer.text
    assert answer.headers["x-frame-options"] == "DENY"
