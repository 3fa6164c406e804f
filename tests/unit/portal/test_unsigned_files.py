"""Files of strangers: counted before they are read, few at once, never for long. With real connections."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.portal.pages import certificate, trial
from services.portal.pages.problems import Shown
from tests.unit.portal.served import until, world

PAGES = [("/essayer", "file", trial), ("/certificats/verifier", "certificate", certificate)]


class Pool:
    """A database that counts: ``used`` so often already."""

    def __init__(self, used: int = 0) -> None:
        self.used, self.asked = used, 0

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["Pool"]:
        yield self

    async def fetchrow(self, *_: Any) -> dict[str, int]:
        self.asked += 1
        return {"used": self.used + self.asked, "left": 40}


@pytest.mark.parametrize(("path", "field", "_module"), PAGES)
async def test_who_comes_too_often_is_told_before_a_byte_is_read(path: str, field: str, _module: Any) -> None:
    async with world(Pool(used=10**6)) as found:
        reader, writer = await asyncio.open_connection("127.0.0.1", found.port)
        begun, _ = found.form("", 9_000_000, path, field)
        writer.write(begun.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        said = (await reader.readuntil(b"</html>")).decode()
        assert said.startswith("HTTP/1.1 429")
        assert "retry-after: 40" in said
        assert "Trop de demandes viennent de votre réseau" in said
        writer.close()


@pytest.mark.parametrize(("path", "field", "module"), PAGES)
async def test_few_are_taken_at_once_and_none_for_long(
    path: str, field: str, module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    pool = Pool()
    async with world(pool) as found:
        slow = [await asyncio.open_connection("127.0.0.1", found.port) for _ in range(2)]
        for _, writer in slow:
            writer.write(found.form("", 1_000_000, path, field)[0])
        await until(lambda: sum(found.house.services.turns._taken.values()) == 2)
        busy = await found.post("", path, field)
        assert busy.status_code == 503
        assert int(busy.headers["retry-after"]) > 0
        assert "réessayez dans quelques secondes" in busy.text
        assert (await found.get("", path)).status_code == 200
        for _, writer in slow:
            writer.close()
        await until(lambda: not found.house.services.turns._taken)
        name = "_COMING_SECONDS" if module is trial else "_CERTIFICATE_SECONDS"
        monkeypatch.setattr(module, name, 0.5)
        reader, writer = await asyncio.open_connection("127.0.0.1", found.port)
        writer.write(found.form("", 1_000_000, path, field)[0])
        said = asyncio.create_task(reader.readuntil(b"</html>"))
        while not said.done():
            writer.write(b"x")
            await asyncio.sleep(0.05)
        assert (await said).startswith(b"HTTP/1.1 408")
        assert "trop de temps" in (await said).decode()
        writer.close()
        await until(lambda: not found.house.services.turns._taken)
        assert (await found.post("", path, field)).status_code != 503


class Document:
    """A part of a form that comes in pieces of a size that divides nothing."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), 70_001):
            yield self._content[start : start + 70_001]


async def test_a_document_is_hashed_aside_and_no_more_than_one_may_weigh(monkeypatch: pytest.MonkeyPatch) -> None:
    aside, to_thread = [], asyncio.to_thread

    async def counted(call: Any, data: bytes) -> Any:
        aside.append(len(data))
        return await to_thread(call, data)

    monkeypatch.setattr(asyncio, "to_thread", counted)
    content = bytes(range(256)) * 14_000
    given: Any = Document(content)
    assert await certificate._digest(given) == hashlib.sha256(content).hexdigest()
    assert sum(aside) > len(content) - 1_100_000
    monkeypatch.setattr(certificate, "_DOCUMENT", len(content) - 1)
    with pytest.raises(Shown) as refused:
        await certificate._digest(given)
    assert refused.value.problem.status == 413
