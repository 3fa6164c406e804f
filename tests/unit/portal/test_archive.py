"""The archives of a year: what is looked for goes along to the file, to the other side and back to the beginning."""

import html
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import APIRouter

from contracts.events import Grant
from services.common.principal import of_grants
from services.portal.pages import archive, invoices_names
from services.portal.pages.call import Answer
from services.portal.pages.handing import Carried
from tests.unit.portal.page_world import World, person

ROW = {
    "id": "0b1f4a52-1111-4222-8333-444455556666",
    "number": "F-1",
    "sandbox": None,
    "submitted_at": "2025-03-04T10:00:00Z",
    "cadre_label": "A1",
    "recipient": {"siret": "22060001900016", "name": "Département", "service_code": None, "service_label": None},
    "supplier_siret": "73282932000074",
    "payable": "12.00",
    "currency": "EUR",
    "status": {"code": "REJETEE", "label": "Rejetée", "terminal": True, "since": "2025-03-05T10:00:00Z"},
    "turn": None,
    "answer_by": None,
    "payment_delay": None,
}


class _Status:
    """One invoice on each page of a list without end; ``asked``: what pages and files were asked for with."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.busy = None

    async def get(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        if service != "status":
            return Answer(status=200, data={"searches": []})
        self.asked.append((path, params or {}))
        return Answer(status=200, data={"invoices": [ROW], "next": "after-1"})

    async def carry(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> Carried:
        self.asked.append((path, params or {}))

        async def chunks() -> AsyncIterator[bytes]:
            yield b"numero\n"

        return Carried(headers={"content-type": "text/csv"}, chunks=chunks())


class _World(World):
    """The pages of the archives, for a supplier who is asked to validate too."""

    def __init__(self) -> None:
        super().__init__()
        self.status = _Status()
        self.service = self.status  # type: ignore[assignment]
        made = person()
        grants = (Grant(role="FOURNISSEUR", structure="73282932000074"),)
        self.who = type(made)(
            signed=made.signed, version=1, principal=of_grants(made.subject, grants), places=(), tenants={}
        )

    def _add(self, router: APIRouter) -> None:
        archive.add_routes(router)

    async def at(self, path: str) -> tuple[httpx.Response, Mapping[str, Any]]:
        """What is answered, and what status was asked for."""
        answer = await self.http.get(path)
        assert answer.status_code == 200
        return answer, self.status.asked[-1][1]


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[_World]:
    async def names(*_: Any) -> dict[str, str]:
        return {}

    monkeypatch.setattr(invoices_names, "of_structures", names)
    made = _World()
    async with made.http:
        yield made


@pytest.mark.parametrize(
    ("given", "statuses"),
    [({"q": "école & fils", "status": "REJETEE"}, ["REJETEE"]), ({}, list(archive._OVER))],
    ids=["with conditions", "without"],
)
async def test_what_is_looked_for_goes_along(world: _World, given: dict[str, str], statuses: list[str]) -> None:
    kept = urlencode({**given, "cote": "to_validate"})
    page, listed = await world.at(f"/archives/2025?{kept}&cursor=after-0")
    assert (listed["side"], listed["status"], listed.get("q")) == ("to_validate", statuses, given.get("q"))
    text = html.unescape(page.text)
    assert f'href="/archives/2025?{kept}">Début de la liste' in text
    assert f'href="/archives/2025/export.csv?{kept}"' in text
    file, asked = await world.at(f"/archives/2025/export.csv?{kept}")
    assert file.content == b"numero\n"
    expected = {name: listed[name] for name in ("side", "status", "since", "until", "q") if name in listed}
    assert asked == expected
