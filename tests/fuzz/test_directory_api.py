"""The directory's API against its own OpenAPI description: whatever is sent, no answer is a 5xx."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from schemathesis.checks import not_a_server_error

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.auth import Principal, mint
from services.routing.imports import import_directory
from services.routing.load import opened
from tests.fuzz.attack import attack
from tests.processes import running
from tests.unit.routing.samples import FILE, SUPPLIER

EXAMPLES = 60


@pytest.fixture
async def address(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[tuple[str, str]]:
    """A running service with a small directory: its address and a token that may do everything."""
    pool = await opened(dsns["routing"].worker)
    await import_directory(pool, FILE, by="benoît")
    await pool.close()
    async with running("routing", stack, dsns["routing"]) as service:
        await service.ready("/api/v1/directory/export")
        roles = ("OPERATEUR", "TENANT_ADMIN")
        everything = Principal(subject="agnès", roles=roles, tenants=("cd99",), structures=(SUPPLIER,))
        yield service.url, mint(service.environment["CHORALE_TOKEN_SECRET"], everything)


async def test_no_request_that_the_description_allows_or_forbids_is_a_server_error(address: tuple[str, str]) -> None:
    url, token = address
    asked = await asyncio.to_thread(attack, f"{url}/openapi/routing.json", token, _send, examples=EXAMPLES)
    assert len(asked) >= 9
    assert all(count > 0 for count in asked.values()), asked


def _send(operation: Any, case: Any, headers: Mapping[str, str]) -> None:
    case.call_and_validate(checks=(not_a_server_error,), headers=headers, timeout=20)
