"""Passwords, the lock after wrong ones, and what no answer tells; mails read from the real inbox."""

import json

import httpx
import pytest

from tests.integration.account_world import PASSWORD, A, World, new_address, sign_up

NEW = "sept navires dorment au port"


async def test_no_answer_tells_whether_an_address_has_an_account(accounts: World) -> None:
    async with accounts.browser() as client, accounts.browser() as other:
        known, unknown = await accounts.open(client), new_address()
        answers = [
            [await other.post(A, json=sign_up(email)) for email in (known, unknown)],
            [await other.post(f"{A}/password/reset", json={"email": email}) for email in (known, new_address())],
            [
                await other.post(f"{A}/sessions", json={"email": email, "password": "pas le bon mot"})
                for email in (known, new_address())
            ],
        ]
        for one, two in answers:
            assert (one.status_code, _said(one)) == (two.status_code, _said(two))
        assert (await accounts.mail(known, "Vous avez déjà un compte"))["text"].count("token=") == 1
        await accounts.mail(known, "nouveau mot de passe")
        await accounts.mail(unknown, "Activez")


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("onze lettre", "PASSWORD_SHORT"),
        ("123456789012", "PASSWORD_COMMON"),
        ("motdepasse12", "PASSWORD_COMMON"),
        ("x" * 257, "PASSWORD_LONG"),
    ],
)
async def test_a_common_or_short_password_is_refused_and_never_repeated(
    accounts: World, password: str, rule: str
) -> None:
    async with accounts.browser() as client:
        await accounts.open(client)
        answer = await client.put(f"{A}/me/password", json={"password": password})
        judged = (await client.post(f"{A}/password/strength", json={"password": password})).json()
    assert (answer.status_code, answer.json()["code"], judged["refusal"]) == (422, rule, rule)
    assert password not in answer.text


async def test_a_new_password_by_mail_closes_every_session_everywhere(accounts: World) -> None:
    async with accounts.browser() as client, accounts.browser() as other:
        email = await accounts.open(client)
        token = await accounts.token(client)
        assert await accounts.ask_notify(token) == 200
        await other.post(f"{A}/password/reset", json={"email": email})
        link = await accounts.link(email, "nouveau mot de passe")
        assert (await other.post(f"{A}/links", json={"token": link, "password": NEW})).status_code == 200
        await accounts.mail(email, "mot de passe a changé")
        assert (await client.get(f"{A}/me")).status_code == 401
        await accounts.ended(token)
        old = await other.post(f"{A}/sessions", json={"email": email, "password": PASSWORD})
        new = await other.post(f"{A}/sessions", json={"email": email, "password": NEW})
        assert (old.status_code, new.status_code) == (401, 200)


async def test_a_new_password_and_a_new_login_end_the_links_that_were_mailed_before(accounts: World) -> None:
    async with accounts.browser() as client, accounts.browser() as thief:
        old, new = await accounts.open(client), new_address()

        async def asked(email: str) -> str:
            await thief.post(f"{A}/password/reset", json={"email": email})
            return await accounts.link(email, "nouveau mot de passe")

        by_reset = await asked(old)
        assert (await client.put(f"{A}/me/email", json={"email": new})).status_code == 202
        for address, subject in ((old, "Confirmez le changement"), (new, "Confirmez votre nouvelle")):
            token = await accounts.link(address, subject)
            assert (await client.post(f"{A}/links", json={"token": token})).status_code == 200
        late = await thief.post(f"{A}/links", json={"token": by_reset, "password": NEW})
        assert (late.status_code, late.json()["code"]) == (410, "LINK_OVER")

        by_reset = await asked(new)
        assert (await client.put(f"{A}/me/password", json={"password": NEW})).status_code == 204
        late = await thief.post(f"{A}/links", json={"token": by_reset, "password": PASSWORD})
        assert (late.status_code, late.json()["code"]) == (410, "LINK_OVER")


async def test_wrong_passwords_lock_an_address_alike_with_and_without_an_account_and_a_reset_unlocks(
    accounts: World,
) -> None:
    async with accounts.browser() as client, accounts.browser() as other:
        email, nobody = await accounts.open(client), new_address()
        seen = []
        for address in (email, nobody):
            tries = [
                await other.post(f"{A}/sessions", json={"email": address, "password": f"faux numéro {n}"})
                for n in range(6)
            ]
            seen.append([(answer.status_code, answer.json()["code"]) for answer in tries])
            assert "Encore 4 essais" in tries[0].json()["detail"]
            assert int(tries[-1].headers["retry-after"]) <= 61
        assert seen[0] == seen[1] == [(401, "SIGN_IN_REFUSED")] * 4 + [(429, "SIGN_IN_LOCKED")] * 2
        right = await other.post(f"{A}/sessions", json={"email": email, "password": PASSWORD})
        assert right.status_code == 429
        assert "suspendue jusqu'au" in right.json()["detail"]
        link = await accounts.link(email, "Connexion suspendue")
        assert (await other.post(f"{A}/links", json={"token": link, "password": NEW})).status_code == 200
        assert (await other.post(f"{A}/sessions", json={"email": email, "password": NEW})).status_code == 200
        assert await accounts.mails(nobody) == []


async def test_mails_to_one_address_are_limited_whoever_asks(accounts: World) -> None:
    async with accounts.browser() as client:
        email = new_address()
        answers = [await client.post(f"{A}/password/reset", json={"email": email}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [202] * 5 + [429]
    assert answers[-1].headers["retry-after"]


def _said(answer: httpx.Response) -> str:
    """An answer without what names the request."""
    found = answer.json()
    return json.dumps({name: value for name, value in found.items() if name not in ("trace", "instance")})
