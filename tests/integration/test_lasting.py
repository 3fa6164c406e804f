"""A long answer is cut when the right it stands on is withdrawn, and never passes for a whole one."""

from collections.abc import AsyncIterator, Mapping
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from contracts.events import Grant, Payload
from deploy.database import ServiceDsns
from services.common import account_replica
from services.common.access import Access
from services.common.auth import CurrentPrincipal
from services.common.db import Pool, migrate, open_pool
from services.common.lasting import Withdrawn, lasting
from services.common.web import create_app
from tests.accounts import SUPPLIER, Signer, account, revoked

SUPPLIES = Grant(role="FOURNISSEUR", structure=SUPPLIER)


@pytest.fixture
async def known(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[tuple[Pool, Access, Signer]]:
    own = dsns["ocr"].worker
    await migrate(own, "ocr", "services.ocr")
    pool, signer = await open_pool(own, "ocr"), Signer()
    await take(pool, signer.entry(), account("reader", 1, SUPPLIES))
    yield pool, Access(pool, own, "ocr"), signer
    await pool.close()


async def take(pool: Pool, *entries: Payload) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await account_replica.apply(connection, "ocr", entries)


@pytest.mark.parametrize(
    "change",
    [account("reader", 2), revoked("reader"), account("reader", 2, SUPPLIES, state="locked")],
    ids=["right withdrawn", "session over", "account locked"],
)
async def test_what_is_withdrawn_meanwhile_cuts_the_answer(known: tuple[Pool, Access, Signer], change: Payload) -> None:
    pool, access, signer = known
    given: list[bytes] = []

    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        await take(pool, change)
        access._forget_everything()  # what the listener does when it hears
        yield b"second"

    principal = await access.principal(signer.token("reader"))
    request = cast(Request, SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(access=access))))
    with pytest.raises(Withdrawn):
        await _into(given, lasting(request, principal, parts()))
    assert given == [b"first"]


async def _into(given: list[bytes], parts: AsyncIterator[bytes]) -> None:
    async for part in parts:
        given.append(part)


async def test_the_client_sees_that_it_has_not_everything(known: tuple[Pool, Access, Signer]) -> None:
    pool, access, signer = known

    async def fine() -> str | None:
        return None

    app: FastAPI = create_app("ocr", token_secret="x" * 40, live=fine, ready=[], access=access)

    async def parts(last: bool) -> AsyncIterator[bytes]:
        yield b"first"
        if last:
            await take(pool, account("reader", 2))
            access._forget_everything()
        yield b"second"

    @app.get("/all")
    async def all_of_it(request: Request, principal: CurrentPrincipal, cut: bool) -> StreamingResponse:
        return StreamingResponse(lasting(request, principal, parts(cut)))

    headers: dict[str, Any] = {"Authorization": f"Bearer {signer.token('reader')}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as client:
        assert (await client.get("/all", params={"cut": "false"})).content == b"firstsecond"
        with pytest.raises(Withdrawn):
            await client.get("/all", params={"cut": "true"})
