"""ingest as a process of its own, on a broker: ready when it may judge, and nothing lost when it is killed."""

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer

from contracts.envelope import Event, decode, encode, headers
from contracts.events import DocumentReceived, InvoiceSubmitted
from contracts.registry import TOPIC_OF
from deploy.local import Stack
from services.common.auth import mint
from services.common.blobs import Blobs
from services.common.consumer import read_to_end, tail
from services.common.db import lock_keys, open_pool
from services.ingest.settings import IngestSettings
from services.ingest.sweep import Sweep
from tests.integration.ingest_world import supplier
from tests.unit.ingest.samples import directory_events, event, fields, pdf, read, sha256

DOCUMENTS = TOPIC_OF[DocumentReceived].name
DEPOSITS = TOPIC_OF[InvoiceSubmitted].name


async def publish(stack: Stack, events: Sequence[Event], *, transactional: bool = False) -> None:
    """Put events on their topics, as their services would; the directory's relay writes in transactions."""
    more = {"transactional_id": f"test-{uuid4()}"} if transactional else {}
    async with producer(stack, **more) as sender:
        if not transactional:
            await _send(sender, events)
            return
        async with sender.transaction():
            await _send(sender, events)


@asynccontextmanager
async def producer(stack: Stack, **more: Any) -> AsyncIterator[AIOKafkaProducer]:
    sender = AIOKafkaProducer(bootstrap_servers=stack.kafka.bootstrap, acks="all", enable_idempotence=True, **more)
    await sender.start()
    try:
        yield sender
    finally:
        await sender.stop()


async def _send(sender: AIOKafkaProducer, events: Sequence[Event]) -> None:
    for each in events:
        await sender.send_and_wait(
            TOPIC_OF[type(each.data)].name,
            value=encode(each.data),
            key=each.subject.encode(),
            headers=headers(each),
        )


async def first_about(stack: Stack, topic: str, subject: str) -> Event:
    """The first event about a subject on a topic, from its beginning."""
    async with asyncio.timeout(30), aclosing(tail(stack.kafka.bootstrap, [topic], from_start=True)) as records:
        async for record in records:
            if record.key == subject.encode():
                return decode(record.headers, record.value)
    raise AssertionError("the topic ended")


def post(stack: Stack, content: bytes, *, instance: str = "ingest", key: str | None = None) -> httpx.Response:
    """Deposit, over HTTP."""
    given = {"Authorization": "Bearer " + mint(stack.token_secret, supplier())}
    given |= {} if key is None else {"Idempotency-Key": key}
    files = {"file": ("facture.pdf", content, "application/pdf")}
    return httpx.post(f"{stack.base_url(instance)}/api/v1/deposits", files=files, headers=given, timeout=30)


def state(stack: Stack, deposit: str) -> dict[str, Any]:
    """The deposit as its depositor sees it."""
    given = {"Authorization": "Bearer " + mint(stack.token_secret, supplier())}
    answer = httpx.get(f"{stack.base_url('ingest')}/api/v1/deposits/{deposit}", headers=given, timeout=30)
    found: dict[str, Any] = answer.json()
    return found


def until_state(stack: Stack, deposit: str, wanted: str, seconds: float = 30) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (found := state(stack, deposit))["state"] != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found["state"] == wanted
    return found


def readiness(stack: Stack) -> Any:
    """What ingest says is missing."""
    return httpx.get(f"{stack.base_url('ingest')}/health/ready", timeout=5).json()["problems"]


@pytest.fixture(scope="module")
def before_directory() -> dict[str, Any]:
    """What ingest said before it had a directory."""
    return {}


@pytest.fixture(scope="module")
def running(before_directory: dict[str, Any]) -> Iterator[Stack]:
    """A stack whose ingest was started on an empty directory, which came afterwards in a transaction."""
    with Stack() as stack:
        stack.add("ingest")
        before_directory["readiness"] = readiness(stack)
        deposit = before_directory["deposit"] = post(stack, pdf("early")).json()["id"]
        readings = [event(deposit, read(pdf("early"), fields(invoice_number="EARLY")))]
        asyncio.run(publish(stack, readings))
        time.sleep(1)
        before_directory["state"] = state(stack, deposit)["state"]
        asyncio.run(publish(stack, directory_events(), transactional=True))
        yield stack


def test_ingest_is_not_ready_while_the_directory_is_empty_but_takes_deposits(
    running: Stack, before_directory: dict[str, Any]
) -> None:
    assert before_directory["readiness"] == ["directory is empty"]
    assert before_directory["state"] == "received"
    assert until_state(running, before_directory["deposit"], "submitted")["invoice_number"] == "EARLY"
    assert readiness(running) == []


async def test_a_topic_written_in_transactions_is_read_to_its_end(running: Stack) -> None:
    async def whole() -> list[bytes | None]:
        topic = TOPIC_OF[type(directory_events()[0].data)].name
        batches = read_to_end(running.kafka.bootstrap, topic, quiet_seconds=0.1)
        return [record.key async for batch in batches for record in batch]

    found = await asyncio.wait_for(whole(), 20)
    assert {each.subject.encode() for each in directory_events()} <= set(found)


async def test_a_reading_from_the_broker_becomes_an_invoice_on_the_broker(running: Stack) -> None:
    content = pdf("whole way")
    deposit = (await asyncio.to_thread(post, running, content)).json()["id"]
    received = await first_about(running, DOCUMENTS, deposit)
    assert isinstance(received.data, DocumentReceived)
    assert received.data.document.sha256 == sha256(content)
    reading = event(deposit, read(content, fields(invoice_number="WHOLE-WAY")))
    await publish(running, [reading, reading])
    submitted = await first_about(running, DEPOSITS, deposit)
    assert isinstance(submitted.data, InvoiceSubmitted)
    assert submitted.data.invoice.invoice_number == "WHOLE-WAY"
    assert (await asyncio.to_thread(until_state, running, deposit, "submitted"))["label"] == "Déposée"


async def test_a_deposit_answered_the_moment_before_a_kill_survives_and_is_announced(running: Stack) -> None:
    deposits = []
    for round_ in range(3):
        answer = await asyncio.to_thread(post, running, pdf(f"killed {round_}"))
        await asyncio.to_thread(running.kill, "ingest")
        assert answer.status_code == 201
        deposits.append(answer.json()["id"])
        connection = await asyncpg.connect(running.postgres.admin_dsn.rpartition("/")[0] + "/chorale")
        try:
            row = await connection.fetchrow("select state, sha256 from ingest.deposit where id = $1", deposits[-1])
        finally:
            await connection.close()
        assert row is not None
        assert (row["state"], row["sha256"]) == ("received", sha256(pdf(f"killed {round_}")))
        await asyncio.to_thread(running.start, "ingest")
    for deposit in deposits:
        assert isinstance((await first_about(running, DOCUMENTS, deposit)).data, DocumentReceived)


def attach(stack: Stack, deposit: str, content: bytes) -> httpx.Response:
    """Attach a file, over HTTP."""
    given = {"Authorization": "Bearer " + mint(stack.token_secret, supplier())}
    address = f"{stack.base_url('ingest')}/api/v1/deposits/{deposit}/attachments"
    about = {"type": "PJA", "label": "Pièce"}
    return httpx.post(address, files={"file": ("pièce.pdf", content)}, data=about, headers=given, timeout=30)


async def stored(blobs: Blobs, prefix: str) -> None:
    """Wait until something is stored under a prefix."""
    for _ in range(1000):
        if await blobs.older_than(prefix, datetime.now(UTC) + timedelta(hours=1)):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nothing was stored")


async def test_a_kill_between_the_store_and_the_row_of_an_attachment_loses_nothing_and_leaves_an_orphan_that_is_swept(
    running: Stack,
) -> None:
    deposit = (await asyncio.to_thread(post, running, pdf("to be completed"))).json()["id"]
    environment = running.environment("ingest")
    values: dict[str, Any] = {name.removeprefix("CHORALE_").lower(): value for name, value in environment.items()}
    blobs = Blobs(IngestSettings(port=1, **values))
    prefix = f"{hashlib.sha256(b'supplier-1').hexdigest()[:16]}/{deposit}/attachments/"
    soon = timedelta(hours=1)
    pool = await open_pool(environment["CHORALE_DSN"], "ingest")
    try:
        async with pool.acquire() as connection, connection.transaction():
            await lock_keys(connection, "ingest", [deposit])  # whoever attaches waits here, his file stored
            sending = asyncio.create_task(asyncio.to_thread(attach, running, deposit, pdf("the paper")))
            await stored(blobs, prefix)
            await asyncio.to_thread(running.kill, "ingest")
            with pytest.raises(httpx.TransportError):
                await sending
        await asyncio.to_thread(running.start, "ingest")
        assert await pool.fetchval("select count(*) from attachment") == 0
        [orphan] = await blobs.older_than(prefix, datetime.now(UTC) + soon)
        again = await asyncio.to_thread(attach, running, deposit, pdf("the paper"))
        assert again.status_code == 201
        await Sweep(pool, blobs, age=-soon, every_seconds=3600).once()
        [kept] = await blobs.older_than(prefix, datetime.now(UTC) + soon)
        assert kept == prefix + again.json()["id"] != orphan
        assert (await asyncio.to_thread(attach, running, deposit, pdf("the paper"))).json()["id"] == again.json()["id"]
    finally:
        await blobs.close()
        pool.terminate()


async def test_two_instances_answer_one_key_with_one_deposit(running: Stack) -> None:
    await asyncio.to_thread(running.add, "ingest#2")
    answers = await asyncio.gather(
        *(
            asyncio.to_thread(post, running, pdf("shared"), instance=instance, key="shared")
            for _ in range(6)
            for instance in ("ingest", "ingest#2")
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_large_documents_at_once_take_a_bounded_share_of_memory(running: Stack) -> None:
    before, ended = running.rss("ingest"), threading.Event()
    peaks = [before]

    def watch() -> None:
        while not ended.wait(0.02):
            peaks.append(running.rss("ingest"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(6) as senders:
        documents = (pdf(f"large {n}") + bytes([n]) * 28_000_000 for n in range(6))
        answers = list(senders.map(lambda content: post(running, content), documents))
    ended.set()
    watcher.join()
    assert {answer.status_code for answer in answers} == {201}
    assert max(peaks) - before < 120_000_000 < 6 * 28_000_000


def test_the_log_names_no_content_and_no_contact(running: Stack) -> None:
    lines = running.log("ingest").read_text().splitlines()
    assert any(json.loads(line)["event"] == "deposit.stored" for line in lines if line.startswith("{"))
    for secret in ("fournisseur.example", "facture.pdf", "pièce.pdf", "F2025", "WHOLE-WAY", "%PDF"):
        assert not any(secret in line for line in lines)
