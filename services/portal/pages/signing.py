"""``/connexion``, its second step, ``/deconnexion``. Which address has an account is never said."""

import base64
import binascii
from typing import Final

import msgspec
from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages.call import Answer
from services.portal.pages.forms import Form
from services.portal.pages.page import REASON, Own, Page, Visit, local

_SESSIONS: Final = "/api/v1/accounts/sessions"
#: Between the two steps, the ticket of the first.
_STEP: Final = "chorale-step"
_STEP_SECONDS: Final = 600
_SECOND: Final = "/connexion/second"


class Step(msgspec.Struct, frozen=True):
    """What is kept between the steps: the ticket, which factors may be shown, where to go then."""

    ticket: str
    factors: tuple[str, ...]
    then: str


def add_routes(router: APIRouter) -> None:
    """Serve signing in and out."""
    _add_first(router)
    _add_second(router)

    @router.post("/deconnexion")
    async def sign_out(page: Own) -> Response:
        await page.form()
        answer = await page.call.delete("portal", f"{_SESSIONS}/current")
        page.hand_on(answer)
        page.set_cookie(REASON, "", seconds=0)
        page.person = None
        away = (answer.data or {}).get("provider_sign_out")
        # A form may lead to this site only (form-action): the way to the provider is a link.
        return page.render("signing/away.html", away=away) if away else page.go("/", "signed_out")


def _add_first(router: APIRouter) -> None:
    @router.get("/connexion")
    async def ask(page: Visit, suite: str = "/") -> Response:
        if page.person is not None:
            return page.go(local(suite))
        return _first(page, Form.of(then=local(suite)))

    @router.post("/connexion")
    async def sign_in(page: Visit) -> Response:
        form = await page.form()
        if not form.text("email"):
            form.wrong("email", page.t("signing.email_missing"))
        if not form.raw("password"):
            form.wrong("password", page.t("signing.password_missing"))
        if not form.valid:
            return _first(page, form)
        given = {"email": form.text("email")[:300], "password": form.raw("password")[:512]}
        answer = await page.call.post("portal", _SESSIONS, given)
        if not form.take(answer.problem):
            return _first(page, form)
        then = local(form.text("then"))
        if answer.data["state"] == "second_factor":
            kept = Step(answer.data["ticket"], tuple(answer.data["factors"]), then)
            page.set_cookie(_STEP, _packed(kept), seconds=_STEP_SECONDS, path=_SECOND)
            return page.go(_SECOND)
        page.hand_on(answer)
        return page.go(then)


def _add_second(router: APIRouter) -> None:
    @router.get(_SECOND)
    async def ask(page: Visit) -> Response:
        step = _step(page)
        return (
            page.go("/connexion")
            if step is None
            else page.render("signing/second.html", form=Form(), factors=step.factors)
        )

    @router.post(_SECOND)
    async def second(page: Visit) -> Response:
        form, step = await page.form(), _step(page)
        if step is None:
            return page.go("/connexion")
        means = "recovery" if form.text("recovery") else "totp"
        if not form.text(means):
            form.wrong("totp", page.t("signing.code_missing"))
            return page.render("signing/second.html", status=422, form=form, factors=step.factors)
        given = {"ticket": step.ticket, means: form.text(means)[: 60 if means == "recovery" else 12]}
        answer = await page.call.post("portal", f"{_SESSIONS}/second", given)
        if not form.take(answer.problem):
            return page.render("signing/second.html", status=_status(answer), form=form, factors=step.factors)
        page.hand_on(answer)
        page.set_cookie(_STEP, "", seconds=0, path=_SECOND)
        return page.go(step.then)


def _first(page: Page, form: Form) -> Response:
    provider = bool(page.house.parts.settings.oidc_issuer)
    status = 200 if form.valid else 422
    return page.render("signing/first.html", status=status, form=form, provider=provider)


def _status(answer: Answer) -> int:
    """Never 401: that would be about this page itself."""
    return 422 if answer.status == 401 else answer.status


def _packed(step: Step) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(step)).decode().rstrip("=")


def _step(page: Page) -> Step | None:
    text = page.request.cookies.get(_STEP, "")
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        found = msgspec.json.decode(raw, type=Step)
    except (binascii.Error, UnicodeError, ValueError):
        return None
    return msgspec.structs.replace(found, then=local(found.then)) if found.ticket else None
