"""Waiting for something only so long, whatever it hangs on."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_running: set[asyncio.Task[Any]] = set()


async def in_time(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``. Raises ``TimeoutError`` when there is none within ``seconds``, else what ``work`` raises.

    What is too slow is cancelled but not waited for: a connection to a frozen server takes its time to be let go.
    """
    task = asyncio.create_task(work)
    _running.add(task)
    task.add_done_callback(_forget)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()


def _forget(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if not task.cancelled():
        task.exception()
