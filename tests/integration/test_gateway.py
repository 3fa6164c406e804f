"""The gateway: one prefix, one owner; events as they come; an absent service is said in words."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from contracts.registry import SERVICES, ServiceName
from deploy.servers.caddy import Caddy
from deploy.servers.ports import LOOPBACK
from deploy.servers.workspace import ROOT, Workspace

OWNERS = {
    "deposits": "ingest",
    "drafts": "ingest",
    "certificates": "ingest",
    "flows": "ingest",
    "pages": "ocr",
    "directory": "routing",
    "invoices": "status",
    "messages": "notify",
    "webhooks": "notify",
    "accounts": "portal",
    "oauth": "portal",
    "solicitations": "portal",
    "announcements": "portal",
    "supervision": "supervision",
}
CADDYFILE = (ROOT / "deploy" / "Caddyfile").read_text()


class Upstream:
    """A real HTTP server that says its name and the path it was asked for; ``/events`` streams on demand."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.next_event = asyncio.Event()

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._answer, LOOPBACK, 0)
        self.address = f"{LOOPBACK}:{self.server.sockets[0].getsockname()[1]}"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = request.split(" ")[1]
        if path.endswith("/events"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
            writer.write(b"id: 1\n\n")
            await writer.drain()
            await self.next_event.wait()
            writer.write(b"id: 2\n\n")
        else:
            body = f"{self.name} {path}".encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()
        await writer.wait_closed()


class Gateway:
    """Caddy with an upstream for each service."""

    def __init__(self, workspace: Workspace, upstreams: Mapping[ServiceName, Upstream]) -> None:
        self.upstreams = upstreams
        self.log = workspace.log("caddy")
        self.caddy = Caddy(workspace, lambda: {name: [up.address] for name, up in upstreams.items()})

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.caddy.url, timeout=15) as client:
            return await client.get(path, headers=headers)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    workspace = Workspace()
    upstreams = {service: Upstream(service) for service in SERVICES}
    for upstream in upstreams.values():
        await upstream.start()
    found = Gateway(workspace, upstreams)
    try:
        await asyncio.to_thread(found.caddy.start)
        yield found
    finally:
        await asyncio.to_thread(found.caddy.stop)
        for upstream in upstreams.values():
            upstream.server.close()
        await asyncio.to_thread(workspace.close)


def test_every_prefix_of_the_caddyfile_has_one_owner() -> None:
    written = re.findall(r"^\timport prefix (\w+) \{\$(\w+)_UPSTREAM", CADDYFILE, re.MULTILINE)
    assert [prefix for prefix, count in Counter(prefix for prefix, _ in written).items() if count > 1] == []
    assert {prefix: owner.lower() for prefix, owner in written} == OWNERS
    assert set(OWNERS.values()) == set(SERVICES)


async def test_a_request_reaches_the_owner_of_its_prefix(gateway: Gateway) -> None:
    for prefix, owner in OWNERS.items():
        for path in (f"/api/v1/{prefix}", f"/api/v1/{prefix}/some/thing?page=2"):
            assert (await gateway.get(path)).text == f"{owner} {path}"
    for service in SERVICES:
        assert (await gateway.get(f"/docs/{service}")).text == f"{service} /docs/{service}"
        assert (await gateway.get(f"/openapi/{service}.json")).text == f"{service} /openapi/{service}.json"
        assert (await gateway.get(f"/health/{service}")).text == f"{service} /health/ready"


async def test_no_other_path_reaches_a_service(gateway: Gateway) -> None:
    for path in ("/api/v1/depositsx", "/api/v1", "/metrics", "/health/live", "/docs", "/internal/portal/usage"):
        answer = await gateway.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "UNKNOWN_PATH"


async def test_what_belongs_to_no_program_is_the_portals(gateway: Gateway) -> None:
    for path in ("/", "/annuaire?q=nice", "/static/chorale.css", "/apix", "/nothing/here"):
        assert (await gateway.get(path)).text == f"portal {path}"


async def test_a_portal_that_is_away_is_a_page_for_people_and_a_problem_for_programs(gateway: Gateway) -> None:
    gateway.upstreams["portal"].server.close()
    await gateway.upstreams["portal"].server.wait_closed()
    async with httpx.AsyncClient(base_url=gateway.caddy.url, timeout=15) as client:
        page = await client.get("/connexion", headers={"Accept": "text/html,*/*;q=0.8"})
        assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
        assert "Service momentanément indisponible" in page.text
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        for path, accept in (("/connexion", "application/json"), ("/api/v1/accounts/me", "text/html")):
            answer = await client.get(path, headers={"Accept": accept})
            assert answer.json()["code"] == "SERVICE_UNAVAILABLE"


async def test_an_event_reaches_the_client_before_the_next_is_sent(gateway: Gateway) -> None:
    async with (
        httpx.AsyncClient(base_url=gateway.caddy.url, timeout=10) as client,
        client.stream("GET", "/api/v1/invoices/events") as stream,
    ):
        lines = stream.aiter_lines()
        assert await anext(lines) == "id: 1"
        gateway.upstreams["status"].next_event.set()
        rest = [line async for line in lines]
    assert "id: 2" in rest


async def test_a_service_that_is_away_is_a_problem_in_words(gateway: Gateway) -> None:
    gateway.upstreams["ocr"].server.close()
    await gateway.upstreams["ocr"].server.wait_closed()
    answer = await gateway.get("/api/v1/pages/1")
    assert answer.status_code == 503
    assert answer.json()["code"] == "SERVICE_UNAVAILABLE"
    assert answer.headers["retry-after"] == "2"
    secret = "le-mot-d-un-lien"
    opening = {"Referer": f"https://factures.example/page?token={secret}"}
    await gateway.get(f"/api/v1/pages/1?token={secret}&code={secret}&state={secret}", opening)
    assert secret not in gateway.log.read_text()
