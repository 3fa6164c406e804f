"""The lists of archives and of deposits: the state in the address, kept over pages, and the same list as CSV."""

import html
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from fastapi import APIRouter

from contracts.events import Grant
from services.common.principal import of_grants
from services.ingest.examples import EXAMPLES
from services.ingest.flow_domain import FlowState
from services.portal.pages import deposit_follow, flow
from services.portal.pages.call import Answer
from services.portal.pages.handing import Carried
from services.portal.pages.problems import Problem
from tests.unit.portal.page_world import AWAY, World, person

FLOW = {**EXAMPLES["GET /api/v1/flows/{flow_id}"], "sandbox": None}
RECEIPT = {**EXAMPLES["POST /api/v1/deposits"], "invoice_number": None}
DISPOSITION = 'attachment; filename="liste.csv"'


class _Ingest:
    """One row on each page of lists without end; ``refuses``: what it answers instead."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.refuses: Problem | None = None
        self.empty = False
        self.busy = None

    async def get(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        self.asked.append((path, params or {}))
        if self.refuses is not None:
            return Answer(status=self.refuses.status, problem=self.refuses)
        if self.empty:
            return Answer(status=200, data={"flows": [], "deposits": [], "next": None})
        return Answer(status=200, data={"flows": [FLOW], "deposits": [RECEIPT], "next": "after-1"})

    async def carry(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> Carried:
        self.asked.append((path, params or {}))

        async def chunks() -> AsyncIterator[bytes]:
            yield b"id;fichier\r\n"

        headers = {"content-type": "text/csv; charset=utf-8", "content-disposition": DISPOSITION}
        return Carried(headers=headers, chunks=chunks())


class _World(World):
    """The pages of a supplier."""

    def __init__(self) -> None:
        super().__init__()
        self.ingest = _Ingest()
        self.service = self.ingest  # type: ignore[assignment]
        made = person()
        grants = (Grant(role="FOURNISSEUR", structure="73282932000074"),)
        self.who = type(made)(
            signed=made.signed, version=1, principal=of_grants(made.subject, grants), places=(), tenants={}
        )

    def _add(self, router: APIRouter) -> None:
        flow.add_routes(router)
        deposit_follow.add_routes(router)

    async def text(self, path: str, status: int = 200) -> str:
        answer = await self.http.get(path)
        assert answer.status_code == status
        return html.unescape(answer.text)


@pytest.fixture
async def world() -> AsyncIterator[_World]:
    made = _World()
    async with made.http:
        yield made


def test_every_state_of_an_archive_is_under_one_tab() -> None:
    assert Counter(state for states in flow.STATES.values() for state in states) == Counter(list(FlowState))


@pytest.mark.parametrize("tab", ["", *flow.STATES])
async def test_archives_are_listed_by_the_state_in_the_address_and_every_page_keeps_it(world: _World, tab: str) -> None:
    kept = f"etat={tab}&" if tab else ""
    text = await world.text(f"/flux?{kept}suite=after-0")
    asked = {"limit": 20, "state": flow.STATES.get(tab), "cursor": "after-0"}
    assert world.ingest.asked == [("/api/v1/flows", asked)]
    assert f'href="/flux?{kept}suite=after-1" rel="next"' in text
    whole = f"?etat={tab}" if tab else ""
    assert f'href="/flux{whole}">Début de la liste' in text
    assert f'href="/flux/export.csv{whole}">' in text
    for other in flow.STATES:
        mark = ' aria-current="page"' if other == tab else ""
        assert f'href="/flux?etat={other}"{mark}>' in text


async def test_a_state_without_archives_is_not_an_account_without_any(world: _World) -> None:
    world.ingest.empty = True
    text = await world.text("/flux?etat=rejetees")
    assert "Aucune archive ici" in text
    assert "Aucune archive envoyée" not in text
    assert "export.csv" not in text
    assert "Aucune archive envoyée" in await world.text("/flux")
    assert "Aucune archive envoyée" in await world.text("/flux?etat=inventee")


async def test_a_list_of_archives_that_cannot_be_read_is_not_said_to_be_empty(world: _World) -> None:
    world.ingest.refuses = AWAY
    for query in ("", "?etat=rejetees"):
        text = await world.text(f"/flux{query}")
        assert "Aucune archive" not in text
    world.ingest.refuses = Problem(status=400, code="CURSOR_INVALID")
    await world.text("/flux?suite=inventee", 404)


@pytest.mark.parametrize(
    ("address", "path", "states"),
    [
        ("/flux", "flows", flow.STATES["en-cours"]),
        ("/deposer/suivi", "deposits", deposit_follow.STATES["en-cours"]),
    ],
)
async def test_the_table_holds_what_the_state_shows(world: _World, address: str, path: str, states: Any) -> None:
    for query, asked in (
        ("", {}),
        ("?etat=inventee", {}),
        ("?etat=en-cours", {"state": states}),
        ("?etat=en-cours&cursor=c-1", {"state": states, "cursor": "c-1"}),
    ):
        answer = await world.http.get(f"{address}/export.csv{query}")
        assert (answer.status_code, answer.content) == (200, b"id;fichier\r\n")
        assert answer.headers["content-disposition"] == DISPOSITION
        assert answer.headers["content-type"].startswith("text/csv")
        assert answer.headers["cache-control"] == "private, no-store"
        assert world.ingest.asked[-1] == (f"/api/v1/{path}/export.csv", asked)


async def test_deposits_offer_their_table_and_those_of_one_sending_do_not(world: _World) -> None:
    assert 'href="/deposer/suivi/export.csv">' in await world.text("/deposer/suivi")
    assert 'href="/deposer/suivi/export.csv?etat=refuses">' in await world.text("/deposer/suivi?etat=refuses&suite=c")
    assert "export.csv" not in await world.text(f"/deposer/suivi?d={RECEIPT['id']}")
