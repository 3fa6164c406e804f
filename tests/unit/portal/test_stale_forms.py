"""A mail's link stays open while a session ends: its form is shown anew, and nothing is done with the old one."""

import re
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from services.portal.pages import invited, invoices_names, mailed
from services.portal.pages.call import Answer
from tests.unit.portal.page_world import World, person


def _word(path: str, text: str) -> str | None:
    """The hidden word of the form that goes to ``path``."""
    found = re.search(f'action="{path}"><input type="hidden" name="csrf" value="([^"]+)"', text)
    return found and found[1]


class Links(World):
    """The pages of two links that still serve."""

    def _add(self, router: APIRouter) -> None:
        mailed.add_routes(router)
        invited.add_routes(router)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Links]:
    async def purpose(*_: Any) -> str:
        return "reset"

    async def structure(*_: Any) -> Any:
        return SimpleNamespace(name="Menuiserie Martin", key="73282932000074")

    async def no_names(*_: Any) -> dict[str, str]:
        return {}

    monkeypatch.setattr(mailed, "_purpose", purpose)
    monkeypatch.setattr(invited, "_structure", structure)
    monkeypatch.setattr(invoices_names, "of_structures", no_names)
    made = Links()
    async with made.http:
        yield made


async def _pressed(world: Links, path: str, word: str, **more: str) -> httpx.Response:
    return await world.http.post(path, data={"csrf": word, "token": "the-token", **more})


async def test_an_invitation_goes_on_where_its_readers_session_ended(world: Links) -> None:
    before = world.word()
    world.who = None
    shown = await _pressed(world, "/invitation", before, name="Claire Martin")
    assert (shown.status_code, world.service.asked) == (422, [])
    assert 'value="the-token"' in shown.text
    assert 'value="Claire Martin"' in shown.text
    assert "Rien n&#39;a été fait" in shown.text
    fresh = _word("/invitation", shown.text)
    assert fresh is not None
    world.service.answers = [Answer(status=202)]
    again = await _pressed(world, "/invitation", fresh, name="Claire Martin")
    assert (again.status_code, again.headers["location"]) == (303, "/inscription/message")


async def test_a_link_goes_on_with_its_password_written_again(world: Links) -> None:
    before = world.word()
    world.who = person("oscar")
    words = {"password": "trois mots de passe", "again": "trois mots de passe"}
    shown = await _pressed(world, "/lien", before, **words)
    assert (shown.status_code, world.service.asked) == (422, [])
    assert "trois mots" not in shown.text
    assert 'value="the-token"' in shown.text
    fresh = _word("/lien", shown.text)
    assert fresh is not None
    world.service.answers = [Answer(status=200, data={"signed_in": True, "done": True})]
    assert (await _pressed(world, "/lien", fresh, **words)).status_code == 303


@pytest.mark.parametrize("path", ["/lien", "/invitation"])
async def test_what_another_site_sends_gets_no_fresh_form(world: Links, path: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    cross = await world.http.post(path, data={"token": "the-token", "csrf": "old"}, headers=headers)
    assert (cross.status_code, world.service.asked) == (403, [])
    assert "the-token" not in cross.text
    assert _word(path, cross.text) is None
