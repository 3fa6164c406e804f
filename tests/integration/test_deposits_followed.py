"""The page that follows deposits, before ingest's own API: a refused one is found however many came after it."""

import html
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from fastapi import APIRouter

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.portal.pages import deposit_follow
from services.portal.pages.call import Answer, _read
from tests.integration.ingest_world import World, open_world
from tests.unit.ingest.samples import pdf
from tests.unit.portal import page_world


class _Pages(page_world.World):
    """The page of a depositor, whose questions ingest answers."""

    def __init__(self, ingest: World) -> None:
        super().__init__()
        self.ingest, self.busy = ingest, None
        self.service = self  # type: ignore[assignment]

    def _add(self, router: APIRouter) -> None:
        deposit_follow.add_routes(router)

    async def get(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        given = {name: value for name, value in (params or {}).items() if value is not None}
        return _read(await self.ingest.client.get(path, params=given, headers=self.ingest.headers()))

    async def shown(self, address: str) -> str:
        answer = await self.http.get(address)
        assert answer.status_code == 200
        return html.unescape(answer.text)


@pytest.fixture
async def world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with open_world(stack, dsns) as found:
        yield found


async def test_a_refused_deposit_is_found_behind_many_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deposit_follow, "_PAGE", 2)
    monkeypatch.setattr(deposit_follow, "MOST", 2)
    ids = [str(await world.deposit(pdf(f"page-{n}"), name=f"f-{n}.pdf")) for n in range(5)]
    await world.pool.execute("update deposit set state = 'refused' where id = $1", ids[0])
    pages = _Pages(world)
    async with pages.http:
        found, address = [], "/deposer/suivi"
        while address:
            text = await pages.shown(address)
            found.append([id_ for id_ in reversed(ids) if f"/depots/{id_}" in text])
            address = text.partition('" rel="next"')[0].rpartition('"')[2] if 'rel="next"' in text else ""
        assert found == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]
        refused = await pages.shown("/deposer/suivi?etat=refuses")
        assert [id_ for id_ in ids if f"/depots/{id_}" in refused] == [ids[0]]
        named = "&".join(f"d={each}" for each in ids)
        sending = await pages.shown(f"/deposer/suivi?{named}")
        assert "3 autres dépôts de cet envoi" in sending
        assert [id_ for id_ in ids if f'href="/depots/{id_}"' in sending] == ids[3:]
        assert (await pages.http.get("/deposer/suivi?suite=inventee")).status_code == 404
