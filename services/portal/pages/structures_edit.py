"""``/structures/{structure}/…``: name and address, bank references, change of SIRET, leaving."""

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages.call import Answer
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page
from services.portal.pages.structures_place import POSTAL, api_of, path_of, place, postal

_FIELDS: Final = ("street", "complement", "postal_code", "town", "country")


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_address(router)
    _add_bank(router)
    _add_successor(router)
    _add_leaving(router)


def _shown(page: Page, template: str, form: Form, found: dict[str, Any], **more: Any) -> Response:
    status = 200 if form.valid else 422
    return page.render(template, status=status, form=form, one=found, at=path_of(found["structure"]), **more)


def _add_address(router: APIRouter) -> None:
    @router.get("/structures/{structure}/modifier")
    async def ask(page: Own, structure: str) -> Response:
        found = await place(page, structure)
        given = {name: found["address"][name] for name in _FIELDS}
        form = Form.of(name=found["name"], version=str(found["version"]), **given)
        return _shown(page, "structures/edit.html", form, found)

    @router.post("/structures/{structure}/modifier")
    async def change(page: Own, structure: str) -> Response:
        form = await page.form()
        found = await place(page, structure)
        if not form.text("name"):
            form.wrong("name", page.t("structures.name_missing"))
            return _shown(page, "structures/edit.html", form, found)
        version = form.text("version")
        given = {
            "version": int(version) if version.isdigit() and len(version) < 10 else 0,
            "name": form.text("name")[:200],
            "address": postal(form),
        }
        answer = await page.call.put("portal", api_of(found["structure"]), given)
        if not form.take(answer.problem, {"name": "name", **POSTAL}):
            return _shown(page, "structures/edit.html", form, found)
        return page.go(path_of(found["structure"]), "saved")


def _add_bank(router: APIRouter) -> None:
    @router.get("/structures/{structure}/banque")
    async def ask(page: Own, structure: str) -> Response:
        found = await place(page, structure, "structure.change")
        # An IBAN is never put into a field: whoever changes it writes it anew, from his bank's own paper.
        return _shown(page, "structures/bank.html", Form.of(holder=(found["bank"] or {}).get("holder")), found)

    @router.post("/structures/{structure}/banque")
    async def change(page: Own, structure: str) -> Response:
        form = await page.form()
        found = await place(page, structure, "structure.change")
        if not form.text("iban"):
            form.wrong("iban", page.t("structures.iban_missing"))
            return _shown(page, "structures/bank.html", form, found)
        given = {
            "iban": form.text("iban")[:50],
            "bic": form.text("bic")[:20] or None,
            "holder": form.text("holder")[:200] or None,
        }
        answer = await page.call.put("portal", api_of(found["structure"], "bank"), given)
        if not form.take(answer.problem):
            return _shown(page, "structures/bank.html", form, found)
        return page.go(path_of(found["structure"]) + "#banque", "bank_saved")

    @router.post("/structures/{structure}/banque/oubli")
    async def forget(page: Own, structure: str) -> Response:
        await page.form()
        found = await place(page, structure, "structure.change")
        answer = await page.call.delete("portal", api_of(found["structure"], "bank"))
        return _done(page, answer, found["structure"], "#banque", "bank_forgotten")


def _done(page: Page, answer: Answer, key: str, part: str, done: str) -> Response:
    if answer.problem is not None:
        return page.refused(answer.problem)
    return page.go(path_of(key) + part, done)


def _add_successor(router: APIRouter) -> None:
    @router.get("/structures/{structure}/succession")
    async def ask(page: Own, structure: str) -> Response:
        found = await place(page, structure, "structure.change")
        form = Form.of(type=found["type"], name=found["name"], **{n: found["address"][n] for n in _FIELDS})
        return await _succession(page, form, found)

    @router.post("/structures/{structure}/succession")
    async def send(page: Own, structure: str) -> Response:
        form = await page.form()
        found = await place(page, structure, "structure.change")
        if not form.text("identifier"):
            form.wrong("identifier", page.t("joining.identifier_missing"))
            return await _succession(page, form, found)
        given = {
            "type": form.text("type", "SIRET")[:40],
            "identifier": form.text("identifier")[:200],
            "name": form.text("name")[:200],
            "address": postal(form),
        }
        answer = await page.call.post("portal", api_of(found["structure"], "successor"), given)
        if not form.take(answer.problem, {"identifier": "identifier", "name": "name", **POSTAL}):
            return await _succession(page, form, found)
        if answer.data["state"] == "done":
            return page.go(path_of(answer.data["new"]), "succession_done")
        return page.go(path_of(found["structure"], "succession"), "succession_asked")


async def _succession(page: Page, form: Form, found: dict[str, Any]) -> Response:
    known = await page.call.get("portal", api_of(found["structure"], "successions"))
    kinds = await page.call.get("portal", "/api/v1/accounts/identifiers")
    types = [(kind["type"], kind["label"]) for kind in kinds.data or [{"type": "SIRET", "label": "SIRET"}]]
    successions = (known.data or {}).get("successions", [])
    return _shown(page, "structures/succession.html", form, found, types=types, successions=successions)


def _add_leaving(router: APIRouter) -> None:
    @router.get("/structures/{structure}/quitter")
    async def ask(page: Own, structure: str) -> Response:
        return _shown(page, "structures/leave.html", Form(), await place(page, structure))

    @router.post("/structures/{structure}/quitter")
    async def leave(page: Own, structure: str) -> Response:
        form = await page.form()
        found = await place(page, structure)
        answer = await page.call.post("portal", api_of(found["structure"], "leave"))
        if not form.take(answer.problem):
            return _shown(page, "structures/leave.html", form, found)
        return page.go("/structures", "structure_left")
