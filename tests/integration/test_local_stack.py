"""The servers of the local stack are real, durable, and leave nothing behind."""

import asyncio
from collections.abc import Mapping

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy import database, topics
from deploy.database import ServiceDsns
from deploy.local import Stack
from deploy.servers.errors import StackError
from tests.servers import NewTopic


async def test_every_topic_of_the_registry_exists_with_its_partitions(stack: Stack) -> None:
    assert await topics.create(stack.kafka.bootstrap, topics.plan()) == []


async def test_a_topic_with_another_number_of_partitions_is_an_error(stack: Stack, new_topic: NewTopic) -> None:
    name = await new_topic("narrow", partitions=3)
    with pytest.raises(StackError, match="has 3 partitions instead of 12"):
        await topics.create(stack.kafka.bootstrap, [topics.TopicPlan(name)])


async def test_a_message_survives_a_killed_broker(stack: Stack, new_topic: NewTopic) -> None:
    topic = await new_topic("kill", partitions=1)
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka.bootstrap, acks="all") as producer:
        await producer.send_and_wait(topic, b"kept")
    await asyncio.to_thread(stack.kill, "kafka")
    await asyncio.to_thread(stack.start, "kafka")
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=stack.kafka.bootstrap, auto_offset_reset="earliest")
    async with consumer:
        message = await asyncio.wait_for(consumer.getone(), 30)
    assert message.value == b"kept"


async def test_a_row_survives_a_killed_database_server(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> None:
    first = await asyncpg.connect(dsns["status"].worker)
    await first.execute("create table status.kept as select 1 as value")
    await asyncio.to_thread(stack.kill, "postgres")
    first.terminate()
    await asyncio.to_thread(stack.start, "postgres")
    second = await asyncpg.connect(dsns["status"].worker)
    assert await second.fetchval("select value from status.kept") == 1
    await second.close()


async def test_a_service_cannot_read_the_schema_of_another(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> None:
    owner = await asyncpg.connect(dsns["status"].worker)
    await owner.execute("create table status.secret as select 1 as value")
    await owner.close()
    for dsn in (dsns["notify"].worker, dsns["notify"].api):
        other = await asyncpg.connect(dsn)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await other.fetchval("select value from status.secret")
        await other.close()
    api = await asyncpg.connect(dsns["status"].api)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):  # nothing by default: migrations grant table by table
        await api.fetchval("select value from status.secret")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await api.execute("create table status.more (value int)")
    await api.close()


async def test_many_may_bootstrap_the_same_database_at_once(stack: Stack) -> None:
    name = "test_at_once"
    try:
        found = await asyncio.gather(*(database.bootstrap(stack.postgres.admin_dsn, name) for _ in range(6)))
        assert all(dsns == found[0] for dsns in found)
        connection = await asyncpg.connect(found[0]["ocr"].api)
        powers = "rolsuper or rolbypassrls or rolcreatedb or rolcreaterole"
        assert await connection.fetchval(f"select {powers} from pg_roles where rolname = current_user") is False
        await connection.close()
    finally:
        await database.drop(stack.postgres.admin_dsn, name)


async def test_servers_of_the_environment_are_used_and_left_running(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "CHORALE_KAFKA": stack.kafka.bootstrap,
        "CHORALE_ADMIN_DSN": stack.postgres.admin_dsn,
        "CHORALE_S3_ENDPOINT": stack.s3.endpoint,
        "CHORALE_S3_ACCESS_KEY": stack.s3.access_key,
        "CHORALE_S3_SECRET_KEY": stack.s3.secret_key,
        "CHORALE_SMTP_HOST": stack.smtp.host,
        "CHORALE_SMTP_PORT": str(stack.smtp.port),
    }.items():
        monkeypatch.setenv(name, value)
    guest = Stack()
    await asyncio.to_thread(guest.up)
    try:
        assert guest.dsns == stack.dsns
        assert guest.pids() == []
        with pytest.raises(StackError, match="kafka was given by the environment"):
            guest.kill("kafka")
    finally:
        await asyncio.to_thread(guest.down)
    assert all(unit.alive for unit in stack.units.values())
