"""``/brouillons/{id}/cadre``: the cadre de facturation in plain words, one question after the other."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages.draft import if_match, path_of
from services.portal.pages.draft_view import DRAFTS
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page


def add_routes(router: APIRouter) -> None:
    """Serve it."""

    @router.get("/brouillons/{draft_id}/cadre")
    async def ask(page: Own, draft_id: UUID, question: str = "") -> Response:
        draft = await page.call.need("ingest", f"{DRAFTS}/{draft_id}")
        return await _asked(page, draft, question, Form())

    @router.post("/brouillons/{draft_id}/cadre")
    async def answer(page: Own, draft_id: UUID) -> Response:
        form = await page.form()
        draft = await page.call.need("ingest", f"{DRAFTS}/{draft_id}")
        to = form.text("answer")
        if to.startswith("next|"):
            return page.go(f"{path_of(draft_id)}/cadre?question={to.removeprefix('next|')[:60]}")
        if not to.startswith("cadre|"):
            form.wrong("answer", page.t("draft.answer_missing"))
            return await _asked(page, draft, form.text("question"), form)
        fields = {"cadre": to.removeprefix("cadre|")[:10]}
        path = f"{DRAFTS}/{draft_id}"
        saved = await page.call.patch("ingest", path, {"fields": fields}, headers=if_match(draft["version"]))
        if not form.take(saved.problem):
            return await _asked(page, draft, form.text("question"), form)
        return page.go(path_of(draft_id), "cadre_chosen")


async def _asked(page: Page, draft: dict[str, Any], name: str, form: Form) -> Response:
    found: dict[str, Any] = await page.call.need("ingest", f"{DRAFTS}/questions")
    questions = {each["name"]: each for each in found["questions"]}
    question = questions.get(name) or questions[found["first"]]
    labels = {each["code"]: each["label"] for each in found["cadres"]}
    options = [
        (
            f"next|{each['next']}" if each["next"] else f"cadre|{each['cadre']}",
            each["text"],
            " – ".join(part for part in (labels.get(each["cadre"] or ""), each["hint"]) if part),
        )
        for each in question["answers"]
    ]
    return page.render(
        "draft/cadre.html",
        status=200 if form.valid else 422,
        draft=draft,
        question=question,
        options=options,
        first=question["name"] == found["first"],
        form=form,
    )
