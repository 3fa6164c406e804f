"""The inbox of finance systems: nothing is missed whatever commits in between, nothing of another body's is shown."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from random import Random
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio
from fastapi import APIRouter

from contracts.events import Attachment, AttachmentStored
from deploy.local import Stack
from services.common.auth import Principal, mint
from services.common.blobs import Blobs
from services.common.db import scoped
from services.common.settings import BlobSettings
from services.common.web import create_app
from services.status import api_inbox, api_queries, inbox, inbox_store
from services.status.looked import Trail
from tests.integration.status_service import SECRET, SUPPLIER, Tables, tables
from tests.servers import fresh_database
from tests.unit.status.samples import BODY, SERVICE, TENANT, accepted, event, routed, submitted, unroutable

pytestmark = pytest.mark.asyncio(loop_scope="module")
FINANCE = Principal(subject="sirh", structures=(BODY,), roles=("FINANCE",), tenants=(TENANT,))
STRANGER = Principal(subject="other", structures=("22310001700423",), roles=("FINANCE",), tenants=("cd31",))
NO_ROLE = Principal(subject="sirh", structures=(BODY,), tenants=(TENANT,))
CONTENT = b"%PDF-1.4 une facture"


@dataclass
class World:
    """Tables, the routes of finance systems, and a store with documents."""

    tables: Tables
    http: httpx.AsyncClient
    blobs: Blobs

    async def invoice(self) -> UUID:
        """Deposited with its document, at the body's disposal."""
        made = uuid4()
        claim = await self.blobs.put(
            f"{made}/document.pdf",
            BytesIO(CONTENT),
            size=len(CONTENT),
            sha256=hashlib.sha256(CONTENT).hexdigest(),
            media_type="application/pdf",
        )
        deposit = msgspec.structs.replace(submitted(f"F-{made}"), document=claim)
        await self.tables.take(event(deposit, made), event(routed(), made))
        return made

    async def get(self, principal: Principal, path: str, **query: Any) -> httpx.Response:
        """One request under the prefix."""
        return await self.http.get(f"{api_inbox.PREFIX}{path}", params=query, headers=_as(principal))

    async def post(self, principal: Principal, path: str, body: dict[str, Any]) -> httpx.Response:
        """One write under the prefix."""
        return await self.http.post(f"{api_inbox.PREFIX}{path}", json=body, headers=_as(principal))

    async def changes(self, principal: Principal, since: str | None = None, limit: int = 200) -> dict[str, Any]:
        """A page of changes."""
        answer = await self.get(principal, "/changes", limit=limit, **({} if since is None else {"since": since}))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def end(self, principal: Principal = FINANCE) -> str:
        """The cursor behind everything."""
        since: str | None = None
        while True:
            page = await self.changes(principal, since, 500)
            since = page["next"]
            if not page["more"]:
                return str(page["next"])


def _as(principal: Principal) -> dict[str, str]:
    return {"Authorization": f"Bearer {mint(SECRET, principal)}", "X-Chorale-Reason": "Un essai de la plateforme"}


async def _fine() -> str | None:
    return None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    """One database and one application for all: each test has invoices of its own."""
    async with fresh_database(stack, "status") as dsns, tables(dsns) as found:
        s3 = stack.s3
        given: dict[str, Any] = {"environment": "development", "kafka": stack.kafka.bootstrap, "port": 1}
        own = dsns["status"]
        blobs = Blobs(
            BlobSettings(
                **given,
                dsn=own.worker,
                api_dsn=own.api,
                token_secret=SECRET,
                s3_endpoint=s3.endpoint,
                s3_access_key=s3.access_key,
                s3_secret_key=s3.secret_key,
                s3_bucket="status-inbox",
            )
        )
        await blobs.open()
        app = create_app("status", token_secret=SECRET, live=_fine, ready=[_fine])
        api_inbox.add_routes(app, found.pool, found.api_pool, blobs)
        lists = APIRouter(prefix=api_inbox.PREFIX)
        api_queries.add_lists(lists, Trail(found.pool, found.api_pool))
        app.include_router(lists)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://status") as client:
            yield World(found, client, blobs)
        await blobs.close()


async def test_a_finance_system_gets_each_invoice_that_changed_once_where_it_changed_last(world: World) -> None:
    since = await world.end()
    one, other = await world.invoice(), await world.invoice()
    await world.tables.take(event(accepted(2), one))
    page = await world.changes(FINANCE, since)
    assert [(change["id"], change["entry"]) for change in page["changes"]] == [(str(other), 2), (str(one), 3)]
    assert all(change["invoice"]["status"]["code"] == "MISE_A_DISPOSITION" for change in page["changes"])
    assert (await world.changes(FINANCE, page["next"]))["changes"] == []


async def test_pages_follow_each_other_without_a_gap_and_an_empty_one_keeps_the_place(world: World) -> None:
    since = await world.end()
    made = [str(await world.invoice()) for _ in range(5)]
    got: list[str] = []
    while True:
        page = await world.changes(FINANCE, since, 2)
        got += [change["id"] for change in page["changes"]]
        since = page["next"]
        if not page["more"]:
            break
    assert got == made
    assert (await world.changes(FINANCE, since))["next"] == since


async def test_the_list_gives_what_has_changed_since_a_cursor(world: World) -> None:
    since = await world.end()
    one, other = await world.invoice(), await world.invoice()
    found = (await world.get(FINANCE, "", changed_since=since)).json()
    assert [invoice["id"] for invoice in found["invoices"]] == [str(one), str(other)]
    again = (await world.get(FINANCE, "", changed_since=found["next"])).json()
    assert again == {"invoices": [], "next": found["next"]}
    assert len((await world.get(FINANCE, "", changed_since="0", limit=1)).json()["invoices"]) <= 1
    assert (await world.get(STRANGER, "", changed_since="0")).json()["invoices"] == []


async def test_a_change_that_commits_after_a_later_one_is_not_missed(world: World) -> None:
    """The writer that began first ends last: a cursor that passed it would miss it for ever."""
    slow, quick = await world.invoice(), await world.invoice()
    since = await world.end()
    async with world.tables.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(
            "update inbox set entry = 90, xid = pg_current_xact_id(), place = nextval('inbox_order')"
            " where invoice = $1",
            slow,
        )
        await world.tables.take(event(accepted(2), quick))
        during = await world.changes(FINANCE, since)
        assert during["changes"] == []  # held back, not lost: it may not pass the one that still runs
        await transaction.commit()
    after = await world.changes(FINANCE, during["next"])
    assert {(change["id"], change["entry"]) for change in after["changes"]} == {(str(slow), 90), (str(quick), 3)}


async def test_nothing_is_missed_while_many_write_at_once(world: World) -> None:
    since = await world.end()
    made: list[UUID] = []
    draw = Random(7)

    async def write() -> None:
        for _ in range(6):
            invoice = await world.invoice()
            made.append(invoice)
            await asyncio.sleep(draw.random() / 50)
            await world.tables.take(event(accepted(2), invoice))

    seen: dict[str, int] = {}
    place = inbox.read_cursor(since)

    async def read(until: asyncio.Event) -> None:
        nonlocal place
        while True:
            last = until.is_set()
            async with scoped(world.tables.api_pool, FINANCE.scope()) as connection:
                found = await inbox_store.page(connection, FINANCE, place, 3)
            for each in found:
                seen[str(each.invoice)] = each.entry
                place = each.at
            if last and not found:
                return
            await asyncio.sleep(0)

    ended = asyncio.Event()
    reading = asyncio.create_task(read(ended))
    await asyncio.gather(*(write() for _ in range(6)))
    ended.set()
    await asyncio.wait_for(reading, 30)
    assert seen == {str(invoice): 3 for invoice in made}


async def test_an_invoice_that_leaves_is_told_and_nothing_more_of_it_is_shown(world: World) -> None:
    since = await world.end()
    invoice = await world.invoice()
    await world.tables.pool.execute(
        "update invoice_party set valid_until = now(), until_entry = 2, left_as = '{}'"
        " where invoice = $1 and role = 'DESTINATAIRE'",
        invoice,
    )
    [change] = (await world.changes(FINANCE, since))["changes"]
    assert (change["id"], change["left"], change["invoice"]) == (str(invoice), True, None)
    assert (await world.get(FINANCE, f"/{invoice}/data")).status_code == 404


async def test_another_body_a_token_without_the_role_and_a_supplier_find_nothing(world: World) -> None:
    invoice = await world.invoice()
    for principal in (STRANGER, NO_ROLE, SUPPLIER):
        assert (await world.changes(principal))["changes"] == []
    for principal in (STRANGER, NO_ROLE):
        assert (await world.get(principal, f"/{invoice}/data")).status_code == 404
        assert (await world.get(principal, f"/{invoice}/documents/invoice")).status_code == 404
        answer = await world.post(principal, f"/{invoice}/receipt", {})
        assert (answer.status_code, answer.json()["code"]) == (404, "INVOICE_NOT_FOUND")


async def test_data_and_files_are_those_that_were_deposited(world: World) -> None:
    invoice, paper = await world.invoice(), str(uuid4())
    content = b"bon de livraison"
    claim = await world.blobs.put(
        f"{invoice}/{paper}",
        BytesIO(content),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        media_type="text/plain",
    )
    stored = Attachment(id=paper, document=claim, name="bon à signer.txt", type="BON_LIVRAISON")
    await world.tables.take(
        event(AttachmentStored(attachment=stored, stored_by="sup", stored_at=datetime.now(UTC)), invoice)
    )
    data = (await world.get(FINANCE, f"/{invoice}/data")).json()
    assert data["header"]["payable"] == "120.00"
    assert (data["cadre"], data["service_code"]) == ("A1", SERVICE)
    first, second = data["documents"]
    assert (first["id"], first["link"]) == ("invoice", None)
    assert second["link"].startswith(f"/api/v1/deposits/{invoice}/attachments/{paper}/content?")
    for document, expected in ((first, CONTENT), (second, content)):
        answer = await world.http.get(document["href"], headers=_as(FINANCE))
        assert (answer.content, answer.headers["etag"]) == (expected, f'"{document["sha256"]}"')
        assert "attachment" in answer.headers["content-disposition"]


async def test_an_acknowledgement_is_in_the_history_once_and_the_supplier_sees_it(world: World) -> None:
    invoice = await world.invoice()
    first = await world.post(FINANCE, f"/{invoice}/receipt", {"reference": "EJ-42"})
    assert (first.status_code, first.json()["outcome"]) == (200, "recorded")
    again = await world.post(FINANCE, f"/{invoice}/receipt", {"reference": "EJ-42"})
    assert (again.json()["outcome"], again.json()["entry"]) == ("repeated", first.json()["entry"])
    async with scoped(world.tables.api_pool, SUPPLIER.scope()) as connection:
        rows = await connection.fetch(
            "select action, changes::text from history where invoice = $1 and action is not null", invoice
        )
    assert [(row["action"], "EJ-42" in row["changes"]) for row in rows] == [("fetched", True)]
    version = await world.tables.pool.fetchval("select version from invoice where id = $1", invoice)
    assert version == 2  # a clerk's If-Match holds


async def test_only_the_recipient_acknowledges(world: World) -> None:
    invoice = await world.invoice()
    answer = await world.post(SUPPLIER, f"/{invoice}/receipt", {})
    assert (answer.status_code, answer.json()["code"]) == (403, "RECEIPT_NOT_YOURS")
    assert [kind for _, kind, _ in await world.tables.history(invoice)] == ["status", "status"]


async def test_many_are_acknowledged_with_a_report_for_each(world: World) -> None:
    mine, known, strange = await world.invoice(), await world.invoice(), uuid4()
    await world.post(FINANCE, f"/{known}/receipt", {})
    answer = await world.post(FINANCE, "/receipts", {"invoices": [str(one) for one in (mine, known, strange)]})
    assert [one["outcome"] for one in answer.json()["receipts"]] == ["recorded", "repeated", "not_found"]


@pytest.mark.parametrize("cursor", ["x", "aW5ib3g", inbox.write_cursor(inbox_store.Place(1, 1)) + "AA", "é"])
async def test_a_cursor_that_is_none_is_refused_with_what_to_do(world: World, cursor: str) -> None:
    answer = await world.get(FINANCE, "/changes", since=cursor)
    assert (answer.status_code, answer.json()["code"]) == (400, "CURSOR_INVALID")


async def test_a_cursor_of_another_database_is_gone_not_silent(world: World) -> None:
    cursor = inbox.write_cursor(inbox_store.Place(2**40, 1))
    answer = await world.get(FINANCE, "/changes", since=cursor)
    assert (answer.status_code, answer.json()["code"]) == (410, "CURSOR_GONE")
    await world.tables.pool.execute("select restart_inbox()")
    assert (await world.changes(FINANCE))["changes"]


async def test_an_invoice_that_no_body_had_is_in_no_inbox(world: World) -> None:
    since, invoice = await world.end(), uuid4()
    await world.tables.take(event(submitted("F-none"), invoice), event(unroutable(), invoice))
    assert (await world.changes(FINANCE, since))["changes"] == []
