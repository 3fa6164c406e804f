"""Bytes held in memory are bounded, and nobody waits for ever."""

import asyncio

import pytest

from services.ocr.budget import Budget


async def test_more_than_the_budget_waits_in_the_order_it_came() -> None:
    budget, order = Budget(10), list[str]()

    async def hold(name: str, size: int) -> None:
        await budget.take(size)
        order.append(name)

    await budget.take(8)
    waiting = [asyncio.create_task(hold("big", 6)), asyncio.create_task(hold("small", 1))]
    await asyncio.sleep(0)
    assert order == []
    budget.give(8)
    await asyncio.gather(*waiting)
    assert order == ["big", "small"]


async def test_what_is_larger_than_the_whole_budget_goes_alone() -> None:
    budget = Budget(10)
    await budget.take(50)
    second = asyncio.create_task(budget.take(1))
    await asyncio.sleep(0)
    assert not second.done()
    budget.give(50)
    await asyncio.wait_for(second, 1)


@pytest.mark.parametrize("after_its_turn", [False, True])
async def test_who_stops_waiting_takes_nothing(after_its_turn: bool) -> None:
    budget = Budget(10)
    await budget.take(10)
    leaver = asyncio.create_task(budget.take(10))
    await asyncio.sleep(0)
    if after_its_turn:
        budget.give(10)
        leaver.cancel()
    else:
        leaver.cancel()
        await asyncio.sleep(0)
        budget.give(10)
    await asyncio.gather(leaver, return_exceptions=True)
    assert leaver.cancelled()
    await asyncio.wait_for(budget.take(10), 1)
