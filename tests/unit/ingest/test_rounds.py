"""Rounds of a job that needs the object store: told when it is away, and never ended by it."""

import asyncio

import pytest
from structlog.testing import capture_logs

from services.common.failures import Transient
from services.ingest.rounds import rounds


async def test_a_store_that_is_away_is_told_as_such_and_a_fault_of_ours_with_its_trace() -> None:
    errors: list[Exception] = [Transient("away"), KeyError("ours")]
    third = asyncio.Event()

    async def once() -> None:
        if errors:
            raise errors.pop(0)
        third.set()

    with capture_logs() as logs:
        going = asyncio.create_task(rounds(once, 0, away="drop.away", failed="drop.failed"))
        async with asyncio.timeout(10):
            await third.wait()
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
    assert [(line["event"], line["log_level"], line["error"]) for line in logs] == [
        ("drop.away", "warning", "Transient"),
        ("drop.failed", "error", "KeyError"),
    ]
    assert ["exc_info" in line for line in logs] == [False, True]
