"""``/structures/{structure}/personnes``: who belongs to a structure, what each may do there, and who decides."""

import asyncio
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages import lists, people_roles
from services.portal.pages.call import Answer
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page
from services.portal.pages.problems import NOT_FOUND, Problem, Shown
from services.portal.pages.structures_place import API, api_of, path_of, place

_DECIDES: Final = "membership.decide"


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_list(router)
    _add_one(router)
    _add_acts(router)


def _add_list(router: APIRouter) -> None:
    @router.get("/structures/{structure}/personnes")
    async def listed(page: Own, structure: str, suite: str = "", demandes: str = "") -> Response:
        found = await place(page, structure, _DECIDES)
        key = found["structure"]
        members, requests, invitations, delegations = await asyncio.gather(
            lists.page_of(page, "portal", api_of(key, "members"), "members", after=suite),
            lists.page_of(
                page,
                "portal",
                f"{API}/requests",
                "requests",
                {"state": "asked", "structure": key},
                demandes,
                "demandes",
                "demandes",
            ),
            page.call.get("portal", api_of(key, "invitations")),
            page.call.get("portal", api_of(key, "delegations")),
        )
        if members.problem is not None:
            raise Shown(members.problem)
        return page.render(
            "people/list.html",
            one=found,
            at=path_of(key),
            members=members,
            requests=requests,
            invited=_so_many(invitations, "invitations", lambda each: each["state"] == "sent"),
            delegated=_so_many(delegations, "delegations", lambda each: each["ended_at"] is None),
        )


def _so_many(answer: Answer, name: str, counts: Callable[[dict[str, Any]], bool]) -> str:
    """How many of the list; the first page of it is counted, and whether there are others is said."""
    found = answer.data or {}
    number = sum(counts(each) for each in found.get(name, ()))
    return f"{number}+" if found.get("next") else str(number)


async def _member(page: Page, key: str, subject: str) -> tuple[dict[str, Any], lists.Whole]:
    """Who it is, and all others. Raises ``Shown``."""
    members = await lists.whole(page, "portal", api_of(key, "members"), "members")
    for each in members:
        if each["subject"] == subject:
            members.remove(each)
            return each, members
    raise Shown(lists.TOO_LONG if members.cut else NOT_FOUND)


def _add_one(router: APIRouter) -> None:
    @router.get("/structures/{structure}/personnes/{subject}")
    async def one(page: Own, structure: str, subject: str) -> Response:
        return await _shown(page, structure, subject)

    @router.post("/structures/{structure}/personnes/{subject}/roles")
    async def give(page: Own, structure: str, subject: str) -> Response:
        form = await page.form()
        found = await place(page, structure, _DECIDES)
        who, _ = await _member(page, found["structure"], subject)
        roles = people_roles.given(form, who["roles"])
        answer = await page.call.put("portal", _api(found["structure"], subject, "roles"), {"roles": roles})
        if not form.take(answer.problem, people_roles.fields_of(roles)):
            return await _shown(page, structure, subject, form)
        return page.go(_path(found["structure"], subject), "roles_given")


def _api(key: str, subject: str, *parts: str) -> str:
    return api_of(key, "members", quote(subject[:100], safe=""), *parts)


def _path(key: str, subject: str) -> str:
    return path_of(key, "personnes", quote(subject, safe=""))


async def _shown(
    page: Page, structure: str, subject: str, form: Form | None = None, problem: Problem | None = None
) -> Response:
    """One person's page; ``problem``: what an act of it was answered with."""
    found = await place(page, structure, _DECIDES)
    who, others = await _member(page, found["structure"], subject)
    guest = who["side"] == "guest"
    choices = await people_roles.choices(page, found, who["roles"], form, guest=guest)
    shown = form if form is not None else Form()
    shown.take(problem)
    return page.render(
        "people/one.html",
        status=200 if shown.valid else 422,
        form=shown,
        one=found,
        at=path_of(found["structure"]),
        here=_path(found["structure"], subject),
        who=who,
        models=[each for each in others if each["verified"]],
        cut=others.cut,
        choices=choices,
    )


def _add_acts(router: APIRouter) -> None:
    path = "/structures/{structure}/personnes/{subject}"

    async def did(page: Page, structure: str, subject: str, problem: Problem | None, done: str) -> Response:
        if problem is not None:
            return await _shown(page, structure, subject, problem=problem)
        if done == "member_withdrawn":
            return page.go(path_of(structure, "personnes"), done)
        return page.go(_path(structure, subject), done)

    @router.post(path + "/garantie")
    async def vouch(page: Own, structure: str, subject: str) -> Response:
        await page.form()
        answer = await page.call.post("portal", _api(structure, subject, "vouch"))
        return await did(page, structure, subject, answer.problem, "member_vouched")

    @router.post(path + "/gestion")
    async def manager(page: Own, structure: str, subject: str) -> Response:
        form = await page.form()
        level = form.text("level")
        given = {"level": level if level in ("principal", "secondaire") else None}
        answer = await page.call.put("portal", _api(structure, subject, "manager"), given)
        return await did(page, structure, subject, answer.problem, "manager_set")

    @router.post(path + "/copie")
    async def copy(page: Own, structure: str, subject: str) -> Response:
        form = await page.form()
        given = {"source": form.text("source")[:100] or "-"}
        answer = await page.call.post("portal", _api(structure, subject, "copy"), given)
        return await did(page, structure, subject, answer.problem, "roles_copied")

    @router.post(path + "/retrait")
    async def withdraw(page: Own, structure: str, subject: str) -> Response:
        await page.form()
        answer = await page.call.delete("portal", _api(structure, subject))
        return await did(page, structure, subject, answer.problem, "member_withdrawn")
