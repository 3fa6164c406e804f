"""Sollicitations about an invoice, as lines of its story: what was asked, what was answered, with whom it waits."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from services.portal.pages.invoice_view import Told
from services.portal.pages.page import Page

_API: Final = "/api/v1/solicitations"
#: Of more than these the story would only be of questions: their own list has them all.
_MOST: Final = 5
_LANES: Final = {
    "supplier": "supplier",
    "person": "supplier",
    "validator": "validator",
    "moe": "works",
    "moa": "works",
    "body": "service",
}
_TOLD: Final = frozenset(("asked", "asked_again", "answered", "overdue", "closed"))


async def of(page: Page, invoice: UUID) -> list[Told]:
    """Those that who looks may see; none where they cannot be asked for."""
    listed = await page.call.get("portal", _API, {"invoice": str(invoice), "limit": _MOST})
    items = (listed.data or {}).get("solicitations", []) if isinstance(listed.data, dict) else []
    answers = await asyncio.gather(*(page.call.get("portal", f"{_API}/{each['id']}") for each in items))
    return [told for answer in answers if answer.data is not None for told in told_of(answer.data)]


def told_of(found: Mapping[str, Any]) -> list[Told]:
    """The lines of one sollicitation."""
    return [
        Told(
            entry=each["entry"],
            at=each["at"],
            lane=_LANES.get(_side(found, each["side"]), "platform"),
            kind="question",
            title=f"{each['label']} : {found['title']}",
            who=each["author"] or "",
            comment=each["text"] or None,
            path=f"/sollicitations/{found['id']}",
        )
        for each in found["history"]
        if each["act"] in _TOLD
    ]


def _side(found: Mapping[str, Any], side: str) -> str:
    return str(found[side]["kind"]) if side in ("asker", "addressee") else ""
