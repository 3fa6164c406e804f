"""``/compte``: one's own account: name, language, sessions, structures, everything held, closing."""

import asyncio
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages import account_proof, lists
from services.portal.pages.account_proof import ME
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page
from services.portal.pages.words import LANGUAGES

SESSIONS: Final = "/api/v1/accounts/sessions"


def add_routes(router: APIRouter) -> None:
    """Serve it."""
    _add_overview(router)
    _add_sessions(router)
    _add_closing(router)


def _add_overview(router: APIRouter) -> None:
    @router.get("/compte")
    async def overview(page: Own, suite: str = "") -> Response:
        me = await page.call.need("portal", ME)
        return await _overview(page, Form.of(name=me["name"], language=me["language"]), me, suite)

    @router.post("/compte")
    async def change(page: Own) -> Response:
        form = await page.form()
        if not form.text("name"):
            form.wrong("name", page.t("joining.name_missing"))
            return await _overview(page, form)
        language = form.text("language")
        answer = await page.call.patch("portal", ME, {"name": form.text("name")[:200], "language": language})
        if not form.take(answer.problem):
            return await _overview(page, form)
        for known in LANGUAGES:
            if known == language:
                page.choose(known)
        return page.go("/compte", "saved")


async def _overview(page: Page, form: Form, me: dict[str, Any] | None = None, after: str = "") -> Response:
    sessions, structures = await asyncio.gather(
        page.call.get("portal", SESSIONS),
        lists.page_of(
            page, "portal", "/api/v1/accounts/structures", "structures", {"limit": 50}, after, part="structures"
        ),
    )
    return page.render(
        "account/overview.html",
        status=200 if form.valid else 422,
        form=form,
        me=me or await page.call.need("portal", ME),
        sessions=sessions.data or [],
        structures=structures,
    )


def _add_sessions(router: APIRouter) -> None:
    @router.post("/compte/connexions/fermer")
    async def end_others(page: Own) -> Response:
        form = await page.form()
        if form.text("session"):
            try:
                asked = UUID(form.text("session"))
            except ValueError:
                return page.go("/compte#connexions")
            answer = await page.call.delete("portal", f"{SESSIONS}/{asked}")
        else:
            answer = await page.call.delete("portal", SESSIONS)
        page.hand_on(answer)
        if answer.problem is not None and answer.status != 404:
            return page.refused(answer.problem)
        return page.go("/compte#connexions", "sessions_ended")


def _add_closing(router: APIRouter) -> None:
    @router.get("/compte/fermeture")
    async def ask(page: Own) -> Response:
        return page.render("account/closing.html", form=Form())

    @router.post("/compte/fermeture")
    async def close(page: Own) -> Response:
        form = await page.form()
        if form.text("confirm").upper() != "FERMER":
            form.wrong("confirm", page.t("account.closing_word"))
            return page.render("account/closing.html", status=422, form=form)
        answer = await page.call.post("portal", f"{ME}/closing", {"confirm": "FERMER"})
        proof = await account_proof.first(page, answer, form)
        if proof is not None:
            return proof
        if not form.take(answer.problem):
            return page.render("account/closing.html", status=422, form=form)
        page.hand_on(answer)
        return page.go("/connexion", "closed")
