"""``/compte/securite``: second factors. Secrets and recovery codes are shown once, on the page that made them."""

from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages import account_proof
from services.portal.pages.account_proof import FACTORS_PAGE, ME
from services.portal.pages.call import Answer
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page

_PAGE: Final = FACTORS_PAGE
_PREFIX: Final = "otpauth://totp/"


def add_routes(router: APIRouter) -> None:
    """Serve it."""
    _add_overview(router)
    _add_totp(router)
    _add_ends(router)


def _add_overview(router: APIRouter) -> None:
    @router.get(_PAGE)
    async def overview(page: Own) -> Response:
        return page.render("account/factors.html", factors=await page.call.need("portal", f"{ME}/factors"))

    @router.post(f"{_PAGE}/codes-de-secours")
    async def codes(page: Own) -> Response:
        await page.form()
        answer = await page.call.post("portal", f"{ME}/recovery-codes")
        if answer.problem is not None:
            return await account_proof.first(page, answer) or page.go(_PAGE)
        page.hand_on(answer)
        return page.render("account/codes.html", codes=answer.data["recovery_codes"])


def _add_totp(router: APIRouter) -> None:
    @router.get(f"{_PAGE}/code")
    @router.get(f"{_PAGE}/code/{{act}}")
    @router.get(f"{_PAGE}/cle/retrait")
    @router.get(f"{_PAGE}/codes-de-secours")
    async def back(page: Own) -> Response:
        """What is shown once after an act is not shown again: loading it anew leads back."""
        return page.go(_PAGE)

    @router.post(f"{_PAGE}/code")
    async def begin(page: Own) -> Response:
        await page.form()
        answer = await page.call.post("portal", f"{ME}/totp")
        if answer.problem is not None:
            return await account_proof.first(page, answer) or page.refused(answer.problem)
        return _ask_code(page, Form(), answer.data["secret"], answer.data["uri"])

    @router.post(f"{_PAGE}/code/confirmation")
    async def confirm(page: Own) -> Response:
        form = await page.form()
        secret, uri = form.text("secret")[:200], form.text("uri")[:1000]
        if not form.text("code"):
            form.wrong("code", page.t("signing.code_missing"))
            return _ask_code(page, form, secret, uri)
        answer = await page.call.post("portal", f"{ME}/totp/confirmation", {"code": form.text("code")[:12]})
        proof = await account_proof.first(page, answer, form)
        if proof is not None:
            return proof
        if not form.take(answer.problem):
            return _ask_code(page, form, secret, uri)
        page.hand_on(answer)
        return page.render("account/codes.html", codes=answer.data["recovery_codes"])


def _add_ends(router: APIRouter) -> None:
    @router.post(f"{_PAGE}/code/retrait")
    async def end_totp(page: Own) -> Response:
        await page.form()
        return await _ended(page, await page.call.delete("portal", f"{ME}/totp"))

    @router.post(f"{_PAGE}/cle/retrait")
    async def end_passkey(page: Own) -> Response:
        form = await page.form()
        key = "".join(letter for letter in form.text("passkey") if letter.isalnum() or letter in "-_")
        return await _ended(page, await page.call.delete("portal", f"{ME}/passkeys/{key or 'none'}"), form)


async def _ended(page: Page, answer: Answer, form: Form | None = None) -> Response:
    """A factor is taken away, or was before."""
    if answer.problem is not None:
        return await account_proof.first(page, answer, form) or page.go(_PAGE)
    page.hand_on(answer)
    return page.go(_PAGE, "factor_ended")


def _ask_code(page: Page, form: Form, secret: str, uri: str) -> Response:
    if not uri.startswith(_PREFIX):
        return page.go(_PAGE)
    grouped = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return page.render(
        "account/totp.html", status=200 if form.valid else 422, form=form, secret=secret, grouped=grouped, uri=uri
    )
