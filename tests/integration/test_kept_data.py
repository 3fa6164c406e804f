"""What ``make up`` holds is there again after a stop, on whatever ports the next start finds."""

import asyncio
import io
import smtplib
from email.message import EmailMessage
from pathlib import Path

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from minio import Minio

from deploy.local import Stack

TOPIC = "chorale.document.v1"


def store(stack: Stack) -> Minio:
    return Minio(stack.s3.endpoint.removeprefix("http://"), stack.s3.access_key, stack.s3.secret_key, secure=False)


def send_mail(stack: Stack) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@chorale.example", "b@chorale.example", "Gardé"
    mail.set_content("Bonjour")
    with smtplib.SMTP(stack.smtp.host, stack.smtp.port, timeout=10) as link:
        link.send_message(mail)


async def write(stack: Stack) -> None:
    """One thing into each server."""
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka.bootstrap, acks="all") as producer:
        await producer.send_and_wait(TOPIC, b"kept", partition=3)
    connection = await asyncpg.connect(stack.dsns["ingest"].worker)
    await connection.execute("create table ingest.kept as select 1 as value")
    await connection.close()
    await asyncio.to_thread(store(stack).put_object, "chorale-ingest", "a/b", io.BytesIO(b"kept"), 4)
    await asyncio.to_thread(send_mail, stack)


async def read(stack: Stack) -> tuple[bytes | None, int, bytes, str]:
    """The same things back."""
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=stack.kafka.bootstrap, auto_offset_reset="earliest")
    async with consumer:
        message = await asyncio.wait_for(consumer.getone(), 30)
    connection = await asyncpg.connect(stack.dsns["ingest"].worker)
    value: int = await connection.fetchval("select value from ingest.kept")
    await connection.close()
    answer = await asyncio.to_thread(store(stack).get_object, "chorale-ingest", "a/b")
    document = answer.read()
    answer.close()
    async with httpx.AsyncClient() as client:
        mails = (await client.get(f"{stack.smtp.url}/api/messages")).json()
    return message.value, value, document, mails[0]["subject"]


async def test_a_kept_folder_gives_everything_back(tmp_path: Path) -> None:
    first = Stack(folder=tmp_path / "kept")
    await asyncio.to_thread(first.up)
    try:
        await write(first)
    finally:
        await asyncio.to_thread(first.down)
    second = Stack(folder=tmp_path / "kept")
    await asyncio.to_thread(second.up)
    try:
        assert await read(second) == (b"kept", 1, b"kept", "Gardé")
    finally:
        await asyncio.to_thread(second.down)
