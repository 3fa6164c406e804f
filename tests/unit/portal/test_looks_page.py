"""The trail of who looked is asked by what a clerk knows: a number, a name or an address; an id goes on working."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import APIRouter

from contracts.events import Grant
from services.common.looks import LOOK
from services.common.principal import of_grants
from services.portal.pages import gestion_trail, invoices_names
from services.portal.pages.call import Answer
from services.portal.pages.person import Person
from services.portal.pages.problems import Problem
from tests.unit.portal.page_world import INVOICE, World, person

OTTO = LOOK["subject"]
MANY = [f"person:{n:02}" for n in range(21)]


QUIET = "quiet@chorale.example"  # has an account, and has looked at nothing
LISTED = "/api/v1/invoices"
NUMBER_WRONG = Problem(status=422, code="VALIDATION_ERROR")


class Services:
    """All of them: one invoice of the number ``F-1``, many of ``F-MANY``; ``trails``: what each trail was asked."""

    def __init__(self) -> None:
        self.trails: list[dict[str, Any]] = []
        self.numbers: list[str] = []
        self.busy = None

    async def get(self, _: str, path: str, params: Any = None) -> Answer:
        if path.endswith("/looks"):
            self.trails.append({name: params[name] for name in ("invoice", "subject")})
            seen = params["subject"] in (None, [OTTO], MANY[: gestion_trail._MEANT])
            return Answer(status=200, data={"looks": [LOOK] if seen else [], "next": None})
        if path != LISTED:
            return Answer(status=404)
        self.numbers.append(params["number"])
        if len(params["number"]) > 100 or not params["number"].isprintable():
            return Answer(status=422, problem=NUMBER_WRONG)
        many = params["number"] == "F-MANY"
        found = [{"id": INVOICE}] if many or params["number"] == "F-1" else []
        return Answer(status=200, data={"invoices": found, **({"next": "on"} if many else {})})


class Trail(World):
    """The page, for an administrator."""

    def _add(self, router: APIRouter) -> None:
        gestion_trail.add_routes(router)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Trail]:
    async def names(*_: Any) -> dict[str, str]:
        return {OTTO: "Otto Bernard"}

    async def subjects(_: Any, written: str, most: int) -> list[str]:
        known = {"Otto Bernard": [OTTO], "otto@chorale.example": [OTTO], QUIET: ["quiet"], "Jean Martin": MANY}
        return known.get(written, [])[:most]

    monkeypatch.setattr(invoices_names, "of_people", names)
    monkeypatch.setattr(invoices_names, "subjects_of", subjects)
    made = Trail()
    made.who = _of(Grant(role="TENANT_ADMIN", tenant="cd06"))
    async with made.http:
        yield made


def _of(grant: Grant) -> Person:
    rights = of_grants("claire", (grant,))
    return Person(signed=person().signed, version=1, principal=rights, places=(), tenants={})


async def _main(world: Trail, services: Any, **asked: str) -> str:
    world.service = services
    answer = await world.http.get("/gestion/consultations", params=asked)
    assert answer.status_code == 200
    return answer.text.partition("<main")[2].partition("</main")[0]


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ({}, {"invoice": None, "subject": None}),
        ({"facture": " F-1 "}, {"invoice": [INVOICE], "subject": None}),
        ({"facture": INVOICE}, {"invoice": [INVOICE], "subject": None}),
        ({"qui": "Otto  Bernard"}, {"invoice": None, "subject": [OTTO]}),
        ({"qui": "otto@chorale.example", "facture": "F-1"}, {"invoice": [INVOICE], "subject": [OTTO]}),
        ({"facture": "F-2"}, None),
    ],
)
async def test_a_number_a_name_or_an_address_is_found(
    world: Trail, written: dict[str, str], asked: dict[str, Any] | None
) -> None:
    services: Any = Services()
    world.service = services
    answer = await world.http.get("/gestion/consultations", params=written)
    assert answer.status_code == 200
    assert services.trails == ([asked] * len(gestion_trail.LOOKS) if asked else [])
    assert (LOOK["reason"] in answer.text) is bool(asked)
    assert ("écrivez-les comme ils sont affichés" in answer.text) is not bool(asked)


async def test_no_answer_says_whether_somebody_has_an_account(world: Trail) -> None:
    known, unknown = Services(), Services()
    pages = [await _main(world, known, qui=QUIET), await _main(world, unknown, qui="nobody@chorale.example")]
    assert pages[0].replace(QUIET, "") == pages[1].replace("nobody@chorale.example", "")
    assert "écrivez-les comme ils sont affichés" in pages[0]
    assert len(known.trails) == len(unknown.trails) == len(gestion_trail.LOOKS)


@pytest.mark.parametrize("asked", [{"facture": "F-MANY"}, {"qui": "Jean Martin"}])
async def test_more_than_the_trails_are_asked_about_are_not_left_out_in_silence(
    world: Trail, asked: dict[str, str]
) -> None:
    services = Services()
    assert "toutes ne sont pas cherchées" in await _main(world, services, **asked)
    assert max(len(found or ()) for each in services.trails for found in each.values()) <= gestion_trail._MEANT
    assert "toutes ne sont pas cherchées" not in await _main(world, services, qui="Otto Bernard", facture="F-1")


@pytest.mark.parametrize("number", ["F" * 150, "F-\x01"])
async def test_what_is_no_number_is_no_invoices(world: Trail, number: str) -> None:
    assert "écrivez-les comme ils sont affichés" in await _main(world, Services(), facture=number)


async def test_an_operator_names_an_id_for_a_search_by_number_is_a_look(world: Trail) -> None:
    world.who = _of(Grant(role="OPERATEUR"))
    services = Services()
    text = await _main(world, services, facture="F-1")
    assert (services.numbers, services.trails) == ([], [])
    assert "Identifiant de la facture" in text
    assert LOOK["reason"] in await _main(world, services, facture=INVOICE)
