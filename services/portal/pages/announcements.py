"""``/annonces``: maintenance, codes that close, news, for everybody; who may write them does so below."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages import lists
from services.portal.pages.format import PARIS
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page, Visit

API: Final = "/api/v1/announcements"
ROOT: Final = "/annonces"
_KINDS: Final = ("maintenance", "code_closing", "news")
_WRITERS: Final = ("OPERATEUR", "TENANT_ADMIN")


def add_routes(router: APIRouter) -> None:
    """Serve it."""

    @router.get(ROOT)
    async def shown(page: Visit, suite: str = "") -> Response:
        return await _show(page, Form.of(kind="maintenance" if _operates(page) else "news"), suite)

    @router.post(ROOT)
    async def write(page: Own) -> Response:
        page.need(*_WRITERS)
        form = await page.form()
        given: dict[str, Any] = {
            "kind": form.text("kind") if form.text("kind") in _KINDS else "news",
            **{name: form.text(name) or None for name in ("title", "body", "title_en", "body_en", "tenant", "service")},
            "structure": "".join(form.text("structure").split()) or None,
            **{name: _instant(page, form, name) for name in ("shown_from", "shown_until", "ends_at")},
        }
        for name in ("title", "body", "shown_from", "shown_until"):
            if given[name] is None and not form.errors_of(name):
                form.wrong(name, page.t("announcements.missing"))
        if not form.valid:
            return await _show(page, form)
        answer = await page.call.post("portal", API, given, headers={"Idempotency-Key": form.once})
        if not form.take(answer.problem):
            return await _show(page, form)
        page.house.banner.forget()
        return page.go(ROOT, "announced")

    @router.post(f"{ROOT}/{{announcement}}/retrait")
    async def withdraw(page: Own, announcement: UUID) -> Response:
        page.need(*_WRITERS)
        await page.form()
        answer = await page.call.delete("portal", f"{API}/{announcement}")
        page.house.banner.forget()
        return page.refused(answer.problem) if answer.problem is not None else page.go(ROOT, "announcement_withdrawn")


def _operates(page: Page) -> bool:
    return page.person is not None and page.person.has("OPERATEUR")


def _instant(page: Page, form: Form, name: str) -> str | None:
    """An instant as the browser writes it, in legal time; None where nothing was written."""
    written = form.text(name)
    if not written:
        return None
    try:
        return datetime.fromisoformat(written).replace(tzinfo=PARIS).isoformat()
    except ValueError:
        form.wrong(name, page.t("announcements.instant"))
        return None


async def _show(page: Page, form: Form, after: str = "") -> Response:
    answer = await page.call.get("portal", API)
    operator = _operates(page)
    writes = page.person is not None and page.person.has(*_WRITERS)
    own = await lists.page_of(page, "portal", f"{API}/mine", "announcements", {"limit": 50}, after) if writes else None
    return page.render(
        "announcements/list.html",
        status=200 if form.valid else 422,
        form=form,
        rows=(answer.data or {}).get("announcements", []),
        problem=answer.problem,
        writes=writes,
        own=own.rows if own is not None else [],
        next=own.next if own is not None else None,
        first=own.first if own is not None else None,
        kinds=[(kind, page.t(f"announcements.kind_{kind}")) for kind in _KINDS if operator or kind != "maintenance"],
        tenants=list(page.person.tenants.items()) if page.person is not None else [],
        everybody=operator,
    )
