"""ingest answers at once with the rules on what the directory knows, and says what may have been meant."""

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest

from contracts.envelope import Event
from contracts.events import DepositRefused, DraftSaved, EngagementPublished, InvoiceSubmitted
from deploy.database import ServiceDsns
from deploy.local import Stack
from invoice.address import Around
from invoice.directory import Engagement, Identifier, Service, Structure, bare
from invoice.findings import Finding
from services.ingest import replica
from services.ingest.domain import references_of
from tests.integration.ingest_world import World, open_world
from tests.unit.ingest.samples import (
    RECIPIENT,
    SENT,
    STRICT_RECIPIENT,
    SUPPLIER,
    TENANT,
    event,
    fields,
    pdf,
    read,
    service_published,
    structure_published,
    tenant_published,
)
from tests.unit.invoice.sample import bend

BODY = Structure(
    siret=RECIPIENT, name="Budget principal", tenant="cd06", kind="budget_principal", engagements_stated=True
)
ANNEXE = Structure(siret=RECIPIENT[:9] + "00072", name="Centre thermal", tenant="cd06", kind="budget_annexe")
ACHATS = Service(siret=RECIPIENT, code="ACHATS", label="Direction des achats")
THERMES = Service(siret=ANNEXE.siret, code="Thermes", label="Centre thermal")


def order(number: str, siret: str = RECIPIENT, supplier: str = SUPPLIER, **more: Any) -> Engagement:
    theirs = Identifier(type="SIRET", value=supplier, normalised=supplier)
    return Engagement(siret=siret, number=number, supplier=theirs, remaining=Decimal("10.00"), **more)


def engagement_event(entry: Engagement, version: int = 1, *, deleted: bool = False) -> Event:
    data = EngagementPublished(version=version, engagement=entry, changed_by="t", changed_at=SENT, deleted=deleted)
    return event(f"engagement:{entry.siret}/{entry.number}", data)


DIRECTORY = [
    event("tenant:cd06", tenant_published(tenant=TENANT)),
    event(f"structure:{BODY.siret}", structure_published(structure=BODY)),
    event(f"structure:{ANNEXE.siret}", structure_published(structure=ANNEXE)),
    event(f"service:{RECIPIENT}/ACHATS", service_published(service=ACHATS)),
    event(f"service:{ANNEXE.siret}/THERMES", service_published(service=THERMES)),
    engagement_event(order("BC 2026/17")),
    engagement_event(order("BC2026/18", open=False)),
    engagement_event(order("BC2026/19", supplier=STRICT_RECIPIENT)),
    engagement_event(order("TH2026/1", siret=ANNEXE.siret)),
]


@pytest.fixture
async def world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with open_world(stack, dsns) as found:
        await found.pool.execute("insert into directory_read_to_end default values")
        await found.take(*DIRECTORY)
        yield found


async def answer(world: World, number: int = 1, **written: str) -> tuple[str, dict[str, Finding]]:
    """Deposit and read an invoice that says this; returns what became of it and what was said, by code."""
    content = pdf(str(number))
    deposit: UUID = await world.deposit(content)
    values: dict[str, Any] = {"invoice_number": f"F-{number}", **written}
    await world.take(event(str(deposit), read(content, fields(**values))))
    told = [event.data for event in await world.sent() if event.subject == str(deposit)][-1]
    assert isinstance(told, DepositRefused | DraftSaved | InvoiceSubmitted)
    said = told.warnings if isinstance(told, InvoiceSubmitted) else told.reasons
    return type(told).__name__, {finding.code: finding for finding in said}


@pytest.mark.parametrize(
    ("engagement", "outcome", "code"),
    [
        ("bc2026/17", "InvoiceSubmitted", None),
        ("BC2026/18", "DepositRefused", "ENGAGEMENT_CLOSED"),
        ("BC2026/19", "DepositRefused", "ENGAGEMENT_OTHER_SUPPLIER"),
        ("BC2026/71", "InvoiceSubmitted", "ENGAGEMENT_UNKNOWN"),
        ("TH2026/1", "InvoiceSubmitted", "DEST_OTHER_BUDGET"),
    ],
)
async def test_an_engagement_is_looked_up_at_once(
    world: World, engagement: str, outcome: str, code: str | None
) -> None:
    became, said = await answer(world, engagement=engagement)
    assert became == outcome
    assert code is None or code in said
    assert code is not None or said == {}


async def test_what_may_have_been_meant_is_said_with_the_refusal_and_shown_by_the_api(world: World) -> None:
    became, said = await answer(world, service_code="ACHAT")
    assert became == "DepositRefused"
    (suggested,) = said["SERVICE_UNKNOWN"].suggestions
    assert (suggested.value, suggested.why, suggested.field) == ("ACHATS", "CODE_NEAR", "service_code")
    row = await world.pool.fetchrow("select id, header from deposit")
    assert row is not None
    assert row["header"] is None  # nothing is corrected in silence
    shown = (await world.get(f"/{row['id']}")).json()["findings"]
    assert [s["value"] for f in shown for s in f["suggestions"]] == ["ACHATS"]


async def test_a_code_of_another_budget_names_it_and_suggests_its_siret(world: World) -> None:
    became, said = await answer(world, service_code="thermes")
    assert became == "DepositRefused"
    assert ANNEXE.siret in said["SERVICE_OF_OTHER_STRUCTURE"].message
    warned = await answer(world, 2, engagement="TH2026/1")
    assert [s.value for s in warned[1]["DEST_OTHER_BUDGET"].suggestions] == [ANNEXE.siret]


async def test_a_siret_of_no_budget_suggests_those_of_the_body(world: World) -> None:
    became, said = await answer(world, recipient_siret=RECIPIENT[:9] + "00023")
    assert became == "DepositRefused"
    suggested = said["DEST_NOT_A_BUDGET"].suggestions
    assert {one.value for one in suggested} == {RECIPIENT, ANNEXE.siret}


async def test_a_structure_of_a_suspended_tenant_is_not_suggested(world: World) -> None:
    away = msgspec.structs.replace(TENANT, active=False)
    await world.take(event("tenant:cd06", tenant_published(2, away)))
    _, said = await answer(world, recipient_siret=RECIPIENT[:9] + "00023")
    assert said["DEST_NOT_A_BUDGET"].suggestions == ()


async def test_another_supplier_s_engagements_are_never_suggested(world: World) -> None:
    _, said = await answer(world, engagement="BC2026/16")
    assert [s.value for s in said["ENGAGEMENT_UNKNOWN"].suggestions] == ["BC 2026/17"]


@pytest.mark.parametrize("engagement", ["BC2026/20", "BC2026/19", "BC2026/18"])
async def test_whoever_writes_another_s_siret_learns_nothing_of_his_engagements(world: World, engagement: str) -> None:
    await world.take(engagement_event(order("BC2026/18", supplier=STRICT_RECIPIENT, open=False), 2))
    became, said = await answer(world, engagement=engagement, supplier_siret=STRICT_RECIPIENT)
    assert became == "DraftSaved"
    assert set(said) == {"SUPPLIER_NOT_YOURS"}
    assert b"BC2026/19" not in msgspec.json.encode([finding.suggestions for finding in said.values()])


async def test_a_deleted_engagement_is_unknown_and_does_not_come_back(world: World) -> None:
    gone = order("BC 2026/17")
    await world.take(engagement_event(msgspec.convert(bare(gone), Engagement), 9, deleted=True))
    await world.take(engagement_event(gone, 8))
    _, said = await answer(world, engagement="BC2026/17")
    assert "ENGAGEMENT_UNKNOWN" in said


async def test_a_change_counts_from_the_next_invoice_on(world: World) -> None:
    assert (await answer(world, 1, engagement="BC2026/17"))[0] == "InvoiceSubmitted"
    await world.take(engagement_event(order("BC 2026/17", open=False), 2))
    assert (await answer(world, 2, engagement="BC2026/17"))[0] == "DepositRefused"


async def test_the_references_of_a_batch_are_found_together_and_told_apart(world: World) -> None:
    headers = [
        bend(recipient_siret=RECIPIENT, service_code=None, engagement="BC2026/17"),
        bend(recipient_siret=RECIPIENT, service_code="thermes", engagement=" "),
        bend(recipient_siret=ANNEXE.siret, service_code="THERMES", engagement="bc 2026/17"),
        bend(recipient_siret=RECIPIENT[:9] + "00023", service_code=None),
        bend(recipient_siret="rien", service_code="X", engagement="Y"),
    ]
    async with world.pool.acquire() as connection:
        known = await replica.load(connection, headers)
    around = [known.around[references_of(header)] for header in headers]
    assert around[0] == Around(engagement=order("BC 2026/17"))
    assert around[1] == Around(siblings={ANNEXE.siret: ANNEXE}, services=(THERMES,))
    assert around[2] == Around(siblings={RECIPIENT: BODY}, engagements=(order("BC 2026/17"),))
    assert around[3] == Around(siblings={RECIPIENT: BODY, ANNEXE.siret: ANNEXE})
    assert around[4] == Around()
