"""``/gestion``: what waits for whoever manages a structure or administers a tenant, and the ways to what he keeps."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages import deciding, lists
from services.portal.pages.call import Answer
from services.portal.pages.forms import Form
from services.portal.pages.lists import Listed
from services.portal.pages.page import Own, Page
from services.portal.pages.papers import one_of
from services.portal.pages.structures_place import API

MANAGERS: Final = ("GESTIONNAIRE", "TENANT_ADMIN", "OPERATEUR")


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_overview(router)
    _add_successions(router)


def _add_overview(router: APIRouter) -> None:
    @router.get("/gestion")
    async def overview(page: Own, suite: str = "", papiers: str = "", structures: str = "") -> Response:
        me = page.need(*MANAGERS)
        own, requests, proofs, successions = await asyncio.gather(
            _listed(page, "structures", structures, "structures"),
            _listed(page, "requests", suite, lists.ON, "demandes", {"state": "asked"}),
            _listed(page, "proofs", papiers, "papiers", "papiers", {"state": "submitted"}),
            page.call.get("portal", f"{API}/successions"),
        )
        names = {place.key: place.name for place in me.places}
        managed = [
            {**each, "name": names.get(each["structure"], each["name"])}
            for each in own.rows
            if "membership.decide" in each["may"]
        ]
        administered = sorted(set(me.principal.tenants_as("TENANT_ADMIN")))
        return page.render(
            "gestion/overview.html",
            requests=[each for each in requests.rows if each["subject"] != me.subject],
            requests_list=requests,
            proofs=[each for each in proofs.rows if each["subject"] != me.subject],
            proofs_list=proofs,
            successions=[each for each in _of(successions, "successions") if each["state"] == "asked"],
            structures=managed,
            structures_list=own,
            tenants=[(tenant, me.tenants.get(tenant, tenant)) for tenant in administered],
            administrators=await _administrators(page, administered),
            operator=me.has("OPERATEUR"),
            away=any(answer.problem is not None for answer in (own, requests, proofs, successions)),
        )


async def _listed(
    page: Page, key: str, after: str, name: str, part: str = "structures", params: Mapping[str, Any] | None = None
) -> Listed:
    return await lists.page_of(page, "portal", f"{API}/{key}", key, params, after, name, part)


def _of(answer: Answer, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (answer.data or {}).get(name, [])
    return found


async def _administrators(page: Page, tenants: list[str]) -> dict[str, list[dict[str, Any]]]:
    answers = await asyncio.gather(
        *(page.call.get("portal", f"{API}/tenants/{tenant}/administrators") for tenant in tenants)
    )
    return {tenant: _of(answer, "administrators") for tenant, answer in zip(tenants, answers, strict=True)}


def _add_successions(router: APIRouter) -> None:
    path = "/gestion/successions/{succession}"

    @router.get(path)
    async def ask(page: Own, succession: UUID) -> Response:
        return await _succession(page, Form(), succession)

    @router.post(path + "/accord")
    async def accept(page: Own, succession: UUID) -> Response:
        form = await page.form()
        answer = await page.call.post("portal", f"{API}/successions/{succession}/accept")
        if not form.take(answer.problem):
            return await _succession(page, form, succession)
        return page.go("/gestion", "succession_done")

    @router.post(path + "/refus")
    async def refuse(page: Own, succession: UUID) -> Response:
        path = f"{API}/successions/{succession}/refuse"
        return await deciding.refuse(page, path, "succession_refused", lambda form: _succession(page, form, succession))


async def _succession(page: Page, form: Form, identity: UUID) -> Response:
    found = await one_of(page, "successions", identity)
    return page.render("gestion/succession.html", status=200 if form.valid else 422, form=form, asked=found)
