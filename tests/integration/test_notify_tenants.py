"""What a tenant says by mail, and where answers to its mail go."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from contracts.events import TenantPublished
from deploy.database import ServiceDsns
from invoice.directory import Tenant
from services.common.auth import Principal
from services.notify.addresses import Manager
from tests.integration.notify_service import (
    OPERATOR,
    Tables,
    chores,
    client,
    relay,
    settled,
    tables,
    worker,
    written,
)
from tests.integration.tenant_world import directory
from tests.unit.notify.samples import BODY, CONTACT, NOON, changed, draft
from tests.unit.status.samples import event, submitted

API = "/api/v1/messages"
OTHER = "22310001700423"
ME = Principal(subject="user-1", contact=CONTACT)


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Tables]:
    async with tables(notify_dsns) as ready:
        yield ready


async def test_answers_to_a_tenants_mail_go_to_the_tenant(found: Tables) -> None:
    told = TenantPublished(
        version=2,
        tenant=Tenant(id="cd06", name="CD 06", sender="Facturation@CD06.example"),
        changed_by="agnès",
        changed_at=NOON,
    )
    older = msgspec.structs.replace(told, version=1, tenant=Tenant(id="cd06", name="CD 06"))
    await found.load(Manager(siret=BODY, name="C", email="c@dept.example"))
    await found.take(event(told, "tenant:cd06"), event(older, "tenant:cd06"), event(draft(), uuid4()))
    invoice = uuid4()
    await found.take(event(submitted(), invoice), event(changed(), invoice))
    async with relay() as smtp, worker(found, smtp.port):
        await settled(found)
    assert {mail["To"]: mail["Reply-To"] for mail in smtp.mails} == {
        "c@dept.example": "Facturation@cd06.example",
        CONTACT: None,
    }
    assert all("chorale.example" in str(mail["From"]) for mail in smtp.mails)


async def test_an_announcement_reaches_those_of_its_tenant_once_each_and_stops_at_no(found: Tables) -> None:
    invoice = uuid4()
    await found.load(
        Manager(siret=BODY, name="C", email="c@dept.example"), Manager(siret=OTHER, name="D", email="d@autre.example")
    )
    await found.take(*directory(), event(submitted(), invoice), event(changed(), invoice))
    words: dict[str, Any] = {
        "audience": "everybody",
        "title": "Fermeture",
        "body": "Fermé le 1er mai.",
        "tenant": "cd06",
    }
    async with client(found, Principal(subject="t", tenants=("cd06",), roles=("TENANT_ADMIN",))) as http:
        assert (await http.post(f"{API}/announcements", json={**words, "tenant": None})).status_code == 403
        assert (await http.post(f"{API}/announcements", json={**words, "tenant": "cd32"})).status_code == 403
        assert (await http.post(f"{API}/announcements", json={**words, "title": " \t\n "})).status_code == 422
        assert (await http.post(f"{API}/announcements", json=words)).status_code == 202
        for _ in range(2):
            await chores(found).announce()
        [shown] = (await http.get(f"{API}/announcements")).json()["announcements"]
    assert (shown["sent_to"], shown["done_at"] is not None) == (2, True)
    reached = {address for kind, address, _ in await written(found) if kind == "ANNOUNCEMENT"}
    assert reached == {"c@dept.example", CONTACT}
    async with client(found, ME) as http:
        await http.put(f"{API}/preferences", json={"kinds": {"ANNOUNCEMENT": "off"}})
    async with client(found, OPERATOR) as http:
        await http.post(f"{API}/announcements", json={**words, "tenant": None})
    await chores(found).announce()
    assert await found.pool.fetchval("select count(*) from message where kind = 'ANNOUNCEMENT'") == 4
