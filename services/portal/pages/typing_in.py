"""``/saisir``: an invoice without a PDF: empty, as last time, or made again from one that came back."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages.deposit import may_deposit, no_right
from services.portal.pages.draft import path_of
from services.portal.pages.draft_view import DRAFTS, recipient_of
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page


def add_routes(router: APIRouter) -> None:
    """Serve it."""

    @router.get("/saisir")
    async def ask(page: Own, siret: str = "", service: str = "", engagement: str = "") -> Response:
        if not may_deposit(page):
            return no_right(page)
        form = Form.of(recipient=siret[:60], service=service[:100], engagement=engagement[:100], how="empty")
        return await _asked(page, form)

    @router.post("/saisir")
    async def begin(page: Own) -> Response:
        form = await page.form()
        act = form.text("act")
        if act.startswith("pick|"):
            picked = Form.of(
                recipient=act.removeprefix("pick|")[:60], how=form.text("how"), **_kept(form, "service", "engagement")
            )
            return await _asked(page, picked)
        asked = _asking(page, form)
        if asked is None:
            return await _asked(page, form)
        answer = await page.call.post("ingest", DRAFTS, asked, headers={"Idempotency-Key": form.once})
        if answer.problem is not None and answer.problem.code == "NOTHING_TO_COPY":
            form.wrong("recipient", page.t("typing.nothing_like_it"))
        if not form.valid or not form.take(answer.problem, {"same_as_last": "recipient"}):
            if form.text("from") and form.problem is not None:
                return page.refused(form.problem)
            return await _asked(page, form)
        return page.go(path_of(answer.data["id"]), "draft_again" if form.text("from") else "draft_begun")


def _kept(form: Form, *names: str) -> dict[str, str]:
    return {name: form.text(name)[:100] for name in names if form.text(name)}


def _asking(page: Page, form: Form) -> dict[str, Any] | None:
    """What the draft begins with; None with what is wrong in the form."""
    if form.text("from"):
        try:
            return {"from_invoice": str(UUID(form.text("from")))}
        except ValueError:
            form.wrong("recipient", page.t("typing.recipient_missing"))
            return None
    recipient = form.text("recipient")[:60]
    fields = {"service_code": form.text("service"), "engagement": form.text("engagement")}
    given = {name: value[:100] for name, value in fields.items() if value}
    if form.text("how") == "last":
        if not recipient:
            form.wrong("recipient", page.t("typing.recipient_missing"))
            return None
        return {"same_as_last": recipient[:40], "fields": given}
    return {"fields": {**given, **({"recipient_siret": recipient} if recipient else {})}}


async def _asked(page: Page, form: Form) -> Response:
    recipient = await recipient_of(page, form.text("recipient"))
    return page.render("typing/begin.html", status=200 if form.valid else 422, form=form, recipient=recipient)
