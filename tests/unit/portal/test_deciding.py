"""Refusing what somebody asked for, from a page."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from services.portal.pages.call import Answer
from services.portal.pages.deciding import refuse
from services.portal.pages.forms import Form
from services.portal.pages.problems import Problem

DONE = Answer(status=200, data={})
NO = Answer(status=409, problem=Problem(status=409, code="DECIDED"))


@pytest.mark.parametrize(
    ("reason", "answer", "asked", "shown"),
    [
        ("trop court", DONE, 1, False),
        ("court", DONE, 0, True),
        ("x" * 2000, DONE, 1, False),
        ("déjà décidé", NO, 1, True),
    ],
)
def test_what_is_refused_has_a_reason_and_else_the_form_is_shown_again(
    reason: str, answer: Answer, asked: int, shown: bool
) -> None:
    posts: list[tuple[str, Any]] = []

    async def form() -> Form:
        return Form.of(reason=reason)

    async def post(service: str, path: str, given: Any) -> Answer:
        posts.append((path, given))
        return answer

    async def again(given: Form) -> Response:
        assert not given.valid
        assert given.text("reason") == reason
        return PlainTextResponse("again", status_code=422)

    def go(path: str, done: str) -> Response:
        return RedirectResponse(f"{path}?fait={done}", status_code=303)

    page: Any = SimpleNamespace(form=form, call=SimpleNamespace(post=post), go=go, t=lambda key: key)
    found = asyncio.run(refuse(page, "/one/refuse", "request_refused", again))
    assert posts == [("/one/refuse", {"reason": reason[:1000]})] * asked
    assert found.status_code == (422 if shown else 303)
    assert shown or found.headers["location"] == "/gestion?fait=request_refused"
