"""Bringing people by mail, standing in for somebody, and the requests that wait for an answer."""

import asyncio
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages import deciding, lists, people_roles
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page
from services.portal.pages.papers import one_of
from services.portal.pages.problems import Shown
from services.portal.pages.structures_place import API, api_of, first_instant, last_instant, path_of, place
from services.portal.pages.words import LANGUAGES

_DECIDES: Final = "membership.decide"
_LEVELS: Final = ("principal", "secondaire")


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_invitations(router)
    _add_delegations(router)
    _add_requests(router)


def _add_invitations(router: APIRouter) -> None:
    path = "/structures/{structure}/invitations"

    @router.get(path)
    async def ask(page: Own, structure: str, suite: str = "") -> Response:
        return await _invitations(page, Form.of(language=page.language), structure, suite)

    @router.post(path)
    async def invite(page: Own, structure: str) -> Response:
        form = await page.form()
        if not form.text("email"):
            form.wrong("email", page.t("signing.email_missing"))
            return await _invitations(page, form, structure)
        roles, language = people_roles.given(form), form.text("language")
        given = {
            "email": form.text("email")[:300],
            "language": language if language in LANGUAGES else "fr",
            "manager": form.text("level") if form.text("level") in _LEVELS else None,
            "roles": roles,
        }
        answer = await page.call.post("portal", api_of(structure, "invitations"), given)
        if not form.take(answer.problem, people_roles.fields_of(roles)):
            return await _invitations(page, form, structure)
        return page.go(path_of(structure, "invitations"), "invitation_sent")

    @router.post(path + "/annulation")
    async def cancel(page: Own, structure: str) -> Response:
        form = await page.form()
        one = quote(form.text("invitation")[:60], safe="")
        answer = await page.call.delete("portal", api_of(structure, "invitations", one))
        if answer.problem is not None and answer.status != 409:
            return page.refused(answer.problem)
        return page.go(path_of(structure, "invitations"), "invitation_cancelled" if answer.ok else None)


async def _invitations(page: Page, form: Form, structure: str, after: str = "") -> Response:
    found = await place(page, structure, _DECIDES)
    sent = form if form.text("email") or not form.valid else None
    known, choices = await asyncio.gather(
        lists.page_of(
            page, "portal", api_of(found["structure"], "invitations"), "invitations", after=after, part="envoyees"
        ),
        people_roles.choices(page, found, (), sent),
    )
    return page.render(
        "people/invitations.html",
        status=200 if form.valid else 422,
        form=form,
        one=found,
        at=path_of(found["structure"]),
        invitations=known,
        choices=choices,
    )


def _add_delegations(router: APIRouter) -> None:
    path = "/structures/{structure}/delegations"

    @router.get(path)
    async def ask(page: Own, structure: str, suite: str = "") -> Response:
        return await _delegations(page, Form.of(giver=page.me.subject), structure, suite)

    @router.post(path)
    async def make(page: Own, structure: str) -> Response:
        form = await page.form()
        for name in ("since", "until"):
            if not form.text(name):
                form.wrong(name, page.t(f"people.{name}_missing"))
        if not form.text("receiver") and not form.text("email"):
            form.wrong("receiver", page.t("people.receiver_missing"))
        if not form.valid:
            return await _delegations(page, form, structure)
        given = {
            "giver": form.text("giver")[:100] or None,
            "receiver": form.text("receiver")[:100] or None,
            "email": form.text("email")[:300] or None,
            "since": first_instant(form.text("since")) or form.text("since")[:40],
            "until": last_instant(form.text("until")) or form.text("until")[:40],
        }
        answer = await page.call.post("portal", api_of(structure, "delegations"), given)
        if not form.take(answer.problem):
            return await _delegations(page, form, structure)
        return page.go(path_of(structure, "delegations"), "delegation_made")

    @router.post(path + "/fin")
    async def end(page: Own, structure: str) -> Response:
        form = await page.form()
        one = quote(form.text("delegation")[:60], safe="")
        answer = await page.call.delete("portal", api_of(structure, "delegations", one))
        if answer.problem is not None:
            return page.refused(answer.problem)
        return page.go(path_of(structure, "delegations"), "delegation_ended")


async def _delegations(page: Page, form: Form, structure: str, after: str = "") -> Response:
    found = await place(page, structure)
    known, people = await asyncio.gather(
        lists.page_of(
            page, "portal", api_of(found["structure"], "delegations"), "delegations", after=after, part="faites"
        ),
        lists.whole(page, "portal", api_of(found["structure"], "members"), "members"),
    )
    if known.problem is not None:
        raise Shown(known.problem)
    return page.render(
        "people/delegations.html",
        status=200 if form.valid else 422,
        form=form,
        one=found,
        at=path_of(found["structure"]),
        delegations=known,
        names={each["subject"]: each["name"] for each in people},
        givers=[each for each in people if each["verified"]],
        people=people,
        decides=_DECIDES in found["may"],
    )


def _add_requests(router: APIRouter) -> None:
    path = "/gestion/demandes/{request}"

    @router.get(path)
    async def ask(page: Own, request: UUID) -> Response:
        return await _request(page, Form(), request)

    @router.post(path + "/accord")
    async def approve(page: Own, request: UUID) -> Response:
        form = await page.form()
        roles = people_roles.given(form)
        answer = await page.call.post("portal", f"{API}/requests/{request}/approve", {"roles": roles})
        if not form.take(answer.problem, people_roles.fields_of(roles)):
            return await _request(page, form, request)
        return page.go("/gestion", "request_approved")

    @router.post(path + "/refus")
    async def refuse(page: Own, request: UUID) -> Response:
        path = f"{API}/requests/{request}/refuse"
        return await deciding.refuse(page, path, "request_refused", lambda form: _request(page, form, request))


async def _request(page: Page, form: Form, identity: UUID) -> Response:
    asked: dict[str, Any] = await one_of(page, "requests", identity)
    found = await place(page, asked["structure"], _DECIDES)
    choices = await people_roles.choices(page, found, (), None if form.valid else form)
    status = 200 if form.valid else 422
    at = path_of(found["structure"])
    return page.render("people/request.html", status=status, form=form, one=found, at=at, asked=asked, choices=choices)
