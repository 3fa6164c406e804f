"""Letters that portal asks notify for: one each, gone at once, their link forgotten once a relay has them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.database import ServiceDsns
from services.common.auth import Principal, mint
from services.common.web import create_app
from services.notify import api
from tests.integration.notify_service import SECRET, Tables, relay, tables, worker

PORTAL = Principal(subject="service:portal", roles=("SERVICE",))
LINK = "https://factures.example/lien?token=AAAA"
SUBJECT = "person:6f0c2a9e-0000-4000-8000-000000000042"
ADDRESS = "claire@menuiserie.example"


@asynccontextmanager
async def asking(found: Tables, principal: Principal = PORTAL) -> AsyncIterator[httpx.AsyncClient]:
    async def fine() -> None:
        return None

    app = create_app("notify", token_secret=SECRET, live=fine, ready=[fine])
    api.add_routes(app, found.api_pool, pool=found.pool, mail_domain="chorale.example")
    headers = {"Authorization": f"Bearer {mint(SECRET, principal)}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    base = "http://notify/api/v1/messages"
    async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as made:
        yield made


def letter(**more: Any) -> dict[str, Any]:
    values = {"link": LINK, "until": "24/11/2026 à 09:30"}
    return {"id": str(uuid4()), "kind": "PASSWORD_RESET", "address": ADDRESS, "values": values, **more}


async def test_a_letter_asked_for_again_is_one_mail_and_its_link_goes_with_the_relays_answer(
    notify_dsns: Mapping[str, ServiceDsns],
) -> None:
    async with tables(notify_dsns) as found, relay() as smtp, asking(found) as client:
        body = letter(language="en")
        answers = [await client.post("/letters", json=body) for _ in range(3)]
        assert [(answer.status_code, answer.json()["written"]) for answer in answers] == [
            (202, True),
            (202, False),
            (202, False),
        ]
        async with worker(found, smtp.port):
            async with asyncio.timeout(20):
                while (await found.states()).get("accepted") != 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        [mail] = smtp.mails
        assert (mail["Subject"], mail["List-Unsubscribe"]) == ("Choose a new password", None)
        assert LINK in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        kept = await found.pool.fetchval("select data::text from message")
        assert "token" not in kept
        assert await found.outcomes() == []


async def test_a_letter_goes_to_the_address_that_its_reader_has_chosen_when_it_may(
    notify_dsns: Mapping[str, ServiceDsns],
) -> None:
    async with tables(notify_dsns) as found, asking(found) as client:
        await client.put(f"/contacts/{SUBJECT}", json={"address": "login@menuiserie.example"})
        await client.post("/letters", json=letter(subject=SUBJECT, contact=True))
        await found.pool.execute("update contact set address = 'bureau@menuiserie.example'")
        await client.post("/letters", json=letter(subject=SUBJECT, contact=True))
        await client.post("/letters", json=letter(subject=SUBJECT))
        rows = await found.pool.fetch("select address from message order by created_at")
    assert [row["address"] for row in rows] == ["login@menuiserie.example", "bureau@menuiserie.example", ADDRESS]


async def test_a_dead_address_and_a_preference_keep_no_letter_back(notify_dsns: Mapping[str, ServiceDsns]) -> None:
    async with tables(notify_dsns) as found, asking(found) as client:
        await found.pool.execute(
            "insert into person (address, cadences, dead_at, dead_reason) values ($1, '{\"*\": \"off\"}', now(), 'x')",
            ADDRESS,
        )
        assert (await client.post("/letters", json=letter())).json()["written"] is True
        assert await found.states() == {"created": 1}


async def test_a_closed_account_is_forgotten_and_what_others_chose_stays(
    notify_dsns: Mapping[str, ServiceDsns],
) -> None:
    async with tables(notify_dsns) as found, relay() as smtp, asking(found) as client:
        await client.put(f"/contacts/{SUBJECT}", json={"address": ADDRESS, "language": "en"})
        await client.put("/contacts/person:other", json={"address": "autre@menuiserie.example"})
        await client.post("/letters", json=letter(subject=SUBJECT))
        async with worker(found, smtp.port):
            async with asyncio.timeout(20):
                while (await found.states()).get("accepted") != 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        for _ in range(2):
            assert (await client.delete(f"/contacts/{SUBJECT}")).status_code == 204
        left = await found.pool.fetch("select coalesce(login, address) as address from contact")
        people = await found.pool.fetch("select address from person")
        address = await found.pool.fetchval("select address from message")
    assert [row["address"] for row in left] == [row["address"] for row in people] == ["autre@menuiserie.example"]
    assert address == "efface@invalid"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"kind": "MISE_A_DISPOSITION"}, "KIND_UNKNOWN"),
        ({"kind": "NO_SUCH"}, "KIND_UNKNOWN"),
        ({"values": {"link": LINK}}, "VALUES_MISSING"),
        ({"address": "a@b.example\r\nBcc: c@d.example"}, "EMAIL_FORM"),
    ],
    ids=["of-an-invoice", "unknown", "missing-word", "two-addresses"],
)
async def test_a_letter_that_cannot_be_written_is_refused_with_its_rule(
    notify_dsns: Mapping[str, ServiceDsns], changes: dict[str, Any], rule: str
) -> None:
    async with tables(notify_dsns) as found, asking(found) as client:
        answer = await client.post("/letters", json=letter(**changes))
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, rule)


@pytest.mark.parametrize("role", ["OPERATEUR", "TENANT_ADMIN", "FOURNISSEUR"])
async def test_nobody_but_the_platform_itself_has_letters_written(
    notify_dsns: Mapping[str, ServiceDsns], role: str
) -> None:
    async with tables(notify_dsns) as found, asking(found, Principal(subject="somebody", roles=(role,))) as client:
        answers = [
            await client.post("/letters", json=letter()),
            await client.put(f"/contacts/{SUBJECT}", json={"address": ADDRESS}),
            await client.delete(f"/contacts/{SUBJECT}"),
        ]
        assert {answer.status_code for answer in answers} == {403}
        assert await found.states() == {}
