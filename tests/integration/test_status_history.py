"""Events in, history out: on a real database, in any order, any number of times."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from random import Random
from uuid import UUID, uuid4

import asyncpg
import pytest

from contracts.envelope import Event, event_id
from contracts.events import StatusChanged
from contracts.registry import TOPIC_OF
from deploy.database import ServiceDsns
from services.common.deliver import Deliver
from services.common.record import unpack_headers
from services.status.handlers import handle
from tests.integration.status_service import Tables, tables
from tests.unit.status.samples import NOON, accepted, event, failed, routed, submitted, unroutable


@pytest.fixture
async def found(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Tables]:
    async with tables(dsns) as ready:
        yield ready


def story(invoice: UUID, number: str) -> list[Event]:
    """Everything that happens to one invoice on the path."""
    data = (submitted(number), routed(), accepted(2), accepted(2, "supplier"), failed(2, "supplier"))
    return [event(item, invoice) for item in data]


async def test_an_invoice_goes_from_deposit_to_the_body_and_its_delay_starts(found: Tables) -> None:
    invoice = uuid4()
    for step in story(invoice, "F-1"):
        await found.take(step)
    assert await found.history(invoice) == [
        (1, "status", "DEPOSEE"),
        (2, "status", "MISE_A_DISPOSITION"),
        (3, "notice", None),
        (4, "notice", None),
        (5, "notice", None),
    ]
    row = await found.pool.fetchrow("select * from invoice where id = $1", invoice)
    assert row is not None
    # The event says when it was accepted; it lies before this test's clock, so well within the 24 hours.
    assert (row["payment_delay_started_on"], row["payment_delay_source"]) == (date(2026, 3, 2), "notice")
    assert row["entries"] == 5


async def test_every_status_entry_is_told_once_with_an_id_made_from_its_cause(found: Tables) -> None:
    invoice = uuid4()
    sent = story(invoice, "F-1")
    await found.take(*sent)
    await found.take(*sent)
    rows = await found.pool.fetch("select key, topic, headers from outbox order by id")
    ids = [dict(unpack_headers(row["headers"]))["ce_id"].decode() for row in rows]
    assert [row["key"] for row in rows] == [str(invoice)] * 2
    assert {row["topic"] for row in rows} == {TOPIC_OF[StatusChanged].name}
    assert ids == [str(event_id(cause.id, StatusChanged.TYPE)) for cause in sent[:2]]


@pytest.mark.parametrize("seed", range(4))
async def test_shuffled_repeated_and_split_batches_end_in_the_same_history(found: Tables, seed: int) -> None:
    chance = Random(seed)
    invoices = [uuid4() for _ in range(30)]
    sent = [step for i, invoice in enumerate(invoices) for step in story(invoice, f"F-{seed}-{i}")]
    sent += chance.sample(sent, 40)
    chance.shuffle(sent)
    while sent:
        size = chance.randint(1, 40)
        batch, sent = sent[:size], sent[size:]
        await found.take(*batch)
    for invoice in invoices:
        history = await found.history(invoice)
        assert [(number, status) for number, _, status in history[:2]] == [(1, "DEPOSEE"), (2, "MISE_A_DISPOSITION")]
        assert [number for number, *_ in history] == [1, 2, 3, 4, 5]
    assert await found.count("waiting_event") == 0
    assert await found.count("outbox") == 2 * len(invoices)
    assert await found.count("dead_letter") == 0


async def test_two_instances_that_take_the_same_events_at_once_write_one_history(found: Tables) -> None:
    invoices = [uuid4() for _ in range(20)]
    sent = [step for i, invoice in enumerate(invoices) for step in story(invoice, f"F-{i}")]
    other = Tables(found.pool, found.api_pool, Deliver(found.pool, "status", handle))
    await asyncio.gather(found.take(*sent), other.take(*reversed(sent)), found.take(*sent[50:]), other.take(*sent[:50]))
    for invoice in invoices:
        assert len(await found.history(invoice)) == 5
    assert await found.count("outbox") == 2 * len(invoices)


async def test_what_comes_before_the_deposit_waits_and_is_applied_with_it(found: Tables) -> None:
    invoice = uuid4()
    deposit, route, notice, *_ = story(invoice, "F-1")
    await found.take(notice)
    await found.take(route)
    assert await found.count("waiting_event") == 2
    assert await found.status(invoice) is None
    await found.take(deposit)
    assert await found.count("waiting_event") == 0
    assert [kind for _, kind, _ in await found.history(invoice)] == ["status", "status", "notice"]


async def test_an_event_that_the_table_forbids_is_parked_and_harms_no_other(found: Tables) -> None:
    good, bad = uuid4(), uuid4()
    await found.take(event(submitted("F-1"), good), event(submitted("F-2"), bad), event(unroutable(), bad))
    await found.take(event(routed(), bad), event(routed(), good))
    assert await found.status(good) == "MISE_A_DISPOSITION"
    assert await found.status(bad) == "A_RECYCLER"
    letters = await found.pool.fetch("select kind, reason, key from dead_letter")
    assert [tuple(row) for row in letters] == [("rejected", "NOT_IN_TABLE", str(bad))]


async def test_a_subject_that_is_no_invoice_is_parked(found: Tables) -> None:
    await found.take(event(submitted("F-1"), "not-a-uuid"))
    assert await found.pool.fetchval("select reason from dead_letter") == "SUBJECT_NOT_AN_INVOICE"


async def test_the_reasons_of_an_unroutable_invoice_stand_in_its_history(found: Tables) -> None:
    invoice = uuid4()
    await found.take(event(submitted("F-1"), invoice), event(unroutable(), invoice))
    reasons = await found.pool.fetchval("select reasons::text from history where invoice = $1 and entry = 2", invoice)
    assert "SERVICE_UNKNOWN" in reasons
    assert "DEST_KNOWN" not in reasons


@pytest.mark.parametrize(
    "change",
    [
        "update history set actor = 'D'",
        "update history set at = now() where entry = 1",
        "delete from history",
        "truncate history",
        "truncate history cascade",
        "update history set by_subject = 'somebody else'",
        "update history set erased_at = now()",
        "insert into history select * from history on conflict (invoice, entry) do update set actor = 'D'",
        "delete from invoice",
    ],
)
async def test_the_history_cannot_be_changed_even_by_its_owner(found: Tables, change: str) -> None:
    invoice = uuid4()
    await found.take(event(submitted("F-1"), invoice))
    refusals = (asyncpg.RestrictViolationError, asyncpg.InsufficientPrivilegeError, asyncpg.ForeignKeyViolationError)
    with pytest.raises(refusals, match=r"append-only|permission denied|foreign key"):
        await found.pool.execute(change)
    assert await found.history(invoice) == [(1, "status", "DEPOSEE")]


async def test_the_history_takes_no_entry_twice_and_leaves_no_gap(found: Tables) -> None:
    invoice = uuid4()
    await found.take(event(submitted("F-1"), invoice))
    insert = (
        "insert into history (invoice, entry, kind, status_to, actor, at, recorded_at, visibility, reasons, cause)"
        " values ($1, $2, 'status', 'DEPOSEE', 'F', now(), now(), 'all', '[]', $3)"
    )
    with pytest.raises(asyncpg.UniqueViolationError):
        await found.pool.execute(insert, invoice, 1, uuid4())
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await found.pool.execute(insert, invoice, 3, uuid4())


async def test_an_old_acceptance_read_late_keeps_the_true_first_day(found: Tables) -> None:
    invoice = uuid4()
    await found.take(event(submitted("F-1"), invoice), event(routed(), invoice))
    later, first = NOON + timedelta(days=1), NOON
    await found.take(event(accepted(2, at=later), invoice))
    await found.take(event(accepted(2, at=first), invoice))
    assert await found.pool.fetchval("select payment_delay_started_at from invoice where id = $1", invoice) == first
