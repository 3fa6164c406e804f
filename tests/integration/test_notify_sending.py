"""Messages to a real SMTP server that is away or hangs up, by several at once, and by a process that dies midway."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from tests.integration.notify_drafts import drafts, settled
from tests.integration.notify_service import Tables, relay, tables, until, worker
from tests.processes import WITHOUT_KAFKA, free_port, running
from tests.unit.notify.samples import draft
from tests.unit.status.samples import event


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Tables]:
    async with tables(notify_dsns) as ready:
        yield ready


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
