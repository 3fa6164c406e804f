"""Refusing what somebody asked a manager for, with a reason that he will read."""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi.responses import Response

from services.portal.pages.forms import Form
from services.portal.pages.page import Page

_SHORTEST: Final = 10
_LONGEST: Final = 1000


async def refuse(page: Page, path: str, done: str, again: Callable[[Form], Awaitable[Response]]) -> Response:
    """Refuse it at ``path``; ``again`` shows the form where its reason, or the moment, will not do."""
    form = await page.form()
    reason = form.text("reason")
    if len(reason) < _SHORTEST:
        form.wrong("reason", page.t("people.reason_missing"))
        return await again(form)
    answer = await page.call.post("portal", path, {"reason": reason[:_LONGEST]})
    return page.go("/gestion", done) if form.take(answer.problem) else await again(form)
