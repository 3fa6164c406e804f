"""``/supervision/lettres``: events that could not work; replayed or dropped by a person who says why.

An operator settles them all, an administrator those of his tenants: supervision and the service decide, not the page.
"""

import asyncio
import json
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages.call import Answer
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page
from services.portal.pages.problems import NOT_FOUND, Shown
from services.portal.pages.state import ORDER
from services.portal.pages.supervision import ROLES, ask, need
from services.portal.pages.supervision_names import Names, known_tenants
from services.portal.pages.supervision_rows import LETTERS, Rows

#: Those that read events: supervision itself has nothing to park.
_SERVICES: Final = tuple(name for name in ORDER if name != "supervision")
_LETTERS_API: Final = "/dead-letters"
_PAGE: Final = 50
#: Acts by their names in addresses.
_ACTS: Final = {"rejouer": "replay", "abandonner": "drop"}
_NOTE: Final = 500
#: A decision about thousands of letters takes its time.
_DECISION_SECONDS: Final = 25.0
#: An operator's reason for looking has so many letters at least.
_SHORTEST: Final = 10


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_list(router)
    _add_many(router)
    _add_one(router)


def _add_list(router: APIRouter) -> None:
    @router.get(LETTERS)
    async def listed(
        page: Own, service: str = "", reason: str = "", tenant: str = "", settled: str = "", cursor: str = ""
    ) -> Response:
        page.need(*ROLES)
        wanted = {"service": service if service in _SERVICES else "", "reason": reason[:200], "tenant": tenant}
        asked = {**wanted, "settled": "true" if settled else None, "limit": _PAGE, "cursor": cursor}
        counted, letters, tenants = await asyncio.gather(
            ask(page, f"{_LETTERS_API}/reasons", {"tenant": tenant}),
            ask(page, _LETTERS_API, asked),
            known_tenants(page),
        )
        for answer in (counted, letters):
            if answer.problem is not None and not answer.problem.away:
                raise Shown(NOT_FOUND if answer.status in (400, 422) else answer.problem)
        found = letters.data or {"letters": [], "away": [], "next": None}
        rows = Rows(page, {}, Names(), tenant)
        following = {**{k: v for k, v in wanted.items() if v}, **({"settled": "1"} if settled else {})}
        return page.render(
            "supervision/letters.html",
            reasons=(counted.data or {}).get("reasons", []),
            rows=rows,
            letters=[_shown(page, one) for one in found["letters"]],
            missing=found["away"] if letters.ok else None,
            form=Form.of(**wanted),
            settled=bool(settled),
            tenants=tenants,
            services=_SERVICES,
            next=f"{LETTERS}?{urlencode({**following, 'cursor': found['next']})}" if found["next"] else None,
            first=f"{LETTERS}?{urlencode(following)}" if cursor else None,
        )


def _shown(page: Page, letter: dict[str, Any]) -> dict[str, Any]:
    """A letter with its address, and that of its invoice where the key is one."""
    invoice = None
    with suppress(ValueError):
        invoice = str(UUID(letter["key"] or ""))
    there = any(path.startswith("/factures/{") for path in page.house.there)
    path = f"{LETTERS}/{letter['service']}/{letter['id']}"
    return {**letter, "path": path, "invoice": f"/factures/{invoice}?dans={path}" if invoice and there else None}


def _add_many(router: APIRouter) -> None:
    @router.get(f"{LETTERS}/{{service}}/ensemble")
    async def ask_first(page: Own, service: str, reason: str = "", tenant: str = "") -> Response:
        if service not in _SERVICES or not reason:
            raise Shown(NOT_FOUND)
        return await _many(page, service, Form.of(reason=reason[:200], tenant=tenant))

    @router.post(f"{LETTERS}/{{service}}/ensemble")
    async def settle(page: Own, service: str) -> Response:
        page.need(*ROLES)
        form = await page.form()
        if service not in _SERVICES or not form.text("reason") or form.text("act") not in _ACTS:
            raise Shown(NOT_FOUND)
        if not _said_why(page, form):
            return await _many(page, service, form, status=422)
        order = _order(form, _ACTS[form.text("act")], apply=True)
        answer = await ask(page, f"{_LETTERS_API}/{service}", method="POST", json=order, seconds=_DECISION_SECONDS)
        if not form.take(answer.problem):
            return await _many(page, service, form, status=422)
        tenant = form.text("tenant")
        path = f"{LETTERS}?{urlencode({'tenant': tenant})}" if tenant else LETTERS
        return page.go(path, f"letters_{_ACTS[form.text('act')]}")


async def _many(page: Page, service: str, form: Form, status: int = 200) -> Response:
    """All of one reason: what each act would do, before one is chosen."""
    replay, drop = await asyncio.gather(
        *(
            ask(page, f"{_LETTERS_API}/{service}", method="POST", json=_order(form, act, apply=False))
            for act in ("replay", "drop")
        )
    )
    return page.render(
        "supervision/letters_many.html",
        status=status,
        service=service,
        form=form,
        replayed=_number(replay),
        dropped=_number(drop),
    )


def _order(form: Form, act: str, *, apply: bool) -> dict[str, Any]:
    return {
        "action": act,
        "reason": form.text("reason")[:200],
        "tenant": form.text("tenant") or None,
        "apply": apply,
        "note": form.text("note")[:_NOTE] or None,
    }


def _number(would: Answer) -> int:
    """How many letters an act would concern. Raises ``Shown`` where that cannot be known."""
    if would.problem is not None:
        raise Shown(NOT_FOUND if would.status == 422 else would.problem)
    return len(would.data["letters"])


def _add_one(router: APIRouter) -> None:
    @router.get(f"{LETTERS}/{{service}}/{{letter}}")
    async def one(page: Own, service: str, letter: int) -> Response:
        return await _one(page, service, letter, Form())

    @router.post(f"{LETTERS}/{{service}}/{{letter}}/contenu")
    async def content(page: Own, service: str, letter: int) -> Response:
        page.need(*ROLES)
        form = await page.form()
        why = " ".join(form.text("reason").split())
        if page.me.has("OPERATEUR") and not _SHORTEST <= len(why) <= _NOTE:
            form.wrong("reason", page.t("supervision.reason_missing", least=_SHORTEST, most=_NOTE))
            return await _one(page, service, letter, form, status=422)
        # Services read the header as UTF-8.
        answer = await ask(page, f"{_path(service, letter)}/content", headers={"X-Chorale-Reason": why.encode()})
        if not form.take(answer.problem, {"X-Chorale-Reason": "reason"}):
            return await _one(page, service, letter, form, status=422)
        return await _one(page, service, letter, Form(), content=_pretty(answer.data["value"]))

    @router.post(f"{LETTERS}/{{service}}/{{letter}}")
    async def settle(page: Own, service: str, letter: int) -> Response:
        page.need(*ROLES)
        form = await page.form()
        act = _ACTS.get(form.text("act"))
        if act is None:
            raise Shown(NOT_FOUND)
        if not _said_why(page, form):
            return await _one(page, service, letter, form, status=422)
        order = {"apply": True, "note": form.text("note")[:_NOTE]}
        path = f"{_path(service, letter)}/{act}"
        answer = await ask(page, path, method="POST", json=order, seconds=_DECISION_SECONDS)
        if not form.take(answer.problem):
            return await _one(page, service, letter, form, status=422)
        return page.go(f"{LETTERS}/{service}/{letter}", f"letter_{act}")


def _said_why(page: Page, form: Form) -> bool:
    if not form.text("note"):
        form.wrong("note", page.t("supervision.note_missing"))
    return form.valid


async def _one(
    page: Page, service: str, letter: int, form: Form, *, status: int = 200, content: str | None = None
) -> Response:
    """A letter, what was decided about it, and what a replay would take along."""
    path = _path(service, letter)
    found, would = await asyncio.gather(
        need(page, path), ask(page, f"{path}/replay", method="POST", json={"apply": False})
    )
    return page.render(
        "supervision/letter.html",
        status=status,
        letter=_shown(page, found),
        open=found["state"] in ("parked", "replay"),
        along=[other for other in (would.data or {}).get("letters", []) if other != letter],
        form=form,
        content=content,
        operator=page.me.has("OPERATEUR"),
    )


def _path(service: str, letter: int) -> str:
    if service not in _SERVICES or not 0 < letter < 2**63:
        raise Shown(NOT_FOUND)
    return f"{_LETTERS_API}/{quote(service, safe='')}/{letter}"


def _pretty(value: str) -> str:
    """JSON in lines where it is some."""
    try:
        return json.dumps(json.loads(value), indent=2, ensure_ascii=False)
    except ValueError:
        return value
