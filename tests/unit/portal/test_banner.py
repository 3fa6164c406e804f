"""What is announced above every page: read once a minute, and never waited for twice."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.portal.pages.banner import Banner

UNTIL = "2199-01-01T00:00:00+00:00"


def _said(kind: str, title: str, until: str = UNTIL) -> dict[str, Any]:
    return {"kind": kind, "title": title, "title_en": None, "ends_at": None, "shown_until": until, "body": "…"}


class _Api:
    def __init__(self, *answers: Sequence[Mapping[str, Any]] | Exception) -> None:
        self.answers, self.asked = list(answers), 0

    async def __call__(self) -> Sequence[Mapping[str, Any]]:
        await asyncio.sleep(0)
        self.asked += 1
        found = self.answers[min(self.asked, len(self.answers)) - 1]
        if isinstance(found, Exception):
            raise found
        return found


async def test_maintenance_comes_first_and_news_stay_on_their_page() -> None:
    api = _Api([_said("news", "Nouveau"), _said("code_closing", "Un code ferme"), _said("maintenance", "Cette nuit")])
    found = await Banner(api).now()
    assert [each.title for each in found] == ["Cette nuit", "Un code ferme"]
    assert found[0].shown_until == datetime.fromisoformat(UNTIL)


async def test_many_pages_at_once_ask_once_and_those_of_the_same_minute_not_at_all() -> None:
    api = _Api([_said("maintenance", "Cette nuit")])
    banner = Banner(api)
    many = await asyncio.gather(*(banner.now() for _ in range(20)))
    assert {len(each) for each in many} == {1}
    await banner.now()
    assert api.asked == 1


async def test_an_announcement_of_this_process_is_said_at_once_and_one_that_is_over_no_more() -> None:
    banner = Banner(
        _Api([], [_said("maintenance", "Cette nuit")], [_said("maintenance", "Hier", UNTIL[:1] + "000" + UNTIL[4:])])
    )
    assert await banner.now() == ()
    banner.forget()
    assert [each.title for each in await banner.now()] == ["Cette nuit"]
    banner.forget()
    assert await banner.now() == ()


async def test_what_a_tenant_announces_stands_above_the_pages_of_its_own_people_behind_the_operators() -> None:
    ours = {**_said("maintenance", "Chez nous"), "tenant": "cd06", "tenant_name": "Alpes-Maritimes"}
    banner = Banner(_Api([ours, _said("code_closing", "Un code ferme")]))
    assert [each.title for each in await banner.now()] == ["Un code ferme"]
    assert [each.title for each in await banner.now({"cd31": "Haute-Garonne"})] == ["Un code ferme"]
    own = await banner.now({"cd06": "Alpes-Maritimes"})
    assert [(each.title, each.tenant_name) for each in own] == [
        ("Un code ferme", None),
        ("Chez nous", "Alpes-Maritimes"),
    ]


async def test_a_page_is_silent_where_announcements_cannot_be_read() -> None:
    for trouble in (ConnectionError("away"), [{"kind": "maintenance"}]):
        assert await Banner(_Api(trouble)).now() == ()

    async def never() -> Sequence[Mapping[str, Any]]:
        await asyncio.Event().wait()
        return ()

    assert await Banner(never, seconds=0.01).now() == ()
