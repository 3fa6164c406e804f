"""Lists that come page by page: their addresses, their ends, and what several trails are together."""

from collections.abc import Mapping
from typing import Any, cast

import pytest
from starlette.datastructures import URL, QueryParams

from services.portal.pages import gestion_trail, lists, people
from services.portal.pages.call import Answer
from services.portal.pages.page import Page
from services.portal.pages.problems import Problem, Shown

ROWS = [{"id": str(number)} for number in range(5)]


class _Calls:
    """A service with five rows, two a page; ``refuses`` what it answers instead."""

    def __init__(self, refuses: Problem | None = None) -> None:
        self.refuses, self.asked = refuses, list[Mapping[str, Any]]()

    async def get(self, service: str, path: str, params: Mapping[str, Any]) -> Answer:
        self.asked.append(params)
        if self.refuses is not None:
            return Answer(status=self.refuses.status, problem=self.refuses)
        start = int(params["cursor"] or 0)
        following = str(start + 2) if start + 2 < len(ROWS) else None
        return Answer(status=200, data={"rows": ROWS[start : start + 2], "next": following})

    async def need(self, service: str, path: str, params: Mapping[str, Any]) -> Any:
        answer = await self.get(service, path, params)
        if answer.problem is not None:
            raise Shown(answer.problem)
        return answer.data


class _Request:
    def __init__(self, address: str) -> None:
        self.url = URL(address)
        self.query_params = QueryParams(self.url.query)


class _Page:
    def __init__(self, calls: _Calls, address: str = "/liste?q=nice&fait=saved&suite=2") -> None:
        self.call, self.request = calls, _Request(address)


def _page(refuses: Problem | None = None) -> Page:
    return cast(Page, _Page(_Calls(refuses)))


async def _at(page: Page, after: str) -> lists.Listed:
    return await lists.page_of(page, "portal", "/rows", "rows", {"limit": 2}, after, part="liste")


async def test_a_page_of_a_list_leads_to_the_next_and_to_the_beginning_with_all_else_that_was_asked() -> None:
    first, middle, last = [await _at(_page(), after) for after in ("", "2", "4")]
    assert [len(each.rows) for each in (first, middle, last)] == [2, 2, 1]
    assert first.next == "/liste?q=nice&suite=2#liste"
    assert first.first is None
    assert middle.next == "/liste?q=nice&suite=4#liste"
    assert middle.first == "/liste?q=nice#liste"
    assert last.next is None
    assert last.more


async def test_a_cursor_that_no_service_gave_leads_nowhere_and_a_service_away_is_no_error() -> None:
    wrong = Problem(status=422, code="CURSOR_INVALID")
    with pytest.raises(Shown) as raised:
        await _at(_page(wrong), "made up")
    assert raised.value.problem.status == 404
    away = await _at(_page(Problem(status=503, code="SERVICE_AWAY")), "2")
    assert away.rows == []
    assert away.problem is not None
    assert away.first == "/liste?q=nice#liste"


async def test_one_row_is_looked_for_on_every_page_and_on_no_more_than_needed() -> None:
    page = _page()
    assert await lists.whole(page, "portal", "/rows", "rows") == ROWS
    calls = cast(_Calls, page.call)
    assert [each["cursor"] for each in calls.asked] == [None, "2", "4"]
    calls.asked.clear()
    async for row in lists.each(page, "portal", "/rows", "rows"):
        if row["id"] == "3":
            break
    assert len(calls.asked) == 2


async def test_a_list_that_is_read_only_in_part_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not (await lists.whole(_page(), "portal", "/rows", "rows")).cut
    monkeypatch.setattr(lists, "_MOST_PAGES", 2)
    found = await lists.whole(_page(), "portal", "/rows", "rows")
    assert (found, found.cut) == (ROWS[:4], True)
    with pytest.raises(Shown) as raised:  # what was looked for may be among the others
        assert [row async for row in lists.each(_page(), "portal", "/rows", "rows") if row["id"] == "4"] == []
    assert raised.value.problem is lists.TOO_LONG
    with pytest.raises(Shown) as away:
        await lists.whole(_page(Problem(status=503, code="SERVICE_AWAY")), "portal", "/rows", "rows")
    assert away.value.problem.status == 503


@pytest.mark.parametrize("cut", [True, False])
async def test_who_is_not_in_what_was_read_is_not_said_to_be_unknown(
    monkeypatch: pytest.MonkeyPatch, cut: bool
) -> None:
    if cut:
        monkeypatch.setattr(lists, "_MOST_PAGES", 1)

    async def need(*_: object) -> dict[str, Any]:
        return {"members": [{"subject": "person:a"}, {"subject": "person:b"}], "next": "2" if cut else None}

    page = _page()
    monkeypatch.setattr(page.call, "need", need)
    who, others = await people._member(page, "99900001100018", "person:b")
    assert (who["subject"], others, others.cut) == ("person:b", [{"subject": "person:a"}], cut)
    with pytest.raises(Shown) as raised:
        await people._member(page, "99900001100018", "person:c")
    assert raised.value.problem.code == ("LIST_TOO_LONG" if cut else "NOT_FOUND")


def _look(number: int, hour: int) -> dict[str, Any]:
    return {"id": number, "at": f"2026-11-23T{hour:02}:00:00+00:00"}


def test_several_trails_are_read_as_one_and_go_on_where_each_was_left() -> None:
    found = [[_look(9, 12), _look(8, 8)], [], [_look(3, 10), _look(2, 9)], [], []]
    rows = gestion_trail.merged(found, 3)
    assert [row["id"] for row in rows] == [9, 3, 2]
    after = gestion_trail.last_of(rows, (None, 70, None, None, None))
    assert after == (9, 70, 2, None, None)
    text = gestion_trail.cursor_text(after)
    assert gestion_trail.cursors_of(text) == after


@pytest.mark.parametrize("text", ["", "1", "1.2.3.4", "a.b.c.d.e", "1.2.3.4.-5", "²....", "1.2.3.4.5.6"])
def test_what_is_no_place_in_the_trails_is_their_beginning(text: str) -> None:
    assert gestion_trail.cursors_of(text) == (None,) * len(gestion_trail.LOOKS)
