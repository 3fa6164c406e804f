"""The directory's API against its own OpenAPI description: whatever is sent, no answer is a 5xx."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

from deploy.database import ServiceDsns
from deploy.local import Stack
from deploy.servers.process import launcher
from services.common.auth import Principal, mint
from services.routing.imports import import_directory
from services.routing.load import opened
from tests.records import eventually
from tests.unit.routing.samples import FILE, SUPPLIER

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = 60


@pytest.fixture
async def address(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[tuple[str, str]]:
    """A running service with a small directory: its address and a token that may do everything."""
    pool = await opened(dsns["routing"].worker)
    await import_directory(pool, FILE, by="benoît")
    await pool.close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = stack.environment("routing")
    own = {"CHORALE_DSN": dsns["routing"].worker, "CHORALE_API_DSN": dsns["routing"].api, "CHORALE_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        *(*launcher(None), sys.executable, "-m", "services.routing"),
        cwd=ROOT,
        env={**os.environ, **given, **own},
        stdout=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"

    async def ready() -> bool:
        with suppress(httpx.HTTPError):
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{url}/api/v1/directory/export")).status_code == 200
        return False

    try:
        await eventually(ready, within=60)
        roles = ("OPERATEUR", "TENANT_ADMIN")
        everything = Principal(subject="agnès", roles=roles, tenants=("cd99",), structures=(SUPPLIER,))
        yield url, mint(given["CHORALE_TOKEN_SECRET"], everything)
    finally:
        process.kill()
        await process.wait()


async def test_no_request_that_the_description_allows_or_forbids_is_a_server_error(address: tuple[str, str]) -> None:
    url, token = address
    asked = await asyncio.to_thread(_attack, url, token)
    assert len(asked) >= 9
    assert all(count > 0 for count in asked.values()), asked


def _attack(url: str, token: str) -> dict[str, int]:
    """Send generated requests to every operation; returns how many each got. Raises on the first 5xx."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi/routing.json")
    headers = {"Authorization": f"Bearer {token}"}
    asked: dict[str, int] = {}
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        asked[operation.label] = sum(_send(operation, mode, headers) for mode in schemathesis.GenerationMode)
    return asked


def _send(operation: Any, mode: schemathesis.GenerationMode, headers: dict[str, str]) -> int:
    count = 0

    @settings(
        max_examples=EXAMPLES,
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
        case.call_and_validate(checks=(not_a_server_error,), headers=headers, timeout=20)

    with suppress(Unsatisfiable):  # an operation without parameters has nothing that could be wrong
        send()
    return count
