"""``/webhooks``: the ways out of one's own, their secrets, and the log of what was delivered."""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages.call import Answer
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page

API: Final = "/api/v1/webhooks"
ROOT: Final = "/webhooks"
_TONES: Final = {"delivered": "done", "given_up": "stop", "dropped": "off"}


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_list(router)
    _add_one(router)
    _add_acts(router)


def _add_list(router: APIRouter) -> None:
    @router.get(ROOT)
    async def listed(page: Own) -> Response:
        return await _list(page, Form.of(signature="hmac"))

    @router.post(ROOT)
    async def make(page: Own) -> Response:
        form = await page.form()
        given = {
            "kind": "http",
            "url": form.text("url")[:2000],
            "description": form.text("description")[:200],
            "signature": "ed25519" if form.text("signature") == "ed25519" else "hmac",
            "sandbox": form.text("sandbox") == "1",
        }
        answer = await page.call.post("notify", API, given, headers={"Idempotency-Key": form.once})
        if not form.take(answer.problem):
            return await _list(page, form)
        return _secret(page, answer.data["id"], answer.data["secrets"][0])


def _add_one(router: APIRouter) -> None:
    @router.get(f"{ROOT}/{{webhook}}")
    async def one(page: Own, webhook: UUID, avant: str = "", etat: str = "") -> Response:
        return await _one(page, webhook, avant, etat, Form())

    @router.post(f"{ROOT}/{{webhook}}/renvoi")
    async def replay(page: Own, webhook: UUID) -> Response:
        form = await page.form()
        event = _uuid(form.text("event"))
        given: dict[str, Any] = {"event": event}
        if event is None:
            try:
                day = datetime.fromisoformat(form.text("since")).replace(tzinfo=UTC)
            except ValueError:
                form.wrong("since", page.t("webhooks.since_missing"))
                return await _one(page, webhook, "", "", form)
            given = {"since": day.isoformat()}
        answer = await page.call.post("notify", f"{API}/{webhook}/replay", given)
        if not form.take(answer.problem):
            return await _one(page, webhook, "", "", form)
        return page.go(f"{ROOT}/{webhook}#journal", "webhook_replayed")


def _add_acts(router: APIRouter) -> None:
    @router.post(f"{ROOT}/{{webhook}}/secret")
    async def rotate(page: Own, webhook: UUID) -> Response:
        form = await page.form()
        once = {"Idempotency-Key": form.once}
        answer = await page.call.post("notify", f"{API}/{webhook}/secrets", {}, headers=once)
        if not form.take(answer.problem):
            return await _one(page, webhook, "", "", form)
        return _secret(page, str(webhook), answer.data)

    @router.post(f"{ROOT}/{{webhook}}/essai")
    async def test(page: Own, webhook: UUID) -> Response:
        return await _act(page, webhook, "webhook_tested", page.call.post("notify", f"{API}/{webhook}/test"))

    @router.post(f"{ROOT}/{{webhook}}/pause")
    async def pause(page: Own, webhook: UUID) -> Response:
        change = page.call.patch("notify", f"{API}/{webhook}", {"state": "paused"})
        return await _act(page, webhook, "saved", change)

    @router.post(f"{ROOT}/{{webhook}}/reprise")
    async def resume(page: Own, webhook: UUID) -> Response:
        change = page.call.patch("notify", f"{API}/{webhook}", {"state": "active"})
        return await _act(page, webhook, "saved", change)

    @router.post(f"{ROOT}/{{webhook}}/suppression")
    async def remove(page: Own, webhook: UUID) -> Response:
        await page.form()
        answer = await page.call.delete("notify", f"{API}/{webhook}")
        return page.refused(answer.problem) if answer.problem is not None else page.go(ROOT, "webhook_removed")


async def _act(page: Page, webhook: UUID, done: str, asked: Any) -> Response:
    """Do it once the form has proved to be ours."""
    try:
        form = await page.form()
    except BaseException:
        asked.close()
        raise
    answer: Answer = await asked
    if not form.take(answer.problem):
        return await _one(page, webhook, "", "", form)
    return page.go(f"{ROOT}/{webhook}#journal", done)


def _secret(page: Page, webhook: str, secret: dict[str, Any]) -> Response:
    """The secret, on the page that made it and on no other."""
    return page.render("webhooks/secret.html", webhook=webhook, secret=secret)


async def _list(page: Page, form: Form) -> Response:
    answer = await page.call.get("notify", API)
    return page.render(
        "webhooks/list.html",
        status=200 if form.valid else 422,
        form=form,
        rows=answer.data or [],
        problem=answer.problem,
    )


async def _one(page: Page, webhook: UUID, before: str, state: str, form: Form) -> Response:
    asked = {"before": _uuid(before), "state": state if state in (*_TONES, "waiting", "behind") else None, "limit": 30}
    found, log = await asyncio.gather(
        page.call.need("notify", f"{API}/{webhook}"),
        page.call.get("notify", f"{API}/{webhook}/deliveries", asked),
    )
    page_of = log.data or {"deliveries": [], "next": None}
    return page.render(
        "webhooks/one.html",
        status=200 if form.valid else 422,
        one=found,
        form=form,
        rows=page_of["deliveries"],
        next=f"{ROOT}/{webhook}?avant={page_of['next']}" if page_of["next"] else None,
        first=f"{ROOT}/{webhook}" if before else None,
        away=log.problem is not None,
        tones=_TONES,
    )


def _uuid(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None
