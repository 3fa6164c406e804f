"""``/``: for who has signed in, the first steps and what awaits him; for others, what this is. And the language."""

import asyncio
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages import help_names, home_waiting, invoices_figures
from services.portal.pages.call import Answer
from services.portal.pages.home_waiting import Awaiting
from services.portal.pages.messages import lead
from services.portal.pages.page import Page, Visit, local
from services.portal.pages.person import Person
from services.portal.pages.words import LANGUAGES

#: Where the invoices of a standing are listed.
_LISTS: Final = {
    "supplier": "/factures/emises",
    "service": "/factures/recues",
    "structure": "/factures/recues",
    "tenant": "/factures/recues",
    "operator": "/factures/recues",
}
#: Where somebody acts beside his own invoices: side, list, and the roles that do.
_GUESTS: Final = (
    ("to_validate", "/factures/a-valider", ("VALIDATEUR",)),
    ("works", "/factures/travaux", ("MOE", "MOA")),
)
_SYNTHESIS: Final = "/api/v1/invoices/synthesis"
_MESSAGES: Final = 3


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A first step: its words are ``home.step_<key>``; ticked by what has happened, never by hand."""

    key: str
    done: bool
    path: str


def add_routes(router: APIRouter) -> None:
    """Serve the first page."""

    @router.get("/")
    async def home(page: Visit) -> Response:
        if page.person is None:
            return page.render("home/welcome.html")
        return await _own(page, page.person)

    @router.get("/langue")
    async def language(page: Visit, vers: str = "fr", suite: str = "/") -> Response:
        for known in LANGUAGES:
            if known == vers:
                page.choose(known)
        return page.go(local(suite))


async def _own(page: Page, person: Person) -> Response:
    side = "issued" if person.supplies and not person.receives else None
    guests = [(side, path) for side, path, roles in _GUESTS if person.has(*roles)]
    (synthesis, drafts, deposits, factors, messages, *others), waiting = await asyncio.gather(
        asyncio.gather(
            page.call.get("status", _SYNTHESIS, {"side": side}),
            page.call.get("ingest", "/api/v1/drafts", {"limit": 5}) if person.supplies else _nothing(),
            page.call.get("ingest", "/api/v1/deposits", {"limit": 1}) if person.supplies else _nothing(),
            page.call.get("portal", "/api/v1/accounts/me/factors"),
            page.call.get("notify", "/api/v1/messages/mine", {"limit": _MESSAGES, "language": page.language}),
            *(page.call.get("status", _SYNTHESIS, {"side": side}) for side, _ in guests),
        ),
        home_waiting.of(page, person),
    )
    path = _LISTS.get((synthesis.data or {}).get("standing", ""), "/factures/emises")
    awaiting = _invoices(page, synthesis, path)
    for (_, list_path), answer in zip(guests, others, strict=True):
        awaiting += _invoices(page, answer, list_path)
    steps = _steps(person, factors, deposits)
    away = any(home_waiting.is_away(answer) for answer in (synthesis, drafts, deposits, factors, messages, *others))
    return page.render(
        "home/own.html",
        steps=steps,
        steps_left=sum(not step.done for step in steps),
        awaiting=[*awaiting, *waiting.lines],
        figures=synthesis.data,
        soon=invoices_figures.soon(synthesis.data),
        list_path=path,
        drafts=(drafts.data or {}).get("drafts", []),
        messages=[{**each, "path": lead(page, each["path"])} for each in (messages.data or {}).get("messages", [])],
        away=away or waiting.away,
    )


async def _nothing() -> Answer:
    return Answer(status=200)


def _steps(person: Person, factors: Answer, deposits: Answer) -> list[Step]:
    """The first steps of a supplier, or of who receives; ticked by what the services have seen."""
    given = factors.data or {}
    safe = bool(given.get("totp") or given.get("passkeys"))
    steps = [
        Step(key="account", done=True, path="/compte"),
        Step(key="structure", done=bool(person.places) or person.has("TENANT_ADMIN", "OPERATEUR"), path="/structures"),
    ]
    if person.supplies:
        steps.append(Step(key="deposit", done=bool((deposits.data or {}).get("deposits")), path="/deposer"))
    return [*steps, Step(key="factor", done=safe, path="/compte/securite")]


def _invoices(page: Page, synthesis: Answer, path: str) -> list[Awaiting]:
    found: dict[str, Any] = synthesis.data or {}
    return [
        Awaiting(
            text=help_names.label(each["code"], page.language, each["label"]),
            count=each["count"],
            path=f"{path}?status={each['code']}",
            amount=str(each["amount"]),
        )
        for each in found.get("waiting", [])
        if each["count"]
    ]
