"""Where many deposits are followed: page by page and by state, and of one sending what is left out is said."""

import html
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest
from fastapi import APIRouter

from services.portal.pages import deposit, deposit_follow
from services.portal.pages.call import Answer
from services.portal.pages.deposit_intake import Sent
from services.portal.pages.problems import Problem
from tests.unit.portal.page_world import World

IDS = [str(UUID(int=number)) for number in range(1, 6)]
STATES = ("refused", "to_verify", "received", "submitted", "refused")


class _Ingest:
    """Five deposits and two archives; ``refuses``: what it answers instead."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.refuses: Problem | None = None
        self.next: str | None = None
        self.busy = None

    async def get(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        self.asked.append((path, params or {}))
        if self.refuses is not None:
            return Answer(status=self.refuses.status, problem=self.refuses)
        if path.startswith("/api/v1/flows/"):
            flow = {"id": path.rpartition("/")[2], "file_name": "lot.zip", "state": "IN_RECU", "label": "Reçu"}
            return Answer(status=200, data={**flow, "progress": 0.5, "items": 3})
        rows = [
            {"id": id_, "file_name": f"{id_[-1]}.pdf", "state": state, "label": "", "explanation": ""}
            for id_, state in zip(IDS, STATES, strict=True)
        ]
        return Answer(status=200, data={"deposits": rows, "next": self.next})


class _World(World):
    """The page alone, and the service that it asks."""

    def __init__(self) -> None:
        super().__init__()
        self.ingest = _Ingest()
        self.service = self.ingest  # type: ignore[assignment]

    def _add(self, router: APIRouter) -> None:
        deposit_follow.add_routes(router)

    async def shown(self, query: str = "", status: int = 200) -> str:
        """The text of the page with its addresses as they are."""
        page = await self.http.get(f"/deposer/suivi{query}")
        assert page.status_code == status
        return html.unescape(page.text)


@pytest.fixture
async def world() -> AsyncIterator[_World]:
    made = _World()
    async with made.http:
        yield made


def _named(ids: Sequence[str], name: str = "d") -> str:
    return "&".join(f"{name}={each}" for each in ids)


@pytest.mark.parametrize(
    ("tab", "state"), [("", None), ("en-cours", "received"), ("a-completer", "to_verify"), ("refuses", "refused")]
)
async def test_all_deposits_are_listed_page_by_page_and_by_state(world: _World, tab: str, state: str | None) -> None:
    world.ingest.next = IDS[-1]
    kept = f"etat={tab}&" if tab else ""
    text = await world.shown(f"?{kept}suite={IDS[0]}")
    assert world.ingest.asked == [("/api/v1/deposits", {"limit": 50, "state": state, "cursor": IDS[0]})]
    assert f'href="/deposer/suivi?{kept}suite={IDS[-1]}" rel="next"' in text
    assert f'href="/deposer/suivi{"?" if tab else ""}{kept.rstrip("&")}">Début de la liste' in text
    for other in ("en-cours", "a-completer", "refuses"):
        mark = ' aria-current="page"' if other == tab else ""
        assert f'href="/deposer/suivi?etat={other}"{mark}>' in text
    assert "Sur cette page\u00a0: 5 dépôts, dont 1 à compléter et 1 en cours." in text


async def test_the_files_of_one_sending_are_told_apart_by_state(world: _World) -> None:
    sent = f"{_named(IDS[:4])}&{_named([str(UUID(int=9))], 'f')}"
    text = await world.shown(f"?{sent}")
    assert "5 dépôts, dont 1 à compléter et 2 en cours." in text
    assert ">Refusés (1)</a>" in text
    assert ">En cours (2)</a>" in text
    assert "ne sont pas affichés" not in text
    assert 'class="pager"' not in text
    assert f'href="/deposer/suivi?{sent}&etat=refuses"' in text
    refused = await world.shown(f"?{sent}&etat=refuses")
    assert refused.count('class="file"') == 1
    assert f'href="/depots/{IDS[0]}"' in refused
    assert f'href="/deposer/suivi?{sent}"' in refused
    assert "5 dépôts, dont 1 à compléter et 2 en cours." in refused


async def test_what_of_a_sending_is_not_shown_is_counted_and_can_be_found(world: _World) -> None:
    older = [str(UUID(int=number)) for number in range(100, 400)]
    text = await world.shown(f"?{_named([*older, *IDS])}&etat=refuses")
    assert "300 autres dépôts de cet envoi" in text
    assert 'href="/deposer/suivi?etat=refuses">Tous vos dépôts' in text
    assert text.count('class="file"') == 2
    flows = [str(UUID(int=number)) for number in range(500, 522)]
    text = await world.shown(f"?{_named(flows, 'f')}")
    assert "2 autres dépôts de cet envoi" in text
    assert text.count('class="file"') == 20


async def test_a_sending_that_is_too_long_for_an_address_is_followed_among_all() -> None:
    def sent(count: int) -> list[Sent]:
        return [Sent(name=f"{n}.pdf", id=str(UUID(int=n))) for n in range(count)]

    assert deposit.following(sent(deposit.MOST)).count("d=") == deposit.MOST
    assert deposit.following(sent(deposit.MOST + 1)) == "/deposer/suivi"


async def test_a_list_that_cannot_be_read_is_not_said_to_be_empty(world: _World) -> None:
    world.ingest.refuses = Problem(status=503, code="SERVICE_AWAY")
    for query in ("", "?etat=refuses", f"?{_named(IDS)}"):
        text = await world.shown(query)
        assert "Aucun dépôt" not in text
        assert "envoi n" not in text
    world.ingest.refuses = Problem(status=400, code="CURSOR_INVALID")
    await world.shown("?suite=inventee", 404)
