"""``/messages/reglages``: at which rhythm which messages come, in which language, and at which address."""

import asyncio
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page

PAGE: Final = "/messages/reglages"
_PREFERENCES: Final = "/api/v1/messages/preferences"
_CONTACT: Final = "/api/v1/messages/contact"
RHYTHMS: Final = ("at_once", "daily", "weekly", "off")


def add_routes(router: APIRouter) -> None:
    """Serve it."""

    @router.get(PAGE)
    async def shown(page: Own) -> Response:
        return await _show(page, None)

    @router.post(PAGE)
    async def change(page: Own) -> Response:
        form = await page.form()
        kinds: dict[str, str | None] = {}
        for name in form.names():
            if name.startswith("kind-"):
                chosen = form.text(name)
                kinds[name.removeprefix("kind-")] = chosen if chosen in RHYTHMS else None
        every = form.text("every")
        kinds["*"] = every if every in RHYTHMS else None
        language = form.text("language") if form.text("language") in ("fr", "en") else None
        answer = await page.call.put("notify", _PREFERENCES, {"language": language, "kinds": kinds})
        if not form.take(answer.problem):
            return await _show(page, form)
        return page.go(PAGE, "saved")

    @router.post(f"{PAGE}/adresse")
    async def address(page: Own) -> Response:
        form = await page.form()
        answer = await page.call.put("notify", _CONTACT, {"email": form.text("email")[:300]})
        if not form.take(answer.problem):
            return await _show(page, form)
        return page.go(PAGE, "contact_asked")


async def _show(page: Page, sent: Form | None) -> Response:
    chosen, contact = await asyncio.gather(page.call.get("notify", _PREFERENCES), page.call.get("notify", _CONTACT))
    found: dict[str, Any] = chosen.data or {}
    form = _form(found, sent or Form())
    return page.render(
        "messages/settings.html",
        status=200 if form.valid else 422,
        form=form,
        found=found,
        kinds=[each for each in found.get("kinds", []) if set(each["default"]) - set(each["mandatory"])],
        contact=contact.data or {},
        rhythms=[(rhythm, page.t(f"messages.rhythm_{rhythm}")) for rhythm in RHYTHMS],
        away=any(answer.problem is not None and answer.problem.away for answer in (chosen, contact)),
    )


def _form(found: dict[str, Any], form: Form) -> Form:
    """The form with what is chosen now wherever it says nothing: the page has two, and only one of them is sent."""
    chosen = {f"kind-{each['kind']}": each["chosen"] for each in found.get("kinds", [])}
    for name, value in {"language": found.get("language"), "every": found.get("every_kind"), **chosen}.items():
        if not form.has(name):
            form.keep(name, [value or ""])
    return form
