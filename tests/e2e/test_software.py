"""Programs on the whole platform: account, tokens, use, end everywhere; and the limits that everybody has."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from contracts.events import Grant
from contracts.registry import SERVICES, ServiceName
from deploy.demo.prepare import bearer
from deploy.local import Stack
from services.common.auth import Principal
from tests.accounts import Signer, account, publish
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
#: A route of each service that reads and one that writes; what they answer besides is no matter. Two take no writes.
ROUTES: Mapping[ServiceName, tuple[str, str | None]] = {
    "ingest": ("/api/v1/deposits", "/api/v1/drafts"),
    "ocr": ("/api/v1/pages/looks", None),
    "routing": ("/api/v1/directory/engagements", "/api/v1/directory/import"),
    "status": ("/api/v1/invoices", "/api/v1/invoices/actions"),
    "notify": ("/api/v1/webhooks", "/api/v1/webhooks"),
    "portal": ("/api/v1/accounts/usage", "/api/v1/accounts/software"),
    "supervision": ("/api/v1/supervision", None),
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


@pytest.fixture(scope="module")
def limited(platform: Stack) -> dict[str, str]:
    """The header of somebody who may write twice a minute, as the portal would publish it."""
    signer, subject = Signer(), f"limited-{uuid4().hex[:8]}"
    supplies = Grant(role="FOURNISSEUR", structure=SUPPLIER.siret)
    entries = [signer.entry(), account(subject, 1, supplies, writes_each_minute=2)]
    asyncio.run(publish(platform.kafka.bootstrap, entries))
    return {"Authorization": f"Bearer {signer.token(subject)}"}


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "portal"])
def test_limits_bind_in_every_service_with_the_same_words_and_headers(
    platform: Stack, limited: Mapping[str, str], name: ServiceName
) -> None:
    reading, writing = ROUTES[name]
    with httpx.Client(base_url=platform.url, headers=limited, timeout=30) as client:
        until(lambda: client.get(reading).status_code not in (401, 503))
        _says(client.get(reading), '"lecture";q=12000;w=60')
        if writing is not None:
            answers = [client.post(writing, json={"x": 1}) for _ in range(3)]
            assert [answer.status_code == 429 for answer in answers] == [False, False, True], answers[0].text
            for answer, left in zip(answers, (1, 0, 0), strict=True):
                _says(answer, '"minute";q=2;w=60, "jour";q=200000;w=86400', left)
            refused = answers[2]
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.json()["code"] == "RATE_LIMITED"
            assert 0 < int(refused.headers["retry-after"]) <= 60
            assert client.get(reading).status_code != 429, "reading is counted apart"
    _described(platform, name)


def test_the_portal_counts_too(platform: Stack) -> None:
    """It looks up whom it knows in its own tables, which publish nothing that is not theirs."""
    reading, writing = ROUTES["portal"]
    who = Principal(subject=f"counted-{uuid4().hex[:8]}", structures=(SUPPLIER.siret or "",), roles=("FOURNISSEUR",))
    with httpx.Client(base_url=platform.url, headers=bearer(platform, who), timeout=30) as client:
        _says(client.get(reading), '"lecture";q=12000;w=60', 11_999)
        for left in (599, 598):
            _says(client.post(writing or "", json={"x": 1}), '"minute";q=600;w=60, "jour";q=200000;w=86400', left)
    _described(platform, "portal")


def _says(answer: httpx.Response, policy: str, left: int | None = None) -> None:
    assert answer.headers["ratelimit-policy"] == policy, answer.text
    if left is not None:
        assert f";r={left};" in answer.headers["ratelimit"].split(", ")[0]


def _described(platform: Stack, name: ServiceName) -> None:
    with httpx.Client(base_url=platform.base_url(name), timeout=30) as client:
        assert "ratelimit" not in client.get("/health/live").headers
        paths = client.get(f"/openapi/{name}.json").json()["paths"]
    refusal = paths[ROUTES[name][0]]["get"]["responses"]["429"]
    assert set(refusal["headers"]) == {"Retry-After", "RateLimit-Policy", "RateLimit"}
