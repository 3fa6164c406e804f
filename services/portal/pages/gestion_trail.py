"""``/gestion/journal`` and ``/gestion/consultations``: who did what, and what operators looked at, and why."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages import gestion_words, invoices_names, lists
from services.portal.pages.call import Answer
from services.portal.pages.format import as_instant
from services.portal.pages.gestion import MANAGERS
from services.portal.pages.page import Own, Page
from services.portal.pages.problems import Shown
from services.portal.pages.structures_place import API, first_instant, last_instant

_PAGE: Final = 50
#: Invoices that are asked about at the same time for their numbers.
_AT_ONCE: Final = 8
#: A number may be that of several suppliers, a name that of several people: so many a trail may be asked about.
_MEANT: Final = 20
#: As long as a number, and a name or an address, may be.
_NUMBER: Final = 100
_WRITTEN: Final = 200
#: Where operators may look: invoices, messages, pages of documents, originals, decisions. Each service keeps its own
#: trail.
LOOKS: Final = (
    ("status", "/api/v1/invoices/looks"),
    ("notify", "/api/v1/messages/looks"),
    ("ocr", "/api/v1/pages/looks"),
    ("ingest", "/api/v1/deposits/looks"),
    ("routing", "/api/v1/directory/looks"),
)
Cursors = tuple[int | None, ...]


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_trail(router)
    _add_looks(router)


def _on(path: str, asked: Mapping[str, Any], cursor: Any) -> str | None:
    """The address of the next page."""
    if cursor is None:
        return None
    kept = {name: value for name, value in asked.items() if value}
    return f"{path}?{urlencode({**kept, 'suite': cursor})}"


def _add_trail(router: APIRouter) -> None:
    @router.get("/gestion/journal")
    async def trail(
        page: Own, structure: str = "", action: str = "", du: str = "", au: str = "", suite: str = ""
    ) -> Response:
        page.need(*MANAGERS)
        asked = {"structure": structure[:200], "action": action[:60], "du": du[:10], "au": au[:10]}
        answer = await page.call.get(
            "portal",
            f"{API}/audit",
            {
                "structure": asked["structure"],
                "action": asked["action"],
                "since": first_instant(du),
                "until": last_instant(au),
                "cursor": suite if suite.isdigit() and len(suite) < 18 else None,
                "limit": _PAGE,
            },
        )
        found = answer.data or {"entries": [], "next": None}
        entries = found["entries"]
        names, structures = await asyncio.gather(
            invoices_names.of_people(page, gestion_words.subjects(entries)),
            invoices_names.of_structures(page, (each["structure"] for each in entries)),
        )
        return page.render(
            "gestion/trail.html",
            entries=entries,
            names={"platform": page.t("gestion.platform"), **names},
            structures=structures,
            details={each["id"]: gestion_words.details(each["details"], page.t, names) for each in entries},
            problem=answer.problem,
            asked=asked,
            next=_on("/gestion/journal", asked, found["next"]),
            first=_on("/gestion/journal", asked, "") if suite else None,
        )


def _add_looks(router: APIRouter) -> None:
    @router.get("/gestion/consultations")
    async def looks(page: Own, jour: str = "", facture: str = "", qui: str = "", suite: str = "") -> Response:
        page.need("TENANT_ADMIN", "OPERATEUR")
        facture, qui = (" ".join(text.replace("\x00", "").split()) for text in (facture, qui))
        facture, qui = facture[:_NUMBER], qui[:_WRITTEN]
        invoices, more_invoices = await _invoices(page, facture)
        people, more_people = await _people(page, qui)
        meant = {"invoice": invoices, "subject": people}
        asked = {"day": jour[:10] if first_instant(jour) else None, **meant}
        after = cursors_of(suite)
        unknown = invoices == []
        answers = await asyncio.gather(
            *(
                _nothing() if unknown else page.call.get(service, path, {**asked, "cursor": cursor, "limit": _PAGE})
                for (service, path), cursor in zip(LOOKS, after, strict=True)
            )
        )
        found = [answer.data or {"looks": [], "next": None} for answer in answers]
        rows = merged([each["looks"] for each in found], _PAGE)
        more = len(rows) < sum(len(each["looks"]) for each in found) or any(each["next"] for each in found)
        answering = answers[0].problem is None  # the service that has the numbers
        return page.render(
            "gestion/looks.html",
            looks=rows,
            numbers=await _numbers(page, rows) if answering else {},
            names=await invoices_names.of_people(page, (each["subject"] for each in rows)),
            day=asked["day"] or "",
            invoice=facture,
            who=qui,
            cut=_MEANT if more_invoices or more_people else 0,
            away=any(answer.problem is not None and answer.problem.away for answer in answers),
            next=lists.address(page, cursor_text(last_of(rows, after))) if more else None,
            first=lists.address(page, None) if suite else None,
        )


async def _nothing() -> Answer:
    return Answer(status=200)


async def _invoices(page: Page, written: str) -> tuple[list[str] | None, bool]:
    """Those that are meant: the one of an id, those of a number; None: no condition. And whether there are more.

    An operator names an id: to look for a number is a look. Raises ``Shown``.
    """
    if not written:
        return None, False
    with suppress(ValueError):
        return [str(UUID(written))], False
    if page.me.has("OPERATEUR"):
        return [], False
    answer = await page.call.get("status", "/api/v1/invoices", {"number": written, "limit": _MEANT})
    if answer.problem is not None:
        if answer.problem.status != 422:
            raise Shown(answer.problem)
        return [], False  # no number is written so
    return [each["id"] for each in answer.data["invoices"]], bool(answer.data.get("next"))


async def _people(page: Page, written: str) -> tuple[list[str] | None, bool]:
    """The same of people. Of somebody unknown the trails are asked too: no answer says who has an account."""
    if not written:
        return None, False
    found = await invoices_names.subjects_of(page, written, _MEANT + 1) or [written]
    return found[:_MEANT], len(found) > _MEANT


async def _numbers(page: Page, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The numbers of the invoices that were opened, by id. An operator is not asked: to look them up is a look."""
    if page.me.has("OPERATEUR"):
        return {}
    asked = list(dict.fromkeys(each["invoice"] for each in rows if each["invoice"]))
    some, found = asyncio.Semaphore(_AT_ONCE), {}

    async def ask(invoice: str) -> None:
        async with some:
            answer = await page.call.get("status", f"/api/v1/invoices/{invoice}")
        if answer.data is not None:
            found[invoice] = answer.data["number"]

    await asyncio.gather(*(ask(invoice) for invoice in asked))
    return found


def cursors_of(text: str) -> Cursors:
    """Where each trail goes on, of ``12.45...7`` in the address; the beginning of each for anything else."""
    parts = text.split(".")
    if len(parts) != len(LOOKS) or not all(part == "" or (part.isascii() and part.isdigit()) for part in parts):
        return (None,) * len(LOOKS)
    return tuple(int(part) if part and len(part) < 19 else None for part in parts)


def cursor_text(cursors: Cursors) -> str:
    """The reverse."""
    return ".".join("" if each is None else str(each) for each in cursors)


def merged(found: Sequence[Sequence[Mapping[str, Any]]], most: int) -> list[dict[str, Any]]:
    """The newest of all trails together. ``trail``: the place of its own in :data:`LOOKS`."""
    rows = [{**look, "trail": place} for place, looks in enumerate(found) for look in looks]
    return sorted(rows, key=lambda look: (as_instant(look["at"]), look["id"]), reverse=True)[:most]


def last_of(rows: Sequence[Mapping[str, Any]], after: Cursors) -> Cursors:
    """The last of each trail that is shown; a trail of which nothing is stays where it was."""
    places = list(after)
    for row in rows:
        places[row["trail"]] = row["id"]
    return tuple(places)
