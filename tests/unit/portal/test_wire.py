"""The pages' connections: a real server, and the application inside the process."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from aiohttp import web
from fastapi import FastAPI, Request, Response

from services.portal.pages.connections import no_cookies
from services.portal.pages.wire import ASKER, Inside, Network


async def _echo(request: web.Request) -> web.Response:
    body = await request.read()
    answer = web.Response(
        body=body, headers={"X-Query": request.rel_url.raw_query_string, "X-Cookie": request.headers.get("Cookie", "")}
    )
    answer.set_cookie("session", "somebody")
    return answer


async def _slow(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b"first")
    await asyncio.Event().wait()
    return answer


@asynccontextmanager
async def _served() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/echo", _echo)
    app.router.add_get("/slow", _slow)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def _bits() -> AsyncIterator[bytes]:
    for bit in (b"one ", b"two ", b"three"):
        yield bit


async def test_bodies_go_whole_in_bits_and_as_forms_and_addresses_are_not_written_anew() -> None:
    async with _served() as url, httpx.AsyncClient(transport=Network()) as client:
        whole = await client.post(f"{url}/echo?q=a%2Fb%20c", content=b"whole")
        assert (whole.status_code, whole.content) == (200, b"whole")
        assert whole.headers["X-Query"] == "q=a%2Fb%20c"
        assert (await client.post(f"{url}/echo", content=_bits())).content == b"one two three"
        form = await client.post(f"{url}/echo", files=[("file", ("a.pdf", b"%PDF", "application/pdf"))])
        assert b"%PDF" in form.content
        assert (await client.get(f"{url}/echo", params={"status": ["A", "B"]})).headers[
            "X-Query"
        ] == "status=A&status=B"


async def test_no_cookie_of_an_answer_goes_with_the_next_request() -> None:
    async with _served() as url, httpx.AsyncClient(transport=Network(), cookies=no_cookies()) as client:
        assert (await client.get(f"{url}/echo")).headers["Set-Cookie"].startswith("session=")
        assert (await client.get(f"{url}/echo")).headers["X-Cookie"] == ""
        assert (await client.get(f"{url}/echo", headers={"Cookie": "a=b"})).headers["X-Cookie"] == "a=b"


async def test_a_stream_is_given_as_it_comes_and_left_before_its_end() -> None:
    async with (
        asyncio.timeout(60),
        _served() as url,
        httpx.AsyncClient(transport=Network(kept=False), timeout=50) as client,
        client.stream("GET", f"{url}/slow") as answer,
    ):
        assert await anext(answer.aiter_raw()) == b"first"


async def test_who_does_not_answer_is_said_in_the_words_of_httpx() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/"
        async with _served() as url, httpx.AsyncClient(transport=Network(), timeout=0.2) as client:
            with pytest.raises(httpx.TransportError):
                await client.get(nobody)
            with pytest.raises(httpx.ReadTimeout):
                await client.get(f"{url}/slow")


def _app() -> FastAPI:
    app = FastAPI()

    @app.post("/who")
    async def who(request: Request, response: Response) -> dict[str, str]:
        response.set_cookie("session", "somebody")
        host = request.client.host if request.client else ""
        return {"host": host, "body": (await request.body()).decode(), "cookie": request.headers.get("cookie", "")}

    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("on purpose")

    return app


async def test_inside_the_process_each_request_has_its_own_asker_and_nobodys_cookie() -> None:
    async with httpx.AsyncClient(transport=Inside(_app()), cookies=no_cookies()) as client:
        first = await client.post("http://x/who", content=b"a", extensions={ASKER: "203.0.113.7"})
        second = await client.post("http://x/who", content=_bits())
        assert first.json() == {"host": "203.0.113.7", "body": "a", "cookie": ""}
        assert second.json() == {"host": "", "body": "one two three", "cookie": ""}
        assert first.headers["Set-Cookie"].startswith("session=")


async def test_a_failure_inside_the_process_is_an_answer() -> None:
    async with httpx.AsyncClient(transport=Inside(_app())) as client:
        assert (await client.get("http://x/fails")).status_code == 500
