"""How long the other services are waited for, and what is said where they do not answer."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from services.common.web import Problem
from services.supervision.neighbours import Neighbours

REQUEST: Any = SimpleNamespace(headers={}, state=SimpleNamespace(traceparent="00-1-2-01"))


def _neighbours(seen: dict[str, float], *, away: bool = False) -> Neighbours:
    def answer(request: httpx.Request) -> httpx.Response:
        seen[request.method] = request.extensions["timeout"]["read"]
        if away:
            raise httpx.ReadTimeout("late")
        return httpx.Response(200, json=[])

    found = Neighbours({"status": "http://status"})
    found._client = httpx.AsyncClient(transport=httpx.MockTransport(answer), timeout=3.0)
    return found


async def test_a_decision_is_waited_for_longer_than_a_figure() -> None:
    seen: dict[str, float] = {}
    neighbours = _neighbours(seen)
    for method in ("GET", "POST"):
        await neighbours.ask(REQUEST, "status", method, "/internal/status/dead-letters")
    assert seen == {"GET": 3.0, "POST": 20.0}


async def test_a_decision_without_an_answer_may_be_repeated_and_that_is_said() -> None:
    neighbours = _neighbours({}, away=True)
    said = {}
    for method in ("GET", "POST"):
        with pytest.raises(Problem) as caught:
            await neighbours.ask(REQUEST, "status", method, "/internal/status/dead-letters")
        said[method] = caught.value.detail
        assert (caught.value.status, caught.value.code) == (503, "SERVICE_AWAY")
    assert "ne se refait pas" in said["POST"]
    assert "ne se refait pas" not in said["GET"]
