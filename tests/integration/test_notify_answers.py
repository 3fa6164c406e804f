"""Messages to a real SMTP server, by its answer: taken, refused for now, refused for good, slow, without TLS."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from uuid import uuid4

import httpx
import pytest

from contracts.events import NotificationAccepted, NotificationFailed
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.notify.addresses import Manager
from tests.integration.notify_drafts import drafts, settled
from tests.integration.notify_service import Tables, relay, tables, until, worker
from tests.unit.notify.samples import BODY, CONTACT, changed
from tests.unit.status.samples import event, submitted

OF_STRUCTURE = Manager(siret=BODY, name="Camille Roux", email="factures@dept.example")


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Tables]:
    async with tables(notify_dsns) as ready:
        yield ready


async def test_the_inbox_gets_the_mail_and_the_acceptance_is_told(found: Tables, stack: Stack) -> None:
    invoice = uuid4()
    await found.load(OF_STRUCTURE)
    async with httpx.AsyncClient() as http, worker(found, stack.smtp.port):
        before = (await http.get(f"{stack.smtp.url}/api/count")).json()["count"]
        await found.take(
            event(submitted(), invoice), event(changed(), invoice), event(changed("SUSPENDUE", 3), invoice)
        )
        await settled(found)
        mails = (await http.get(f"{stack.smtp.url}/api/messages", params={"after": before})).json()
    assert {(mail["to"][0], mail["subject"].split(" :")[0]) for mail in mails} == {
        (CONTACT, "Facture F-2026-001 suspendue"),
        (OF_STRUCTURE.email, "Facture F-2026-001 à traiter"),
    }
    assert all(f"https://factures.example/factures/{invoice}" in mail["text"] for mail in mails)
    assert {mail["traceparent"].split("-")[1] for mail in mails} == {"0af7651916cd43dd8448eb211c80319c"}
    told = await found.outcomes()
    assert {(t.audience, t.entry, type(t)) for t in told} == {
        ("supplier", 3, NotificationAccepted),
        ("body", 2, NotificationAccepted),
    }
    assert [(n, result, code) for n, result, code, _ in await found.attempts()] == [(1, "accepted", 250)] * 2


async def test_a_4xx_is_tried_again_until_it_is_taken(found: Tables) -> None:
    refusals = iter(["451 4.3.0 busy", "450 4.2.1 greylisted"])

    async def answers(stage: str, address: str) -> str | None:
        return next(refusals, None) if stage == "recipient" else None

    async with relay() as smtp, worker(found, smtp.port):
        smtp.answers = answers
        await drafts(found, 1)
        await settled(found)
    assert [(n, result, code, answer) for n, result, code, answer in await found.attempts()] == [
        (1, "temporary", 451, "4.3.0 busy"),
        (2, "temporary", 450, "4.2.1 greylisted"),
        (3, "accepted", 250, "2.0.0 kept as 1"),
    ]
    assert [type(told) for told in await found.outcomes()] == [NotificationAccepted]


async def test_a_4xx_that_never_ends_is_given_up_after_the_set_number_of_attempts(found: Tables) -> None:
    async def answers(stage: str, address: str) -> str | None:
        return "452 4.2.2 mailbox full" if stage == "content" else None

    async with relay() as smtp, worker(found, smtp.port):
        smtp.answers = answers
        await drafts(found, 1)
        await settled(found)
    assert await found.states() == {"technical": 1}
    assert [result for _, result, _, _ in await found.attempts()] == ["temporary"] * 5
    [told] = await found.outcomes()
    assert isinstance(told, NotificationFailed)
    assert told.cause == "technical"


async def test_a_5xx_is_final_and_harms_no_other_message(found: Tables) -> None:
    async def answers(stage: str, address: str) -> str | None:
        if address == "c3@f.example" and stage == "recipient":
            return "550 5.1.1 no such user"
        return "554 5.6.0 refused" if address == "c5@f.example" and stage == "content" else None

    async with relay() as smtp, worker(found, smtp.port, smtp_connections=2):
        smtp.answers = answers
        await drafts(found, 10)
        await settled(found)
    assert await found.states() == {"accepted": 8, "permanent": 2}
    assert len(smtp.mails) == 8
    assert sorted(told.cause for told in await found.outcomes() if isinstance(told, NotificationFailed)) == [
        "permanent",
        "permanent",
    ]


@pytest.mark.parametrize(
    ("where", "refusal"),
    [
        ("sender", "530 5.7.0 authentication required"),
        ("recipient", "554 5.7.1 relay access denied"),
        ("recipient", "550 5.1.8 sender address rejected: domain not found"),
    ],
)
async def test_a_relay_that_refuses_us_costs_no_message(found: Tables, where: str, refusal: str) -> None:
    open_now = asyncio.Event()

    async def answers(stage: str, address: str) -> str | None:
        return refusal if stage == where and not open_now.is_set() else None

    async with relay() as smtp, worker(found, smtp.port):
        smtp.answers = answers
        await drafts(found, 3)
        await asyncio.sleep(0.6)
        open_now.set()
        await settled(found)
    assert await found.states() == {"accepted": 3}
    found_results = {(result, code) for _, result, code, _ in await found.attempts()}
    assert found_results == {("technical", int(refusal[:3])), ("accepted", 250)}


async def test_a_relay_that_takes_long_over_a_mail_gets_it_once(found: Tables) -> None:
    async def answers(stage: str, address: str) -> str | None:
        if stage == "taken":
            await asyncio.sleep(2)
        return None

    async with relay() as smtp, worker(found, smtp.port, smtp_timeout_seconds=0.5):
        smtp.answers = answers
        await drafts(found, 1)
        await settled(found)
    assert len(smtp.mails) == 1
    assert await found.states() == {"accepted": 1}


async def test_without_the_tls_that_was_demanded_nothing_leaves(found: Tables) -> None:
    async with relay() as smtp, worker(found, smtp.port, smtp_tls="starttls"):
        await drafts(found, 1)
        await until(lambda: _tried(found, 2))
        assert smtp.mails == []
    assert {(result, answer) for _, result, _, answer in await found.attempts()} == {("technical", "SMTPException")}


async def _tried(found: Tables, count: int) -> bool:
    return bool(await found.pool.fetchval("select count(*) from attempt") >= count)
