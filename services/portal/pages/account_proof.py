"""``/compte/preuve``: that it is he who asks, by the password and, for factors, by a factor; then the act goes on.

Whose account a provider opens may show it there instead, and then begins the act anew.

An act that is refused for want of a proof is answered by the form that takes one. What the act was given goes along in
that form, and once it is proved the browser sends the same form on to the act (307): nothing is written twice.
"""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages.call import Answer
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page, local

ME: Final = "/api/v1/accounts/me"
PROOF: Final = "/api/v1/accounts/sessions/proof"
FACTORS_PAGE: Final = "/compte/securite"
_PATH: Final = "/compte/preuve"
#: The acts that go on by themselves, and the fields that they take. A new password is written anew: its field is that
#: of the old one.
_ACTS: Final[Mapping[str, tuple[str, ...]]] = {
    f"{FACTORS_PAGE}/codes-de-secours": (),
    f"{FACTORS_PAGE}/code": (),
    f"{FACTORS_PAGE}/code/confirmation": ("code", "secret", "uri"),
    f"{FACTORS_PAGE}/code/retrait": (),
    f"{FACTORS_PAGE}/cle/retrait": ("passkey",),
    "/compte/fermeture": ("confirm",),
    "/compte/adresse": ("email",),
}
_LONGEST: Final = 1_400


def add_routes(router: APIRouter) -> None:
    """Serve it."""

    @router.get(_PATH)
    async def ask(page: Own, suite: str = "/compte", facteur: str = "") -> Response:
        then = local(suite, "/compte")
        return await _asked(page, Form.of(then=then, wants="factor" if facteur else "password"))

    @router.post(_PATH)
    async def prove(page: Own) -> Response:
        form = await page.form()
        factors = await _factors(page)
        given = _given(page, form, factors)
        if not form.valid:
            return await _asked(page, form, factors)
        answer = await page.call.post("portal", PROOF, given)
        if not form.take(answer.problem):
            return await _asked(page, form, factors)
        page.hand_on(answer)
        if form.text("act") in _ACTS:
            return page.go(form.text("act"), resent=True)
        return page.go(local(form.text("then"), "/compte"), "proved")


async def first(page: Page, answer: Answer, form: Form | None = None) -> Response | None:
    """The form that takes a proof, where that is what ``answer`` asks for. ``form``: what the act was given."""
    code = answer.problem.code if answer.problem is not None else ""
    if code not in ("PROOF_REQUIRED", "FACTOR_REQUIRED"):
        return None
    path = page.request.url.path
    sent = {name: (form.text(name)[:_LONGEST] if form else "") for name in _ACTS.get(path, ())}
    wants = "factor" if code == "FACTOR_REQUIRED" else "password"
    shown = Form.of(then=path, act=path if path in _ACTS else None, wants=wants, **sent)
    return await _asked(page, shown, status=403)


def _wants(form: Form, factors: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether the password is asked for, and whether a factor: for what changes factors, both at once."""
    held = bool(factors.get("totp") or factors.get("passkeys"))
    if form.text("wants") == "factor":
        return not held, held
    changes = form.text("act", form.text("then")).startswith(FACTORS_PAGE)
    return True, held and changes


def _given(page: Page, form: Form, factors: Mapping[str, Any]) -> dict[str, str]:
    """What the API is told; what is missing is said in the form."""
    password, factor = _wants(form, factors)
    given: dict[str, str] = {}
    if password:
        given["password"] = form.raw("password")[:512]
        if not given["password"]:
            form.wrong("password", page.t("signing.password_missing"))
    if factor:
        means, longest = ("recovery", 60) if form.text("recovery") else ("totp", 12)
        given[means] = form.text(means)[:longest]
        if not given[means]:
            form.wrong("totp" if factors.get("totp") else "recovery", page.t("signing.code_missing"))
    return given


async def _factors(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = (await page.call.get("portal", f"{ME}/factors")).data or {}
    return found


async def _asked(
    page: Page, form: Form, factors: Mapping[str, Any] | None = None, status: int | None = None
) -> Response:
    held = await _factors(page) if factors is None else factors
    me = (await page.call.get("portal", ME)).data or {}
    password, factor = _wants(form, held)
    by_provider = password and page.house.parts.settings.oidc_issuer in me.get("providers", ())
    act = form.text("act") if form.text("act") in _ACTS else ""
    then = local(form.text("then"), "/compte")
    return page.render(
        "account/proof.html",
        status=status or (200 if form.valid else 422),
        form=form,
        password=password and (me.get("has_password", True) or not by_provider),
        factor=factor,
        provider=page.house.parts.settings.oidc_label if by_provider else None,
        totp=bool(held.get("totp")),
        passkeys=bool(held.get("passkeys")),
        act=act,
        sent=_ACTS.get(act, ()),
        then=then,
        come_back=FACTORS_PAGE if then.startswith(FACTORS_PAGE) else then,
        back=FACTORS_PAGE if then.startswith(FACTORS_PAGE) else "/compte",
    )
