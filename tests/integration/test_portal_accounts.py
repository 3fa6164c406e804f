"""Accounts in real processes: sign-up, passwords, lock, addresses, closing; mails read from the real inbox."""

import asyncio
from datetime import UTC, datetime

import asyncpg
import httpx
import pytest

from services.common.db import open_pool
from services.portal import people
from services.portal.account_chores import Chores
from services.portal.parts import assemble
from tests.integration.account_world import PASSWORD, A, World, new_address, sign_up
from tests.unit.portal.samples import settings

NEW = "sept navires dorment au port"


async def test_a_person_signs_up_activates_by_the_link_of_the_mail_and_deposits_for_the_structure(
    accounts: World,
) -> None:
    async with accounts.browser() as client:
        email = await accounts.open(client)
        me = (await client.get(f"{A}/me")).json()
        token = await accounts.token(client)
        assert (me["email"], me["has_password"], me["second_factors"]) == (email, True, [])
        held = await client.get(f"{A}/structures", headers={"Authorization": f"Bearer {token}"})
        [structure] = held.json()["structures"]
        assert [right["role"] for right in structure["rights"]] == ["DEPOSANT"]
        assert await accounts.ask_notify(token) == 200
        async with httpx.AsyncClient(base_url=accounts.stack.base_url("notify")) as notify:
            contact = await notify.get("/api/v1/messages/contact", headers={"Authorization": f"Bearer {token}"})
        assert contact.json() == {"address": email, "waiting": None}


async def test_a_link_serves_once_and_the_page_shows_a_form_without_using_it(accounts: World) -> None:
    async with accounts.browser() as client:
        email = new_address()
        await client.post(A, json=sign_up(email))
        token = await accounts.link(email, "Activez")
        for _ in range(2):
            page = await client.get("/lien", params={"token": token})
            assert page.status_code == 200
            assert 'type="password"' in page.text
            assert page.headers["cache-control"] == "private, no-store"
            assert page.headers["referrer-policy"] == "same-origin"
        form = {"csrf": page.text.partition('name="csrf" value="')[2].partition('"')[0], "token": token}
        short = await client.post("/lien", data={**form, "password": "trop court", "again": "trop court"})
        assert short.status_code == 422
        assert "au moins 12 caractères" in short.text
        stranger = await client.post("/lien", data={"token": token, "password": PASSWORD, "again": PASSWORD})
        assert (stranger.is_error, "chorale" in stranger.cookies) == (True, False)
        done = await client.post("/lien", data={**form, "password": PASSWORD, "again": PASSWORD})
        assert (done.status_code, "chorale" in done.cookies) == (303, True)
        client.cookies.delete("chorale")  # the form was shown to who had not signed in
        for answer in (
            await client.get("/lien", params={"token": token}),
            await client.post("/lien", data={**form, "password": PASSWORD, "again": PASSWORD}),
            await client.post(f"{A}/links", json={"token": token, "password": PASSWORD}),
            await client.post(f"{A}/links", json={"token": "A" * 43, "password": PASSWORD}),
        ):
            assert answer.status_code == 410
        assert token not in accounts.stack.log("portal").read_text()


async def test_a_later_link_ends_none_before_until_one_has_served(accounts: World) -> None:
    async with accounts.browser() as client, accounts.browser() as stranger:
        email = new_address()
        await client.post(A, json=sign_up(email))
        first = await accounts.link(email, "Activez")
        await stranger.post(f"{A}/password/reset", json={"email": email})
        second = await accounts.link(email, "Activez")
        assert first != second
        assert (await client.post(f"{A}/links", json={"token": first, "password": PASSWORD})).status_code == 200
        late = await client.post(f"{A}/links", json={"token": second, "password": PASSWORD})
        assert (late.status_code, late.json()["code"]) == (410, "LINK_OVER")


async def test_a_login_changes_only_when_both_addresses_have_confirmed(accounts: World) -> None:
    async with accounts.browser() as client:
        old, new = await accounts.open(client), new_address()
        assert (await client.put(f"{A}/me/email", json={"email": new})).status_code == 202
        by_old = await accounts.link(old, "Confirmez le changement")
        by_new = await accounts.link(new, "Confirmez votre nouvelle")
        first = await client.post(f"{A}/links", json={"token": by_new})
        assert (first.json()["done"], (await client.get(f"{A}/me")).json()["email"]) == (False, old)
        second = await client.post(f"{A}/links", json={"token": by_old})
        assert (second.json()["done"], (await client.get(f"{A}/me")).json()["email"]) == (True, new)
        for address in (old, new):
            await accounts.mail(address, "Votre adresse de connexion a changé")
        signed = await client.post(f"{A}/sessions", json={"email": new, "password": PASSWORD})
        assert signed.status_code == 200


async def test_asking_for_the_address_of_another_account_tells_its_owner_and_not_who_asks(accounts: World) -> None:
    async with accounts.browser() as one, accounts.browser() as two:
        mine, theirs = await accounts.open(one), await accounts.open(two)
        taken = await one.put(f"{A}/me/email", json={"email": theirs})
        free = await one.put(f"{A}/me/email", json={"email": new_address()})
        assert (taken.status_code, taken.text) == (free.status_code, free.text)
        await accounts.mail(theirs, "Vous avez déjà un compte avec cette adresse")
        assert "Confirmez votre nouvelle" not in " ".join(await accounts.mails(theirs))
        assert (await one.get(f"{A}/me")).json()["email"] == mine


async def test_closing_gives_everything_ends_everything_and_can_be_taken_back(accounts: World) -> None:
    async with accounts.browser() as client:
        email = await accounts.open(client)
        token = await accounts.token(client)
        assert await accounts.ask_notify(token) == 200
        assert (await client.post(f"{A}/me/closing", json={"confirm": "oui"})).status_code == 422
        closed = await client.post(f"{A}/me/closing", json={"confirm": "FERMER"})
        assert closed.status_code == 200, closed.text
        assert (await client.get(f"{A}/me")).status_code == 401
        signed = await client.post(f"{A}/sessions", json={"email": email, "password": PASSWORD})
        assert signed.status_code == 401
        await accounts.ended(token)
        link = await accounts.link(email, "Votre compte est fermé")
        assert (await client.post(f"{A}/links", json={"token": link})).status_code == 200
        again = await client.post(f"{A}/sessions", json={"email": email, "password": PASSWORD})
        assert again.json()["state"] == "signed_in"
        held = await client.get(f"{A}/structures", headers={"Authorization": f"Bearer {await accounts.token(client)}"})
        assert held.json()["structures"] == []


async def test_whose_erasure_is_asked_for_comes_back_by_no_link(accounts: World) -> None:
    async with accounts.browser() as client:
        email = await accounts.open(client)
        subject = (await client.get(f"{A}/me")).json()["subject"]
        await client.post(f"{A}/me/closing", json={"confirm": "FERMER"})
        link = await accounts.link(email, "Votre compte est fermé")
        pool = await open_pool(accounts.stack.dsns["portal"].worker, "portal", max_size=1)
        try:
            async with pool.acquire() as connection:
                await people.ask(connection, subject, by="person:operator", now=datetime.now(UTC))
        finally:
            await pool.close()
        assert (await client.post(f"{A}/links", json={"token": link})).status_code == 410


async def test_what_was_said_for_an_account_that_nobody_activates_is_forgotten(accounts: World) -> None:
    late, fresh = new_address(), new_address()
    async with accounts.browser() as client:
        for email in (late, fresh):
            await client.post(A, json=sign_up(email))
            await accounts.link(email, "Activez")
    pool = await open_pool(accounts.stack.dsns["portal"].worker, "portal", max_size=2)
    parts = assemble(settings(closing_days=30), pool, pool)
    try:
        await pool.execute(
            "with old as (update account set created_at = created_at - interval '40 days' where email = $1"
            " returning subject) update mail_link set expires_at = expires_at - interval '40 days'"
            " where subject in (select subject from old)",
            late,
        )
        await Chores(parts).sweep()
        left = await pool.fetch("select email from account where email = any($1)", [late, fresh])
        assert [row["email"] for row in left] == [fresh]
    finally:
        await parts.passwords.close()
        await pool.close()


async def test_at_its_term_a_closed_account_gets_a_last_letter_and_then_its_erasure_is_asked_for_once(
    accounts: World,
) -> None:
    async with accounts.browser() as client:
        email = await accounts.open(client)
        subject = (await client.get(f"{A}/me")).json()["subject"]
        await client.post(f"{A}/me/closing", json={"confirm": "FERMER"})
        await accounts.mail(email, "Votre compte est fermé")
        connection = await asyncpg.connect(
            accounts.stack.dsns["portal"].worker, server_settings={"search_path": "portal"}
        )
        try:
            asked = "select count(*) from person_request where subject = $1"
            assert await connection.fetchval(asked, subject) == 0
            await connection.execute(
                "update account set closed_at = closed_at - interval '31 days' where subject = $1", subject
            )
            await accounts.mail(email, "sont effacées")
            assert await connection.fetchval(asked, subject) == 0
            await connection.execute(
                "update errand set done_at = done_at - interval '2 minutes' where done_at is not null"
            )
            async with asyncio.timeout(20):
                while await connection.fetchval(asked, subject) == 0:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            await asyncio.sleep(1.2)
            assert await connection.fetchval(asked, subject) == 1
        finally:
            await connection.close()
    assert [subject for subject in await accounts.mails(email) if "effacées" in subject] == [
        "Les données de votre compte sont effacées"
    ]


async def test_sessions_are_listed_with_where_and_when_and_ending_one_reaches_every_service(accounts: World) -> None:
    async with accounts.browser() as home, accounts.browser(**{"User-Agent": "Chrome/130 Windows"}) as office:
        email = await accounts.open(home)
        await office.post(f"{A}/sessions", json={"email": email, "password": PASSWORD})
        token = await accounts.token(office)
        assert await accounts.ask_notify(token) == 200
        listed = (await home.get(f"{A}/sessions")).json()
        assert [(one["current"], one["agent"], one["network"]) for one in listed] == [
            (False, "Chrome, Windows", "127.0.0.0/24"),
            (True, "Firefox, Linux", "127.0.0.0/24"),
        ]
        other = listed[0]["id"]
        assert (await home.delete(f"{A}/sessions/{other}")).status_code == 204
        assert (await home.delete(f"{A}/sessions/{other}")).status_code == 404
        assert (await office.post(f"{A}/sessions/token")).status_code == 401
        await accounts.ended(token)
        assert await accounts.ask_notify(await accounts.token(home)) == 200


async def test_signing_in_never_keeps_the_session_that_the_browser_had(accounts: World) -> None:
    async with accounts.browser() as client:
        email = await accounts.open(client)
        planted = client.cookies["chorale"]
        await client.post(f"{A}/sessions", json={"email": email, "password": PASSWORD})
        assert client.cookies["chorale"] != planted
        proved = await client.post(f"{A}/sessions/proof", json={"password": PASSWORD})
        assert proved.status_code == 200
        async with accounts.browser() as thief:
            thief.cookies.set("chorale", planted)
            assert (await thief.get(f"{A}/me")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "", "Origin": "https://ailleurs.example"},
    ],
    ids=["cross-site", "sister-site", "other-origin"],
)
async def test_a_page_of_another_site_changes_nothing_with_the_cookie(accounts: World, headers: dict[str, str]) -> None:
    async with accounts.browser() as client:
        await accounts.open(client)
        if not headers["Sec-Fetch-Site"]:
            del client.headers["Sec-Fetch-Site"]
            headers = {"Origin": headers["Origin"]}
        for method, path, body in (
            ("POST", f"{A}/me/closing", {"confirm": "FERMER"}),
            ("PUT", f"{A}/me/password", {"password": NEW}),
            ("POST", f"{A}/sessions/token", None),
            ("DELETE", f"{A}/sessions", None),
        ):
            answer = await client.request(method, path, json=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "CROSS_SITE")
        assert (await client.get(f"{A}/me")).status_code == 200


async def test_what_takes_an_account_over_asks_for_a_recent_proof(accounts: World) -> None:
    async with accounts.browser() as client:
        email = await accounts.open(client)
        connection = await asyncpg.connect(accounts.stack.dsns["portal"].worker)
        try:
            await connection.execute(
                "update portal.session s set proved_at = proved_at - interval '1 hour' from portal.account a"
                " where a.subject = s.subject and a.email = $1",
                email,
            )
        finally:
            await connection.close()
        asked = [
            await client.put(f"{A}/me/password", json={"password": NEW}),
            await client.put(f"{A}/me/email", json={"email": new_address()}),
            await client.post(f"{A}/me/closing", json={"confirm": "FERMER"}),
            await client.get(f"{A}/me/export"),
            await client.post(f"{A}/me/totp"),
        ]
        assert {(answer.status_code, answer.json()["code"]) for answer in asked} == {(403, "PROOF_REQUIRED")}
        await client.post(f"{A}/sessions/proof", json={"password": PASSWORD})
        assert (await client.put(f"{A}/me/password", json={"password": NEW})).status_code == 204
        assert (await client.get(f"{A}/me")).status_code == 200


@pytest.mark.parametrize(
    ("identifier", "proof", "expected"),
    [
        (("SIRET", "999 000 011 00018"), None, "taken"),
        (("SIRET", "99900001100019"), None, "SIRET_CHECKSUM"),
        (("HORS_UE", "CHMuster AG"), None, "PROOF_MISSING"),
        (("HORS_UE", "CHMuster AG"), ("KBIS", "1"), "PROOF_KIND"),
        (("HORS_UE", "CHMuster AG"), ("FOREIGN_REGISTER", "CHE-123"), "taken"),
        (("UE_HORS_FRANCE", "DE136695976"), ("VIES", "2026-03-01"), "taken"),
        (("RIDET", "123456789"), ("RIDET_NOTICE", "2026-03-01"), "taken"),
        (("TAHITI", "A12345678"), ("TAHITI_NOTICE", "2026-03-01"), "taken"),
        (("AUTRE", "Dossier 42"), ("FILING_RECEIPT", "42"), "taken"),
        (("PARTICULIER", "180010600100MARTIN CLAIRE"), ("IDENTITY", "CNI 2030"), "taken"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_each_type_of_identifier_is_checked_and_asks_for_its_proof(
    accounts: World, identifier: tuple[str, str], proof: tuple[str, str] | None, expected: str
) -> None:
    kind, value = identifier
    shown = {"kind": proof[0], "reference": proof[1]} if proof else None
    async with accounts.browser() as client:
        body = sign_up(new_address(), identifier={"type": kind, "value": value}, proof=shown)
        answer = await client.post(A, json=body)
    assert (answer.status_code, answer.json().get("code")) == ((202, None) if expected == "taken" else (422, expected))
