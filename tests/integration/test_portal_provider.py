"""Sign-in through a real OpenID Connect server, there and back."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import pyotp
import pytest

from deploy.servers.workspace import ROOT
from tests.integration.account_world import PASSWORD, A, World, accounts_stack
from tests.integration.oidc_server import CLIENT, SECRET, address_of
from tests.integration.test_portal_factors import long_ago, prove, with_totp
from tests.processes import free_port

ORIGIN = "http://127.0.0.1:8080"
BACK = f"{A}/sessions/provider/callback"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    port = free_port()
    issuer = f"http://localhost:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.oidc_server", str(port), f"{ORIGIN}{BACK}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        settings = {
            "CHORALE_OIDC_ISSUER": issuer,
            "CHORALE_OIDC_CLIENT_ID": CLIENT,
            "CHORALE_OIDC_CLIENT_SECRET": SECRET,
            "CHORALE_OIDC_EMAIL_TRUSTED": "true",
        }
        with accounts_stack(settings) as running:
            _wait_for(f"{issuer}/.well-known/openid-configuration", server)
            yield World(running)
    finally:
        server.kill()
        server.wait(10)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends and server.poll() is None:
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise TimeoutError(url)


async def there(
    client: httpx.AsyncClient, who: str, begin: httpx.Response | None = None, shown: int = 0, *, without: str = ""
) -> str:
    """The way there and back as a browser goes it; returns the address that it is sent back to, not yet opened.
    ``shown``: when he showed there who he is; ``without``: what the provider overlooks in the address."""
    begun = begin or await client.get(f"{A}/sessions/provider")
    assert begun.status_code == 303, begun.text
    async with httpx.AsyncClient(timeout=30, cookies={"who": who, "shown": str(shown)}) as outside:
        answer = await outside.get(begun.headers["location"].replace(without, ""))
    assert answer.status_code == 302, answer.text
    assert answer.headers["location"].startswith(f"{ORIGIN}{BACK}?")
    return answer.headers["location"].removeprefix(ORIGIN)


async def test_an_identity_without_account_gets_one_and_opens_it_again_and_signs_out_there_too(world: World) -> None:
    async with world.browser() as client:
        back = await there(client, "ada")
        opened = await client.get(back)
        assert (opened.status_code, opened.headers["location"]) == (303, f"{ORIGIN}/")
        me = (await client.get(f"{A}/me")).json()
        assert (me["email"], me["name"], me["has_password"]) == (address_of("ada"), "Ada Lovelace", False)
        assert (await client.get(f"{A}/sessions")).json()[0]["means"] == ["provider"]
        assert (await client.get(back)).status_code == 410
        unlinked = await client.delete(f"{A}/me/providers")
        assert (unlinked.status_code, unlinked.json()["code"]) == (409, "LAST_WAY_IN")
        away = (await client.delete(f"{A}/sessions/current")).json()["provider_sign_out"]
        assert parse_qs(urlsplit(away).query)["post_logout_redirect_uri"] == [f"{ORIGIN}/"]
        async with httpx.AsyncClient(cookies={"who": "ada"}) as outside:
            assert (await outside.get(away)).status_code in (200, 302)
    async with world.browser() as again:
        await again.get(await there(again, "ada"))
        assert (await again.get(f"{A}/me")).json()["subject"] == me["subject"]


async def test_an_address_that_has_an_account_is_asked_by_mail_before_the_identity_opens_it(world: World) -> None:
    async with world.browser() as owner, world.browser() as client:
        email = await world.open(owner, address_of("grace"))
        subject = (await owner.get(f"{A}/me")).json()["subject"]
        back = await client.get(await there(client, "grace"))
        assert (back.status_code, "Un courriel vous attend" in back.text) == (200, True)
        assert (await client.get(f"{A}/me")).status_code == 401
        link = await world.link(email, "Confirmez la connexion")
        assert (await client.post(f"{A}/links", json={"token": link})).status_code == 200
        await client.get(await there(client, "grace"))
        assert (await client.get(f"{A}/me")).json()["subject"] == subject


async def test_whoever_reads_the_mails_gets_by_a_second_factor_through_no_provider(world: World) -> None:
    async with world.browser() as owner, world.browser() as thief:
        email = await world.open(owner, address_of("margaret"))
        secret = (await owner.post(f"{A}/me/totp")).json()["secret"]
        code = {"code": pyotp.TOTP(secret).now()}
        assert (await owner.post(f"{A}/me/totp/confirmation", json=code)).status_code == 200
        await thief.get(await there(thief, "margaret"))
        link = await world.link(email, "Confirmez la connexion")
        answer = await thief.post(f"{A}/links", json={"token": link})
        assert (answer.status_code, answer.json()["code"]) == (409, "SIGN_IN_FIRST")
        await thief.get(await there(thief, "margaret"))
        assert (await thief.get(f"{A}/me")).status_code == 401


async def test_who_is_signed_in_links_and_unlinks_an_identity_that_opens_one_account_only(world: World) -> None:
    async with world.browser() as one, world.browser() as two:
        await world.open(one)
        await world.open(two)
        back = await there(one, "alan", await one.post(f"{A}/me/providers"))
        assert (await one.get(back)).status_code == 303
        assert len((await one.get(f"{A}/me")).json()["providers"]) == 1
        taken = await two.get(await there(two, "alan", await two.post(f"{A}/me/providers")))
        assert (taken.status_code, "déjà un autre compte" in taken.text) == (409, True)
        assert (await one.post(f"{A}/sessions/proof", json={"password": PASSWORD})).status_code == 200
        assert (await one.delete(f"{A}/me/providers")).status_code == 204
        assert (await one.get(f"{A}/me")).json()["providers"] == []


async def test_where_a_second_factor_is_asked_for_an_identity_is_linked_with_it_alone(world: World) -> None:
    async with world.browser() as client:
        *_, codes = await with_totp(world, client)
        await long_ago(world, client, "factor_at")
        refused = await client.post(f"{A}/me/providers")
        assert (refused.status_code, refused.json()["code"]) == (403, "FACTOR_REQUIRED")
        assert await prove(client, recovery=codes[0]) == (200, "")
        assert (await client.post(f"{A}/me/providers")).status_code == 303


PROOF = f"{A}/sessions/provider/proof?then=/compte/securite"


async def test_who_has_no_password_proves_at_the_provider_that_it_is_he(world: World) -> None:
    async with world.browser() as client, world.browser() as other:
        await client.get(await there(client, "dorothy"))
        await long_ago(world, client, "proved_at")
        refused = await client.post(f"{A}/me/totp")
        assert (refused.status_code, refused.json()["code"]) == (403, "PROOF_REQUIRED")
        begun = await client.get(PROOF)
        async with httpx.AsyncClient(cookies={"who": "dorothy"}) as outside:
            asked = await outside.get(begun.headers["location"])
            assert not asked.headers["location"].startswith(ORIGIN)  # signed in there, and asked again all the same
        before = client.cookies["chorale"]
        back = await there(client, "dorothy", begun, shown=5)
        proved = await client.get(back)
        assert (proved.status_code, proved.headers["location"]) == (303, f"{ORIGIN}/compte/securite")
        assert client.cookies["chorale"] != before
        assert (await client.post(f"{A}/me/totp")).status_code == 200
        assert len((await client.get(f"{A}/sessions")).json()) == 1
        assert (await other.get(PROOF)).status_code == 401
        assert (await client.get(f"{A}/sessions/provider/proof?then=//ailleurs.example")).status_code == 422
        cross = await client.get(PROOF, headers={"Sec-Fetch-Site": "cross-site"})
        assert (cross.status_code, cross.json()["code"]) == (403, "CROSS_SITE")


async def test_a_session_opened_by_who_was_signed_in_there_long_ago_is_no_proof(world: World) -> None:
    async with world.browser() as client:
        assert (await client.get(await there(client, "dorothy", shown=-3600))).status_code == 303
        assert (await client.get(f"{A}/me")).status_code == 200
        assert (await client.post(f"{A}/me/totp")).json()["code"] == "PROOF_REQUIRED"


async def test_a_proof_that_is_old_or_anothers_or_comes_back_to_another_session_proves_nothing(world: World) -> None:
    async with world.browser() as client:
        await client.get(await there(client, "ada"))
        await long_ago(world, client, "proved_at")
        old = await there(client, "ada", await client.get(PROOF), shown=-3600, without="&prompt=login&max_age=0")
        assert (await client.get(old)).status_code == 401
        someone = await there(client, "katherine", await client.get(PROOF), shown=5)
        assert (await client.get(someone)).status_code == 401
        assert (await client.post(f"{A}/me/totp")).json()["code"] == "PROOF_REQUIRED"
        begun = await client.get(PROOF)
        await client.delete(f"{A}/sessions/current")
        assert (await client.get(await there(client, "ada", begun, shown=5))).status_code == 401
        assert (await client.get(f"{A}/me")).status_code == 401


async def test_what_comes_back_to_another_browser_or_with_another_code_opens_nothing(world: World) -> None:
    async with world.browser() as client, world.browser() as thief:
        back = await there(client, "ada")
        assert (await thief.get(back)).status_code == 410  # no cookie: not the browser that left
        await there(client, "ada")  # the browser now waits for this one
        assert (await client.get(back)).status_code in (401, 410)  # the state of the way before
        for kept in ("verifier", "nonce"):
            other = await there(client, "ada")
            await _forge(world, kept)
            assert (await client.get(other)).status_code == 401
        first = parse_qs(urlsplit(back).query)
        wrong = {"code": first["code"][0], "state": "x", "iss": "https://ailleurs.example"}
        assert (await client.get(BACK, params=wrong)).status_code == 401
        assert (await client.get(BACK, params={"error": "access_denied"})).status_code == 401
        assert (await client.get(f"{A}/me")).status_code == 401


async def _forge(world: World, kept: str) -> None:
    """What is kept of a way to the provider is that of another way."""
    connection = await asyncpg.connect(world.stack.dsns["portal"].worker)
    try:
        await connection.execute(
            "update portal.ticket set data = convert_to(jsonb_set(convert_from(data, 'utf8')::jsonb, array[$1::text],"
            " to_jsonb(repeat('x', 60)))::text, 'utf8') where kind = 'provider'",
            kept,
        )
    finally:
        await connection.close()
