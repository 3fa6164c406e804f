"""Passwords, the lock after wrong ones, and what no answer tells; mails read from the real inbox."""

import json

import httpx
import pytest

from tests.integration.account_world import PASSWORD, A, World, new_address, sign_up
from tests.records import eventually

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


async def asked(accounts: World, email: str, network: str, times: int) -> list[int]:
    """A new password is asked for from this network (the gateway names it); the answers."""
    headers = {"X-Forwarded-For": network}
    async with accounts.browser(**headers) as client:
        return [(await client.post(f"{A}/password/reset", json={"email": email})).status_code for _ in range(times)]


async def test_a_stranger_uses_up_his_own_mails_to_an_address_and_not_the_owners(accounts: World) -> None:
    async with accounts.browser() as client:
        email = await accounts.open(client)
    for address in (email, new_address()):
        assert await asked(accounts, address, "198.51.100.7", 6) == [202] * 5 + [429]
    earlier = [await accounts.link(email, "nouveau mot de passe") for _ in range(5)]
    assert await asked(accounts, email, "203.0.113.9", 1) == [202]
    link = await accounts.link(email, "nouveau mot de passe")
    assert link not in earlier
    assert await asked(accounts, email, "198.51.100.7", 1) == [429]
    async with accounts.browser() as owner:
        # The one that he has got in his hands serves, whoever asks for another meanwhile; then none does any more.
        answer = await owner.post(f"{A}/links", json={"token": earlier[0], "password": NEW})
        assert answer.status_code == 200, answer.text
        for token in (*earlier, link):
            over = await owner.post(f"{A}/links", json={"token": token, "password": PASSWORD})
            assert over.status_code == 410


async def test_all_networks_together_fill_no_inbox_and_the_last_link_lives_as_long_as_the_limit(
    accounts: World,
) -> None:
    email, nobody = new_address(), new_address()
    async with accounts.browser() as client:
        await accounts.open(client, email)  # one mail: the sign-up
    for address, before in ((email, 1), (nobody, 0)):
        answers = [
            status for n in range(5) for status in await asked(accounts, address, f"198.51.100.{100 + n}", 5 - before)
        ]
        assert answers.count(202) == 20 - before
        assert set(answers[20 - before :]) <= {429}
    async with accounts.browser(**{"X-Forwarded-For": "203.0.113.77"}) as client:
        said = [await client.post(f"{A}/password/reset", json={"email": each}) for each in (email, nobody)]
    assert [answer.status_code for answer in said] == [429, 429]
    assert "déjà reçus à cette adresse servent encore" in said[0].json()["detail"]
    left = [int(answer.headers["retry-after"]) for answer in said]
    assert all(0 < each <= 3600 for each in left)

    async def all_came() -> bool:
        return len(await accounts.mails(email)) == 20

    await eventually(all_came)
    link = await accounts.link(email, "nouveau mot de passe")
    async with accounts.browser() as owner:
        assert (await owner.post(f"{A}/links", json={"token": link, "password": NEW})).status_code == 200


def _said(answer: httpx.Response) -> str:
    """An answer without what names the request."""
    found = answer.json()
    return json.dumps({name: value for name, value in found.items() if name not in ("trace", "instance")})
