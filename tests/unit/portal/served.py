"""A portal with pages on a real address, before one server that stands for every service; people name themselves."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import MagicMock
from uuid import NAMESPACE_DNS, uuid4, uuid5

import httpx
import uvicorn
from aiohttp import web
from fastapi import Request

from services.common.principal import Principal
from services.common.web import create_app
from services.portal import pages
from services.portal.pages import guard
from services.portal.pages.page import House, Page, visit
from services.portal.pages.person import Person
from services.portal.parts import assemble
from services.portal.session_store import Signed
from tests.unit.portal.samples import settings

DEPOSIT = str(uuid4())
WHO = "X-Who"  # the person of a request of these tests
_COOKIE = "what-the-first-form-brought"


def person(name: str) -> Person:
    """Somebody who has signed in."""
    now = datetime.now(UTC)
    signed = Signed(
        id=uuid5(NAMESPACE_DNS, name),
        subject=f"person:{name}",
        email=f"{name}@menuiserie.example",
        name=name,
        language="fr",
        state="active",
        created_at=now,
        proved_at=now,
        factor_at=None,
        last_used_at=now,
        means=("password",),
    )
    who = Principal(subject=f"person:{name}", roles=("FOURNISSEUR",))
    return Person(signed=signed, version=1, principal=who, places=(), tenants={})


class Service:
    """Stands for every service: reads deposits to their end, gives an endless document, answers everything else."""

    def __init__(self) -> None:
        self.receiving = self.giving = 0
        #: From whom the directory was asked, and what it says instead of an answer.
        self.askers: list[str] = []
        self.busy: web.Response | None = None

    async def take(self, request: web.Request) -> web.Response:
        self.receiving += 1
        try:
            await request.read()
            return web.json_response({"id": DEPOSIT, "state": "received"}, status=201)
        finally:
            self.receiving -= 1

    async def give(self, _: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        self.giving += 1
        try:
            while True:
                if not answer.prepared:
                    await answer.prepare(_)
                await answer.write(b"x" * 100_000)
        finally:
            self.giving -= 1

    async def directory(self, request: web.Request) -> web.Response:
        self.askers.append(request.headers.get("X-Forwarded-For", ""))
        return self.busy or web.json_response([])

    async def nothing(self, _: web.Request) -> web.Response:
        return web.json_response([])

    def app(self) -> web.Application:
        made = web.Application(client_max_size=10**9)
        made.router.add_post("/api/v1/deposits", self.take)
        made.router.add_get(f"/api/v1/deposits/{DEPOSIT}/document", self.give)
        made.router.add_get("/api/v1/directory/structures", self.directory)
        made.router.add_route("*", "/{path:.*}", self.nothing)
        return made


class World:
    """A portal whose people name themselves, before one server that is every service."""

    def __init__(self, house: House, port: int, service: Service) -> None:
        self.house, self.port, self.service = house, port, service
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30)

    def form(self, name: str, size: int, path: str = "/deposer", field: str = "file") -> tuple[bytes, bytes]:
        """Head and beginning of a form with a file of this size, and its end. Without a name: of a stranger."""
        word = self.house.guard.word(guard.of_person(f"person:{name}") if name else guard.of_browser(_COOKIE))
        begin = (
            f'--B\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{word}\r\n'
            f'--B\r\nContent-Disposition: form-data; name="{field}"; filename="a.pdf"\r\n\r\n%PDF-1.4'
        ).encode()
        end = b"\r\n--B--\r\n"
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{WHO}: {name}\r\nSec-Fetch-Site: same-origin\r\n"
            f"Cookie: {guard.COOKIE}={_COOKIE}\r\n"
            f"Content-Type: multipart/form-data; boundary=B\r\nContent-Length: {len(begin) + size + len(end)}\r\n\r\n"
        ).encode()
        return head + begin, end

    async def post(self, name: str, path: str = "/deposer", field: str = "file") -> httpx.Response:
        """A whole small form."""
        begun, end = self.form(name, 0, path, field)
        headers = {WHO: name, "Sec-Fetch-Site": "same-origin", "Content-Type": "multipart/form-data; boundary=B"}
        headers["Cookie"] = f"{guard.COOKIE}={_COOKIE}"
        return await self.client.post(path, content=begun.partition(b"\r\n\r\n")[2] + end, headers=headers)

    async def get(self, name: str, path: str) -> httpx.Response:
        return await self.client.get(path, headers={WHO: name})


@asynccontextmanager
async def world(pool: Any = None) -> AsyncIterator[World]:
    service = Service()
    runner = web.AppRunner(service.app(), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    names = ("ingest", "routing", "status", "notify", "ocr")
    given = settings(service_urls=dict.fromkeys(names, url), public_url="http://127.0.0.1")
    app = create_app("portal", token_secret="x" * 40, live=fine, ready=[])
    house = pages.add_pages(app, assemble(given, pool or MagicMock(), MagicMock()))

    async def visited(request: Request) -> Page:
        name = request.headers.get(WHO)
        request.state.page = Page(house, request, person(name) if name else None)
        found: Page = request.state.page
        return found

    app.dependency_overrides[visit] = visited
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve([bound]))
        found = World(house, bound.getsockname()[1], service)
        try:
            async with asyncio.timeout(90):
                await until(lambda: server.started)
                yield found
        finally:
            server.should_exit = True
            await serving
            await found.client.aclose()
            await house.services.close()
            await runner.cleanup()


async def fine() -> str | None:
    return None


async def until(reached: Callable[[], bool]) -> None:
    """Wait for it."""
    async with asyncio.timeout(60):
        while not reached():  # noqa: ASYNC110 - what is waited for is in another process's hands
            await asyncio.sleep(0.02)
