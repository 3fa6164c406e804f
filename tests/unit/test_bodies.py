"""What requests may bring, route by route: little, unless the route itself says that it takes files."""

import fnmatch
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts

from deploy.servers.workspace import ROOT
from services.common import bodies
from services.common.web import create_app
from services.portal.pages import LONG_BODIES
from services.routing.managers import Managers
from services.routing.sources import Line
from services.status.bulk_views import MOST, BulkIn, BulkItemIn
from tests.every_app import every_app

APPS = every_app()
CADDYFILE = (ROOT / "deploy" / "Caddyfile").read_text("utf-8")
JSON = {"Content-Type": "application/json"}
SAMPLE = "0190e8a0-0000-7000-8000-000000000042"


def routes() -> Iterator[tuple[FastAPI, str, str, Any]]:
    """Application, method, an address and what is known of each route that has a handler of ours."""
    for app in APPS.values():
        for context in iter_route_contexts(app.routes):
            for method in sorted(context.methods or ()):
                yield app, method, re.sub(r"\{[^}]+\}", SAMPLE, str(context.path_format)), context


def larger() -> Iterator[tuple[str, str, int]]:
    """Method, address and size of each route that takes more."""
    for _, method, path, context in routes():
        if bodies.most_of(context.endpoint) != bodies.JSON:
            yield method, path, bodies.most_of(context.endpoint)


def scope_of(app: FastAPI, method: str, path: str, size: int) -> dict[str, Any]:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(size).encode())]
    return {"type": "http", "app": app, "method": method, "path": path, "headers": headers, "query_string": b""}


async def answered(app: FastAPI, method: str, path: str, size: int) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer to a request that says its size and never sends anything."""
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("read before it was measured")

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope_of(app, method, path, size), receive, send)
    kind = dict(sent[0]["headers"])[b"content-type"]
    assert kind == b"application/problem+json"
    return sent[0]["status"], json.loads(b"".join(each.get("body", b"") for each in sent[1:]))


async def test_every_route_of_every_service_refuses_more_than_a_megabyte_unless_it_takes_files() -> None:
    seen = 0
    for app, method, path, context in routes():
        if bodies.most_of(context.endpoint) == bodies.JSON and method != "HEAD":
            status, body = await answered(app, method, path, bodies.JSON + 1)
            assert (status, body["code"]) == (413, "BODY_TOO_LARGE"), (method, path)
            assert body["detail"]
            seen += 1
    assert seen > 250


def test_routes_that_take_files_take_their_size_and_read_it_by_themselves() -> None:
    seen = set()
    for app, method, path, context in routes():
        size = bodies.most_of(context.endpoint)
        scope = scope_of(app, method, path, size)
        assert not bodies.too_large(scope), (method, path)
        assert bodies.too_large(scope_of(app, method, path, size + 1)), (method, path)
        if size != bodies.JSON:
            assert context.body_field is None, f"{method} {path}: FastAPI would read it all before it asks who sends"
            seen.add((method, path))
    assert len(seen) > 25


def test_every_route_that_takes_a_body_says_what_is_too_much() -> None:
    said = {}
    for app, method, _, context in routes():
        operation = app.openapi()["paths"].get(context.path_format, {}).get(method.lower(), {})
        if "requestBody" in operation or (operation and bodies.most_of(context.endpoint) != bodies.JSON):
            said[f"{method} {context.path_format}"] = operation["responses"].get("413")
    assert len(said) > 70
    assert [name for name, answer in said.items() if answer is None] == []
    for name, answer in said.items():
        assert answer["content"]["application/problem+json"]["example"]["status"] == 413, name
    assert said["POST /api/v1/invoices/actions"]["description"] == "Demande trop lourde : 1 Mo au plus"
    assert said["POST /api/v1/messages/bounces"]["description"] == "Demande trop lourde : 128 Mo au plus"
    assert said["POST /api/v1/deposits"]["description"] == "Fichier trop lourd"


def caddy(name: str) -> list[str]:
    """The patterns of one of the gateway's lists."""
    found = re.search(rf"^\t@{name} path (.+)$", CADDYFILE, re.MULTILINE)
    assert found is not None
    return found[1].split()


def test_the_gateway_lets_as_much_through_as_the_routes_take() -> None:
    lists = {bodies.FILES: caddy("files"), bodies.ARCHIVES: caddy("archives")}
    known = {path: size for _, path, size in larger() if not path.startswith("/internal/")}
    for path, size in known.items():
        assert any(fnmatch.fnmatchcase(path, pattern) for pattern in lists[size]), path
    for size, patterns in lists.items():
        for pattern in patterns:
            matched = [path for path, most in known.items() if fnmatch.fnmatchcase(path, pattern) and most == size]
            assert matched, f"{pattern}: no route takes so much"
    rest = re.search(r"^\t@all-other not path (.+)$", CADDYFILE, re.MULTILINE)
    assert rest is not None
    assert rest[1].split() == [*lists[bodies.ARCHIVES], *lists[bodies.FILES]]
    sizes = dict(re.findall(r"request_body @([\w-]+) \{\s+max_size (\d+)MB", CADDYFILE))
    said = {name: int(size) * 1_000_000 for name, size in sizes.items()}
    assert said == {"archives": bodies.ARCHIVES, "files": bodies.FILES, "all-other": bodies.JSON}


def test_pages_that_take_files_have_the_time_for_them() -> None:
    pages = {path for _, path, _ in larger() if not path.startswith(("/api/", "/internal/"))}
    every = {path for app, method, path, _ in routes() if app is APPS["portal"] and method == "POST"}
    assert pages == {path for path in every if LONG_BODIES.fullmatch(path)}


async def fine() -> str | None:
    return None


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """One route that reads JSON, one that takes more by itself."""
    app = create_app("status", token_secret="s" * 40, live=fine, ready=[])

    @app.post("/json")
    async def plain(given: list[dict[str, int]]) -> int:
        return len(given)

    @app.post("/file/{name}")
    @bodies.takes(bodies.FILES)
    async def file(request: Request, name: str) -> int:
        return sum([len(chunk) async for chunk in request.stream()])

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://status") as opened:
        yield opened


async def pieces(total: int, taken: list[int]) -> AsyncIterator[bytes]:
    """A body of so many bytes that does not say its size."""
    for _ in range(total // 10_000):
        taken[0] += 10_000
        yield b" " * 10_000


async def test_a_body_that_hides_its_size_is_left_where_it_becomes_too_much(client: httpx.AsyncClient) -> None:
    taken = [0]
    answer = await client.post("/json", content=pieces(50_000_000, taken), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")
    assert taken[0] <= bodies.JSON + 20_000
    taken = [0]
    assert (await client.post("/file/a", content=pieces(5_000_000, taken))).json() == 5_000_000
    whole = b"[" + b",".join([b"{}"] * 300_000) + b"]"
    assert (await client.post("/json", content=whole, headers=JSON)).json() == 300_000
    assert (await client.post("/json", content=whole + b" " * 200_000, headers=JSON)).status_code == 413
    assert (await client.post("/file/a", content=whole * 3)).json() == 3 * len(whole)


def test_the_largest_requests_of_programs_fit() -> None:
    items = [BulkItemIn(invoice=UUID(SAMPLE), version='"123456789"') for _ in range(MOST)]
    bulk = BulkIn(action="a" * 60, fields={f"field-{n}": "é" * 2000 for n in range(20)}, invoices=items)
    assert len(bulk.model_dump_json().encode()) < bodies.JSON / 4
    raw = {"siret": "", "name": "é" * 200, "email": "e" * 250, "service_code": "c" * 100}
    lines = [
        Line(number=1, kind="gestionnaire", raw=json.dumps({**raw, "siret": f"{n // 5:014}"}).encode())
        for n in range(5_000)
    ]
    managers = Managers("http://notify", "Bearer x")
    assert list(managers.divert(lines)) == []
    for chunk in managers._chunks():
        sent = [{name: getattr(row, name) for name in ("siret", "service_code", "name", "email")} for _, row in chunk]
        assert len(json.dumps({"managers": sent}, ensure_ascii=False).encode()) < bodies.JSON
