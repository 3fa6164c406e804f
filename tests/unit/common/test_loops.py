"""Loops that never end: what fails is tried again, and what does not pass by itself is told."""

import asyncio

import pytest
from structlog.testing import capture_logs

from services.common import loops
from services.common.failures import Transient


class Work:
    """Raises what it is given, one after the other, then returns how often it was called."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.calls = 0
        self.fourth = asyncio.Event()

    async def __call__(self) -> int:
        self.calls += 1
        if self.calls == 4:
            self.fourth.set()
        if self._errors:
            raise self._errors.pop(0)
        return self.calls


async def test_work_is_tried_until_it_is_done_and_only_a_fault_of_ours_is_logged() -> None:
    with capture_logs() as logs:
        assert await loops.until_done(Work(Transient("away"), KeyError("ours")), "work.failed", ceiling=0.001) == 3
    assert [(line["event"], line["error"], line["log_level"]) for line in logs] == [
        ("work.failed", "KeyError", "error")
    ]
    assert isinstance(logs[0]["exc_info"], KeyError)


async def test_work_that_is_tried_once_says_whether_it_went_well() -> None:
    with capture_logs() as logs:
        assert await loops.tried(Work(), "work.failed")
        assert not await loops.tried(Work(Transient("away")), "work.failed")
        assert not await loops.tried(Work(ValueError("ours")), "work.failed")
    assert [line["error"] for line in logs] == ["ValueError"]


async def test_a_round_that_fails_does_not_end_the_rounds() -> None:
    work = Work(KeyError("ours"), Transient("away"))
    rounds = asyncio.create_task(loops.every(0, work, "work.failed"))
    with capture_logs() as logs:
        await work.fourth.wait()
        rounds.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rounds
    assert [line["error"] for line in logs] == ["KeyError"]
