"""Who has left a structure sees no invoice of it any more, whoever deposited it; what became no invoice stays his."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from contracts.events import DepositRefused, DraftSaved, Grant, InvoiceSubmitted, Payload
from deploy.local import Stack
from services.common import account_replica
from services.common.auth import Principal
from services.common.db import scoped
from services.common.principal import of_grants
from services.ingest.person_part import PERSON
from tests.accounts import account
from tests.integration.ingest_world import World, open_world
from tests.servers import fresh_database
from tests.unit.ingest.samples import SUPPLIER, directory_events, event, fields, pdf, read

pytestmark = pytest.mark.asyncio(loop_scope="module")
ELSEWHERE = "35600000000048"
OTHER = Grant(role="FOURNISSEUR", structure=ELSEWHERE)
SUPPLIES = Grant(role="FOURNISSEUR", structure=SUPPLIER)
DEPOSITS = Grant(role="DEPOSANT", structure=SUPPLIER)
READS = Grant(role="LECTURE", structure=SUPPLIER)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with fresh_database(stack, "ingest") as dsns, open_world(stack, dsns) as found:
        await found.take(*directory_events())
        await found.pool.execute("insert into directory_read_to_end default values")
        yield found


def person(*grants: Grant, subject: str | None = None) -> Principal:
    return of_grants(subject or f"p-{uuid4().hex[:8]}", grants, kid="k", session="s")


class Sent:
    """What was deposited: the document, the id, and what is told of it."""

    def __init__(self, deposit: UUID, content: bytes, told: Payload) -> None:
        self.id, self.content, self.told = deposit, content, told


async def deposited(world: World, who: Principal, key: str | None = None, **changed: Any) -> Sent:
    content = pdf(uuid4().hex)
    deposit = await world.deposit(content, principal=who, key=key)
    given: dict[str, Any] = {"invoice_number": f"F-{uuid4().hex[:10]}", **changed}
    await world.take(event(str(deposit), read(content, fields(**given))))
    told = [sent.data for sent in await world.sent() if sent.subject == str(deposit)]
    return Sent(deposit, content, told[-1])


async def answers(world: World, who: Principal, deposit: UUID) -> dict[str, tuple[int, str]]:
    """What each route says of a deposit, its id left out."""
    headers, base, found = world.headers(who), f"/api/v1/deposits/{deposit}", {}
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        base: ("get", {}),
        f"{base}/document": ("get", {}),
        f"{base}/attachments": ("get", {}),
        f"/api/v1/certificates/{deposit}": ("get", {}),
        f"/api/v1/certificates/{deposit}/pdf": ("get", {}),
        f"/api/v1/drafts/{deposit}": ("get", {}),
        f"/api/v1/drafts/{deposit}/submit": ("post", {"headers": {**headers, "If-Match": '"1"'}}),
        "/api/v1/drafts": ("post", {"json": {"from_invoice": str(deposit)}}),
    }
    for path, (method, more) in asked.items():
        answer = await world.client.request(method, path, **{"headers": headers, **more})
        said = answer.json().get("code", "") if "json" in answer.headers["content-type"] else ""
        found[path.replace(str(deposit), "ID")] = (answer.status_code, said)
    return found


@pytest.mark.parametrize("right", [SUPPLIES, DEPOSITS], ids=["verified", "not verified"])
async def test_what_he_deposited_for_it_is_as_unknown_to_him_as_what_never_was(world: World, right: Grant) -> None:
    him = person(right, OTHER)
    mine = await deposited(world, him)
    assert isinstance(mine.told, InvoiceSubmitted), mine.told
    assert {status for status, _ in (await answers(world, him, mine.id)).values()} <= {200, 404, 409}
    assert (await answers(world, him, mine.id))["/api/v1/deposits/ID"] == (200, "")
    left = person(OTHER, subject=him.subject)
    said = await answers(world, left, mine.id)
    assert said == await answers(world, left, uuid4())
    assert {status for status, _ in said.values()} == {404}
    assert (await world.get("", left)).json()["deposits"] == []
    # To read there, to be told of it again, or to have never left is enough.
    assert (await world.get(f"/{mine.id}", person(READS, subject=him.subject))).status_code == 200
    assert (await world.get(f"/{mine.id}", person(DEPOSITS, subject=him.subject))).status_code == 200
    assert (await world.get(f"/{mine.id}", person(READS))).status_code == 404


@pytest.mark.parametrize("role", ["MOE", "MOA", "VALIDATEUR", "COMPTABLE", "GESTIONNAIRE"])
async def test_a_right_of_another_kind_there_shows_him_nothing(world: World, role: str) -> None:
    him = person(SUPPLIES)
    mine = await deposited(world, him)
    tenant = "cd06" if role in ("COMPTABLE", "GESTIONNAIRE") else None
    now = person(Grant(role=role, structure=SUPPLIER, tenant=tenant), subject=him.subject)
    assert (await world.get(f"/{mine.id}", now)).status_code == 404


async def test_what_became_no_invoice_stays_his(world: World) -> None:
    """A draft that nobody else sees must have somebody who ends it; a refusal is the answer to his own request."""
    him = person(SUPPLIES)
    draft = await deposited(world, him, without=("issue_date",))
    refused = await deposited(world, him, recipient_siret="13002526500013")
    waiting = await world.deposit(pdf(uuid4().hex), principal=him)
    assert isinstance(draft.told, DraftSaved), draft.told
    assert isinstance(refused.told, DepositRefused), refused.told
    left = person(OTHER, subject=him.subject)
    for deposit in (draft.id, refused.id, waiting):
        assert (await world.get(f"/{deposit}", left)).status_code == 200
        assert (await world.get(f"/{deposit}/document", left)).status_code == 200
    headers = {**world.headers(left), "If-Match": '"1"'}
    sent = await world.client.post(f"/api/v1/drafts/{draft.id}/submit", headers=headers)
    assert (sent.status_code, sent.json()["code"]) == (422, "INVOICE_TO_CORRECT"), sent.text
    assert "SUPPLIER_NOT_YOURS" in sent.text
    assert (await world.client.delete(f"/api/v1/drafts/{draft.id}", headers=headers)).status_code == 204


async def test_the_same_document_or_key_again_is_refused_in_words_and_keeps_nothing(world: World) -> None:
    him = person(SUPPLIES)
    mine = await deposited(world, him, key="the-key")
    left = person(OTHER, subject=him.subject)
    for content, key in ((mine.content, None), (mine.content, "another"), (pdf("new"), "the-key")):
        answer = await world.post(content, principal=left, key=key)
        assert (answer.status_code, answer.json()["code"]) == (403, "STRUCTURE_LEFT"), answer.text
    began = await world.client.post("/api/v1/drafts", json={}, headers=world.headers(left, "the-key"))
    assert (began.status_code, began.json()["code"]) == (403, "STRUCTURE_LEFT")
    assert await world.pool.fetchval("select count(*) from deposit where depositor = $1", him.subject) == 1
    assert (await world.post(mine.content, principal=person(OTHER))).status_code == 201, "another's is his own affair"


async def test_a_duplicate_shows_no_more_than_its_original(world: World) -> None:
    him = person(SUPPLIES)
    mine = await deposited(world, him)
    again = (await world.post(mine.content, principal=him)).json()
    assert again["duplicate_of"] == str(mine.id)
    left = person(OTHER, subject=him.subject)
    for path in ("", "/document"):
        assert (await world.get(f"/{again['id']}{path}", him)).status_code == 200
        assert (await world.get(f"/{again['id']}{path}", left)).status_code == 404


async def test_no_statement_of_his_own_shows_him_more(world: World) -> None:
    """With SQL as the API's role, under the settings that his token gives."""
    him = person(SUPPLIES)
    mine = await deposited(world, him)
    files, data = {"file": ("a.pdf", b"%PDF-1.4 joint\n", "application/pdf")}, {"type": "PJA", "label": "Pièce"}
    path = f"/api/v1/deposits/{mine.id}/attachments"
    added = await world.client.post(path, files=files, data=data, headers=world.headers(him))
    assert added.status_code == 201, added.text
    for who, count in ((him, 1), (person(OTHER, subject=him.subject), 0)):
        async with scoped(world.api_pool, who.scope()) as api:
            for query in (
                "select from deposit",
                "select from attachment",
                f"select from made_again('{mine.id}')",
                f"select from attaching('{mine.id}')",
            ):
                assert len(await api.fetch(query)) == count, query


async def test_his_own_data_tell_that_he_deposited_it_and_not_what_it_says(world: World) -> None:
    him = person(SUPPLIES)
    mine = await deposited(world, him)

    async def exported(*entries: Payload) -> str:
        async with world.pool.acquire() as connection, connection.transaction():
            await account_replica.apply(connection, "ingest", entries)
        rows = [row for line in PERSON.lines for row in await world.pool.fetch(line, him.subject)]
        return " ".join(row["line"] for row in rows)

    assert isinstance(mine.told, InvoiceSubmitted)
    number = mine.told.invoice.invoice_number
    assert number in await exported()
    assert number in await exported(account(him.subject, 1, SUPPLIES))
    told = await exported(account(him.subject, 2, OTHER))
    assert number not in told
    assert str(mine.id) in told
