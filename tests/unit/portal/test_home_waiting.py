"""What waits for somebody on his first page, beside invoices."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.portal.pages import home_waiting
from services.portal.pages.call import Answer
from services.portal.pages.page import Page
from services.portal.pages.person import Person
from services.portal.pages.problems import Problem

OWN = "person:agnes"
A, S = "/api/v1/accounts", "/api/v1/solicitations"


class _Calls:
    """Answers nobody before all have asked: whoever asks one after the other waits for ever."""

    def __init__(self, answers: dict[str, Answer], together: int) -> None:
        self.answers, self.asked = answers, 0
        self._all = asyncio.Barrier(together)

    async def get(self, service: str, path: str, params: dict[str, Any] | None = None) -> Answer:
        self.asked += 1
        async with asyncio.timeout(5):
            await self._all.wait()
        key = f"{path} {params['box']}" if params and "box" in params else path
        return self.answers.get(key, Answer(status=200, data={}))


def who(*roles: str) -> Person:
    return cast(Person, SimpleNamespace(has=lambda *wanted: bool(set(roles) & set(wanted))))


async def waiting(calls: _Calls, *roles: str) -> home_waiting.Waiting:
    page = SimpleNamespace(call=calls, t=lambda key: key, me=SimpleNamespace(subject=OWN))
    return await home_waiting.of(cast(Page, page), who(*roles))


def _rows(name: str, *rows: dict[str, Any], more: str | None = None) -> Answer:
    return Answer(status=200, data={name: list(rows), "next": more})


ANSWERS = {
    f"{A}/requests": _rows("requests", {"subject": "person:rita"}, {"subject": OWN}),
    f"{A}/proofs": _rows("proofs", {"subject": "person:rita"}, {"subject": "person:sonia"}, more="on"),
    f"{A}/successions": _rows("successions", {"state": "asked"}, {"state": "done"}),
    f"{S} received": _rows("solicitations", {"my_turn": True}, {"my_turn": False}),
    f"{S} sent": _rows("solicitations", {"my_turn": True}, {"my_turn": True}),
}


async def test_everything_that_waits_is_asked_for_at_once_and_counted() -> None:
    found = await waiting(_Calls(ANSWERS, 5), "GESTIONNAIRE")
    assert [(line.text, line.count, line.more) for line in found.lines] == [
        ("home.to_answer", 1, False),
        ("home.answered", 2, False),
        ("home.requests", 1, False),
        ("home.proofs", 2, True),
        ("home.successions", 1, False),
    ]
    assert not found.away


async def test_who_manages_nothing_is_not_shown_what_managers_decide() -> None:
    calls = _Calls(ANSWERS, 3)
    found = await waiting(calls, "AGENT")
    assert [line.text for line in found.lines] == ["home.to_answer", "home.answered", "home.requests"]
    assert calls.asked == 3


@pytest.mark.parametrize("gone", [f"{A}/requests", f"{S} sent"])
async def test_what_cannot_be_asked_is_said_and_the_rest_is_there(gone: str) -> None:
    away = Answer(status=503, problem=Problem(status=503, code="SERVICE_AWAY"))
    found = await waiting(_Calls({**ANSWERS, gone: away}, 5), "TENANT_ADMIN")
    assert found.away
    assert len(found.lines) == 4
