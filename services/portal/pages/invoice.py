"""``/factures/{id}``: one invoice: its document, its data, its story, the law's clock, and what may be done with it."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages import invoice_questions, invoice_view, invoices_names
from services.portal.pages.call import Answer
from services.portal.pages.forms import Form
from services.portal.pages.invoices import API
from services.portal.pages.invoices_files import carried
from services.portal.pages.invoices_spaces import REFUSED, opened, tone
from services.portal.pages.page import Own, Page, Visit, local
from services.portal.pages.problems import NOT_FOUND, Problem, Shown
from services.portal.pages.supervision_rows import LETTERS

_DIRECTORY: Final = "/api/v1/directory/structures"
#: Who says no in the place of the body, by what the invoice calls him.
_REFUSERS: Final = {
    "REFUSEE_1": "validator_1",
    "REFUSEE_2": "validator_2",
    "REFUSEE_MOE": "moe",
    "REFUSEE_MOA": "moa",
    "REFUSEE_FOURNISSEUR": "supplier",
}
#: The document's own page: nothing runs in it, and it belongs to no other page than ours. It keeps its origin only so
#: that the pictures of its pages are let in.
_FRAME: Final = (
    "sandbox allow-same-origin; default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'self'"
)


def add_routes(router: APIRouter) -> None:
    """Serve it."""
    _add_page(router)
    _add_document(router)
    _add_files(router)


def _add_page(router: APIRouter) -> None:
    @router.get("/factures/{invoice}")
    async def one(page: Own, invoice: UUID, dans: str = "") -> Response:
        back = local(dans, "")
        try:
            return await shown(page, invoice, back=back)
        except Shown as unknown:
            if unknown.problem.status != 404 or not back.startswith(LETTERS):
                raise
            # A dead letter names what never became an invoice, too.
            return page.render("invoice/unknown.html", status=404, back=back)


async def shown(page: Page, invoice: UUID, *, back: str = "", form: Form | None = None) -> Response:
    """The page of an invoice. ``form``: of an act that was refused there; ``back``: the list that led here."""
    detail, actions, clock, data, asked = await asyncio.gather(
        page.call.need("status", f"{API}/{invoice}"),
        page.call.get("status", f"{API}/{invoice}/actions"),
        page.call.get("status", f"{API}/{invoice}/clock"),
        page.call.get("status", f"{API}/{invoice}/data"),
        invoice_questions.of(page, invoice),
    )
    files = (data.data or {}).get("documents", [])
    refuser = refuser_of(detail)
    body, card, people, structures = await asyncio.gather(
        contact(page, detail),
        _card(page, refuser["siret"] if refuser else ""),
        invoices_names.of_people(page, (each.get("by") for each in detail["history"])),
        invoices_names.of_structures(page, _structures(detail)),
    )
    names = {each["id"]: each["name"] for each in files}
    offered = () if actions.data is None else invoice_view.offered(actions.data["actions"], page.t)
    return page.render(
        "invoice/one.html",
        status=200 if form is None else 422,
        form=form or Form(),
        one=detail,
        tone=tone(detail["status"]),
        version=(actions.data or {}).get("version"),
        offered=offered,
        mine=any(each.group == "lead" for each in offered),
        delay=invoice_view.delay(clock.data, page.t),
        story=invoice_view.story(detail["history"], page.t, people=people, files=names, more=asked),
        files=files,
        structures=structures,
        suggestions=invoice_view.suggestions(detail["history"]) if detail["status"]["code"] == "A_RECYCLER" else [],
        body=body,
        refuser=refuser,
        refuser_card=card,
        refused=detail["status"]["code"] in REFUSED,
        can_redo=detail["status"]["code"] == "REJETEE" and _issued(page, detail),
        spaces_open=opened(page),
        back=back,
        dans=f"?dans={quote(back, safe='')}" if back else "",
        away=any(_away(answer) for answer in (actions, clock, data)),
    )


def _away(answer: Answer) -> bool:
    return answer.problem is not None and answer.problem.away


def _issued(page: Page, detail: Mapping[str, Any]) -> bool:
    """Whether one of his own structures issued it: drafts are theirs."""
    return any(place.key == detail["supplier_siret"] for place in page.me.places)


def _structures(detail: Mapping[str, Any]) -> list[str]:
    works = detail["works"] or {}
    parties = [*detail["validators"], works.get("moe"), works.get("moa")]
    return [detail["supplier_siret"], detail["recipient"]["siret"], *(each["siret"] for each in parties if each)]


async def contact(page: Page, detail: Mapping[str, Any]) -> dict[str, Any] | None:
    """The body's public card, where somebody has said no or waits for an answer: whoever reads it knows whom to ask."""
    if detail["status"]["code"] not in REFUSED:
        return None
    siret = detail["recipient"]["siret"]
    if not siret.isalnum():
        return None
    return await _card(page, siret) or {"siret": siret, "name": detail["recipient"]["name"]}


async def _card(page: Page, siret: str) -> dict[str, Any] | None:
    """What the directory says of a structure; None of one that is not in it, as companies are not."""
    if not siret.isalnum():
        return None
    found = await page.call.get("routing", f"{_DIRECTORY}/{siret}")
    return found.data if isinstance(found.data, dict) else None


def refuser_of(detail: Mapping[str, Any]) -> dict[str, Any] | None:
    """Who refused it, where that was not the body: ``role``, ``siret``, ``service``."""
    role, works = _REFUSERS.get(detail["status"]["code"]), detail["works"] or {}
    ranks = ("validator_1", "validator_2")
    parties = {
        **dict(zip(ranks, detail["validators"], strict=False)),
        "moe": works.get("moe"),
        "moa": works.get("moa"),
        "supplier": {"siret": detail["supplier_siret"]},
    }
    party = parties.get(role or "")
    return {"role": role, "siret": party["siret"], "service": party.get("service")} if party else None


def _add_document(router: APIRouter) -> None:
    @router.get("/factures/{invoice}/document")
    async def document(page: Visit, invoice: UUID) -> Response:
        """The pages as pictures, for the frame: a PDF of anybody's is never opened by the browser itself. What is wrong
        is said within the frame, which shows no other page."""
        detail = await _framed(page, invoice)
        given: Mapping[str, str] = detail.data["pages"] if detail.ok else {}
        index = await page.call.get("ocr", given["index"]) if given else Answer(status=404)
        pages = (index.data or {}).get("pages", [])
        response = page.render(
            "invoice/document.html",
            status=detail.status,
            number=detail.data["number"] if detail.ok else "",
            pages=[{**each, "path": given["template"].replace("{n}", str(each["number"]))} for each in pages],
            words=frame_words(page, detail.problem, index.problem),
        )
        response.headers["Content-Security-Policy"] = _FRAME
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        return response


async def _framed(page: Page, invoice: UUID) -> Answer:
    """The invoice, for who has signed in and may see it."""
    if page.person is None:
        return Answer(status=401, problem=Problem(status=401, code="SESSION_MISSING"))
    try:
        return await page.call.get("status", f"{API}/{invoice}")
    except Shown as shown:
        return Answer(status=shown.problem.status, problem=shown.problem)


def frame_words(page: Page, invoice: Problem | None, pages: Problem | None) -> str:
    """Why the frame shows no page: that of the invoice, or that of its pages, whose link may have been withdrawn."""
    problem = invoice or pages
    if problem is not None and problem.busy:
        return page.said(problem)
    if problem is not None and problem.away:
        return page.t("common.away_text")
    if invoice is not None:
        return page.t("invoice.frame_over")
    said = page.t.get(f"problem.{pages.code}") if pages is not None else None
    return said or page.t("invoice.no_pages")


def _add_files(router: APIRouter) -> None:
    @router.get("/factures/{invoice}/fichiers/{document}")
    async def file(page: Own, invoice: UUID, document: str) -> Response:
        if not document.replace("-", "").isalnum():
            raise Shown(NOT_FOUND)
        return await carried(page, f"{API}/{invoice}/documents/{document}")

    @router.get("/factures/{invoice}/interets.pdf")
    async def interest(page: Own, invoice: UUID) -> Response:
        return await carried(page, f"{API}/{invoice}/clock/statement.pdf")

    @router.get("/factures/{invoice}/histoire.json")
    async def proofs(page: Own, invoice: UUID) -> Response:
        return await carried(page, f"{API}/{invoice}/history/export")
