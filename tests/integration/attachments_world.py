"""Deposits, and files attached to them, for tests of attachments."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx

from deploy.local import Stack
from services.common.auth import Principal
from tests.integration.ingest_world import World, open_world, supplier
from tests.servers import fresh_database
from tests.unit.ingest.samples import directory_events, event, fields, pdf, read

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
COLLEAGUE = supplier("colleague")
STRANGER = supplier("stranger", structures=("55208131766522",))
READER = supplier("reader", roles=("DESTINATAIRE",))


@asynccontextmanager
async def opened(stack: Stack) -> AsyncIterator[World]:
    """An ingest with room for few and light files."""
    limits = {"max_attachment_bytes": 200_000, "max_deposit_bytes": 500_000, "max_attachments": 4}
    async with (
        fresh_database(stack, "ingest") as dsns,
        open_world(stack, dsns, s3_bucket="attachments-tests", **limits) as found,
    ):
        await found.take(*directory_events())
        await found.pool.execute("insert into directory_read_to_end default values")
        yield found


async def attach(
    world: World,
    deposit: UUID | str,
    content: bytes = PNG,
    *,
    name: str = "bon.png",
    who: Principal | None = None,
    **data: Any,
) -> httpx.Response:
    """What ingest answers to a file sent with a deposit."""
    return await world.client.post(
        f"/api/v1/deposits/{deposit}/attachments",
        files={"file": (name, content, "application/octet-stream")},
        data={"type": "DOCUMENT_ANNEXE", "label": "Pièce", **data},
        headers=world.headers(who),
    )


async def attached(world: World, deposit: UUID, content: bytes = PNG, **more: Any) -> dict[str, Any]:
    """The attachment, once it is taken."""
    answer = await attach(world, deposit, content, **more)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def fresh(world: World) -> tuple[UUID, bytes]:
    """A deposit that waits for its reading."""
    content = pdf(str(uuid4()))
    return await world.deposit(content), content


async def submit(world: World, deposit: UUID, content: bytes) -> None:
    """Read it: it becomes an invoice."""
    await world.take(event(str(deposit), read(content, fields(invoice_number=str(deposit)[-18:]))))


async def an_invoice(world: World) -> UUID:
    """A deposit that has become an invoice."""
    deposit, content = await fresh(world)
    await submit(world, deposit, content)
    return deposit


async def told(world: World, deposit: UUID) -> list[Any]:
    """What was said of a deposit, in order."""
    return [sent.data for sent in await world.sent() if sent.subject == str(deposit)]


async def objects(world: World, deposit: UUID) -> set[str]:
    """Keys of what is stored beside the deposit's document."""
    key = (await world.row(deposit))["object_key"].rpartition("/")[0] + "/attachments/"
    listed = await asyncio.to_thread(
        lambda: [o.object_name for o in world.blobs._client.list_objects(world.settings.s3_bucket, key, recursive=True)]
    )
    return {name.rpartition("/")[2] for name in listed if name}
