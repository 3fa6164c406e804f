"""The *tableau de bord* of one service: asked for by its address, with ways to the lists of that service."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import APIRouter

from contracts.events import Grant
from services.common.principal import of_grants
from services.portal.pages import invoices, invoices_names
from services.portal.pages.call import Answer
from services.portal.pages.person import Person
from services.portal.pages.problems import Problem
from tests.unit.portal.page_world import World, person

BODY = "22060001900016"
SUM = {"count": 2, "amount": "10.00"}


class Status:
    """The service: figures of all, or of one service; ``asked``: what it was asked for."""

    def __init__(self, *codes: str) -> None:
        self.codes = codes
        self.asked: list[tuple[str, str | None]] = []
        self.busy = None

    async def get(self, _: str, path: str, params: Any = None) -> Answer:
        service = params.get("service")
        self.asked.append((path.rpartition("/")[2], service))
        if service is not None and "/" not in service:
            return Answer(status=422, problem=Problem(status=422, code="REQUEST_INVALID"))
        if path.endswith("/risks"):
            late = {"range": "late", "days_from": None, "days_to": -1, "interest": "1", "indemnity": "40"}
            risks = [{**late, **SUM, "each_day": "0.1", "if_late": "0"}]
            return Answer(status=200, data={"day": "2026-11-23", "risks": risks, "provisional": False})
        services = [{"structure": BODY, "service": code, **SUM} for code in self.codes]
        data = {
            "day": "2026-11-23",
            "by_status": [{"code": "SUSPENDUE", "label": "Suspendue", **SUM}],
            "by_age": [{"days_from": 3, "days_to": 7, **SUM}],
            "by_delay": [{"days_from": None, "days_to": -31, **SUM}],
            "by_service": [each for each in services if service in (None, f"{BODY}/{each['service']}")],
            "by_month": [],
        }
        return Answer(status=200, data=data)


class Spaces(World):
    """The spaces of invoices."""

    def _add(self, router: APIRouter) -> None:
        invoices.add_routes(router)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Spaces]:
    async def no_names(*_: Any) -> dict[Any, str]:
        return {}

    monkeypatch.setattr(invoices_names, "of_structures", no_names)
    monkeypatch.setattr(invoices_names, "of_services", no_names)
    made, who = Spaces(), person()
    rights = of_grants("claire", (Grant(role="COMPTABLE", structure=BODY, tenant="cd06"),))
    made.who = Person(signed=who.signed, version=1, principal=rights, places=(), tenants={})
    async with made.http:
        yield made


async def test_a_service_may_be_chosen_where_there_are_several(world: Spaces) -> None:
    one: Any = Status("VOIRIE")
    several: Any = Status("VOIRIE", "ACHATS")
    shown = {}
    for status in (one, several):
        world.service = status
        shown[len(status.codes)] = (await world.http.get("/factures/recues/tableau")).text
    assert 'name="service"' not in shown[1]
    assert f'<option value="{BODY}/ACHATS">' in shown[2]


async def test_the_board_of_a_service_leads_to_its_lists(world: Spaces) -> None:
    status: Any = Status("VOIRIE", "ACHATS")
    world.service, world.house.there = status, frozenset({"/factures/recues"})
    shown = (await world.http.get("/factures/recues/tableau", params={"service": f"{BODY}/ACHATS"})).text
    within = f"service={BODY}%2FACHATS"
    ways = ("status=SUSPENDUE", "unchanged_days=3&amp;unchanged_under=8", "due_to=2026-10-23&amp;sort=due")
    assert [way for way in ways if f"/recherche?{way}&amp;{within}" not in shown] == []
    assert f"due_to=2026-11-22&amp;sort=due&amp;{within}" in shown
    assert f'<option value="{BODY}/ACHATS" selected>' in shown
    assert len(status.asked) == 3
    assert set(status.asked) == {("figures", None), ("figures", f"{BODY}/ACHATS"), ("risks", f"{BODY}/ACHATS")}


async def test_a_service_that_cannot_be_read_leads_to_nothing(world: Spaces) -> None:
    status: Any = Status("VOIRIE")
    world.service = status
    wanted = [(f"{BODY}/VOIRIE", 200), ("VOIRIE", 404)]
    answers = [(await world.http.get("/factures/recues/tableau", params={"service": each})) for each, _ in wanted]
    assert [answer.status_code for answer in answers] == [status for _, status in wanted]
