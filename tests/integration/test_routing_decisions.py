"""Submitted invoices are decided once, by the directory in force."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

import msgspec
import pytest

from contracts.envelope import Event, decode
from contracts.events import InvoiceRouted, InvoiceUnroutable, RoutingRequested
from deploy.database import ServiceDsns
from invoice.directory import Engagement, Service, Structure
from invoice.directory_file import DirectoryFile
from invoice.structure_identifiers import identifier
from services.common.db import Pool, migrate, open_pool
from services.common.deliver import Deliver
from services.common.record import unpack_headers
from services.routing.handlers import Handlers
from services.routing.imports import import_directory
from services.routing.store import Directory, in_force
from tests.records import event, record
from tests.unit.routing.samples import FILE, SERVICES, STRUCTURE, SUPPLIER, TOWN, UNKNOWN, submitted

# Two more of the same SIREN as TOWN: one is given to the directory, one is not.
ANNEXE, NOBODYS = "22060001901170", "22060001900024"


@pytest.fixture
async def pool(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Pool]:
    dsn = dsns["routing"].worker
    await migrate(dsn, "routing", "services.routing")
    opened = await open_pool(dsn, "routing")
    yield opened
    await opened.close()


@pytest.fixture
def deliver(pool: Pool) -> Deliver:
    return Deliver(pool, "routing", Handlers(Directory()))


def _submitted(**changes: Any) -> Event:
    return event(submitted(**changes), str(uuid4()))


async def _outcomes(pool: Pool) -> dict[str, Event]:
    rows = await pool.fetch("select headers, value from outbox where topic = 'chorale.routing.v1' order by id")
    events = [decode(unpack_headers(row["headers"]), row["value"]) for row in rows]
    assert len({found.subject for found in events}) == len(events)
    return {found.subject: found for found in events}


async def test_a_batch_is_decided_and_told_with_the_version_that_was_asked(pool: Pool, deliver: Deliver) -> None:
    report = await import_directory(pool, FILE, by="agnès")
    good, closed, unknown = _submitted(), _submitted(service_code="FERME"), _submitted(recipient_siret=UNKNOWN)
    await deliver.batch([record(found) for found in (good, closed, unknown)])
    told = await _outcomes(pool)
    routed = told[good.subject]
    assert isinstance(routed.data, InvoiceRouted)
    assert (routed.data.service_code, routed.tenant) == ("DRH", "cd99")
    refused = told[closed.subject]
    assert isinstance(refused.data, InvoiceUnroutable)
    assert (refused.data.tenant, refused.tenant) == ("cd99", "cd99")
    assert told[unknown.subject].tenant is None
    rows = await pool.fetch("select * from decision")
    assert {str(row["invoice_id"]): row["outcome"] for row in rows} == {
        good.subject: "routed",
        closed.subject: "unroutable",
        unknown.subject: "unroutable",
    }
    assert {row["directory_version"] for row in rows} == {report.version} == {routed.data.directory_version}


async def test_the_same_event_or_the_same_attempt_again_is_decided_once(pool: Pool, deliver: Deliver) -> None:
    await import_directory(pool, FILE, by="agnès")
    first = _submitted()
    twin = event(submitted(), first.subject)
    await deliver.batch([record(first), record(twin), record(first)])
    await deliver.batch([record(first)])
    await deliver.batch([record(event(submitted(service_code="FERME"), first.subject))])
    assert list(await _outcomes(pool)) == [first.subject]
    assert await pool.fetchval("select count(*) from decision") == 1
    assert await pool.fetchval("select event_id from decision") == first.id


async def test_a_replay_into_an_empty_database_tells_the_same_event_id(pool: Pool, deliver: Deliver) -> None:
    await import_directory(pool, FILE, by="agnès")
    found = _submitted()
    await deliver.batch([record(found)])
    before = (await _outcomes(pool))[found.subject].id
    await pool.execute("truncate decision, processed_event; delete from outbox where lane = 'main'")
    await deliver.batch([record(found)])
    assert (await _outcomes(pool))[found.subject].id == before


async def test_what_somebody_else_acts_on_first_and_later_attempts_are_not_ours(pool: Pool, deliver: Deliver) -> None:
    await import_directory(pool, FILE, by="agnès")
    await deliver.batch([record(_submitted(validators=("99900001100018",))), record(_submitted(attempt=2))])
    await deliver.batch([record(_submitted(frame=frame)) for frame in ("A4", "A5", "A17", "A18", "A20", "A22")])
    assert await _outcomes(pool) == {}
    assert await pool.fetchval("select count(*) from processed_event") == 8


async def test_works_pieces_that_the_recipient_reads_first_are_routed_at_once(pool: Pool, deliver: Deliver) -> None:
    await import_directory(pool, FILE, by="agnès")
    found = [_submitted(frame=frame) for frame in ("A6", "A8", "A16", "A19", "A23", "A24", "A25")]
    await deliver.batch([record(each) for each in found])
    assert set(await _outcomes(pool)) == {each.subject for each in found}


def _again(first: Event, attempt: int, purpose: Literal["recycled", "transferred"], **changes: Any) -> Event:
    asked = RoutingRequested(
        attempt=attempt,
        purpose=purpose,
        invoice=submitted(**changes).invoice,
        submitted_at=datetime(2026, 5, 4, 10, 0, tzinfo=UTC),
        requested_at=datetime(2026, 7, 4, 10, 0, tzinfo=UTC),
    )
    return event(asked, first.subject)


async def _attempts(pool: Pool) -> list[tuple[int, str, str]]:
    rows = await pool.fetch("select attempt, purpose, outcome from decision order by attempt")
    return [tuple(row) for row in rows]


async def test_each_attempt_is_decided_once_by_the_day_it_is_asked_and_a_stale_one_leaves_nothing(
    pool: Pool, deliver: Deliver
) -> None:
    await import_directory(pool, FILE, by="agnès")
    first = _submitted(service_code="Voirie 2")  # until 30 June
    second, third = (_again(first, n, "recycled", service_code="Voirie 2") for n in (2, 3))
    await deliver.batch([record(first)])
    await deliver.batch([record(third), record(third)])
    await deliver.batch([record(second), record(_again(first, 3, "recycled"))])
    assert await _attempts(pool) == [(1, "submitted", "routed"), (3, "recycled", "unroutable")]
    assert await pool.fetchval("select count(*) from outbox where topic = 'chorale.routing.v1'") == 2


async def test_what_may_have_been_meant_goes_back_with_the_reasons(pool: Pool, deliver: Deliver) -> None:
    mine, theirs = (
        Engagement(siret=TOWN, number=number, supplier=identifier("SIRET", supplier))
        for number, supplier in (("CP2026/77", SUPPLIER), ("CP2026/78", UNKNOWN))
    )
    stated = msgspec.structs.replace(STRUCTURE, engagements_stated=True)
    file = msgspec.structs.replace(FILE, structures=(stated,), engagements=(mine, theirs))
    await import_directory(pool, file, by="agnès")
    first = _submitted(service_code="DRHH", engagement="CP2026-77")
    near = _submitted(recipient_siret="22060001900061")  # two digits changed places
    await deliver.batch([record(first), record(near)])
    told = await _outcomes(pool)
    found = {}
    for one in (first, near):
        data = told[one.subject].data
        assert isinstance(data, InvoiceUnroutable)
        found[one.subject] = {s.field: s.value for f in data.findings for s in f.suggestions}
    assert found[first.subject] == {"service_code": "DRH", "engagement": "CP2026/77"}
    assert found[near.subject]["recipient_siret"] == TOWN


async def test_a_transfer_asks_for_the_service_alone(pool: Pool, deliver: Deliver) -> None:
    closed = Engagement(siret=TOWN, number="E-1", supplier=identifier("SIRET", SUPPLIER), open=False)
    await import_directory(pool, msgspec.structs.replace(FILE, engagements=(closed,)), by="agnès")
    first = _submitted(engagement="E-1")
    await deliver.batch([record(first)])
    await deliver.batch([record(_again(first, 2, "transferred", engagement="E-1"))])
    await deliver.batch([record(_again(first, 3, "transferred", engagement="E-1", service_code="FERME"))])
    assert await _attempts(pool) == [
        (1, "submitted", "unroutable"),
        (2, "transferred", "routed"),
        (3, "transferred", "unroutable"),
    ]


async def test_a_subject_that_is_no_invoice_is_parked_alone(pool: Pool, deliver: Deliver) -> None:
    await import_directory(pool, FILE, by="agnès")
    good, bad = _submitted(), event(submitted(), "not-an-id")
    await deliver.batch([record(bad), record(good)])
    assert list(await _outcomes(pool)) == [good.subject]
    assert await pool.fetchval("select reason from dead_letter") == "SUBJECT_NOT_AN_INVOICE"


async def test_a_change_of_the_directory_counts_from_the_next_batch_on(pool: Pool, deliver: Deliver) -> None:
    first = await import_directory(pool, FILE, by="agnès")
    before = _submitted()
    await deliver.batch([record(before)])
    closed = msgspec.structs.replace(SERVICES[0], active=False)
    second = await import_directory(pool, DirectoryFile(services=(closed,)), by="agnès")
    after = _submitted()
    await deliver.batch([record(after)])
    told = await _outcomes(pool)
    assert isinstance(told[before.subject].data, InvoiceRouted)
    assert isinstance(told[after.subject].data, InvoiceUnroutable)
    versions = {str(r["invoice_id"]): r["directory_version"] for r in await pool.fetch("select * from decision")}
    assert versions == {before.subject: first.version, after.subject: second.version}


async def test_another_budget_of_a_known_body_and_anothers_service_are_told_apart(pool: Pool, deliver: Deliver) -> None:
    annexe = Structure(
        siret=ANNEXE, name="Budget annexe", group="Département d'essai", tenant="cd99", kind="budget_annexe"
    )
    whole = DirectoryFile(
        structures=(annexe,), services=(Service(siret=ANNEXE, code="PORT", label="Port"),), engagements=()
    )
    await import_directory(pool, FILE, by="agnès")
    await import_directory(pool, whole, by="agnès")
    nobodys, theirs = _submitted(recipient_siret=NOBODYS), _submitted(service_code="port")
    await deliver.batch([record(nobodys), record(theirs)])
    told = await _outcomes(pool)
    codes = {}
    for found in (nobodys, theirs):
        data = told[found.subject].data
        assert isinstance(data, InvoiceUnroutable)
        codes[found.subject] = {finding.code for finding in data.findings}
    assert "DEST_NOT_A_BUDGET" in codes[nobodys.subject]
    assert "SERVICE_OF_OTHER_STRUCTURE" in codes[theirs.subject]


async def test_a_rolled_back_import_is_never_remembered(pool: Pool) -> None:
    await import_directory(pool, FILE, by="agnès")
    directory = Directory()
    async with pool.acquire() as connection:
        await directory.look_up(connection, [TOWN])
        await import_directory(pool, DirectoryFile(services=(SERVICES[0],)), by="x", dry_run=True)
        again = await directory.look_up(connection, [TOWN, UNKNOWN])
        assert again == await in_force(connection, [TOWN, UNKNOWN])


async def test_a_memory_over_its_limit_starts_afresh_and_stays_right(pool: Pool) -> None:
    await import_directory(pool, FILE, by="agnès")
    directory = Directory(limit=1)
    async with pool.acquire() as connection:
        for _ in range(3):
            found = await directory.look_up(connection, [TOWN, UNKNOWN])
            assert found == await in_force(connection, [TOWN, UNKNOWN])
            assert found.bodies[TOWN] is not None
