"""Second factors, tried with a real application's codes and a device that signs as WebAuthn says."""

import time
from typing import Any

import asyncpg
import httpx
import pyotp
import pytest

from tests.integration.account_world import PASSWORD, A, World
from tests.integration.soft_passkey import Device


async def code_of(secret: str, *, fresh_after: str | None = None) -> str:
    """The code of this half minute, or the next one's where this one has served."""
    made = pyotp.TOTP(secret)
    return made.at(int(time.time()) + 30) if made.now() == fresh_after else made.now()


async def with_totp(accounts: World, client: httpx.AsyncClient) -> tuple[str, str, str, list[str]]:
    """An account with one-time passwords: address, secret, the code that served, recovery codes."""
    email = await accounts.open(client)
    secret = (await client.post(f"{A}/me/totp")).json()["secret"]
    used = await code_of(secret)
    confirmed = await client.post(f"{A}/me/totp/confirmation", json={"code": used})
    assert confirmed.status_code == 200, confirmed.text
    return email, secret, used, confirmed.json()["recovery_codes"]


async def first_step(client: httpx.AsyncClient, email: str) -> dict[str, Any]:
    answer = await client.post(f"{A}/sessions", json={"email": email, "password": PASSWORD})
    found: dict[str, Any] = answer.json()
    assert found["state"] == "second_factor", answer.text
    return found


async def add_passkey(client: httpx.AsyncClient, device: Device) -> httpx.Response:
    asked = (await client.post(f"{A}/me/passkeys/options")).json()
    body = {"ticket": asked["ticket"], "credential": device.make(asked["options"]), "name": "Téléphone"}
    return await client.post(f"{A}/me/passkeys", json=body)


async def test_a_code_is_asked_for_after_the_password_and_serves_once(accounts: World) -> None:
    async with accounts.browser() as client, accounts.browser() as other:
        email, secret, used, _ = await with_totp(accounts, client)
        await accounts.mail(email, "La protection de votre compte a changé")
        step = await first_step(other, email)
        assert step["factors"] == ["totp", "recovery"]
        assert (await other.get(f"{A}/me")).status_code == 401
        again = await other.post(f"{A}/sessions/second", json={"ticket": step["ticket"], "totp": used})
        assert (again.status_code, again.json()["code"]) == (401, "SECOND_FACTOR_REFUSED")
        fresh = await code_of(secret, fresh_after=used)
        done = await other.post(f"{A}/sessions/second", json={"ticket": step["ticket"], "totp": fresh})
        assert done.json()["state"] == "signed_in"
        spent = await other.post(f"{A}/sessions/second", json={"ticket": step["ticket"], "totp": fresh})
        assert spent.status_code == 410
        assert (await other.get(f"{A}/sessions")).json()[0]["means"] == ["password", "totp"]


async def test_codes_cannot_be_guessed_by_trying_again_and_again(accounts: World) -> None:
    async with accounts.browser() as client, accounts.browser() as other:
        email, *_ = await with_totp(accounts, client)
        seen = []
        for _ in range(2):
            step = await first_step(other, email)
            for _ in range(4):
                answer = await other.post(f"{A}/sessions/second", json={"ticket": step["ticket"], "totp": "000000"})
                seen.append(answer.status_code)
        assert "codes faux" in answer.json()["detail"]
        assert seen[:5] == [401] * 5
        assert set(seen[5:]) == {429}
        told = await accounts.mail(email, "Codes faux : connexion suspendue jusqu'au")
        assert "quelqu'un connaît votre mot de passe" in " ".join(told["text"].split())
        # A letter that leaves later has overtaken none: one lock, one letter.
        assert (await client.patch(f"{A}/me", json={"name": "Claire"})).status_code == 200
        await other.post(f"{A}/password/reset", json={"email": email})
        await accounts.mail(email, "nouveau mot de passe")
        assert sum("Codes faux" in subject for subject in await accounts.mails(email)) == 1


async def test_a_recovery_code_opens_the_account_once_and_new_ones_end_the_old(accounts: World) -> None:
    async with accounts.browser() as client, accounts.browser() as other:
        email, _, _, codes = await with_totp(accounts, client)
        assert len(set(codes)) == 10
        for code, expected in ((codes[0].upper().replace("-", " "), 200), (codes[0], 401)):
            step = await first_step(other, email)
            answer = await other.post(f"{A}/sessions/second", json={"ticket": step["ticket"], "recovery": code})
            assert answer.status_code == expected
        assert (await client.get(f"{A}/me/factors")).json()["recovery_codes_left"] == 9
        renewed = (await client.post(f"{A}/me/recovery-codes")).json()["recovery_codes"]
        assert not set(renewed) & set(codes)
        step = await first_step(other, email)
        answer = await other.post(f"{A}/sessions/second", json={"ticket": step["ticket"], "recovery": codes[1]})
        assert answer.status_code == 401


async def test_a_passkey_opens_the_account_without_a_password_and_as_second_factor(accounts: World) -> None:
    async with accounts.browser() as client, accounts.browser() as other:
        email, device = await accounts.open(client), Device(accounts.origin)
        before = client.cookies["chorale"]
        added = await add_passkey(client, device)
        assert added.status_code == 201, added.text
        assert len(added.json()["recovery_codes"]) == 10
        assert client.cookies["chorale"] != before
        asked = (await other.post(f"{A}/sessions/passkey/options")).json()
        signed = {"ticket": asked["ticket"], "credential": device.sign(asked["options"])}
        opened = await other.post(f"{A}/sessions/passkey", json=signed)
        assert opened.json()["state"] == "signed_in"
        assert (await other.get(f"{A}/me")).json()["email"] == email
        assert (await other.post(f"{A}/sessions/passkey", json=signed)).status_code == 410
        step = await first_step(other, email)
        assert step["factors"] == ["passkey", "recovery"]
        body = {"ticket": step["ticket"], "credential": device.sign(step["options"])}
        assert (await other.post(f"{A}/sessions/second", json=body)).json()["state"] == "signed_in"
        removed = await client.delete(f"{A}/me/passkeys/{added.json()['passkey']}")
        assert removed.status_code == 204
        plain = await other.post(f"{A}/sessions", json={"email": email, "password": PASSWORD})
        assert plain.json()["state"] == "signed_in"


@pytest.mark.parametrize("trouble", ["other-page", "no-finger", "other-key", "other-challenge", "copied"])
async def test_a_passkey_that_does_not_hold_opens_nothing(accounts: World, trouble: str) -> None:
    async with accounts.browser() as client, accounts.browser() as other:
        await accounts.open(client)
        device = Device(accounts.origin)
        assert (await add_passkey(client, device)).status_code == 201
        asked = (await other.post(f"{A}/sessions/passkey/options")).json()
        options = asked["options"]
        if trouble == "copied":
            device.count = 5
            await other.post(
                f"{A}/sessions/passkey", json={"ticket": asked["ticket"], "credential": device.sign(options)}
            )
            asked = (await other.post(f"{A}/sessions/passkey/options")).json()
            options, device.count = asked["options"], 1
        if trouble == "other-challenge":
            options = (await other.post(f"{A}/sessions/passkey/options")).json()["options"]
        forged = Device(
            "https://ailleurs.example" if trouble == "other-page" else accounts.origin,
            verifies=trouble != "no-finger",
            id=device.id,
            count=device.count,
            **({} if trouble == "other-key" else {"key": device.key}),
        )
        answer = await other.post(
            f"{A}/sessions/passkey", json={"ticket": asked["ticket"], "credential": forged.sign(options)}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "PASSKEY_REFUSED")


async def test_a_factor_that_is_added_ends_the_other_sessions(accounts: World) -> None:
    async with accounts.browser() as client, accounts.browser() as other:
        email = await accounts.open(client)
        await other.post(f"{A}/sessions", json={"email": email, "password": PASSWORD})
        assert (await add_passkey(client, Device(accounts.origin))).status_code == 201
        assert (await other.get(f"{A}/me")).status_code == 401
        assert (await client.get(f"{A}/me")).status_code == 200


async def long_ago(accounts: World, client: httpx.AsyncClient, *what: str) -> None:
    """The browser's session showed this last an hour ago: ``proved_at``, ``factor_at``."""
    session = (await client.get(f"{A}/me")).json()["session"]
    connection = await asyncpg.connect(accounts.stack.dsns["portal"].worker)
    try:
        for column in what:
            await connection.execute(
                f"update portal.session set {column} = now() - interval '1 hour' where id = $1::text::uuid", session
            )
    finally:
        await connection.close()


async def prove(client: httpx.AsyncClient, **shown: Any) -> tuple[int, str]:
    answer = await client.post(f"{A}/sessions/proof", json=shown)
    return answer.status_code, answer.json().get("code", "")


async def test_the_password_alone_neither_takes_a_factor_away_nor_adds_one(accounts: World) -> None:
    async with accounts.browser() as client:
        email, secret, used, _ = await with_totp(accounts, client)
        await accounts.mail(email, "La protection de votre compte a changé")
        await long_ago(accounts, client, "proved_at", "factor_at")
        assert await prove(client, password=PASSWORD) == (200, "")
        for method, path in (
            ("DELETE", "me/totp"),
            ("POST", "me/recovery-codes"),
            ("POST", "me/passkeys/options"),
            ("DELETE", "me/passkeys/AAAA"),
        ):
            answer = await client.request(method, f"{A}/{path}")
            assert (answer.status_code, answer.json()["code"]) == (403, "FACTOR_REQUIRED"), path
            assert "le code de votre application ou un code de secours" in answer.json()["detail"]
        wrong = await client.post(f"{A}/sessions/proof", json={"password": PASSWORD, "totp": used})
        assert (wrong.status_code, wrong.json()["code"]) == (401, "SECOND_FACTOR_REFUSED")
        assert "attendez le code suivant" in wrong.json()["detail"]
        assert (await client.delete(f"{A}/me/totp")).json()["code"] == "FACTOR_REQUIRED"
        shown = {"totp": await code_of(secret, fresh_after=used)}
        assert await prove(client, **shown) == (200, "")
        assert (await client.delete(f"{A}/me/totp")).status_code == 204
        told = (await accounts.mail(email, "La protection de votre compte a changé"))["text"]
        assert "le code à usage unique a été retiré" in " ".join(told.split())
        assert (await client.get(f"{A}/me/factors")).json()["recovery_codes_left"] == 0


async def test_a_code_alone_is_no_proof_and_a_recovery_code_completes_one(accounts: World) -> None:
    async with accounts.browser() as client:
        _, _, _, codes = await with_totp(accounts, client)
        await long_ago(accounts, client, "proved_at", "factor_at")
        assert await prove(client, recovery=codes[0]) == (200, "")
        assert (await client.delete(f"{A}/me/totp")).json()["code"] == "PROOF_REQUIRED"
        await long_ago(accounts, client, "factor_at")
        assert await prove(client, password=PASSWORD, recovery=codes[0]) == (401, "SECOND_FACTOR_REFUSED")  # spent
        assert await prove(client, password=PASSWORD, recovery=codes[1]) == (200, "")
        assert (await client.delete(f"{A}/me/totp")).status_code == 204


async def test_a_passkey_shows_both_and_takes_itself_away(accounts: World) -> None:
    async with accounts.browser() as client:
        await accounts.open(client)
        device = Device(accounts.origin)
        made = (await add_passkey(client, device)).json()["passkey"]
        await long_ago(accounts, client, "proved_at", "factor_at")
        assert await prove(client, password=PASSWORD) == (200, "")
        assert (await client.delete(f"{A}/me/passkeys/{made}")).json()["code"] == "FACTOR_REQUIRED"
        asked = (await client.post(f"{A}/sessions/passkey/options")).json()
        shown = {"ticket": asked["ticket"], "credential": device.sign(asked["options"])}
        await long_ago(accounts, client, "proved_at")
        assert await prove(client, **shown) == (200, "")
        assert (await client.delete(f"{A}/me/passkeys/{made}")).status_code == 204
        assert await prove(client) == (422, "PROOF_EMPTY")


async def test_codes_cannot_be_guessed_by_whoever_has_the_session_either(accounts: World) -> None:
    async with accounts.browser() as client:
        email, *_ = await with_totp(accounts, client)
        seen = [(await prove(client, totp="000000"))[0] for _ in range(7)]
        assert seen == [401] * 5 + [429] * 2
        await accounts.mail(email, "Codes faux")
