"""``/brouillons`` and ``/brouillons/{id}``: the form beside the document. Nothing of a draft is sent until it is."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages import draft_form, draft_view
from services.portal.pages.call import Answer
from services.portal.pages.deposit import may_deposit, no_right
from services.portal.pages.draft_form import FIELDS
from services.portal.pages.draft_view import DRAFTS
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page
from services.portal.pages.problems import Shown

_PAGE: Final = 30
#: Buttons that save and then lead on to a page of the draft.
_ON: Final = {"cadre": "cadre", "pieces": "pieces"}
_GIVEN: Final = ("siret", "service", "engagement")
_OF_LINK: Final = {"siret": "recipient_siret", "service": "service_code", "engagement": "engagement"}


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_list(router)
    _add_one(router)
    _add_dropping(router)


def path_of(draft: UUID | str) -> str:
    """Where a draft is written on."""
    return f"/brouillons/{draft}"


def if_match(version: int | str) -> dict[str, str]:
    """What says which version was read."""
    return {"If-Match": f'"{version}"'}


def _add_list(router: APIRouter) -> None:
    @router.get("/brouillons")
    async def listed(page: Own, suite: str = "") -> Response:
        if not may_deposit(page):
            return no_right(page)
        found = await page.call.get("ingest", DRAFTS, {"limit": _PAGE, "cursor": suite[:40]})
        data = found.data or {}
        return page.render(
            "draft/list.html",
            drafts=data.get("drafts", []),
            next=f"/brouillons?suite={data['next']}" if data.get("next") else None,
            first="/brouillons" if suite else None,
            problem=found.problem,
        )


def _add_one(router: APIRouter) -> None:
    @router.get("/brouillons/{draft_id}")
    async def one(page: Own, draft_id: UUID, vue: str = "", lignes: int = 0) -> Response:
        answer = await page.call.get("ingest", f"{DRAFTS}/{draft_id}")
        closed = _closed(page, answer, draft_id)
        return closed or await _show(page, answer.data, asked=vue == "controle", lines=lignes)

    @router.post("/brouillons/{draft_id}")
    async def write(page: Own, draft_id: UUID) -> Response:
        form = await page.form()
        act = form.text("act")
        before = await page.call.get("ingest", f"{DRAFTS}/{draft_id}")
        closed = _closed(page, before, draft_id)
        if closed is not None:
            return closed
        saved = await _save(page, draft_id, before.data, form)
        if saved.problem is not None:
            return await _not_saved(page, before.data, form, saved)
        if act == "send":
            return await _send(page, draft_id, saved.data)
        return await _after(page, draft_id, form, saved.data)


def _closed(page: Page, answer: Answer, draft: UUID) -> Response | None:
    """What was sent or dropped meanwhile is followed at its deposit's place; raises ``Shown`` for anything else."""
    if answer.problem is None:
        return None
    if answer.problem.code == "DRAFT_CLOSED":
        return page.go(f"/depots/{draft}")
    raise Shown(answer.problem)


async def _save(page: Page, draft: UUID, before: dict[str, Any], form: Form) -> Answer:
    """Write what the form changes to the version that it was made from."""
    act = form.text("act")
    fields: dict[str, str | None] = {**draft_form.changes(before, form), **(draft_form.used(act) or {})}
    if act.startswith("pick|"):
        fields["recipient_siret"] = act.removeprefix("pick|")[:40]
    lines = draft_form.lines(form)
    version = form.text("version") if form.text("version").isdigit() else str(before["version"])
    if not fields and (lines is None or lines == before["lines"]) and version == str(before["version"]):
        return Answer(status=200, data=before)
    body: dict[str, Any] = {"fields": {name: value and value[:2000] for name, value in fields.items()}}
    if lines is not None:
        body["lines"] = lines
    return await page.call.patch("ingest", f"{DRAFTS}/{draft}", body, headers=if_match(version))


async def _not_saved(page: Page, before: dict[str, Any], form: Form, answer: Answer) -> Response:
    """What was written stays on the page, with why it was not saved; another window's version is shown beside it."""
    assert answer.problem is not None
    labels = {name: page.t(f"draft.f_{name}") for name in FIELDS}
    conflict = None
    if answer.problem.code == "VERSION_CHANGED":
        conflict = draft_form.differing(before, form, labels)
    else:
        form.take(answer.problem)
    return await _show(page, before, form=form, conflict=conflict, status=answer.status)


async def _after(page: Page, draft: UUID, form: Form, saved: dict[str, Any]) -> Response:
    act, path = form.text("act"), path_of(draft)
    if act == "live":
        return await _show(page, saved)
    if act in _ON:
        return page.go(f"{path}/{_ON[act]}")
    if act == "save":
        return page.go(path, "draft_saved")
    if act == "line":
        return page.go(f"{path}?lignes={len(saved['lines']) + 3}#lignes")
    if act.startswith("drop|"):
        return page.go(f"{path}#lignes")
    place = next(iter(draft_form.used(act) or ()), "recipient_siret" if act.startswith("pick|") else "")
    return page.go(f"{path}#f-{place}" if place else f"{path}?vue=controle#controle")


async def _send(page: Page, draft: UUID, saved: dict[str, Any]) -> Response:
    answer = await page.call.post("ingest", f"{DRAFTS}/{draft}/submit", headers=if_match(saved["version"]), seconds=60)
    if answer.problem is None:
        return page.go(f"/depots/{draft}")
    again = await page.call.get("ingest", f"{DRAFTS}/{draft}")
    closed = _closed(page, again, draft)
    if closed is not None:
        return closed
    form = Form()
    if answer.problem.code == "VERSION_CHANGED":
        return await _show(page, again.data, conflict=[], status=412)
    if answer.problem.code != "INVOICE_TO_CORRECT":
        form.take(answer.problem)
    return await _show(page, again.data, form=form, asked=True, status=answer.status, refused=True)


async def _show(
    page: Page,
    draft: dict[str, Any],
    *,
    form: Form | None = None,
    asked: bool = False,
    conflict: list[tuple[str, str, str]] | None = None,
    status: int = 200,
    lines: int = 0,
    refused: bool = False,
) -> Response:
    shown = await draft_view.gather(page, draft, form, asked=asked, lines=lines)
    summary = Form()
    if form is not None:
        summary.errors, summary.problem = list(form.errors), form.problem
    for found in draft_form.blocking(draft) if asked else ():
        name = (found.get("field") or "").replace(".", "-")
        known = name in FIELDS or name in shown.line_checks
        summary.wrong(name if known else "controle", found["message"], found.get("action") or "", found["code"])
    return page.render(
        "draft/one.html",
        status=status,
        draft=draft,
        shown=shown,
        summary=summary,
        asked=asked,
        conflict=conflict,
        refused=refused,
        given=_given(page, draft),
        parts=draft_form.PARTS,
        editable_lines=len(draft["lines"]) <= draft_view.LINES_SHOWN,
    )


def _given(page: Page, draft: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What the link that led here names and the draft says otherwise: field, its words, the value."""
    values = {field["name"]: field["value"] for field in draft["fields"]}
    found = []
    for name in _GIVEN:
        value, field = page.request.query_params.get(name, "")[:100], _OF_LINK[name]
        if value and values.get(field) != value:
            found.append((field, page.t(f"draft.f_{field}"), value))
    return found


def _add_dropping(router: APIRouter) -> None:
    @router.get("/brouillons/{draft_id}/suppression")
    async def ask(page: Own, draft_id: UUID) -> Response:
        draft = await page.call.need("ingest", f"{DRAFTS}/{draft_id}")
        return page.render("draft/drop.html", draft=draft, form=Form())

    @router.post("/brouillons/{draft_id}/suppression")
    async def drop(page: Own, draft_id: UUID) -> Response:
        form = await page.form()
        version = form.text("version") if form.text("version").isdigit() else "1"
        answer = await page.call.delete("ingest", f"{DRAFTS}/{draft_id}", headers=if_match(version))
        if answer.problem is None or answer.status == 404:
            return page.go("/brouillons", "draft_dropped")
        form.take(answer.problem)
        draft = await page.call.need("ingest", f"{DRAFTS}/{draft_id}")
        return page.render("draft/drop.html", status=answer.status, draft=draft, form=form)
