"""``/gestion/annuaire``: public structures; which references each asks for, which services are open.

An administrator keeps those of his tenant, a manager the bodies that he manages.

The directory is changed by its import alone, here a file of one line: what the line does not name stays as it is.
"""

import csv
import io
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from invoice.rights import allows
from services.portal.pages import invoices_names
from services.portal.pages.call import Answer
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page
from services.portal.pages.person import Person, Place
from services.portal.pages.problems import NOT_FOUND, FieldError, Problem, Shown

IMPORT: Final = "/api/v1/directory/import"
_API: Final = "/api/v1/directory"
_SECONDS: Final = 60.0
#: Columns of the file that are answered with yes or no, in the order of the page.
DEMANDS: Final = ("service_obligatoire", "engagement_obligatoire", "service_ou_engagement", "marche_vaut_engagement")
_SAID: Final = {
    "service_obligatoire": "service_required",
    "engagement_obligatoire": "engagement_required",
    "service_ou_engagement": "service_or_engagement",
    "marche_vaut_engagement": "market_replaces_engagement",
}
MARKET: Final = {"off": "non", "warn": "attendu", "refuse": "obligatoire"}
CONTACT: Final = {
    "contact_nom": "name",
    "contact_courriel": "email",
    "contact_telephone": "telephone",
    "contact_horaires": "hours",
}


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_list(router)
    _add_one(router)
    _add_services(router)


def csv_of(row: Mapping[str, str]) -> bytes:
    """A file of the directory with one line."""
    written = io.StringIO()
    writer = csv.DictWriter(written, list(row), delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerow(row)
    return written.getvalue().encode()


async def load(page: Page, content: bytes, media_type: str = "text/csv", *, dry_run: bool = False) -> Answer:
    """Have a file loaded, or told what it would change."""
    return await page.call.ask(
        "POST",
        "routing",
        IMPORT,
        params={"dry_run": "true"} if dry_run else None,
        content=content,
        headers={"Content-Type": media_type},
        seconds=_SECONDS,
    )


def _add_list(router: APIRouter) -> None:
    @router.get("/gestion/annuaire")
    async def listed(page: Own, collectivite: str = "", p: str = "1") -> Response:
        tenants = _tenants(page)
        if not tenants:
            return page.render("gestion/bodies.html", bodies=managed(page.me))
        tenant = collectivite if collectivite in tenants else next(iter(tenants), "")
        number = int(p) if p.isdigit() and len(p) < 6 else 1
        answer = await page.call.get("routing", f"{_API}/tenants/{tenant}/guide", {"page": max(1, number)})
        return page.render(
            "gestion/directory.html",
            tenant=tenant,
            tenants=sorted(tenants.items()),
            guide=answer.data,
            problem=answer.problem,
        )


def _tenants(page: Page) -> dict[str, str]:
    """Those that he administers, by id. Raises ``Shown`` for who neither administers nor manages anything."""
    me = page.need("TENANT_ADMIN", "GESTIONNAIRE")
    return {tenant: me.tenants.get(tenant, tenant) for tenant in me.principal.tenants_as("TENANT_ADMIN")}


def managed(me: Person) -> list[Place]:
    """The public bodies that he manages."""
    bodies = set(me.principal.bodies_as("GESTIONNAIRE"))
    return [place for place in me.places if place.public and place.key in bodies]


async def _body(page: Page, siret: str) -> dict[str, Any]:
    """A structure that he keeps in the directory. Raises ``Shown``."""
    me = page.need("TENANT_ADMIN", "GESTIONNAIRE")
    if len(siret) != 14 or not siret.isascii() or not siret.isdigit():
        raise Shown(NOT_FOUND)
    found: dict[str, Any] = await page.call.need("routing", f"{_API}/structures/{siret}")
    if not allows(me.principal.held, "directory.change", structure=siret, tenant=found["tenant"]):
        raise Shown(NOT_FOUND)
    return found


def _add_one(router: APIRouter) -> None:
    @router.get("/gestion/annuaire/{siret}")
    async def one(page: Own, siret: str) -> Response:
        return await _one(page, siret)

    @router.post("/gestion/annuaire/{siret}")
    async def change(page: Own, siret: str) -> Response:
        form = await page.form()
        found = await _body(page, siret)
        row = {"entree": "structure", "siret": siret}
        row |= {name: "oui" if name in form.all("demands") else "non" for name in DEMANDS}
        row["marche"] = form.text("marche") if form.text("marche") in MARKET.values() else "non"
        days = "".join(form.text("delai_paiement").split())[:5]
        # What was not touched stays what the kind of body says; a manager is not asked.
        if _administers(page, found) and days != str(found["payment_days"]):
            row["delai_paiement"] = days
        row |= {name: " ".join(form.text(name).split())[:200] for name in CONTACT}
        answer = await load(page, csv_of(row))
        if not form.take(_by_column(answer.problem)):
            return await _one(page, siret, form)
        return page.go(f"/gestion/annuaire/{siret}", "directory_changed")


def _by_column(problem: Problem | None) -> Problem | None:
    """Errors name a line and a column of the file; here a column is a field of the page."""
    if problem is None:
        return None
    entries = tuple(
        FieldError(field=each.field.rpartition(".")[2], message=each.message, action=each.action, code=each.code)
        for each in problem.errors
    )
    return Problem(
        status=problem.status,
        code=problem.code,
        title=problem.title,
        detail=problem.detail,
        errors=entries,
        trace=problem.trace,
    )


async def _one(page: Page, siret: str, form: Form | None = None, service: Form | None = None) -> Response:
    found = await _body(page, siret)
    shown, of_service = form or _as_form(found), service or Form()
    history = await page.call.get("routing", f"{_API}/structures/{siret}/history")
    changes = (history.data or [])[:20]
    return page.render(
        "gestion/body.html",
        status=200 if shown.valid and of_service.valid else 422,
        form=shown,
        service=of_service,
        body=found,
        services=sorted(found["services"], key=lambda each: (not each["open_today"], each["code"])),
        demands=DEMANDS,
        market=MARKET.values(),
        administers=_administers(page, found),
        history=changes,
        names=await invoices_names.of_people(page, (each["changed_by"] for each in changes)),
    )


def _administers(page: Page, found: Mapping[str, Any]) -> bool:
    return found["tenant"] in page.me.principal.tenants_as("TENANT_ADMIN")


def _as_form(found: Mapping[str, Any]) -> Form:
    asked, contact = found["demands"], found["contact"] or {}
    values: dict[str, list[str]] = {
        "demands": [column for column, name in _SAID.items() if asked[name]],
        "marche": [MARKET[asked["market"]]],
        "delai_paiement": [str(found["payment_days"])],
    }
    return Form(values | {column: [contact.get(name) or ""] for column, name in CONTACT.items()})


def _add_services(router: APIRouter) -> None:
    @router.post("/gestion/annuaire/{siret}/services")
    async def change(page: Own, siret: str) -> Response:
        """Open, close or name one service; a code that is not there is made."""
        form = await page.form()
        found = await _body(page, siret)
        code = "".join(form.text("code").split())[:100]
        if not code:
            form.wrong("code", page.t("gestion.code_missing"))
            return await _one(page, siret, service=form)
        row = {"entree": "service", "siret": siret, "code": code}
        match form.text("act"):
            case "close":
                row["actif"] = "non"
            case "open":
                row |= {"actif": "oui", "debut": "", "fin": ""}
            case _:
                known = {each["code"] for each in found["services"]}
                if not form.text("nom") and code not in known:
                    form.wrong("nom", page.t("gestion.label_missing"))
                if form.text("fin") and not _is_day(form.text("fin")):
                    form.wrong("fin", page.t("gestion.day_wrong"))
                if not form.valid:
                    return await _one(page, siret, service=form)
                row |= {"nom": " ".join(form.text("nom").split())[:200]} if form.text("nom") else {}
                row |= {"actif": "oui", "fin": form.text("fin"), "engagement_obligatoire": _own(form)}
        answer = await load(page, csv_of(row))
        if not form.take(_by_column(answer.problem)):
            return await _one(page, siret, service=form)
        return page.go(f"/gestion/annuaire/{siret}#services", "directory_changed")


def _own(form: Form) -> str:
    """What the service itself asks: empty is as the structure does."""
    asked = form.text("engagement_obligatoire")
    return asked if asked in ("oui", "non") else ""


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
