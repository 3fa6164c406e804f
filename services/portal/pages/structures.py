"""``/structures``: for whom one acts, in which spaces, and how one comes to another structure."""

import asyncio
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages import lists, spaces
from services.portal.pages.call import Answer
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page
from services.portal.pages.structures_place import API, POSTAL, STRUCTURES, path_of, place, postal

_NAMES: Final = {"identifier": "identifier", "type": "type", "name": "name", **POSTAL}


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_list(router)
    _add_making(router)
    _add_asking(router)
    _add_one(router)


def _add_list(router: APIRouter) -> None:
    @router.get("/structures")
    async def mine(page: Own, q: str = "", suite: str = "", demandes: str = "") -> Response:
        asked = " ".join(q.replace("\x00", "").split())[:200]
        own, requests, found = await asyncio.gather(
            lists.page_of(page, "portal", STRUCTURES, "structures", after=suite),
            lists.page_of(
                page, "portal", f"{API}/requests", "requests", after=demandes, name="demandes", part="demandes"
            ),
            _search(page, asked),
        )
        return page.render(
            "structures/list.html",
            q=asked,
            structures=own,
            requests=requests,
            requested=[each for each in requests.rows if each["subject"] == page.me.subject],
            found=found.data if found is not None else None,
            problem=found.problem if found is not None else None,
            known={each["structure"] for each in own.rows} | {place.key for place in page.me.places},
            away=own.problem is not None and own.problem.away,
            spaces_of=_spaces(page),
        )

    @router.post("/structures/demandes/retrait")
    async def withdraw(page: Own) -> Response:
        form = await page.form()
        answer = await page.call.post("portal", f"{API}/requests/{quote(form.text('request')[:60], safe='')}/withdraw")
        if answer.problem is not None and answer.status not in (409, 422):
            return page.refused(answer.problem)
        return page.go("/structures#demandes", "request_withdrawn" if answer.ok else None)


async def _search(page: Page, asked: str) -> Answer | None:
    """By a part of the SIRET, or by the exact name."""
    if not asked:
        return None
    digits = "".join(asked.split())
    by_number = digits.isascii() and digits.isdigit()
    return await page.call.get("portal", f"{STRUCTURES}/search", {"siret": digits} if by_number else {"name": asked})


def _spaces(page: Page) -> list[tuple[spaces.Space, bool]]:
    """Every space, and whether he has it: a right opens it, nothing else."""
    there = [space for space in spaces.SPACES if space.path in page.house.there]
    return [(space, space.shown(page.me)) for space in there]


def _add_making(router: APIRouter) -> None:
    @router.get("/structures/ajouter")
    async def ask(page: Own, siret: str = "") -> Response:
        digits = "".join(siret.split())[:14]
        given: dict[str, Any] = {}
        if len(digits) == 14 and digits.isdigit():
            given = (await page.call.get("portal", f"{STRUCTURES}/prefill/{digits}")).data or {}
        form = Form.of(
            type="SIRET",
            identifier=digits,
            country="FR",
            **{name: given.get(name) for name in ("name", "street", "complement", "postal_code", "town")},
        )
        return await _asked(page, form, closed=bool(given.get("closed")))

    @router.post("/structures/ajouter")
    async def make(page: Own) -> Response:
        form = await page.form()
        if not form.text("identifier"):
            form.wrong("identifier", page.t("joining.identifier_missing"))
            return await _asked(page, form)
        given = {
            "type": form.text("type", "SIRET")[:40],
            "identifier": form.text("identifier")[:200],
            "name": form.text("name")[:200],
            "address": postal(form),
        }
        answer = await page.call.post("portal", STRUCTURES, given)
        if not form.take(answer.problem, _NAMES):
            return await _asked(page, form)
        return page.go(path_of(answer.data["structure"]), "structure_added")


async def _asked(page: Page, form: Form, *, closed: bool = False) -> Response:
    kinds = await page.call.get("portal", f"{API}/identifiers")
    types = [(kind["type"], kind["label"]) for kind in kinds.data or [{"type": "SIRET", "label": "SIRET"}]]
    status = 200 if form.valid else 422
    return page.render("structures/add.html", status=status, form=form, types=types, closed=closed)


def _add_asking(router: APIRouter) -> None:
    @router.get("/structures/{structure}/rattachement")
    async def ask(page: Own, structure: str) -> Response:
        return await _attachment(page, Form(), structure)

    @router.post("/structures/{structure}/rattachement")
    async def send(page: Own, structure: str) -> Response:
        form = await page.form()
        given = {"message": form.text("message")[:500], "works_there": bool(form.text("works_there"))}
        answer = await page.call.post("portal", f"{STRUCTURES}/{quote(structure[:400], safe='')}/requests", given)
        if not form.take(answer.problem):
            return await _attachment(page, form, structure)
        return page.go("/structures#demandes", "request_sent")


async def _attachment(page: Page, form: Form, key: str) -> Response:
    """The form; and of a public body, why a supplier does not belong to it."""
    body = None
    if len(key) == 14 and key.isdigit():
        body = (await page.call.get("routing", f"/api/v1/directory/structures/{key}")).data
    refusal = form.problem.code if form.problem is not None else None
    status = 200 if form.valid else 422
    return page.render(
        "structures/attachment.html", status=status, form=form, structure=key[:400], body=body, refusal=refusal
    )


def _add_one(router: APIRouter) -> None:
    @router.get("/structures/{structure}")
    async def one(page: Own, structure: str) -> Response:
        found = await place(page, structure)
        proofs, kinds = await asyncio.gather(
            lists.whole(page, "portal", f"{API}/proofs", "proofs", {"structure": found["structure"]}),
            page.call.get("portal", f"{API}/proofs/kinds"),
        )
        mine = [each for each in proofs if each["subject"] == page.me.subject]
        return page.render(
            "structures/one.html",
            one=found,
            at=path_of(found["structure"]),
            proofs=mine,
            cut=proofs.cut,
            kinds={kind["code"]: kind["label"] for kind in kinds.data or ()},
            unverified=not found["verified"] and any(right["role"] == "DEPOSANT" for right in found["rights"]),
        )
