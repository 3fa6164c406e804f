"""A supplier's program on the whole platform: its account, its tokens, its limits, its use, its end everywhere."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from deploy.demo.prepare import bearer
from deploy.local import Stack
from services.common.auth import Principal
from tests.documents import SUPPLIER, InvoicePdf
from tests.e2e.client import until

OPERATOR = Principal(subject="person:operator", roles=("OPERATEUR",))
SOFTWARE = "/api/v1/accounts/software"
#: A route of each service; what it answers to a good token is no matter, but for 401.
OPEN = {
    "ingest": "/api/v1/deposits",
    "status": "/api/v1/invoices",
    "notify": "/api/v1/webhooks",
    "routing": "/api/v1/directory/engagements",
}


class Program:
    """A program with its secret, behind the one address."""

    def __init__(self, platform: Stack, made: Mapping[str, Any], secret: Mapping[str, Any]) -> None:
        self.id, self.secret_id = made["client_id"], secret["id"]
        self._platform = platform
        self._auth = (self.id, secret["client_secret"])

    def token(self, scope: str | None = None) -> dict[str, str]:
        """The header of a fresh token."""
        form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
        answer = httpx.post(f"{self._platform.url}/api/v1/oauth/token", data=form, auth=self._auth, timeout=30)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def get(self, path: str, header: Mapping[str, str]) -> int:
        """The status of a request."""
        return httpx.get(f"{self._platform.url}{path}", headers=dict(header), timeout=30).status_code

    def deposit(self, header: Mapping[str, str]) -> httpx.Response:
        """Deposit something new."""
        document = InvoicePdf(number=f"SW{uuid4().hex[:8].upper()}", service_code="DRH").render()
        files = {"file": ("f.pdf", document, "application/pdf")}
        return httpx.post(f"{self._platform.url}/api/v1/deposits", files=files, headers=dict(header), timeout=30)


def _operator(platform: Stack, method: str, path: str, **more: Any) -> Any:
    answer = httpx.request(method, f"{platform.url}{path}", headers=bearer(platform, OPERATOR), timeout=30, **more)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def _register(dsn: str) -> None:
    """The supplier's structure, as a member has named it."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "portal"})
    try:
        await connection.execute(
            "insert into structure (id, kind, identifier, written, key, name, created_at, created_by, changed_at)"
            " values ($1, 'SIRET', $2, $2, $2, 'Fournisseur', now(), 'person:x', now()) on conflict do nothing",
            uuid4(),
            SUPPLIER.siret,
        )
    finally:
        await connection.close()


@pytest.fixture
def made(platform: Stack) -> Any:
    """An account with every scope that a supplier's program has a use for, and two writes a minute."""
    asyncio.run(_register(platform.dsns["portal"].worker))
    given = {
        "structure": SUPPLIER.siret,
        "name": "ERP",
        "roles": ["FOURNISSEUR"],
        "scopes": ["deposits.write", "invoices.read", "messages.read", "directory.read"],
        "writes_each_minute": 2,
    }
    return _operator(platform, "POST", SOFTWARE, json=given)


def _program(platform: Stack, made: Mapping[str, Any]) -> Program:
    secret = _operator(platform, "POST", f"{SOFTWARE}/{made['client_id']}/secrets", json={})
    return Program(platform, made, secret)


def test_a_program_deposits_within_its_scopes_and_limits_and_its_use_is_summed(platform: Stack, made: Any) -> None:
    program = _program(platform, made)
    header = program.token()
    answers = [program.deposit(header) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429], answers[0].text
    assert '"minute";q=2;w=60' in answers[0].headers["ratelimit-policy"]
    assert answers[2].headers["retry-after"]
    reading = program.token("invoices.read")
    assert program.get("/api/v1/invoices", reading) == 200
    refused = httpx.get(f"{platform.url}/api/v1/deposits", headers=reading, timeout=30)
    assert (refused.status_code, refused.json()["code"]) == (403, "SCOPE_REQUIRED")
    assert program.get(SOFTWARE, header) == 403
    # A right that is taken away is gone without a new token.
    _operator(platform, "PATCH", f"{SOFTWARE}/{program.id}", json={"scopes": ["deposits.read"]})
    until(lambda: program.get("/api/v1/invoices", reading) == 403)

    def summed() -> bool:
        told = _operator(platform, "GET", f"{SOFTWARE}/{program.id}/usage")
        assert told["missing"] == []
        writes = [row for row in told["rows"] if (row["area"], row["act"]) == ("deposits", "write")]
        return bool(writes) and (writes[0]["requests"], writes[0]["refused"]) == (3, 1)

    until(summed)


def test_a_revoked_secret_ends_its_tokens_in_every_service_and_no_others(platform: Stack, made: Any) -> None:
    old, new = _program(platform, made), _program(platform, made)
    before, after = old.token(), new.token()
    for path in OPEN.values():
        assert 401 not in (old.get(path, before), new.get(path, after)), path
    _operator(platform, "DELETE", f"{SOFTWARE}/{old.id}/secrets/{old.secret_id}")
    for service, path in OPEN.items():
        until(lambda p=path: old.get(p, before) == 401)  # type: ignore[misc]
        assert new.get(path, after) != 401, service
    _operator(platform, "DELETE", f"{SOFTWARE}/{new.id}")
    for path in OPEN.values():
        until(lambda p=path: new.get(p, after) == 401)  # type: ignore[misc]
