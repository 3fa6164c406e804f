"""``/structures/{structure}/logiciels``: programs that act for a structure; a secret is shown once."""

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from invoice.rights import SCOPES
from services.portal import software_domain
from services.portal.pages import lists
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page
from services.portal.pages.problems import NOT_FOUND, Problem, Shown
from services.portal.pages.structures_place import path_of, place

_API: Final = "/api/v1/accounts/software"
_MANAGES: Final = "software.manage"
_PATH: Final = "/structures/{structure}/logiciels"
_ONE: Final = _PATH + "/{client}"
#: How long a secret may live, in days.
DAYS: Final = (365, 180, 90, 30)


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_list(router)
    _add_one(router)
    _add_secrets(router)


def _add_list(router: APIRouter) -> None:
    @router.get(_PATH)
    async def listed(page: Own, structure: str, suite: str = "") -> Response:
        return await _listed(page, Form(), structure, suite)

    @router.post(_PATH)
    async def make(page: Own, structure: str) -> Response:
        form = await page.form()
        found = await place(page, structure, _MANAGES)
        _check(page, form)
        if not form.valid:
            return await _listed(page, form, structure)
        given = {"structure": found["structure"], **_given(form)}
        answer = await page.call.post("portal", _API, given, headers={"Idempotency-Key": form.once})
        if not form.take(answer.problem, _names(form)):
            return await _listed(page, form, structure)
        return page.go(_path(found["structure"], answer.data["client_id"]), "software_made")


async def _listed(page: Page, form: Form, structure: str, after: str = "") -> Response:
    found = await place(page, structure, _MANAGES)
    known = await lists.page_of(page, "portal", _API, "software", {"structure": found["structure"]}, after)
    return page.render(
        "software/list.html",
        status=200 if form.valid else 422,
        form=form,
        one=found,
        at=path_of(found["structure"]),
        software=known.rows,
        next=known.next,
        first=known.first,
        away=known.problem is not None,
        roles=_roles(found),
        scopes=tuple(SCOPES),
    )


def _roles(found: Mapping[str, Any]) -> tuple[str, ...]:
    """What software may hold there at all; whether this structure may give it, the service says."""
    return software_domain.AT_BODY if found["public"] else software_domain.AT_SUPPLIER


def _path(key: str, client: str) -> str:
    return path_of(key, "logiciels", client)


def _check(page: Page, form: Form) -> None:
    if not form.text("name"):
        form.wrong("name", page.t("software.name_missing"))
    for name in ("roles", "scopes"):
        if not form.all(name):
            form.wrong(name, page.t(f"software.{name}_missing"))
    for name in ("writes_each_minute", "writes_each_day"):
        text = "".join(form.text(name).split())
        if text and not (text.isascii() and text.isdigit() and 0 < int(text[:12]) <= 100_000_000):
            form.wrong(name, page.t("software.limit_wrong"))


def _given(form: Form) -> dict[str, Any]:
    codes = [code for code in re.split(r"[\s,;]+", form.text("services")) if code]
    limits = {name: "".join(form.text(name).split()) for name in ("writes_each_minute", "writes_each_day")}
    return {
        "name": form.text("name")[:120],
        "roles": [role[:40] for role in form.all("roles")],
        "services": [code[:100] for code in dict.fromkeys(codes)],
        "scopes": [scope[:40] for scope in form.all("scopes")],
        **{name: int(text) if text else None for name, text in limits.items()},
    }


def _names(form: Form) -> dict[str, str]:
    """Entries of lists lead to their list."""
    found = {f"roles.{place}": "roles" for place in range(len(form.all("roles")))}
    return found | {f"scopes.{place}": "scopes" for place in range(len(form.all("scopes")))}


def _add_one(router: APIRouter) -> None:
    @router.get(_ONE)
    async def one(page: Own, structure: str, client: UUID) -> Response:
        return await _one(page, structure, client)

    @router.post(_ONE)
    async def change(page: Own, structure: str, client: UUID) -> Response:
        form = await page.form()
        _check(page, form)
        if not form.valid:
            return await _one(page, structure, client, form)
        answer = await page.call.patch("portal", f"{_API}/{client}", _given(form))
        if not form.take(answer.problem, _names(form)):
            return await _one(page, structure, client, form)
        return page.go(_path(structure, str(client)), "saved")

    @router.post(_ONE + "/revocation")
    async def revoke(page: Own, structure: str, client: UUID) -> Response:
        await page.form()
        answer = await page.call.delete("portal", f"{_API}/{client}")
        if answer.problem is not None:
            return page.refused(answer.problem)
        return page.go(path_of(structure, "logiciels"), "software_revoked")


async def _one(
    page: Page, structure: str, client: UUID, form: Form | None = None, problem: Problem | None = None
) -> Response:
    """``problem``: what asking for a secret was answered with."""
    found = await place(page, structure, _MANAGES)
    account = await page.call.need("portal", f"{_API}/{client}")
    if account["structure"] != found["structure"]:
        raise Shown(NOT_FOUND)
    usage = await page.call.ask("GET", "portal", f"{_API}/{client}/usage", seconds=10)
    shown = form if form is not None else _as_form(account)
    shown.take(problem)
    return page.render(
        "software/one.html",
        status=200 if shown.valid else 422,
        form=shown,
        one=found,
        at=path_of(found["structure"]),
        here=_path(found["structure"], str(client)),
        account=account,
        live=sum(secret["state"] == "active" for secret in account["secrets"]),
        known=seen_by_who_left(account),
        most=software_domain.LIVE_SECRETS,
        days=DAYS,
        usage=by_day(usage.data or {}),
        missing=(usage.data or {}).get("missing", []) or ([""] if usage.problem else []),
        roles=_roles(found),
        scopes=tuple(SCOPES),
    )


def seen_by_who_left(account: Mapping[str, Any]) -> list[str]:
    """The ends of the live secrets whose maker manages the structure no more: he has seen them."""
    if account["revoked_at"]:
        return []
    return [each["hint"] for each in account["secrets"] if each["state"] == "active" and not each["made_by_manages"]]


def _as_form(account: Mapping[str, Any]) -> Form:
    return Form(
        {
            "name": [account["name"]],
            "roles": account["roles"],
            "scopes": account["scopes"],
            "services": [" ".join(account["services"])],
            "writes_each_minute": [str(account["writes_each_minute"])],
            "writes_each_day": [str(account["writes_each_day"])],
        }
    )


def by_day(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The counts of a report by day, the last first: read and written, refused and failed."""
    days: dict[str, dict[str, Any]] = {}
    for row in report.get("rows", ()):
        day = days.setdefault(row["day"], {"day": row["day"], "read": 0, "write": 0, "refused": 0, "failed": 0})
        day["write" if row["act"] == "write" else "read"] += row["requests"]
        day["refused"] += row["refused"]
        day["failed"] += row["failed"]
    return [days[day] for day in sorted(days, reverse=True)]


def _add_secrets(router: APIRouter) -> None:
    @router.post(_ONE + "/secrets")
    async def add(page: Own, structure: str, client: UUID) -> Response:
        form = await page.form()
        asked = form.text("days")
        days = next((each for each in DAYS if str(each) == asked), DAYS[0])
        once = {"Idempotency-Key": form.once}
        answer = await page.call.post("portal", f"{_API}/{client}/secrets", {"days": days}, headers=once)
        if answer.problem is not None:
            return await _one(page, structure, client, problem=answer.problem)
        found = await place(page, structure, _MANAGES)
        shown = page.render(
            "software/secret.html", one=found, here=_path(found["structure"], str(client)), secret=answer.data
        )
        shown.headers["Cache-Control"] = "private, no-store"
        return shown

    @router.get(_ONE + "/secrets")
    async def back(page: Own, structure: str, client: UUID) -> Response:
        """A page with a secret is not shown again: loading it anew leads back."""
        return page.go(_path(structure, str(client)))

    @router.post(_ONE + "/secrets/revocation")
    async def revoke(page: Own, structure: str, client: UUID) -> Response:
        form = await page.form()
        try:
            secret = UUID(form.text("secret"))
        except ValueError:
            return page.go(_path(structure, str(client)))
        answer = await page.call.delete("portal", f"{_API}/{client}/secrets/{secret}")
        if answer.problem is not None:
            return page.refused(answer.problem)
        return page.go(_path(structure, str(client)), "secret_revoked")
