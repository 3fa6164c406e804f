"""Messages to a real SMTP server: taken, refused, slow, away, and a process that dies at the worst moment."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import pytest

from contracts.events import NotificationAccepted, NotificationFailed
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.notify.addresses import Manager
from tests.integration.notify_service import Tables, relay, tables, until, worker
from tests.processes import WITHOUT_KAFKA, free_port, running
from tests.unit.notify.samples import BODY, CONTACT, changed, draft
from tests.unit.status.samples import event, submitted

OF_STRUCTURE = Manager(siret=BODY, name="Camille Roux", email="factures@dept.example")


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Tables]:
    async with tables(notify_dsns) as ready:
        yield ready


async def settled(found: Tables, seconds: float = 60) -> None:
    """Until no message is left to send."""

    async def nothing_left() -> bool:
        return not set(await found.states()) & {"created", "sending"}

    await until(nothing_left, seconds)


async def drafts(found: Tables, count: int) -> None:
    """So many messages, each to its own address."""
    await found.take(*(event(draft(contact=f"c{i}@f.example"), uuid4()) for i in range(count)))


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


async def test_while_the_relay_is_away_messages_wait_and_leave_when_it_is_back(found: Tables) -> None:
    port = free_port()
    async with worker(found, port):
        await drafts(found, 60)
        await asyncio.sleep(1)
        assert await found.pool.fetchval("select count(*) from attempt") < 30  # one asks for all
        async with relay(port) as smtp:
            await settled(found)
            assert sorted(smtp.recipients) == sorted(f"c{i}@f.example" for i in range(60))
    assert await found.states() == {"accepted": 60}


async def test_a_relay_that_hangs_up_now_and_then_gets_every_message(found: Tables) -> None:
    asked = {"sender": 0, "recipient": 0, "content": 0, "taken": 0}

    async def answers(stage: str, address: str) -> str | None:
        asked[stage] += 1
        if stage == "recipient" and asked[stage] % 5 == 3:
            return "421 4.3.2 closing"
        if stage == "sender" and asked[stage] % 7 == 4:
            smtp.hang_up()
        return None

    async with relay() as smtp, worker(found, smtp.port, smtp_connections=1):
        smtp.answers = answers
        await drafts(found, 20)
        await settled(found)
    assert sorted(smtp.recipients) == sorted(f"c{i}@f.example" for i in range(20))
    assert len(smtp.sessions) > 2


async def test_an_idle_connection_that_was_closed_costs_no_attempt(found: Tables) -> None:
    port = free_port()
    async with worker(found, port, smtp_connections=1):
        for turn in range(2):
            async with relay(port) as smtp:
                await drafts(found, 1) if turn == 0 else await found.take(
                    event(draft(contact="late@f.example"), uuid4())
                )
                await settled(found)
                assert len(smtp.mails) == 1
    assert [result for _, result, _, _ in await found.attempts()] == ["accepted", "accepted"]


async def test_connections_are_kept_open_and_used_side_by_side(found: Tables) -> None:
    inside = most = 0

    async def answers(stage: str, address: str) -> str | None:
        nonlocal inside, most
        if stage == "content":
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.05)
            inside -= 1
        return None

    async with relay() as smtp, worker(found, smtp.port, smtp_connections=4):
        smtp.answers = answers
        await drafts(found, 40)
        await settled(found)
    assert (most, len(smtp.sessions)) == (4, 4)


async def test_two_instances_send_each_message_once(found: Tables) -> None:
    async with relay() as smtp, worker(found, smtp.port), worker(found, smtp.port):
        await drafts(found, 200)
        await settled(found, 30)
    assert sorted(smtp.recipients) == sorted(f"c{i}@f.example" for i in range(200))
    assert len(await found.outcomes()) == 200


async def test_a_worker_that_is_stopped_finishes_what_it_sends_and_gives_back_the_rest(found: Tables) -> None:
    async def answers(stage: str, address: str) -> str | None:
        await asyncio.sleep(0.1)
        return None

    async with relay() as smtp:
        smtp.answers = answers
        async with worker(found, smtp.port, smtp_connections=3):
            await drafts(found, 30)
            await until(lambda: _some(smtp.mails))
        first = len(smtp.mails)
        states = await found.states()
        assert states == {"accepted": first, "created": 30 - first}
        smtp.answers = None
        async with worker(found, smtp.port):
            await settled(found)
    assert sorted(smtp.recipients) == sorted(f"c{i}@f.example" for i in range(30))
    assert {n for n, *_ in await found.attempts()} == {1}


async def _some(mails: Sequence[object]) -> bool:
    return bool(mails)


async def _tried(found: Tables, count: int) -> bool:
    return bool(await found.pool.fetchval("select count(*) from attempt") >= count)


async def test_what_a_frozen_process_had_claimed_is_sent_once_by_another(found: Tables, stack: Stack) -> None:
    """Only what was on the wire, or taken and not committed, when the process froze may come twice, with its id."""
    async with relay() as smtp:

        async def answers(stage: str, address: str) -> str | None:
            if stage == "content":
                await asyncio.sleep(0.2)
            return None

        smtp.answers = answers
        settings = {
            "CHORALE_LEASE_SECONDS": "1",
            "CHORALE_SMTP_CONNECTIONS": "2",
            "CHORALE_IDLE_IN_TRANSACTION_SECONDS": "2",  # frees the rows it had locked when it froze
        }
        async with process(found, stack, smtp.port, settings) as frozen:
            await drafts(found, 20)
            await until(lambda: _some(smtp.mails), 20)
            frozen.send_signal(signal.SIGSTOP)
            async with worker(found, smtp.port, smtp_connections=4):
                await settled(found)
                frozen.send_signal(signal.SIGCONT)
                await asyncio.sleep(1.5)
    ids = [mail["Message-ID"] for mail in smtp.mails]
    assert len(set(ids)) == 20
    assert len(ids) <= 24  # two connections, each with one on the wire and one to commit
    assert await found.states() == {"accepted": 20}


@asynccontextmanager
async def process(
    found: Tables, stack: Stack, smtp_port: int, settings: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The service as a process of its own; killed at the end when it still runs."""
    own = {"CHORALE_SMTP_HOST": "127.0.0.1", "CHORALE_SMTP_PORT": str(smtp_port)}
    async with running("notify", stack, found.own, **WITHOUT_KAFKA, **own, **settings) as service:
        yield service.process


async def test_a_process_killed_between_acceptance_and_commit_sends_again_with_the_same_id(
    found: Tables, stack: Stack
) -> None:
    settings = {"CHORALE_LEASE_SECONDS": "1"}
    async with relay() as smtp:
        async with process(found, stack, smtp.port, settings) as killed:

            async def answers(stage: str, address: str) -> str | None:
                if stage == "taken" and len(smtp.mails) == 1:
                    killed.kill()
                    await killed.wait()
                return None

            smtp.answers = answers
            await found.take(event(draft(), uuid4()))
            await asyncio.wait_for(killed.wait(), 20)
        async with process(found, stack, smtp.port, settings) as second:
            await settled(found, 30)
            second.terminate()
            assert await asyncio.wait_for(second.wait(), 15) == 0
    assert len(smtp.mails) == 2
    assert smtp.mails[0]["Message-ID"] == smtp.mails[1]["Message-ID"]
    # The first attempt left no row: that is how a lost answer shows.
    assert [(n, result) for n, result, *_ in await found.attempts()] == [(2, "accepted")]
