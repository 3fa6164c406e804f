"""Every route of accounts by the description: without a session, with a forged, an ended and somebody else's."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.integration.account_world import A, World
from tests.integration.soft_passkey import Device

#: What is there for who has not signed in: it answers alike for every account, or reads the word of a link or ticket.
ANYBODY = frozenset(
    {
        f"GET {A}/identifiers",
        f"POST {A}",
        f"POST {A}/password/strength",
        f"POST {A}/password/reset",
        f"POST {A}/links",
        f"POST {A}/sessions",
        f"POST {A}/sessions/second",
        f"POST {A}/sessions/passkey/options",
        f"POST {A}/sessions/passkey",
        f"GET {A}/sessions/provider",
        f"GET {A}/sessions/provider/callback",
    }
)
BODIES: dict[str, Any] = {
    f"PATCH {A}/me": {"name": "Prise"},
    f"PUT {A}/me/password": {"password": "sept navires dorment au port"},
    f"PUT {A}/me/email": {"email": "prise@ailleurs.example"},
    f"POST {A}/me/closing": {"confirm": "FERMER"},
    f"POST {A}/me/totp/confirmation": {"code": "000000"},
    f"POST {A}/me/passkeys": {"ticket": "x", "credential": {}},
    f"POST {A}/me/searches": {"space": "received", "name": "Prise", "query": "q=1"},
    f"POST {A}/sessions/proof": {"password": "sept navires dorment au port"},
}


async def routes(client: httpx.AsyncClient) -> list[str]:
    """The routes of accounts by the description, those of ``ANYBODY`` left out."""
    paths = (await client.get("/openapi/portal.json")).json()["paths"]
    found = {
        f"{method.upper()} {path}"
        for path, operations in paths.items()
        for method, operation in operations.items()
        if "comptes" in operation.get("tags", ())
    }
    assert found >= ANYBODY | set(BODIES)
    return sorted(found - ANYBODY)


async def test_every_route_of_ones_own_account_is_shut_without_ones_own_session(accounts: World) -> None:
    async with accounts.browser() as client, accounts.browser() as stranger:
        await accounts.open(client)
        ended, token = client.cookies["chorale"], await accounts.token(client)
        await client.delete(f"{A}/sessions/current")
        for name in await routes(stranger):
            method, path = name.split(" ")
            where = path.format(session=uuid4(), passkey="AAAA", search=uuid4())
            for cookie, headers in (
                (None, {}),
                ("A" * 43, {}),
                (ended, {}),
                (None, {"Authorization": f"Bearer {token}"}),
                ("' or true --", {}),
            ):
                stranger.cookies.clear()
                if cookie:
                    stranger.cookies.set("chorale", cookie)
                answer = await stranger.request(method, where, json=BODIES.get(name), headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (401, "SESSION_MISSING"), name


async def test_what_is_somebody_elses_is_as_unknown_as_what_is_not_there(accounts: World) -> None:
    async with accounts.browser() as owner, accounts.browser() as other:
        await accounts.open(owner)
        await accounts.open(other)
        asked = (await owner.post(f"{A}/me/passkeys/options")).json()
        made = {"ticket": asked["ticket"], "credential": Device(accounts.origin).make(asked["options"])}
        stolen = await other.post(f"{A}/me/passkeys", json=made)
        assert (stolen.status_code, stolen.json()["code"]) == (410, "STEP_OVER")
        key = (await owner.post(f"{A}/me/passkeys", json=made)).json()["passkey"]
        session = (await owner.get(f"{A}/sessions")).json()[0]["id"]
        for theirs, nobodys in (
            (f"{A}/sessions/{session}", f"{A}/sessions/{uuid4()}"),
            (f"{A}/me/passkeys/{key}", f"{A}/me/passkeys/AAAA"),
        ):
            answers = [await other.delete(path) for path in (theirs, nobodys)]
            assert answers[0].status_code == answers[1].status_code == 404
            assert answers[0].json()["detail"] == answers[1].json()["detail"]
        assert (await owner.get(f"{A}/me/factors")).json()["passkeys"][0]["id"] == key


@pytest.mark.parametrize("path", ["sessions", "me", "me/factors", "me/totp"])
async def test_what_a_browser_keeps_of_a_secret_is_nothing(accounts: World, path: str) -> None:
    async with accounts.browser() as client:
        await accounts.open(client)
        method = "POST" if path == "me/totp" else "GET"
        answer = await client.request(method, f"{A}/{path}")
        assert client.cookies["chorale"] not in answer.text
        if path in ("me", "me/totp"):
            assert answer.headers["cache-control"] == "no-store"
