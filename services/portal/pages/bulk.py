"""One action on a selection, and its files: what was chosen, what may be done with it, what became of each."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from services.portal.pages import invoice_view
from services.portal.pages.forms import Form
from services.portal.pages.guard import FIELD
from services.portal.pages.invoice_view import Offered
from services.portal.pages.invoices import API
from services.portal.pages.invoices_files import carried
from services.portal.pages.page import Own, Page, local
from services.portal.pages.problems import Shown

#: Those of one page of a list: whoever chooses more is told so.
MOST: Final = 50
_PAGE: Final = "/factures/actions"
#: What the form has beside the fields of an action.
_OWN: Final = frozenset((FIELD, "once", "action", "back", "chosen", "motif", "comment"))
_SECONDS: Final = 60.0
_AT_ONCE: Final = 8
Found = Sequence[Mapping[str, Any]]


def add_routes(router: APIRouter) -> None:
    """Serve it."""
    _add_choosing(router)
    _add_acting(router)


def _add_choosing(router: APIRouter) -> None:
    @router.post("/factures/selection")
    async def choose(page: Own) -> Response:
        form = await page.form()
        back = local(form.text("back"), "/")
        chosen = [str(each) for each in _ids(form.all("id"))]
        if not chosen:
            return page.go(back, "nothing_chosen")
        if len(chosen) > MOST:
            return page.go(back, "chosen_too_many")
        if form.text("what") == "download":
            return await carried(page, f"{API}/archive.zip", {"id": chosen})
        return page.go(f"{_PAGE}?{urlencode([*(('id', each) for each in chosen), ('dans', back)])}")

    @router.get(_PAGE)
    async def ask(
        page: Own, id: Annotated[list[UUID] | None, Query()] = None, dans: str = "/", action: str = ""
    ) -> Response:
        if id is not None and len(id) > MOST:
            return page.go(local(dans), "chosen_too_many")
        found = await _possible(page, id or [])
        form = Form.of(action=action, back=local(dans))
        return await _asked(page, found, form)


def _add_acting(router: APIRouter) -> None:
    @router.post(_PAGE)
    async def act(page: Own) -> Response:
        form = await page.form()
        chosen = _ids(each.partition(" ")[0] for each in form.all("chosen"))
        if len(chosen) > MOST:
            return page.go(local(form.text("back")), "chosen_too_many")
        found = await _possible(page, chosen)
        offer = _offer(page, found, form.text("action"))
        if offer is None and not (form.has("once") and form.text("action")):
            return await _asked(page, found, form)
        versions = dict(each.split(" ", 1) for each in form.all("chosen") if " " in each)
        body = {
            "action": form.text("action")[:60],
            "motif": form.text("motif") or None,
            "comment": form.text("comment") or None,
            "fields": {name: form.text(name) for name in _fields(form, offer)},
            "invoices": [{"invoice": identity, "version": version} for identity, version in versions.items()],
        }
        answer = await page.call.post(
            "status", f"{API}/actions", body, headers={"Idempotency-Key": form.once}, seconds=_SECONDS
        )
        if not form.take(answer.problem):
            return await _asked(page, found, form)
        numbers = {each["invoice"]: each["number"] for each in found}
        return page.render(
            "bulk/report.html",
            report=answer.data,
            label=offer.label if offer is not None else page.t("bulk.the_action"),
            numbers=numbers,
            back=local(form.text("back")),
        )


def _fields(form: Form, offer: Offered | None) -> list[str]:
    """The fields that the action takes. Where it is possible for none any more, mostly because the same form has just
    done it, they are those that the form has: so the same request is made again, and answered as it was."""
    if offer is None:
        return [name for name in form.names() if name not in _OWN and form.text(name)]
    return [f["name"] for f in offer.possible["fields"] if f["required"] or form.text(f["name"])]


def _ids(values: Any) -> list[UUID]:
    found: dict[UUID, None] = {}
    for value in values:
        try:
            found[UUID(value)] = None
        except ValueError:
            continue
    return list(found)


async def _possible(page: Page, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Of each invoice what may be done now, with its number; what cannot be seen is left out. Raises ``Shown`` where
    the service is away, or asked too often: that is not the same as nothing to be seen."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(identity: UUID) -> dict[str, Any] | None:
        async with gate:
            actions, detail = await asyncio.gather(
                page.call.get("status", f"{API}/{identity}/actions"), page.call.get("status", f"{API}/{identity}")
            )
        for answer in (actions, detail):
            if answer.problem is not None and (answer.problem.away or answer.problem.status >= 500):
                raise Shown(answer.problem)
        if actions.data is None or detail.data is None:
            return None
        return {**actions.data, "number": detail.data["number"]}

    found = await asyncio.gather(*(one(identity) for identity in ids))
    return [each for each in found if each is not None]


def _offer(page: Page, found: Found, name: str) -> Offered | None:
    """The action as the first invoice has it for which it is possible."""
    for each in found:
        for offer in invoice_view.offered(each["actions"], page.t):
            if offer.name == name and not offer.possible["attachments"]:
                return offer
    return None


def choices(page: Page, found: Found) -> list[tuple[Offered, int]]:
    """What may be done with some of them, and with how many; papers are for one invoice at a time."""
    counts = Counter(one["action"] for each in found for one in each["actions"])
    named = {one.name: one for each in found for one in invoice_view.offered(each["actions"], page.t)}
    shown = [(offer, counts[name]) for name, offer in named.items() if not offer.possible["attachments"]]
    return sorted(shown, key=lambda pair: -pair[1])


async def _asked(page: Page, found: Found, form: Form) -> Response:
    offer = _offer(page, found, form.text("action"))
    return page.render(
        "bulk/ask.html",
        status=200 if form.valid else 422,
        form=form,
        found=found,
        offer=offer,
        choices=choices(page, found),
        services=[],
        back=local(form.text("back")),
        query=urlencode([*(("id", each["invoice"]) for each in found), ("dans", local(form.text("back")))]),
    )
