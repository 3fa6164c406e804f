"""``/inscription`` and ``/mot-de-passe``: an account, a new password. What comes of it is said by mail only."""

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages.forms import Form
from services.portal.pages.page import Page, Visit

_ACCOUNTS: Final = "/api/v1/accounts"
_NAMES: Final = {
    "identifier.value": "identifier",
    "identifier.type": "type",
    "proof": "proof",
    "proof.kind": "proof",
    "proof.reference": "reference",
    "address.street": "street",
    "address.postal_code": "postal_code",
    "address.town": "town",
    "address.country": "country",
}


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_sign_up(router)
    _add_reset(router)


def _add_sign_up(router: APIRouter) -> None:
    @router.get("/inscription")
    async def ask(page: Visit, siret: str = "") -> Response:
        return await _asked(page, Form.of(type="SIRET", identifier=siret[:20], country="FR"))

    @router.post("/inscription")
    async def sign_up(page: Visit) -> Response:
        form = await page.form()
        _check(page, form)
        if not form.valid:
            return await _asked(page, form)
        answer = await page.call.post("portal", _ACCOUNTS, _body(page, form))
        if not form.take(answer.problem, _NAMES):
            return await _asked(page, form)
        return page.go("/inscription/message")

    @router.get("/inscription/message")
    async def written(page: Visit) -> Response:
        return page.render("joining/written.html", what="sign_up")


def _add_reset(router: APIRouter) -> None:
    @router.get("/mot-de-passe")
    async def ask(page: Visit) -> Response:
        return page.render("joining/reset.html", form=Form())

    @router.post("/mot-de-passe")
    async def reset(page: Visit) -> Response:
        form = await page.form()
        if not form.text("email"):
            form.wrong("email", page.t("signing.email_missing"))
        else:
            answer = await page.call.post("portal", f"{_ACCOUNTS}/password/reset", {"email": form.text("email")[:300]})
            if form.take(answer.problem):
                return page.go("/mot-de-passe/message")
        return page.render("joining/reset.html", status=422, form=form)

    @router.get("/mot-de-passe/message")
    async def written(page: Visit) -> Response:
        return page.render("joining/written.html", what="reset")


async def _asked(page: Page, form: Form) -> Response:
    kinds = await page.call.get("portal", f"{_ACCOUNTS}/identifiers")
    found = kinds.data or [{"type": "SIRET", "label": "SIRET", "proof_asked": False, "proofs": {}}]
    papers = {name: label for kind in found if kind["proof_asked"] for name, label in kind["proofs"].items()}
    status = 200 if form.valid else 422
    types = [(kind["type"], kind["label"]) for kind in found]
    return page.render("joining/sign_up.html", status=status, form=form, types=types, papers=papers)


def _check(page: Page, form: Form) -> None:
    """What can be said without asking: in the order of the page."""
    for name in ("name", "email", "identifier"):
        if not form.text(name):
            form.wrong(name, page.t(f"joining.{name}_missing"))
    if form.text("type", "SIRET") != "SIRET" and not form.text("reference"):
        form.wrong("reference", page.t("joining.reference_missing"))


def _body(page: Page, form: Form) -> dict[str, Any]:
    kind = form.text("type", "SIRET")
    made: dict[str, Any] = {
        "email": form.text("email")[:300],
        "name": form.text("name")[:200],
        "language": page.language,
        "identifier": {"type": kind, "value": form.text("identifier")[:100]},
        "structure_name": form.text("structure_name")[:200],
    }
    postal = {name: form.text(name)[:100] for name in ("street", "postal_code", "town") if form.text(name)}
    if form.text("country"):
        postal["country"] = form.text("country").upper()[:2]
    if kind != "SIRET":
        made["proof"] = {"kind": form.text("proof")[:40], "reference": form.text("reference")[:200]}
    return {**made, "address": postal}
