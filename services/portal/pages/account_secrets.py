"""``/compte/mot-de-passe``, ``/compte/adresse``, ``/compte/donnees``: what a recent proof is asked for first."""

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages import account_proof
from services.portal.pages.account_proof import ME, PROOF
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_password(router)
    _add_email(router)
    _add_export(router)


def _add_password(router: APIRouter) -> None:
    @router.get("/compte/mot-de-passe")
    async def ask(page: Own) -> Response:
        return page.render("account/password.html", form=Form())

    @router.post("/compte/mot-de-passe")
    async def change(page: Own) -> Response:
        form = await page.form()
        if not form.raw("password"):
            form.wrong("password", page.t("signing.password_missing"))
        elif not form.same("password", "again"):
            form.wrong("again", page.t("mailed.not_the_same"))
        if not form.valid:
            return page.render("account/password.html", status=422, form=form)
        answer = await page.call.put("portal", f"{ME}/password", {"password": form.raw("password")[:512]})
        proof = await account_proof.first(page, answer, form)
        if proof is not None:
            return proof
        if not form.take(answer.problem):
            return page.render("account/password.html", status=422, form=form)
        page.hand_on(answer)
        return page.go("/compte", "password")


def _add_email(router: APIRouter) -> None:
    @router.get("/compte/adresse")
    async def ask(page: Own) -> Response:
        return _email(page, Form())

    @router.post("/compte/adresse")
    async def change(page: Own) -> Response:
        form = await page.form()
        if not form.text("email"):
            form.wrong("email", page.t("signing.email_missing"))
            return _email(page, form)
        answer = await page.call.put("portal", f"{ME}/email", {"email": form.text("email")[:300]})
        proof = await account_proof.first(page, answer, form)
        if proof is not None:
            return proof
        if not form.take(answer.problem):
            return _email(page, form)
        return page.go("/compte", "email")


def _email(page: Page, form: Form) -> Response:
    return page.render("account/email.html", status=200 if form.valid else 422, form=form)


def _add_export(router: APIRouter) -> None:
    @router.get("/compte/donnees")
    async def ask(page: Own) -> Response:
        return page.render("account/export.html", form=Form())

    @router.post("/compte/donnees")
    async def prove(page: Own) -> Response:
        """The file itself is portal's own API's: the browser takes it with its cookie."""
        form = await page.form()
        answer = await page.call.post("portal", PROOF, {"password": form.raw("password")[:512]})
        if not form.take(answer.problem):
            return page.render("account/export.html", status=422, form=form)
        page.hand_on(answer)
        return page.go(f"{ME}/export")
