"""Drafts as a program of a supplier begins, writes and sends them, for tests."""

from typing import Any
from uuid import UUID, uuid4

import httpx

from services.common.auth import Principal
from tests.integration.ingest_world import World, supplier
from tests.unit.ingest.samples import (
    OTHER_SUPPLIER,
    RECIPIENT,
    SUPPLIER,
    event,
    fields,
    pdf,
    read,
)

LINE = {"label": "Pose de fenêtres", "quantity": "2", "unit": "jour", "unit_price": "480", "vat_rate": "20"}
ABOUT = {"type": "DOCUMENT_ANNEXE", "label": "Pièce"}
STRANGER = supplier("stranger", structures=(OTHER_SUPPLIER,))


def number() -> str:
    """A number that no invoice has."""
    return f"D{uuid4().hex[:12].upper()}"


def typed(**more: str) -> dict[str, Any]:
    """A typed invoice, complete."""
    values = {
        "invoice_number": number(),
        "issue_date": "2025-11-03",
        "supplier_siret": SUPPLIER,
        "recipient_siret": RECIPIENT,
        "payment_mode": "CHEQUE",
    }
    return {"fields": {**values, **more}, "lines": [LINE]}


async def call(
    world: World, method: str, path: str, who: Principal | None = None, version: int | None = None, **more: Any
) -> httpx.Response:
    """A request about drafts, of the version that is seen."""
    headers = {**world.headers(who), **({} if version is None else {"If-Match": f'"{version}"'})}
    return await world.client.request(method, f"/api/v1/drafts{path}", headers=headers, **more)


async def begun(world: World, body: dict[str, Any] | None = None, who: Principal | None = None) -> dict[str, Any]:
    """A draft as it begins."""
    answer = await call(world, "POST", "", who, json=body or {})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["etag"] == '"1"'
    return found


async def uploaded(world: World, **reading: Any) -> UUID:
    """A document whose reading makes a draft of it."""
    content = pdf(str(uuid4()))
    deposit = await world.deposit(content)
    found = fields(**{"unsure": ("total_incl_tax",), "invoice_number": number(), **reading})
    await world.take(event(str(deposit), read(content, found)))
    return deposit


def values(draft: dict[str, Any]) -> dict[str, Any]:
    """What stands in its fields."""
    return {each["name"]: each["value"] for each in draft["fields"] if each["value"] is not None}


def codes(draft: dict[str, Any]) -> set[tuple[str, str]]:
    """What its checks say, by field."""
    return {(each["field"], each["code"]) for each in draft["checks"]}


async def told(world: World, deposit: object) -> list[Any]:
    """What was published of a deposit."""
    return [sent.data for sent in await world.sent() if sent.subject == str(deposit)]
