"""``/flux`` and ``/flux/{id}``: archives of many invoices, how far they came, and what became of each invoice."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.common import bodies
from services.portal.pages import deposit_intake, lists
from services.portal.pages.deposit import body_of, following, may_deposit, no_right
from services.portal.pages.deposit_files import handed_on
from services.portal.pages.deposit_intake import FLOWS
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page
from services.portal.pages.problems import NOT_FOUND, Shown

_PAGE: Final = 20
_ITEMS: Final = 100
#: The tabs of the list, as addresses name them, and the states that each shows; all of them has no name.
STATES: Final[dict[str, tuple[str, ...]]] = {
    "en-cours": (
        "UPLOADING",
        "IN_RECU",
        "IN_EN_ATTENTE_TRAITEMENT_CPP",
        "IN_EN_COURS_TRAITEMENT_CPP",
        "IN_EN_ATTENTE_RETRAITEMENT_CPP",
        "IN_INCIDENTE",
    ),
    "integrees": ("IN_INTEGRE",),
    "en-partie": ("IN_INTEGRE_PARTIEL",),
    "rejetees": ("IN_REJETE",),
}
#: Of so many recipients of refused invoices a page shows the public contact.
_CONTACTS: Final = 5
#: The tabs of a flow: which outcomes each lists.
TABS: Final[dict[str, tuple[str, ...]]] = {
    "a-traiter": ("rejected", "to_verify"),
    "toutes": (),
    "deposees": ("integrated",),
    "doublons": ("duplicate",),
    "laissees": ("ignored",),
}
_TONES: Final = {"integrated": "done", "to_verify": "wait", "rejected": "stop", "duplicate": "off", "waiting": "mine"}
_ENDS: Final = {"IN_INTEGRE": "done", "IN_INTEGRE_PARTIEL": "wait", "IN_REJETE": "stop", "IN_INCIDENTE": "stop"}


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_list(router)
    _add_one(router)


def _add_list(router: APIRouter) -> None:
    @router.get("/flux")
    async def flows(page: Own, etat: str = "", suite: str = "") -> Response:
        if not may_deposit(page):
            return no_right(page)
        return await _listed(page, Form(), etat, suite)

    @router.get("/flux/export.csv")
    async def export(page: Own, etat: str = "", cursor: str = "") -> Response:
        asked = {"state": STATES.get(etat), "cursor": cursor[:40]}
        return await handed_on(page, "ingest", f"{FLOWS}/export.csv", {k: v for k, v in asked.items() if v})

    @router.post("/flux")
    @bodies.takes(bodies.ARCHIVES)
    async def send(page: Own) -> Response:
        found = await deposit_intake.take(page)
        form = Form()
        if not found.sent:
            form.wrong("file", page.t("deposit.file_missing"))
        for each in found.refused:
            assert each.problem is not None
            form.wrong("file", page.t("deposit.kept_out", name=each.name, why=page.said(each.problem)))
        if not form.valid:
            return await _listed(page, form)
        return page.go(following(found.sent))


async def _listed(page: Page, form: Form, etat: str = "", after: str = "") -> Response:
    """One page of his archives, newest first. Raises ``Shown`` for a place in the list that is none."""
    tab = etat if etat in STATES else ""
    asked = {"limit": _PAGE, "state": STATES.get(tab)}
    listed = await lists.page_of(page, "ingest", FLOWS, "flows", asked, after)
    if form.valid and listed.problem is not None and not listed.problem.away:
        raise Shown(NOT_FOUND if listed.problem.status == 400 else listed.problem)
    return page.render(
        "flow/list.html",
        status=200 if form.valid else 422,
        form=form,
        flows=listed.rows,
        tones=_ENDS,
        tab=tab,
        tabs=[
            (name, page.t(f"flow.filter_{name.replace('-', '_') or 'all'}"), _address(name)) for name in ("", *STATES)
        ],
        table=f"/flux/export.csv{'?etat=' if tab else ''}{tab}",
        next=listed.next,
        first=listed.first,
        problem=listed.problem,
    )


def _address(tab: str) -> str:
    return f"/flux?etat={tab}" if tab else "/flux"


def _add_one(router: APIRouter) -> None:
    @router.get("/flux/{flow}")
    async def one(page: Own, flow: UUID, vue: str = "", apres: int = 0) -> Response:
        found: dict[str, Any] = await page.call.need("ingest", f"{FLOWS}/{flow}")
        counts = found["counts"]
        troubled = any(counts.get(each) for each in TABS["a-traiter"])
        tab = vue if vue in TABS else "a-traiter" if troubled else "toutes"
        listed = await page.call.get(
            "ingest",
            f"{FLOWS}/{flow}/items",
            {"outcome": list(TABS[tab]) or None, "after": max(0, apres), "limit": _ITEMS},
        )
        data = listed.data or {}
        contacts, more = await _contacts(page, data.get("items", []))
        following_page = urlencode({"vue": tab, "apres": data.get("next") or 0})
        return page.render(
            "flow/one.html",
            flow=found,
            over=found["progress"] >= 1,
            tone=_ENDS.get(found["state"], "mine"),
            tones=_TONES,
            tabs=[(name, page.t(f"flow.tab_{name.replace('-', '_')}"), f"/flux/{flow}?vue={name}") for name in TABS],
            tab=tab,
            items=data.get("items", []),
            next=f"/flux/{flow}?{following_page}" if data.get("next") else None,
            first=f"/flux/{flow}?vue={tab}" if apres else None,
            contacts=contacts,
            more_contacts=more,
            problem=listed.problem,
            once=Form().once,
        )

    @router.get("/flux/{flow}/compte-rendu.{form}")
    async def report(page: Own, flow: UUID, form: Literal["csv", "json", "pdf"]) -> Response:
        return await handed_on(page, "ingest", f"{FLOWS}/{flow}/report.{form}")


async def _contacts(page: Page, items: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    """The bodies that refused invoices of this page are for, with their public contacts, each once; whether there are
    more than the page asks for."""
    refused = [each["recipient"] for each in items if each["outcome"] == "rejected" and each["recipient"]]
    wanted = list(dict.fromkeys(refused))
    found = await asyncio.gather(*(body_of(page, each) for each in wanted[:_CONTACTS]))
    return [each for each in found if each], len(wanted) > _CONTACTS
