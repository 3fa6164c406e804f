"""What awaits a validator, the nearest last day first, over all that waits and not over the newest alone."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from fastapi import APIRouter

from contracts.events import Grant
from services.common.principal import of_grants
from services.portal.pages import invoices, invoices_names
from services.portal.pages.call import Answer
from services.portal.pages.person import Person
from services.status.examples import EXAMPLES
from tests.unit.portal.page_world import World, person

_ROW = EXAMPLES["GET /api/v1/invoices"]["invoices"][0]


class Status:
    """The service: ``count`` invoices wait, the last deposited first; whoever was deposited first answers first."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.read = 0
        self.busy = None

    async def get(self, _: str, path: str, params: Any = None) -> Answer:
        if path.endswith("/synthesis"):
            line = {"code": "A_VALIDER_1", "label": "", "count": self.count, "amount": "1", "turn": "V1"}
            none = {"count": 0, "amount": "0"}
            found = {"day": "2026-11-23", "waiting": [line], "late": none, "due_soon": none, "unchanged": none}
            return Answer(status=200, data=found)
        self.read += 1
        first = int(params["cursor"] or 0)
        last = min(first + params["limit"], self.count)
        rows = [self._row(n) for n in range(first, last)]
        return Answer(status=200, data={"invoices": rows, "next": str(last) if last < self.count else None})

    def _row(self, place: int) -> dict[str, Any]:
        left = self.count - place
        day = f"{2026 + left // 360}-{1 + left % 360 // 30:02}-{1 + left % 30:02}"
        return {**_ROW, "sandbox": None, "id": str(UUID(int=place)), "number": f"F-{place}", "answer_by": day}


class Spaces(World):
    """The spaces of invoices, for a validator."""

    def _add(self, router: APIRouter) -> None:
        invoices.add_routes(router)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Spaces]:
    async def no_names(*_: Any) -> dict[str, str]:
        return {}

    monkeypatch.setattr(invoices_names, "of_structures", no_names)
    made, who = Spaces(), person()
    rights = of_grants("claire", (Grant(role="VALIDATEUR", structure="99900002900010"),))
    made.who = Person(signed=who.signed, version=1, principal=rights, places=(), tenants={})
    async with made.http:
        yield made


@pytest.mark.parametrize(("count", "read", "first"), [(20, 1, 19), (700, 4, 699), (1001, 5, 999)])
async def test_the_nearest_last_day_of_all_that_waits_stands_first(
    world: Spaces, count: int, read: int, first: int
) -> None:
    status: Any = Status(count)
    world.service = status
    shown = (await world.http.get("/factures/a-valider")).text
    assert status.read == read
    assert shown.index(f">F-{first}<") < shown.index(f">F-{first - 1}<")
    assert f">F-{first - 20}<" not in shown
    assert ("dernières déposées" in shown) is (count > 1000)
