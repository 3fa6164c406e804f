"""What somebody who can write to the topics may not do: stop a service, lose an event, speak for another writer."""

import asyncio
import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from deploy import topics
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.consumer import Consumer, ConsumerSettings, read_to_end
from services.common.deadletter_cli import main
from services.ingest.directory import CatchUp
from tests.integration import ingest_world, status_service
from tests.integration.plumbing.events import bad_record, record, step
from tests.integration.plumbing.ladder import Ladder
from tests.integration.plumbing.world import SERVICE, emptied_world
from tests.integration.status_service import OPERATOR
from tests.servers import NewTopic
from tests.unit.ingest.samples import RECIPIENT, TENANT, event, structure_published, tenant_published
from tests.unit.status import samples


class _Name:
    """A header's name that is not UTF-8, which other Kafka clients can send."""

    def encode(self, _: str) -> bytes:
        return b"\xff\xfename"


class _Zstd(_DefaultRecordBatchBuilderPy):
    """A batch that says it is compressed in zstd, as other clients do: one frame with the records as they are."""

    def _maybe_compress(self) -> bool:
        head = self.HEADER_STRUCT.size
        records = bytes(self._buffer[head:])
        frame = struct.pack("<IBI", 0xFD2FB528, 0xA0, len(records))
        block = (len(records) << 3 | 1).to_bytes(3, "little")
        self._buffer[head:] = frame + block + records
        self._pos = len(self._buffer)
        self._compression_type = 4
        return True


async def _send(
    kafka: str,
    topic: str,
    messages: list[tuple[bytes, bytes, list[tuple[Any, bytes]]]],
    builder: type[_DefaultRecordBatchBuilderPy] = _DefaultRecordBatchBuilderPy,
) -> None:
    producer: Any = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        for key, value, headers in messages:
            batch = producer.create_batch()
            batch._builder = builder(2, 0, 0, -1, -1, 0, 100_000)
            assert batch.append(key=key, value=value, timestamp=None, headers=headers)
            batch.close()
            await (await producer.send_batch(batch, topic, partition=0))
    finally:
        await producer.stop()


async def test_a_header_name_that_is_no_text_is_parked_and_what_follows_goes_on(
    stack: Stack, new_topic: NewTopic
) -> None:
    topic = await new_topic("headers", partitions=1)
    fine = [record(step("a", number)) for number in (1, 2)]
    good = [(r.key or b"", r.value or b"", list(r.headers)) for r in fine]
    await _send(stack.kafka.bootstrap, topic, [good[0], (b"b", b"x", [(_Name(), b"v")]), good[1]])
    async with emptied_world(stack) as world:
        settings = ConsumerSettings(kafka=stack.kafka.bootstrap, group=uuid4().hex, topics=(topic,))
        consumer = Consumer(settings, world.deliver())
        running = asyncio.create_task(consumer.run())
        try:
            async with asyncio.timeout(20):
                while await world.effects() != [1, 2]:
                    assert not running.done(), running.exception()
                    await asyncio.sleep(0.05)
            [letter] = await world.letters()
            assert (letter["kind"], letter["key"], letter["value"]) == ("poison", "b", b"x")
        finally:
            consumer.stop()
            await asyncio.wait([running], timeout=10)
            running.cancel()


async def test_a_replayed_event_that_waits_and_then_goes_wrong_is_parked_again(stack: Stack) -> None:
    async with emptied_world(stack) as world:
        first, second = step("a", 1), step("a", 2, number="bug")
        await world.deliver().batch([record(step("a", 1, number="rejected")), record(second)])
        await world.pool.execute("update dead_letter set state = 'dropped' where kind = 'rejected'")
        await world.sweeper().sweep()  # the second goes on by itself and waits for its predecessor
        assert await world.waits() == {second.id}
        await world.deliver().batch([record(first)])
        await world.sweeper().sweep()
        assert await world.effects("a") == [1]
        assert await world.waits() == set()
        assert [(row["event_id"], row["state"], row["reason"]) for row in (await world.letters())[1:]] == [
            (second.id, "parked", "BUG")
        ]
        await world.pool.execute("update dead_letter set state = 'replay' where event_id = $1", second.id)
        await world.sweeper(Ladder(mended=True)).sweep()
        assert await world.effects("a") == [1, 2]


async def test_a_subject_that_only_resembles_an_invoice_id_does_not_end_the_live_feed(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with (
        status_service.tables(dsns) as found,
        status_service.relayed(dsns["status"], stack.kafka.bootstrap),
        status_service.instances(found, dsns["status"], stack.kafka.bootstrap) as [instance],
    ):
        for spelling in (f"urn:uuid:{uuid4()}", str(uuid4()).upper(), uuid4().hex):
            await found.take(samples.event(samples.submitted(), spelling))
        invoice = uuid4()
        async with instance.events(OPERATOR, start="0") as feed:
            await found.take(samples.event(samples.submitted(), invoice))
            assert (await feed.next())["invoice"] == str(invoice)
        assert await found.count("invoice") == 1


async def test_an_event_on_a_topic_that_is_not_its_own_is_parked(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> None:
    async with status_service.tables(dsns) as found:
        forged = samples.record(samples.event(samples.submitted(), uuid4()))
        await found.deliver.batch([msgspec.structs.replace(forged, topic="chorale.notification.v1")])
        assert await found.count("invoice") == 0
        assert [row["reason"] for row in await found.pool.fetch("select reason from dead_letter")] == ["WRONG_TOPIC"]


async def test_a_directory_version_that_no_row_can_hold_does_not_keep_the_replica_incomplete(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with ingest_world.open_world(stack, dsns) as world:
        catch_up = CatchUp(world.pool, stack.kafka.bootstrap, quiet_seconds=0.1)
        entries = [event(RECIPIENT, structure_published()), event("cd06", tenant_published(2**63, TENANT))]
        assert await catch_up._apply([world.record(one) for one in entries]) == 1
        await world.take(*entries)
        assert await world.parked() == ["BUG"]


async def test_what_another_client_compressed_is_read(stack: Stack) -> None:
    for planned in ("chorale.deposit.v1", "chorale.directory.v1", "chorale.notify.dlq.v1"):
        topic = f"test.packed.{uuid4().hex}"
        plan = next(each for each in topics.plan() if each.name == planned)
        await topics.create(stack.kafka.bootstrap, [replace(plan, name=topic, partitions=1)])
        await _send(stack.kafka.bootstrap, topic, [(b"k", b"x" * 100, [])], _Zstd)
        [found] = [one async for batch in read_to_end(stack.kafka.bootstrap, topic, quiet_seconds=0.1) for one in batch]
        assert (found.key, found.value) == (b"k", b"x" * 100)


async def test_a_dead_letter_is_shown_without_moving_the_operators_cursor(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with emptied_world(stack) as world:
        monkeypatch.setenv("CHORALE_DSN", world.dsns.worker)
        nasty = "é\x9b2J\u202e".encode()
        await world.deliver().batch([bad_record(key=nasty, value=nasty, given=[("x", nasty)])])
        asked = ["show", "1", "--payload", "--by", "Camille", "--note", "Réclamation 4711", "--service", SERVICE]
        assert await asyncio.to_thread(main, asked) == 0
    shown = capsys.readouterr().out
    assert "é\\u009b2J\\u202e" in shown
    assert not {"\x9b", "\u202e"} & set(shown)
