"""One round: a stream of deposits, a fault in the middle, the verdict."""

import asyncio
import time

import msgspec

from tests.chaos.faults import Fault
from tests.chaos.stream import NotAccepted, stream
from tests.chaos.verify import Verdict, verify
from tests.chaos.world import World


class Round(msgspec.Struct, kw_only=True):
    """One line of the long run."""

    number: int
    fault: str
    ok: bool
    seconds: float
    deposits: int
    verdict: Verdict


async def play(world: World, number: int, fault: Fault, *, deposits: int, rate: float, limit: float = 120.0) -> Round:
    """Deposit ``deposits`` documents at ``rate`` a second, strike at a random moment, then verify everything."""
    started = time.monotonic()
    failures: list[str] = []

    async def strike() -> None:
        await asyncio.sleep(world.rng.uniform(0.1, 0.7) * deposits / rate)
        await fault.strike(world)

    results = await asyncio.gather(stream(world, deposits, rate), strike(), return_exceptions=True)
    for result in results:
        if isinstance(result, NotAccepted):
            failures.append(f"a deposit was not accepted: {result}")
        elif isinstance(result, BaseException):
            failures.append(f"{type(result).__name__}: {result}")
    verdict = await verify(world, limit)
    verdict.problems = (failures + verdict.problems)[:20]
    return Round(
        number=number,
        fault=fault.name,
        ok=not verdict.problems,
        seconds=round(time.monotonic() - started, 1),
        deposits=deposits,
        verdict=verdict,
    )
