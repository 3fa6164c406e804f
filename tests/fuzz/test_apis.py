"""Each service's API against its own OpenAPI description: no answer is a 5xx, and every refusal is one it describes."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core.result import Ok

from deploy.database import ServiceDsns
from deploy.local import Stack
from deploy.servers.process import launcher
from services.common.auth import Principal, mint
from tests.records import eventually

ROOT = Path(__file__).resolve().parents[2]
QUICK, LONG = 12, 150
EVERYTHING = Principal(
    subject="agnès",
    roles=("OPERATEUR", "TENANT_ADMIN", "FOURNISSEUR", "GESTIONNAIRE"),
    tenants=("cd06",),
    structures=("99900001100018", "22060001900016"),
    services=("22060001900016/DRH",),
    contact="agnes@supplier.example",
)
#: A feed goes on for ever: its parameters are tried by tests of its own.
ENDLESS = frozenset({"GET /api/v1/invoices/events"})


@asynccontextmanager
async def running(name: str, stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[tuple[str, str]]:
    """A service's process: its address, and a token that may do everything."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = stack.environment(name)
    own = {"CHORALE_DSN": dsns[name].worker, "CHORALE_API_DSN": dsns[name].api, "CHORALE_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        *(*launcher(None), sys.executable, "-m", f"services.{name}"),
        cwd=ROOT,
        env={**os.environ, **env, **own},
        stdout=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"

    async def ready() -> bool:
        with suppress(httpx.HTTPError):
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{url}/health/live")).status_code == 200
        return False

    try:
        await eventually(ready, within=60)
        yield url, mint(env["CHORALE_TOKEN_SECRET"], EVERYTHING)
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("name", ["ingest", "ocr", "status", "notify"])
async def test_no_request_is_a_server_error_and_every_refusal_is_described(
    name: str, stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    await _attack_service(name, stack, dsns, QUICK)


@pytest.mark.long
@pytest.mark.parametrize("name", ["ingest", "ocr", "status", "notify"])
async def test_the_same_for_longer(name: str, stack: Stack, dsns: Mapping[str, ServiceDsns]) -> None:
    await _attack_service(name, stack, dsns, LONG)


async def _attack_service(name: str, stack: Stack, dsns: Mapping[str, ServiceDsns], examples: int) -> None:
    async with running(name, stack, dsns) as (url, token):
        asked = await asyncio.to_thread(_attack, name, url, token, examples)
    assert len(asked) >= 2
    assert all(count > 0 for count in asked.values()), asked


def _attack(name: str, url: str, token: str, examples: int) -> dict[str, int]:
    """Send generated requests to every operation; returns how many each got. Raises on the first wrong answer."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi/{name}.json")
    _described(httpx.get(f"{url}/openapi/{name}.json").json())
    headers = {"Authorization": f"Bearer {token}"}
    asked: dict[str, int] = {}
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.label not in ENDLESS:
            modes = schemathesis.GenerationMode
            asked[operation.label] = sum(_send(operation, mode, headers, examples) for mode in modes)
    return asked


def _described(schema: dict[str, Any]) -> None:
    """Every refusal is described in its one form, and some answers by an example."""
    examples = 0
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                if status >= "400":
                    shown = answer["content"]["application/problem+json"]
                    assert shown["example"]["status"] == int(status), (method, path, status)
                examples += "example" in answer.get("content", {}).get("application/json", {})
    assert examples


def _send(operation: Any, mode: schemathesis.GenerationMode, headers: dict[str, str], examples: int) -> int:
    count = 0

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        nonlocal count
        count += 1
        _check(operation, case.call(headers=headers, timeout=20))

    with suppress(Unsatisfiable):  # an operation without parameters has nothing that could be wrong
        send()
    return count


def _check(operation: Any, answer: Any) -> None:
    """No server error; a refusal is problem+json with a code, under a status that the description names."""
    status = answer.status_code
    assert status < 500 or status == 503, (operation.label, status, answer.text[:500])
    if status < 400:
        return
    assert answer.headers["content-type"][0] == "application/problem+json", (operation.label, status, answer.text[:300])
    assert answer.json()["code"]
    # An address with a strange path is another address, or none.
    described = {int(code) for code in operation.definition.raw["responses"] if code.isdecimal()}
    assert status in described | {400, 404, 405}, (operation.label, status, described)
