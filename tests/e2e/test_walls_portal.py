"""The portal's routes, attacked: without a session, with tokens that are worth nothing, and by people of elsewhere."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from contracts.events import Grant
from deploy.local import Stack
from services.common import account_replica
from tests.accounts import Signer, account
from tests.e2e.walls import Route, Side, refused_tokens, routes
from tests.e2e.walls_accounts import Accounts, accounts
from tests.e2e.walls_bodies import sample

#: Answers whoever asks: what everybody may know, and the ways to an account, which say nothing of anybody's.
OPEN = frozenset(
    {
        "GET /api/v1/accounts/identifiers",
        "GET /api/v1/accounts/proofs/kinds",
        "POST /api/v1/accounts",
        "POST /api/v1/accounts/password/strength",
        "POST /api/v1/accounts/password/reset",
        "POST /api/v1/accounts/links",
        "POST /api/v1/accounts/invitations/sign-up",
        "POST /api/v1/accounts/sessions",
        "POST /api/v1/accounts/sessions/second",
        "POST /api/v1/accounts/sessions/passkey/options",
        "POST /api/v1/accounts/sessions/passkey",
        "GET /api/v1/accounts/sessions/provider",
        "GET /api/v1/accounts/sessions/provider/callback",
        "POST /api/v1/oauth/token",
        "GET /api/v1/oauth/jwks",
        "GET /.well-known/oauth-authorization-server",
        "GET /api/v1/announcements",
        "GET /api/v1/solicitations/categories",
    }
)
#: Answers whoever has a token, each with his own.
OWN = frozenset(
    f"{method} /api/v1/accounts/{path}"
    for method, path in (
        ("GET", "structures"),
        ("POST", "structures"),
        ("GET", "structures/search"),
        ("GET", "structures/prefill/{siret}"),
        ("GET", "successions"),
        ("GET", "requests"),
        ("GET", "proofs"),
        ("GET", "software"),
        ("POST", "software"),
        ("GET", "usage"),
        ("GET", "audit"),
    )
) | {
    "GET /api/v1/solicitations",
    "POST /api/v1/solicitations",
    "POST /api/v1/solicitations/attachments",
    "GET /api/v1/announcements/mine",
}
#: Where whoever has an account asks to belong to a structure: that it is known, the search says as well.
ASKS = frozenset({"POST /api/v1/accounts/structures/{structure}/requests"})
FIRM, NEVER = "44306184100047", "35600000000048"
NAME = f"Menuiserie {uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def described(platform: Stack) -> list[Route]:
    answer = httpx.get(f"{platform.base_url('portal')}/openapi/portal.json")
    return list(routes("portal", answer.json()))


@pytest.fixture(scope="module")
def side() -> Side:
    return Side("cd06", "22060001900016", "DRH", "nobody", NAME, str(uuid4()), str(uuid4()))


@pytest.fixture(scope="module")
def people(platform: Stack, side: Side) -> Accounts:
    """Strangers, known to the portal; and somebody whose structure they are after."""
    signer = Signer()
    other = Side("cd31", "22310001700423", "TEST-DSI", "nobody", NAME, str(uuid4()), str(uuid4()))
    made = accounts(side, other, signer)
    holder = f"{signer.kid}-holder"

    async def known() -> None:
        connection = await asyncpg.connect(platform.dsns["portal"].worker, server_settings={"search_path": "portal"})
        try:
            async with connection.transaction():
                mine = account(holder, 1, Grant(role="FOURNISSEUR", structure=FIRM))
                await account_replica.apply(connection, "portal", [*made.entries, mine])
        finally:
            await connection.close()

    asyncio.run(known())
    asked = {"identifier": FIRM, "name": NAME}
    headers = {"Authorization": f"Bearer {signer.token(holder)}"}
    answer = httpx.post(f"{platform.base_url('portal')}/api/v1/accounts/structures", json=asked, headers=headers)
    assert answer.status_code == 201, answer.text
    return made


def ask(
    http: httpx.Client, platform: Stack, route: Route, side: Side, structure: str, headers: dict[str, str]
) -> httpx.Response:
    known = {"siret": side.body, "identifier": "73282932000074"}
    given: dict[str, Any] = sample(route.about, route.components, known) if route.writes else {}
    within = Route("portal", route.method, route.path.replace("{structure}", structure), {}, {})
    url = platform.base_url("portal") + within.address(side, side.invoice)
    return http.request(route.method, url, headers=headers, **given)


def test_without_a_session_or_a_good_token_nothing_of_anybodys_answers(
    http: httpx.Client, platform: Stack, described: list[Route], side: Side, people: Accounts
) -> None:
    assert {route.name for route in described} >= OPEN | OWN
    headers = {**refused_tokens(platform, side), **people.refused}
    for what in ("none", "forged", "a session that is over", "an account that is locked", "signed with the public key"):
        given = headers[what]
        for route in described:
            answer = ask(http, platform, route, side, FIRM, {} if given is None else {"Authorization": given})
            case = f"{what}: {route.name} answered {answer.status_code}: {answer.text[:200]}"
            assert NAME not in answer.text, case
            assert answer.status_code < 500 if route.name in OPEN else answer.status_code == 401, case


def test_no_route_tells_a_stranger_anything_of_a_structure_nor_whether_it_is_there(
    http: httpx.Client, platform: Stack, described: list[Route], side: Side, people: Accounts
) -> None:
    for who, token in people.strangers.items():
        headers = {"Authorization": f"Bearer {token}"}
        for route in described:
            if route.name in OPEN:
                continue
            answer = ask(http, platform, route, side, FIRM, headers)
            case = f"{who}: {route.name} answered {answer.status_code}: {answer.text[:300]}"
            assert NAME not in answer.text or route.path.endswith("/structures/search"), case
            # A form that is not as it should be is refused before anything is looked for.
            assert answer.status_code in (401, 403, 404, 422) or route.name in OWN | ASKS, case
            if "{structure}" in route.path and route.name not in ASKS:
                never = ask(http, platform, route, side, NEVER, headers)
                assert (answer.status_code, _plain(answer.text)) == (never.status_code, _plain(never.text)), case


def _plain(text: str) -> str:
    start, mark, rest = text.partition('"trace":"')
    return (start + mark + rest[32:] if mark else text).replace(FIRM, "SIRET").replace(NEVER, "SIRET")
