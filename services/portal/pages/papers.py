"""``/structures/{structure}/justificatif`` and ``/gestion/justificatifs``: papers that prove who one is."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.common import bodies
from services.portal.pages import deciding, lists
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page
from services.portal.pages.problems import NOT_FOUND, Shown
from services.portal.pages.structures_place import API, api_of, path_of, place

_MOST: Final = 10 * 1024 * 1024
_SECONDS: Final = 60.0
_NAMES: Final = {"kind": "kind", "query.kind": "kind", "dated": "dated", "query.dated": "dated", "body": "file"}


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_sending(router)
    _add_looking(router)
    _add_deciding(router)


def _add_sending(router: APIRouter) -> None:
    @router.get("/structures/{structure}/justificatif")
    async def ask(page: Own, structure: str) -> Response:
        return await _asked(page, Form(), await place(page, structure))

    @router.post("/structures/{structure}/justificatif")
    @bodies.takes(bodies.FILES)
    async def send(page: Own, structure: str) -> Response:
        form = await page.form()
        found = await place(page, structure)
        file = next(iter(form.files("file")), None)
        if file is None:
            form.wrong("file", page.t("papers.file_missing"))
            return await _asked(page, form, found)
        answer = await page.call.ask(
            "POST",
            "portal",
            api_of(found["structure"], "proofs"),
            params={
                "kind": form.text("kind")[:40],
                "dated": form.text("dated")[:10],
                "name": "".join(letter for letter in file.filename or "" if letter.isprintable())[:200],
            },
            content=await file.read(_MOST + 1),
            headers={"Content-Type": "application/octet-stream"},
            seconds=_SECONDS,
        )
        if not form.take(answer.problem, _NAMES):
            return await _asked(page, form, found)
        return page.go(path_of(found["structure"]) + "#papiers", "paper_sent")


async def _asked(page: Page, form: Form, found: dict[str, Any]) -> Response:
    known = await page.call.get("portal", f"{API}/proofs/kinds")
    kinds = [kind for kind in known.data or () if found["type"] in kind["identifiers"]]
    status = 200 if form.valid else 422
    at = path_of(found["structure"])
    return page.render("papers/send.html", status=status, form=form, one=found, at=at, kinds=kinds)


async def one_of(page: Page, name: str, identity: UUID) -> dict[str, Any]:
    """One of the ``proofs``, ``requests`` or ``successions`` that he may see. Raises ``Shown``."""
    async for each in lists.each(page, "portal", f"{API}/{name}", name):
        if each["id"] == str(identity):
            return each
    raise Shown(NOT_FOUND)


async def _seen(page: Page, identity: UUID) -> dict[str, Any]:
    async for each in lists.each(page, "portal", f"{API}/proofs", "proofs", {"state": "submitted"}):
        if each["id"] == str(identity):
            return each
    return await one_of(page, "proofs", identity)


def _add_looking(router: APIRouter) -> None:
    @router.get("/gestion/justificatifs/{proof}")
    async def look(page: Own, proof: UUID) -> Response:
        return await _shown(page, Form(), proof)

    @router.get("/gestion/justificatifs/{proof}/document")
    async def document(page: Own, proof: UUID) -> Response:
        """The file, handed on: it is saved, never shown within a page of ours."""
        answer = await page.call.ask("GET", "portal", f"{API}/proofs/{proof}/document", seconds=_SECONDS)
        if answer.problem is not None:
            raise Shown(answer.problem)
        kept = ("content-disposition", "content-security-policy", "x-content-type-options", "cache-control")
        headers = {name: answer.headers[name] for name in kept if name in answer.headers}
        return Response(answer.data, media_type=answer.headers.get("content-type"), headers=headers)


async def _shown(page: Page, form: Form, identity: UUID) -> Response:
    found = await _seen(page, identity)
    known = await page.call.get("portal", f"{API}/proofs/kinds")
    kind = next((each for each in known.data or () if each["code"] == found["kind"]), None)
    who = await _sender(page, found)
    status = 200 if form.valid else 422
    return page.render("papers/one.html", status=status, form=form, paper=found, kind=kind, who=who)


async def _sender(page: Page, found: dict[str, Any]) -> dict[str, Any] | None:
    """Who sent it, as the structure knows him; None where who looks may not see its people."""
    try:
        async for each in lists.each(page, "portal", api_of(found["structure"], "members"), "members"):
            if each["subject"] == found["subject"]:
                return each
    except Shown:
        return None
    return None


def _add_deciding(router: APIRouter) -> None:
    @router.post("/gestion/justificatifs/{proof}/accord")
    async def approve(page: Own, proof: UUID) -> Response:
        form = await page.form()
        answer = await page.call.post("portal", f"{API}/proofs/{proof}/approve")
        if not form.take(answer.problem):
            return await _shown(page, form, proof)
        return page.go("/gestion", "paper_approved")

    @router.post("/gestion/justificatifs/{proof}/refus")
    async def refuse(page: Own, proof: UUID) -> Response:
        path = f"{API}/proofs/{proof}/refuse"
        return await deciding.refuse(page, path, "paper_refused", lambda form: _shown(page, form, proof))
