"""The page of a deposit that is not read yet: what it says, where it leads, and how long it waits by itself."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi import APIRouter

from services.portal.pages import deposit
from services.portal.pages.call import Answer
from tests.unit.portal.page_world import World

ID = str(uuid4())


class _World(World):
    """The pages of deposits alone."""

    def _add(self, router: APIRouter) -> None:
        deposit.add_routes(router)

    def has(self, *states: str, **more: Any) -> None:
        """The deposit is in these states, one after another."""
        known = {"id": ID, "file_name": "facture du <port>.pdf", "overdue": False, "label": "", "explanation": ""}
        self.service.answers = [Answer(status=200, data={**known, "state": state, **more}) for state in states]


@pytest.fixture
def world() -> _World:
    return _World()


async def test_a_deposit_that_waits_says_so_and_leads_to_itself(world: _World) -> None:
    world.has("received")
    page = await world.http.get(f"/depots/{ID}")
    assert page.status_code == 200
    assert page.text.count("<h1>") == 1
    assert "facture du &lt;port&gt;.pdf" in page.text
    assert 'role="status"' in page.text
    assert "pas encore envoyée" in page.text
    # Without script the way on is a link, which waits at the server for a moment.
    assert f'href="/depots/{ID}?attendre=1"' in page.text


async def test_a_reading_that_takes_too_long_is_said(world: _World) -> None:
    world.has("received")
    usual = (await world.http.get(f"/depots/{ID}")).text
    world.has("received", overdue=True)
    late = (await world.http.get(f"/depots/{ID}")).text
    assert "plus longtemps" in late
    assert "plus longtemps" not in usual


@pytest.mark.parametrize("reads", [1, deposit._WAITS])
async def test_who_waits_is_led_on_as_soon_as_it_is_read(
    world: _World, monkeypatch: pytest.MonkeyPatch, reads: int
) -> None:
    monkeypatch.setattr(deposit, "_WAIT_SECONDS", 0)
    world.has(*["received"] * reads, "to_verify")
    page = await world.http.get(f"/depots/{ID}?attendre=1")
    assert (page.status_code, page.headers["location"]) == (303, f"/brouillons/{ID}")
    assert world.service.answers == []


async def test_who_waits_in_vain_gets_the_page_again(world: _World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deposit, "_WAIT_SECONDS", 0)
    world.has(*["received"] * (deposit._WAITS + 1))
    page = await world.http.get(f"/depots/{ID}?attendre=1")
    assert page.status_code == 200
    assert f'href="/depots/{ID}?attendre=1"' in page.text
    assert world.service.answers == []


async def test_a_file_that_was_there_already_leads_to_the_first(world: _World) -> None:
    first = str(uuid4())
    world.has("duplicate", duplicate_of=first)
    page = await world.http.get(f"/depots/{ID}")
    assert page.status_code == 200
    assert f'href="/depots/{first}"' in page.text
    assert "attendre" not in page.text
