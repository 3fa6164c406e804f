"""Each service's API against its own OpenAPI description: no answer is a 5xx, and every refusal is one it describes."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.auth import Principal, mint
from tests.fuzz.attack import attack
from tests.processes import running

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


@pytest.mark.parametrize("name", ["ingest", "ocr", "status", "notify", "portal", "supervision"])
async def test_no_request_is_a_server_error_and_every_refusal_is_described(
    name: str, stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    # portal has many routes, and hashes passwords.
    await _attack_service(name, stack, dsns, QUICK // 3 if name == "portal" else QUICK)


@pytest.mark.long
@pytest.mark.parametrize("name", ["ingest", "ocr", "status", "notify", "portal", "supervision"])
async def test_the_same_for_longer(name: str, stack: Stack, dsns: Mapping[str, ServiceDsns]) -> None:
    await _attack_service(name, stack, dsns, LONG)


async def _attack_service(name: str, stack: Stack, dsns: Mapping[str, ServiceDsns], examples: int) -> None:
    # What is looked for is not how soon it says no.
    async with running(
        name, stack, dsns[name], CHORALE_WRITES_EACH_MINUTE="1000000", CHORALE_READS_EACH_MINUTE="1000000"
    ) as service:
        await service.ready("/health/live")
        described = f"{service.url}/openapi/{name}.json"
        async with httpx.AsyncClient() as client:
            _described((await client.get(described)).json())
        token = mint(service.environment["CHORALE_TOKEN_SECRET"], EVERYTHING)
        asked = await asyncio.to_thread(attack, described, token, _send, examples=examples, but=ENDLESS)
    assert len(asked) >= 2
    assert all(count > 0 for count in asked.values()), asked


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


def _send(operation: Any, case: Any, headers: Mapping[str, str]) -> None:
    _check(operation, case.call(headers=headers, timeout=20))


def _check(operation: Any, answer: Any) -> None:
    """No server error; a refusal is problem+json with a code, under a status that the description names."""
    status = answer.status_code
    assert status < 500 or status == 503, (operation.label, status, answer.text[:500])
    if status < 400:
        return
    if operation.label.endswith("/page") and answer.headers["content-type"][0].startswith("text/html"):
        return  # read by people
    if operation.path == "/api/v1/oauth/token" and status in (400, 401, 429):
        assert answer.json()["error"]  # in the words of RFC 6749
        return
    assert answer.headers["content-type"][0] == "application/problem+json", (operation.label, status, answer.text[:300])
    sent = answer.request
    if sent.method != "HEAD":  # which is answered without a body
        assert answer.text, (operation.label, status, sent.method, sent.url, answer.headers)
        assert answer.json()["code"]
    # An address with a strange path is another address, or none.
    described = {int(code) for code in operation.definition.raw["responses"] if code.isdecimal()}
    assert status in described | {400, 404, 405}, (operation.label, status, described)
