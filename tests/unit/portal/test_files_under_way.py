"""Files that move slowly: one person's never keep pages from anybody, and come to an end. With real connections."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import httpx
import pytest

from services.portal.pages import handing, pace, wire
from services.portal.pages.problems import Shown
from services.portal.tokens import Tokens
from tests.unit.portal.served import DEPOSIT, WHO, until, world


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many connections to the services as one person may hold, and tokens that nobody checks."""
    monkeypatch.setattr(wire, "_CONNECTIONS", pace.AT_ONCE)

    async def token(*_: Any, **__: Any) -> str:
        return "token"

    monkeypatch.setattr(Tokens, "access", token)


async def refused_in_words(asked: Awaitable[httpx.Response]) -> None:
    answer = await asked
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
    assert "six envois ou téléchargements" in answer.text
    assert "<h1" in answer.text


async def test_sendings_that_trickle_leave_the_pages_to_everybody_and_the_seventh_is_told() -> None:
    async with world() as found:
        opened = [await asyncio.open_connection("127.0.0.1", found.port) for _ in range(pace.AT_ONCE)]
        for _, writer in opened:
            writer.write(found.form("claire", 1_000_000)[0] + b"x")
        await until(lambda: found.service.receiving == pace.AT_ONCE)
        await refused_in_words(found.post("claire"))
        await refused_in_words(found.get("claire", f"/depots/{DEPOSIT}/document"))
        for name in ("claire", "agnes"):
            page = await found.get(name, "/annuaire?q=nice")
            assert page.status_code == 200
            assert "ne répond pas" not in page.text
        for _, writer in opened:
            writer.close()
        await until(lambda: found.service.receiving == 0)
        assert (await found.post("claire")).status_code == 303


async def test_who_takes_nothing_of_a_file_leaves_the_pages_to_everybody_and_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handing, "_LOOK_SECONDS", 0.05)
    async with world() as found:
        ask = f"GET /depots/{DEPOSIT}/document HTTP/1.1\r\nHost: x\r\n{WHO}: claire\r\n\r\n".encode()
        opened = [await asyncio.open_connection("127.0.0.1", found.port, limit=1000) for _ in range(pace.AT_ONCE)]
        for _, writer in opened:
            writer.write(ask)
        await until(lambda: found.service.giving == pace.AT_ONCE)
        await refused_in_words(found.get("claire", f"/depots/{DEPOSIT}/document"))
        assert (await found.get("agnes", "/annuaire?q=nice")).status_code == 200
        monkeypatch.setattr(pace, "PATIENCE", 0.5)
        monkeypatch.setattr(pace, "LEAST", 10**12)
        await until(lambda: found.service.giving == 0)
        assert (await found.post("claire")).status_code == 303
        for _, writer in opened:
            writer.close()


async def test_a_sending_that_is_too_slow_on_average_ends_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PATIENCE", 0.3)
    async with world() as found:
        reader, writer = await asyncio.open_connection("127.0.0.1", found.port)
        writer.write(found.form("claire", 1_000_000)[0])
        answer = asyncio.create_task(reader.readuntil(b"</html>"))
        while not answer.done():
            writer.write(b"x")
            await asyncio.sleep(0.05)
        said = (await answer).decode()
        assert said.startswith("HTTP/1.1 408")
        assert "L'envoi s'est interrompu" in said.replace("&#39;", "'")
        writer.close()


def test_an_average_of_twenty_kilobytes_is_enough_however_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("services.portal.pages.pace.time.monotonic", lambda: now[0])
    slow, slower = pace.Pace(), pace.Pace()
    for _ in range(14 * 3600):
        slow.wait()
        slower.wait()
        now[0] += 1
        slow.moved(20_500)
        slower.moved(19_500)
        assert not slow.too_slow
        now[0] += 5  # ours
        assert slower.too_slow == (slower.waited > pace.PATIENCE)


def test_a_turn_is_given_back_once_at_the_latest_when_nobody_holds_it() -> None:
    turns = pace.Turns()
    held = [turns.take("claire") for _ in range(pace.AT_ONCE)]
    with pytest.raises(Shown):
        turns.take("claire")
    held[0].give_back()
    held[0].give_back()
    held.append(turns.take("claire"))
    with pytest.raises(Shown):
        turns.take("claire")
    turns.take("agnes").give_back()
    held.clear()
    assert not turns._taken
