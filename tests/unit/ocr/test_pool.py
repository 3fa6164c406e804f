"""Reader processes: what kills, hangs or floods one costs its own document only, and nothing is left behind."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from invoice.directory import NumberFormat
from services.ocr.answers import Whole
from services.ocr.known import known_from, pack_of_file, packed
from services.ocr.pool import ReaderPool, ReaderUnavailable
from services.ocr.render import draw
from services.ocr.whole import read_document as read
from tests.documents import InvoicePdf, sample
from tests.hostile import flood, laughs

INVOICE = sample(1).render()


@contextlib.asynccontextmanager
async def pool(
    workers: int = 1, timeout: float = 20.0, memory_mb: int = 512, recycle: int = 2000
) -> AsyncIterator[ReaderPool]:
    readers = ReaderPool(workers=workers, timeout=timeout, memory_mb=memory_mb, recycle_after=recycle)
    await readers.start()
    try:
        yield readers
    finally:
        await readers.stop()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.01)


async def test_a_worker_reads_what_the_reader_reads() -> None:
    async with pool(workers=2) as readers:
        readings = await asyncio.gather(*(readers.read(sample(seed).render()) for seed in range(20)))
    assert readings == [read(sample(seed).render()) for seed in range(20)]


async def test_an_idle_worker_that_was_killed_costs_nothing() -> None:
    async with pool() as readers:
        (victim,) = readers.pids
        os.kill(victim, signal.SIGKILL)
        await until(lambda: not alive(victim))
        assert await readers.read(INVOICE) == read(INVOICE)
        assert not readers.losses


async def test_a_document_whose_worker_was_killed_is_read_again() -> None:
    async with pool() as readers:
        (victim,) = readers.pids
        os.kill(victim, signal.SIGSTOP)
        reading = asyncio.create_task(readers.read(INVOICE))
        await asyncio.sleep(0.2)
        os.kill(victim, signal.SIGKILL)
        assert await reading == read(INVOICE)
        assert dict(readers.losses) == {"READER_CRASHED": 1}


async def test_a_document_that_kills_two_workers_is_given_up_and_the_next_is_read() -> None:
    async with pool() as readers:
        task = asyncio.create_task(readers.read(INVOICE))
        killed: set[int] = set()
        while not task.done():
            for pid in set(readers.pids) - killed:
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0)
        assert [reason.code for reason in (await task).unreadable] == ["READER_CRASHED"]
        assert len(killed) == 2
        assert await readers.read(INVOICE) == read(INVOICE)


async def test_a_worker_that_hangs_is_replaced_within_its_time() -> None:
    async with pool(timeout=0.5) as readers:
        os.kill(readers.pids[0], signal.SIGSTOP)
        assert await readers.read(INVOICE) == read(INVOICE)
        assert dict(readers.losses) == {"READER_TIMEOUT": 1}


async def test_a_document_without_end_is_given_up_after_two_tries() -> None:
    async with pool(timeout=0.4, memory_mb=4096) as readers:
        started = time.monotonic()
        reading = await readers.read(laughs(depth=12))
        assert [reason.code for reason in reading.unreadable] == ["READER_TIMEOUT"]
        assert time.monotonic() - started < 15


@pytest.mark.parametrize("bomb", [laughs(depth=12), flood(300)], ids=["forms", "flood"])
async def test_a_document_that_eats_memory_is_refused_for_that(bomb: bytes) -> None:
    async with pool(memory_mb=256, timeout=30) as readers:
        reading = await readers.read(bomb)
        assert [reason.code for reason in reading.unreadable] == ["READER_MEMORY"]
        assert await readers.read(INVOICE) == read(INVOICE)


async def test_processor_time_is_bounded_for_each_document_by_the_kernel_too() -> None:
    async with pool(timeout=3) as readers:
        for _ in range(3):
            await readers.read(INVOICE)
        (pid,) = readers.pids
        assert 3 <= cpu_limit(pid) <= 10


def cpu_limit(pid: int) -> int:
    """The seconds of processor time after which the kernel ends a process."""
    limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return int(next(line for line in limits if line.startswith("Max cpu time")).split()[3])


async def test_a_worker_that_used_up_its_processor_time_is_said_to_be_late() -> None:
    async with pool() as readers:
        (victim,) = readers.pids
        os.kill(victim, signal.SIGSTOP)
        reading = asyncio.create_task(readers.read(INVOICE))
        await asyncio.sleep(0.1)
        os.kill(victim, signal.SIGXCPU)
        os.kill(victim, signal.SIGCONT)
        assert await reading == read(INVOICE)
        assert dict(readers.losses) == {"READER_TIMEOUT": 1}


async def test_a_worker_draws_what_the_painter_draws() -> None:
    async with pool() as readers:
        assert await readers.draw(INVOICE, 1) == draw(INVOICE, 1)
        refused = (await readers.draw(INVOICE, 2)).refused
        assert refused is not None
        assert await readers.read(INVOICE) == read(INVOICE)


async def test_a_page_that_cannot_be_drawn_within_bounds_is_refused_for_that() -> None:
    async with pool(timeout=0.5, memory_mb=4096) as readers:
        picture = await readers.draw(laughs(depth=12), 1)
        assert picture.refused is not None
        assert picture.refused.code == "READER_TIMEOUT"
        assert (await readers.draw(INVOICE, 1)).refused is None


async def test_a_pool_that_is_not_warm_starts_its_workers_when_they_are_needed() -> None:
    readers = ReaderPool(workers=1)
    await readers.start(warm=False)
    try:
        assert readers.pids == ()
        assert await readers.read(INVOICE) == read(INVOICE)
        assert len(readers.pids) == 1
    finally:
        await readers.stop()


async def test_a_directory_is_known_to_every_worker_also_to_one_that_replaces_another() -> None:
    recipient = sample(1).truth()["recipient_siret"]
    structure = {"siret": recipient, "name": "Département", "tenant": "d", "kind": "budget_principal"}
    directory = pack_of_file(json.dumps({"structures": [structure]}).encode())
    readers = ReaderPool(workers=1, directory=directory)
    await readers.start()
    try:
        expected = read(INVOICE, known=known_from(directory))
        assert await readers.read(INVOICE) == expected
        os.kill(readers.pids[0], signal.SIGKILL)
        assert await readers.read(INVOICE) == expected
    finally:
        await readers.stop()


async def test_what_is_learnt_while_running_is_told_before_the_next_document() -> None:
    page = InvoicePdf(engagement="4500123", copy="Engagement : CP2026/X123456/1").render()
    shape = NumberFormat(regex="CP[0-9]{4}/X[0-9]{6}/[0-9]", mask="CP2026/X123456/1")
    siret = InvoicePdf().recipient.siret or ""
    async with pool(workers=1) as readers:
        assert _engagement(await readers.read(page)) == ("4500123", "unsure")
        [worker] = readers.pids
        readers.know(packed({siret: (shape,)}))
        assert _engagement(await readers.read(page)) == ("CP2026/X123456/1", "unsure")
        assert readers.pids == (worker,)


def _engagement(whole: Whole) -> tuple[str, str]:
    [field] = [field for field in whole.fields if field.name == "engagement"]
    return field.value, field.confidence


async def test_a_directory_that_no_worker_understands_is_no_fault_of_the_documents() -> None:
    readers = ReaderPool(workers=1, directory=b"not a directory")
    with pytest.raises(ReaderUnavailable):
        await readers.start()


async def test_one_hard_document_delays_no_other() -> None:
    async with pool(workers=2, timeout=3, memory_mb=4096) as readers:
        hard = asyncio.create_task(readers.read(laughs(depth=12)))
        await asyncio.gather(*(readers.read(INVOICE) for _ in range(10)))
        assert not hard.done()
        hard.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hard


async def test_a_cancelled_call_takes_its_worker_with_it_and_not_the_pool() -> None:
    async with pool() as readers:
        (first,) = readers.pids
        os.kill(first, signal.SIGSTOP)
        task = asyncio.create_task(readers.read(INVOICE))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not alive(first)
        assert await readers.read(INVOICE) == read(INVOICE)


async def test_a_worker_is_replaced_when_it_has_served_its_time() -> None:
    async with pool(recycle=3) as readers:
        seen = set()
        for _ in range(7):
            await readers.read(INVOICE)
            seen |= set(readers.pids)
        assert len(seen) == 3


async def test_stopping_leaves_no_process_and_ends_what_waits() -> None:
    readers = ReaderPool(workers=2)
    await readers.start()
    pids = readers.pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    waiting = [asyncio.create_task(readers.read(INVOICE)) for _ in range(4)]
    await asyncio.sleep(0.1)
    await readers.stop()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ReaderUnavailable}
    assert [pid for pid in pids if alive(pid)] == []


async def test_a_worker_holds_no_secret_and_no_file_of_its_parent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CHORALE_TOKEN_SECRET", "not for readers")
    with (tmp_path / "open").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        async with pool() as readers:
            (pid,) = readers.pids
            environment, files = belongings(pid)
    assert b"not for readers" not in environment
    assert {name for name in files if not name.startswith("socket:")} <= {os.devnull, os.readlink("/proc/self/fd/0")}


def belongings(pid: int) -> tuple[bytes, set[str]]:
    """A process's environment and what its open files are."""
    process = Path(f"/proc/{pid}")
    return (process / "environ").read_bytes(), {os.readlink(link) for link in (process / "fd").iterdir()}


@pytest.mark.parametrize("executable", ["/bin/false", "/nowhere/python"])
async def test_a_machine_that_starts_no_process_is_said_to_be_at_fault(
    executable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    readers = ReaderPool(workers=2)
    with pytest.raises(ReaderUnavailable):
        await readers.start()
    assert readers.pids == ()


_PARENT = """
import asyncio, sys
from services.ocr.pool import ReaderPool
from tests.hostile import laughs
async def main():
    readers = ReaderPool(workers=2, timeout=60, memory_mb=4096)
    await readers.start()
    busy = asyncio.create_task(readers.read(laughs(depth=12)))
    await asyncio.sleep(0.2)
    print(*readers.pids, flush=True)
    await busy
asyncio.run(main())
"""


async def test_workers_die_when_their_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
    with parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(alive(pid) for pid in pids)
        parent.kill()
    await until(lambda: not any(alive(pid) for pid in pids))
