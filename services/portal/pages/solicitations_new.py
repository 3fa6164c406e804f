"""``/sollicitations/nouvelle``: "ask a person", from any page, which it carries along with the invoice it is about.

A draft, or a deposit that was refused, is no invoice: its body and its number are carried along.
"""

import asyncio
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.common import bodies
from services.portal.pages.call import Answer
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page, local
from services.portal.pages.solicitations import API, ROOT, about_problem, send_files, worded

PAGE: Final = f"{ROOT}/nouvelle"
_DIRECTORY: Final = "/api/v1/directory/structures"
#: The fields that the page shows, in its order.
_SHOWN: Final = ("subject", "structure", "service", "on_behalf", "title", "text", "files")


def add_routes(router: APIRouter) -> None:
    """Serve it."""

    @router.get(PAGE)
    async def ask(
        page: Own, facture: str = "", siret: str = "", service: str = "", objet: str = "", piece: str = ""
    ) -> Response:
        form = Form.of(
            facture=facture,
            structure=_siret(siret),
            service=service[:100],
            page=came_from(page),
            back=way_back(page),
            subject=objet[:130],
            title=page.t("solicitations.title_of", number=" ".join(piece.split())[:100]) if piece.strip() else None,
        )
        return await _show(page, form)

    @router.post(PAGE)
    @bodies.takes(bodies.FILES)
    async def send(page: Own) -> Response:
        form = await page.form()
        invoice = _uuid(form.text("facture"))
        papers = await send_files(page, form)
        _check(page, form)
        if not form.valid:
            return await _show(page, form)
        category, _, subcategory = form.text("subject").partition("/")
        siret = "".join(form.text("structure").split())
        given: dict[str, Any] = {
            "category": category,
            "subcategory": subcategory,
            "title": form.text("title"),
            "text": form.text("text"),
            "invoice": invoice,
            "structure": siret if siret and not invoice else None,
            "service": (form.text("service") or None) if siret and not invoice else None,
            "on_behalf": (form.text("on_behalf") or None) if not invoice else None,
            "page": _path(form.text("page")) or None,
            "attachments": papers,
        }
        answer = await page.call.post("portal", API, given, headers={"Idempotency-Key": form.once}, seconds=15.0)
        if not about_problem(form, answer.problem):
            return await _show(page, form)
        return page.go(f"{ROOT}/{answer.data['id']}", "solicitation_asked")


def came_from(page: Page) -> str:
    """The page on which the question came up: as the link says, a path of the platform and nothing else."""
    return _path(parse_qs(urlsplit(str(page.request.url)).query).get("page", [""])[0])


def way_back(page: Page) -> str:
    """That page as it was left, with what was asked in it: only this form has it, the question is told the path."""
    path, left = came_from(page) or ROOT, page.came_from
    return left if urlsplit(left).path == path else path


def _path(address: str) -> str:
    """A path of the platform, without what was asked in it: that may be the word of a link."""
    return urlsplit(local(address, "")).path[:300]


def _check(page: Page, form: Form) -> None:
    if "/" not in form.text("subject"):
        form.wrong("subject", page.t("solicitations.subject_missing"))
    if len(form.text("title")) < 3:
        form.wrong("title", page.t("solicitations.title_short"))
    if len(form.text("text")) < 10:
        form.wrong("text", page.t("solicitations.text_short"))


async def _show(page: Page, form: Form) -> Response:
    invoice_id, siret = _uuid(form.text("facture")), _siret(form.text("structure"))
    kinds, invoice, body = await asyncio.gather(
        page.call.get("portal", f"{API}/categories"),
        page.call.get("status", f"/api/v1/invoices/{invoice_id}") if invoice_id else _nothing(),
        page.call.get("routing", f"{_DIRECTORY}/{siret}") if siret else _nothing(),
    )
    if invoice.problem is not None and invoice.problem.status == 404:
        invoice_id = None  # gone, or none of his: he asks about no invoice
    elif invoice.problem is not None and not invoice.problem.away:
        return page.refused(invoice.problem)  # an operator is asked for his reason; for others it is not there
    if invoice.data:
        body = await page.call.get("routing", f"{_DIRECTORY}/{invoice.data['recipient']['siret']}")
    return page.render(
        "solicitations/new.html",
        status=200 if form.valid else 422,
        form=form,
        back=local(form.text("back"), _path(form.text("page")) or ROOT),
        invoice=invoice.data,
        invoice_id=invoice_id,
        body=body.data,
        groups=[(worded(page, each), _lines(page, each, invoice_id is not None)) for each in kinds.data or []],
        places=[] if invoice_id else _places(page),
        away=any(answer.problem is not None and answer.problem.away for answer in (kinds, invoice)),
        shown=_SHOWN,
    )


def _lines(page: Page, category: dict[str, Any], of_invoice: bool) -> list[tuple[str, str]]:
    """What may be asked here: with an invoice everything, without one what needs none."""
    return [
        (
            f"{category['code']}/{line['code']}",
            page.t(
                f"solicitations.line_{line['addressee']}", label=worded(page, line), n=line["days"], days=line["days"]
            ),
        )
        for line in category["subcategories"]
        if of_invoice or not line["invoice_needed"]
    ]


def _places(page: Page) -> list[tuple[str, str]]:
    """In whose name he may ask; nothing to choose where there is only one."""
    found = [(place.key, place.name) for place in page.me.places if not place.services]
    found += [(f"{place.key}/{code}", f"{place.name} – {code}") for place in page.me.places for code in place.services]
    return [("", page.t("solicitations.in_my_name")), *found] if len(found) > 1 else []


def _siret(text: str) -> str:
    """Fourteen digits; a draft may have a name in the place of them."""
    found = "".join(text.split())
    return found if len(found) == 14 and found.isascii() and found.isdigit() else ""


async def _nothing() -> Answer:
    return Answer(status=200)


def _uuid(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None
