"""``/invitation``: the link of an invitation. Its button accepts, for whoever has signed in."""

from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from services.common import clock
from services.portal import member_invitations, structure_store
from services.portal.member_desk import INVITATION_PAGE
from services.portal.pages import invoices_names, stale
from services.portal.pages.forms import Form
from services.portal.pages.page import Page, Visit
from services.portal.pages.problems import Problem, Shown
from services.portal.structure_store import Structure

_API: Final = "/api/v1/accounts/invitations"
_OVER: Final = Problem(status=410, code="LINK_OVER")


def add_routes(router: APIRouter) -> None:
    """Serve it."""

    @router.get(INVITATION_PAGE)
    async def ask(page: Visit, token: str = "") -> Response:
        return await _asked(page, Form.of(token=token), await _structure(page, token))

    @router.post(INVITATION_PAGE)
    async def press(page: Visit) -> Response:
        form = await stale.form_of(page)
        token = form.text("token")[:200]
        structure = await _structure(page, token)
        if not form.valid:
            return await _asked(page, form, structure)
        if page.person is not None:
            answer = await page.call.post("portal", f"{_API}/accept", {"token": token})
            if form.take(answer.problem):
                return page.go("/", "invited")
        elif not form.text("name"):
            form.wrong("name", page.t("joining.name_missing"))
        else:
            given = {"token": token, "name": form.text("name")[:200], "language": page.language}
            answer = await page.call.post("portal", f"{_API}/sign-up", given)
            if form.take(answer.problem):
                return page.go("/inscription/message")
        return await _asked(page, form, structure)


async def _structure(page: Page, token: str) -> Structure:
    """Who invites. Raises ``Shown`` for an invitation that does not serve any more."""
    parts = page.house.parts
    identity = parts.mailing.links.read(token[:200])
    async with parts.pool.acquire() as connection:
        found = await member_invitations.one(connection, identity) if identity else None
        if found is None or found.state != "sent" or found.expires_at <= clock.now():
            raise Shown(_OVER)
        structure = await structure_store.by_id(connection, found.structure)
    if structure is None:
        raise Shown(_OVER)
    return structure


async def _asked(page: Page, form: Form, structure: Structure) -> Response:
    names = await invoices_names.of_structures(page, [structure.key])
    name, status = names.get(structure.key) or structure.name, 200 if form.valid else 422
    return page.render("mailed/invitation.html", status=status, form=form, name=name)
