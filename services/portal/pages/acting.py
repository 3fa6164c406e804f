"""``/factures/{id}/agir/{action}``: doing something with an invoice: its motif, comment, fields and papers."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.common import bodies
from services.portal.pages import invoice, invoice_view
from services.portal.pages.call import Answer
from services.portal.pages.forms import Form
from services.portal.pages.invoice_view import Offered
from services.portal.pages.invoices import API
from services.portal.pages.page import Own, Page, local
from services.portal.pages.problems import NOT_FOUND, Shown

_DEPOSITS: Final = "/api/v1/deposits"
_SECONDS: Final = 60.0
#: A paper that was stored a moment ago comes to the invoice by an event.
_PATIENCE: Final = 16
_PAUSE: Final = 0.5
_CODES: Final = frozenset(("service_code", "service"))


def add_routes(router: APIRouter) -> None:
    """Serve it."""

    @router.get("/factures/{identity}/agir/{action}")
    async def ask(page: Own, identity: UUID, action: str, dans: str = "") -> Response:
        found = await page.call.need("status", f"{API}/{identity}/actions")
        offer = _offer(page, found, action)
        if offer is None:
            return page.go(f"/factures/{identity}", "action_over")
        given = {field["name"]: field["value"] for field in offer.possible["fields"]}
        given |= {name: value[:200] for name, value in page.request.query_params.items() if name in given}
        form = Form.of(version=found["version"], back=local(dans, ""), **given)
        return await _asked(page, identity, offer, form)

    @router.post("/factures/{identity}/agir/{action}")
    @bodies.takes(bodies.FILES)
    async def act(page: Own, identity: UUID, action: str) -> Response:
        form = await page.form()
        found = await page.call.need("status", f"{API}/{identity}/actions")
        back = local(form.text("back"), "")
        offer = _offer(page, found, action)
        if offer is None:
            return await _over(page, identity, action, form, back)
        stored = await _stored(page, identity, offer, form)
        if not form.valid:
            return await _asked(page, identity, offer, form, stored)
        answer = await _done(page, identity, form, _body(offer, form, stored))
        if answer.ok:
            return _acted(page, identity, back)
        if answer.status == 412:
            return await _changed(page, identity, found, offer, form, stored)
        _take(form, answer, offer)
        if offer.direct:
            return await invoice.shown(page, identity, back=back, form=form)
        return await _asked(page, identity, offer, form, stored)


def _acted(page: Page, identity: UUID, back: str) -> Response:
    return page.go(f"{back}#i-{identity}" if back else f"/factures/{identity}", "acted")


async def _over(page: Page, identity: UUID, action: str, form: Form, back: str) -> Response:
    """It is not possible any more: mostly because the same form has just done it, as its ``once`` tells. What an action
    without fields is asked by is the same again; of others status says that it was another request."""
    if not form.has("once") or form.files("file"):
        return page.go(f"/factures/{identity}", "action_over")
    asked = {"action": action, "motif": form.text("motif") or None, "comment": form.text("comment") or None}
    answer = await _done(page, identity, form, {**asked, "fields": {}, "attachments": []})
    if answer.ok:
        return _acted(page, identity, back)
    if answer.problem is not None and answer.problem.away:
        raise Shown(answer.problem)
    return page.go(f"/factures/{identity}", "action_over")


def _offer(page: Page, found: Mapping[str, Any], action: str) -> Offered | None:
    """The action, if status says that it is possible now."""
    return next((each for each in invoice_view.offered(found["actions"], page.t) if each.name == action), None)


async def _asked(
    page: Page, identity: UUID, offer: Offered, form: Form, stored: list[str] | None = None, **more: Any
) -> Response:
    """The form of an action."""
    detail = await page.call.need("status", f"{API}/{identity}")
    asks_code = any(field["name"] in _CODES for field in offer.possible["fields"])
    return page.render(
        "acting/one.html",
        status=200 if form.valid and not more else 409 if more else 422,
        form=form,
        one=detail,
        offer=offer,
        stored=stored or [],
        services=await _services(page, detail, form) if asks_code else [],
        types=await _types(page, identity) if offer.possible["attachments"] else [],
        suggestions=invoice_view.suggestions(detail["history"]) if offer.name == "recycle" else [],
        back=form.text("back"),
        **{"since": (), **more},
    )


async def _services(page: Page, detail: Mapping[str, Any], form: Form) -> list[tuple[str, str]]:
    """The open services of the body, to choose a code from."""
    siret = "".join(form.text("recipient_siret", detail["recipient"]["siret"]).split())
    if not siret.isalnum():
        return []
    found = await page.call.get("routing", f"/api/v1/directory/structures/{siret}")
    services = found.data.get("services", []) if isinstance(found.data, dict) else []
    return [(each["code"], each["label"]) for each in services if each.get("open_today")]


async def _types(page: Page, identity: UUID) -> list[tuple[str, str]]:
    found = await page.call.get("ingest", f"{_DEPOSITS}/{identity}/attachments")
    return [(each["code"], each["label"]) for each in (found.data or {}).get("types", [])]


async def _stored(page: Page, identity: UUID, offer: Offered, form: Form) -> list[str]:
    """The papers of the form, stored with the invoice; those of a form that was shown again are there already."""
    stored = [each for each in form.all("stored") if each.replace("-", "").isalnum()][:50]
    if not offer.possible["attachments"]:
        return []
    for file in form.files("file"):
        data = {"type": form.text("file_type"), "label": form.text("file_label") or (file.filename or "")[:100]}
        sent = ("file", (file.filename or "piece", file.file, file.content_type or "application/octet-stream"))
        answer = await page.call.ask(
            "POST", "ingest", f"{_DEPOSITS}/{identity}/attachments", data=data, files=[sent], seconds=_SECONDS
        )
        if answer.ok:
            stored.append(answer.data["id"])
        else:
            form.take(answer.problem, {"type": "file_type", "label": "file_label"})
    return list(dict.fromkeys(stored))


def _body(offer: Offered, form: Form, stored: list[str]) -> dict[str, Any]:
    """What status is asked. A field that was left as it is is not named: naming it empty would empty it."""
    fields = {}
    for field in offer.possible["fields"]:
        value = form.text(field["name"]) or None
        if field["required"] or value != field["value"]:
            fields[field["name"]] = value
    return {
        "action": offer.name,
        "motif": form.text("motif") or None,
        "comment": form.text("comment") or None,
        "fields": fields,
        "attachments": stored,
    }


async def _done(page: Page, identity: UUID, form: Form, body: Mapping[str, Any]) -> Answer:
    """Ask for it; a paper that has just been stored may still be on its way."""
    headers = {"If-Match": form.text("version") or '"0"', "Idempotency-Key": form.once}
    answer = await page.call.post("status", f"{API}/{identity}/actions", body, headers=headers)
    for _ in range(_PATIENCE):
        late = answer.problem is not None and any(e.code == "ATTACHMENT_UNKNOWN" for e in answer.problem.errors)
        if not late:
            break
        await asyncio.sleep(_PAUSE)
        answer = await page.call.post("status", f"{API}/{identity}/actions", body, headers=headers)
    return answer


def _take(form: Form, answer: Answer, offer: Offered) -> None:
    """What is wrong: beside its field where the page shows that field, above the form where it does not."""
    if answer.problem is None:
        raise Shown(NOT_FOUND)
    form.take(answer.problem, {"attachments": "file"})
    fields = {field["name"] for field in offer.possible["fields"]} | {"motif", "comment", "file"}
    if offer.direct or form.elsewhere(fields):
        form.errors = [] if offer.direct else [error for error in form.errors if error.field in fields]
        form.problem = answer.problem


async def _changed(
    page: Page, identity: UUID, found: Mapping[str, Any], offer: Offered, form: Form, stored: list[str]
) -> Response:
    """Somebody was quicker: what has happened since is told, and what was written stays for another try."""
    detail = await page.call.need("status", f"{API}/{identity}")
    read = form.text("version").strip('"')
    seen = int(read) if read.isdigit() else 0
    since = [each for each in detail["history"] if each["entry"] > seen and each["kind"] in ("status", "action")]
    again = Form.of(
        version=found["version"],
        back=form.text("back"),
        motif=form.text("motif"),
        comment=form.text("comment"),
        **{field["name"]: form.text(field["name"]) for field in offer.possible["fields"]},
    )
    return await _asked(page, identity, offer, again, stored, since=tuple(since))
