"""``/brouillons/{id}/pieces``: attachments, the PDF of a draft that has none, and a paper that is no invoice."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.common import bodies
from services.portal.pages.call import Answer
from services.portal.pages.deposit_files import handed_on
from services.portal.pages.deposit_intake import DEPOSITS
from services.portal.pages.deposit_stream import Multipart, Part, guarded
from services.portal.pages.draft import path_of
from services.portal.pages.draft_view import DRAFTS
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page
from services.portal.pages.problems import NOT_FOUND, Problem, Shown

_SECONDS: Final = 90.0
Sends = Callable[[Part, Form], Awaitable[Answer]]
_NO_FILE: Final = Problem(status=400, code="FILE_MISSING")


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_list(router)
    _add_files(router)
    _add_reuse(router)


def _add_list(router: APIRouter) -> None:
    @router.get("/brouillons/{draft_id}/pieces")
    async def pieces(page: Own, draft_id: UUID) -> Response:
        return await _listed(page, draft_id, Form())

    @router.get("/brouillons/{draft_id}/pieces/{piece}")
    async def piece(page: Own, draft_id: UUID, piece: UUID) -> Response:
        """The service's own links last a quarter of an hour and end with the right behind them: a page stays open for
        longer, and what it leads to is asked for anew."""
        kept = await page.call.need("ingest", f"{DEPOSITS}/{draft_id}/attachments")
        for each in kept["attachments"]:
            if each["id"] == str(piece):
                return await handed_on(page, "ingest", each["href"])
        raise Shown(NOT_FOUND)


async def _listed(page: Page, draft: UUID, form: Form) -> Response:
    kept, reusable, drafts, sent = await asyncio.gather(
        page.call.need("ingest", f"{DEPOSITS}/{draft}/attachments"),
        page.call.get("ingest", f"{DEPOSITS}/{draft}/attachments/reusable"),
        page.call.get("ingest", DRAFTS, {"limit": 50}),
        page.call.get("ingest", DEPOSITS, {"limit": 50, "state": "submitted"}),
    )
    one = await page.call.need("ingest", f"{DRAFTS}/{draft}")
    others = [
        (each["id"], each["invoice_number"] or each["file_name"])
        for each in [*(drafts.data or {}).get("drafts", []), *(sent.data or {}).get("deposits", [])]
        if each["id"] != str(draft)
    ]
    return page.render(
        "draft/pieces.html",
        status=200 if form.valid else 422,
        form=form,
        draft=one,
        kept=kept["attachments"],
        types=[(each["code"], each["label"]) for each in kept["types"]],
        reusable=[
            (each["id"], f"{each['label'] or each['name']} – {each['name']}")
            for each in (reusable.data or {}).get("attachments", [])
        ],
        others=others,
    )


def _add_files(router: APIRouter) -> None:
    @router.post("/brouillons/{draft_id}/pieces")
    @bodies.takes(bodies.FILES)
    async def attach(page: Own, draft_id: UUID) -> Response:
        async def send(part: Part, form: Form) -> Answer:
            body = Multipart({name: form.text(name)[:300] for name in ("type", "label")}, part.file_name or "")
            return await page.call.ask(
                "POST",
                "ingest",
                f"{DEPOSITS}/{draft_id}/attachments",
                content=body.around(part.chunks()),
                headers=body.headers,
                seconds=_SECONDS,
            )

        form = await _one_file(page, send)
        if not form.valid:
            return await _listed(page, draft_id, form)
        return page.go(f"{path_of(draft_id)}/pieces", "piece_added")

    @router.post("/brouillons/{draft_id}/document")
    @bodies.takes(bodies.FILES)
    async def document(page: Own, draft_id: UUID) -> Response:
        async def send(part: Part, form: Form) -> Answer:
            body = Multipart({}, part.file_name or "")
            return await page.call.ask(
                "PUT",
                "ingest",
                f"{DRAFTS}/{draft_id}/document",
                content=body.around(part.chunks()),
                headers=body.headers,
                seconds=_SECONDS,
            )

        form = await _one_file(page, send, field="document")
        if not form.valid:
            return await _listed(page, draft_id, form)
        return page.go(path_of(draft_id), "document_given")


async def _one_file(page: Page, send: Sends, field: str = "file") -> Form:
    """The form with one file, which is sent on as it comes; what is wrong with it stands in the form."""
    fields, answer = dict[str, list[Any]](), Answer(status=400, problem=_NO_FILE)
    async with guarded(page) as parts:
        async for part in parts:
            if part.file_name is None:
                fields[part.name] = [await part.text()]
            elif part.name == field and part.file_name:
                answer = await send(part, Form(fields))
    form = Form(fields)
    if answer.problem is not None and answer.problem.code == "FILE_MISSING":
        form.wrong(field, page.t("draft.file_missing"))
    else:
        form.take(answer.problem, {"file": field})
    return form


def _add_reuse(router: APIRouter) -> None:
    @router.post("/brouillons/{draft_id}/pieces/reprise")
    async def reuse(page: Own, draft_id: UUID) -> Response:
        form = await page.form()
        path = f"{DEPOSITS}/{draft_id}/attachments/reuse"
        answer = await page.call.post("ingest", path, {"attachment": form.text("attachment")[:40]})
        if not form.take(answer.problem):
            return await _listed(page, draft_id, form)
        return page.go(f"{path_of(draft_id)}/pieces", "piece_added")

    @router.post("/brouillons/{draft_id}/papier")
    async def as_attachment(page: Own, draft_id: UUID) -> Response:
        """What was dropped is no invoice: a piece of another one, and its draft is no more."""
        form = await page.form()
        given = {name: form.text(name)[:300] for name in ("to", "type", "label")}
        answer = await page.call.post("ingest", f"{DEPOSITS}/{draft_id}/as-attachment", given)
        if not form.take(answer.problem, {"type": "paper_type", "label": "paper_label"}):
            return await _listed(page, draft_id, form)
        return page.go("/brouillons", "paper_moved")
