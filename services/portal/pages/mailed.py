"""``/lien``: the link of a mail. Opening it changes nothing, for scanners of mail open them all: the button does."""

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from services.common import clock
from services.portal import mail_links
from services.portal.link_api import WITH_PASSWORD
from services.portal.mail_links import Purpose
from services.portal.pages import stale
from services.portal.pages.forms import Form
from services.portal.pages.page import Page, Visit
from services.portal.pages.problems import Problem, Shown

_FOLLOW: Final = "/api/v1/accounts/links"
_OVER: Final = Problem(status=410, code="LINK_OVER")


def add_routes(router: APIRouter) -> None:
    """Serve it."""

    @router.get(mail_links.PAGE)
    async def ask(page: Visit, token: str = "") -> Response:
        return _asked(page, Form.of(token=token), await _purpose(page, token))

    @router.post(mail_links.PAGE)
    async def press(page: Visit) -> Response:
        form = await stale.form_of(page)
        token = form.text("token")[:200]
        purpose = await _purpose(page, token)
        if form.valid and purpose in WITH_PASSWORD:
            _check(page, form)
        if not form.valid:
            return _asked(page, form, purpose)
        given = {"token": token, "password": form.raw("password")[:512] or None}
        answer = await page.call.post("portal", _FOLLOW, given)
        if answer.status == 410:
            raise Shown(_OVER)
        if not form.take(answer.problem):
            return _asked(page, form, purpose)
        page.hand_on(answer)
        return _done(page, purpose, answer.data)


def _check(page: Page, form: Form) -> None:
    if not form.raw("password"):
        form.wrong("password", page.t("signing.password_missing"))
    elif not form.same("password", "again"):
        form.wrong("again", page.t("mailed.not_the_same"))


def _done(page: Page, purpose: Purpose, did: dict[str, Any]) -> Response:
    """Where the browser goes then."""
    if did["signed_in"]:
        return page.go("/", "activated")
    if purpose == "reset":
        return page.go("/connexion", "reset")
    return page.go(
        "/connexion" if page.person is None else "/compte", f"link_{purpose}" if did["done"] else "email_half"
    )


async def _purpose(page: Page, token: str) -> Purpose:
    """What the link is for. Raises ``Shown`` for one that does not serve any more."""
    parts = page.house.parts
    async with parts.pool.acquire() as connection:
        found = await parts.mailing.links.look(connection, token[:200], clock.now())
    if found is None:
        raise Shown(_OVER)
    return found.purpose


def _asked(page: Page, form: Form, purpose: Purpose) -> Response:
    status = 200 if form.valid else 422
    return page.render(
        "mailed/link.html", status=status, form=form, purpose=purpose, with_password=purpose in WITH_PASSWORD
    )
