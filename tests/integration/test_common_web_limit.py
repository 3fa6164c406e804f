"""A request is answered in time, whatever hangs behind it."""

import asyncio
import time

import httpx
from fastapi import FastAPI
from starlette.responses import StreamingResponse

from services.common.web import create_app


async def _fine() -> str | None:
    return None


def _app() -> FastAPI:
    app = create_app("status", token_secret="s", live=_fine, ready=[], answer_seconds=0.2)

    @app.get("/hangs")
    async def hangs() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)  # like a pool that waits for a frozen database to let a connection go
            raise

    @app.get("/streams")
    async def streams() -> StreamingResponse:
        async def parts() -> object:
            for number in range(4):
                await asyncio.sleep(0.1)
                yield f"{number} "

        return StreamingResponse(parts())  # type: ignore[arg-type]

    return app


async def _get(path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://status") as client:
        return await client.get(path)


async def test_what_hangs_is_answered_503_with_a_time_to_come_back() -> None:
    began = time.monotonic()
    answer = await _get("/hangs")
    assert time.monotonic() - began < 30
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert answer.json()["code"] == "TEMPORARILY_UNAVAILABLE"
    assert answer.headers["retry-after"]


async def test_an_answer_that_has_begun_is_not_cut() -> None:
    answer = await _get("/streams")
    assert answer.status_code == httpx.codes.OK
    assert answer.text == "0 1 2 3 "
