"""Timers on real tables: set and cancelled with the entries, fired once whatever is killed, late but never lost."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from contracts.codec import codec
from contracts.events import DelayAtRisk, StatusChanged
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common import clock
from services.common.deliver import transaction
from services.common.timers import Timers
from services.common.trace import RequestCause
from services.status import explain, store
from services.status.action import Past, Wanted
from services.status.actions import perform
from services.status.model import Applied
from services.status.plan import act
from services.status.timer_firing import fire
from services.status.writing import write
from tests.integration.status_service import Tables, tables
from tests.processes import WITHOUT_KAFKA, running
from tests.records import eventually
from tests.servers import fresh_database
from tests.unit.status.lives import deposit
from tests.unit.status.samples import accepted, event, routed

ONE, TWO = "55208131766522", "35600000000048"
_at_risk, _changed = codec(DelayAtRisk), codec(StatusChanged)
_PENDING = "select kind from timer where key = $1 and fired_at is null and cancelled_at is null order by kind"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def found(stack: Stack) -> AsyncIterator[Tables]:
    """One database for all: each test looks at invoices of its own."""
    async with fresh_database(stack, "status") as dsns, tables(dsns) as opened:
        yield opened


@pytest.fixture
def time(tmp_path: Path) -> Iterator[Path]:
    """The file that moves the platform's time."""
    file = tmp_path / "clock"
    clock.follow(file)
    yield file
    clock.follow(None)


async def after(time: Path, found: Tables, **passed: float) -> int:
    """So much time has passed since now: what is due fires."""
    await asyncio.to_thread(time.write_text, str(timedelta(**passed).total_seconds()))
    return await Timers(found.pool, "status", fire).fire()


async def pending(found: Tables, invoice: UUID) -> list[str]:
    return [row["kind"] for row in await found.pool.fetch(_PENDING, str(invoice))]


async def told(found: Tables, invoice: UUID) -> list[str]:
    """The reminders that were told of an invoice."""
    rows = await found.pool.fetch("select headers, value from outbox where key = $1 order by id", str(invoice))
    return [_at_risk.decode(r["value"]).timer for r in rows if b"at_risk" in bytes(r["headers"])]


async def asked(found: Tables, *validators: str) -> UUID:
    """An invoice whose validator is asked now."""
    invoice, now = uuid4(), datetime.now(UTC)
    await found.take(event(deposit("A9", *validators, submitted_at=now), invoice))
    return invoice


async def test_without_any_notice_the_delay_starts_from_the_portal_after_24_hours(found: Tables, time: Path) -> None:
    heard, unheard = uuid4(), uuid4()
    for invoice in (heard, unheard):
        await found.take(event(deposit(), invoice), event(routed(), invoice))
    await found.take(event(accepted(2, at=datetime.now(UTC)), heard))
    await after(time, found)
    assert (await pending(found, heard), await pending(found, unheard)) == (
        ["payment_due_10", "status_unchanged"],
        ["notice_overdue", "status_unchanged"],
    )
    await asyncio.gather(*(after(time, found, hours=25) for _ in range(2)))  # two instances at once
    await after(time, found, hours=25)  # what one of them had to give back
    sources = await found.pool.fetch(
        "select id, payment_delay_source as s from invoice where id = any ($1)", [heard, unheard]
    )
    assert {row["id"]: row["s"] for row in sources} == {heard: "notice", unheard: "portal"}
    assert await found.history(unheard) == [
        (1, "status", "DEPOSEE"),
        (2, "status", "MISE_A_DISPOSITION"),
        (3, "delay", None),
    ]
    assert "payment_due_10" in await pending(found, unheard)


async def test_a_silent_validator_is_reminded_once_and_has_agreed_after_15_days(found: Tables, time: Path) -> None:
    invoice = await asked(found, ONE, TWO)
    for day in (11, 11, 12):
        await after(time, found, days=day)
    assert await told(found, invoice) == ["status_unchanged", "validation_reminder"]
    assert await found.status(invoice) == "A_VALIDER_1"
    await after(time, found, days=17)
    assert await found.status(invoice) == "A_VALIDER_2"  # the second has 15 days of his own
    assert "tacit_acceptance" in await pending(found, invoice)
    statuses = [status for _, kind, status in await found.history(invoice) if kind == "status"]
    assert statuses == ["A_VALIDER_1", "ABSENCE_VALIDATION_1_HORS_DELAI", "A_VALIDER_2"]


async def test_what_has_ended_in_the_same_moment_is_not_told(found: Tables, time: Path) -> None:
    """An outage of 20 days: the acceptance comes first, and nobody is reminded of what it has ended."""
    invoice = await asked(found, ONE)
    first = "update timer set due_at = due_at - interval '12 days' where kind = 'tacit_acceptance' and key = $1"
    await found.pool.execute(first, str(invoice))
    await after(time, found, days=20)
    assert await found.status(invoice) == "DEPOSEE"
    assert await told(found, invoice) == []
    assert await pending(found, invoice) == []


async def test_the_steps_of_a_payment_delay_come_one_after_the_other(found: Tables, time: Path) -> None:
    invoice = uuid4()
    await found.take(event(deposit(), invoice), event(routed(), invoice))
    await found.take(event(accepted(2, at=datetime.now(UTC)), invoice))
    for day in (21, 26, 31, 32, 40):
        await after(time, found, days=day)
    steps = [kind for kind in await told(found, invoice) if kind.startswith("payment")]
    assert steps == ["payment_due_10", "payment_due_5", "payment_due_0", "payment_late"]
    assert not [kind for kind in await pending(found, invoice) if kind.startswith("payment")]


async def test_a_failure_among_many_timers_delays_no_other(found: Tables, time: Path) -> None:
    invoices = [await asked(found, ONE) for _ in range(3)]
    await found.pool.execute(
        "update invoice set header = header - 'type_code' - 'invoice_number' where id = $1", invoices[1]
    )
    await after(time, found, days=17)
    assert [await found.status(invoice) for invoice in invoices] == ["DEPOSEE", "A_VALIDER_1", "DEPOSEE"]
    assert "tacit_acceptance" in await pending(found, invoices[1])


async def test_the_story_of_an_invoice_names_nobody_and_says_what_is_to_come(
    found: Tables, time: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    invoice = uuid4()
    await found.take(event(deposit(), invoice), event(routed(), invoice), event(accepted(2), invoice))
    async with transaction(found.pool, "status", keys=[str(invoice)]) as tx:
        known = (await store.load(tx.conn, [invoice]))[invoice]
        asked = Wanted(action="suspend", motif="JUSTIF_ABS", comment="Appelez Madame Durand au 0612345678.")
        done = perform(known, asked, ("D",), "agnes.durand", tx.now, Past())
        assert isinstance(done, Applied)
        await write(tx, act(done, RequestCause(id=uuid4(), traceparent=None)))
    async with found.pool.acquire() as connection:
        story = "\n".join(explain.story(await explain.tell(connection, invoice)))
    for words in ("Suspendue [SUSPENDUE]", "motif : Justificatif absent", "Courriel : Avis envoyé au destinataire",
                  "Délai de paiement : ", "Suspension sans réponse", "commentaire de 36 caractères"):  # fmt: skip
        assert words in story
    for words in ("Durand", "durand", "0612345678", "user-1", "@"):
        assert words not in story
    assert await asyncio.to_thread(explain.run, ["nothing", "--by", "x"]) == 2
    assert "n'est pas l'identifiant" in capsys.readouterr().err


async def test_a_process_killed_while_it_fires_has_fired_nothing_and_the_next_one_fires_once(
    stack: Stack, tmp_path: Path
) -> None:
    async with fresh_database(stack, "status") as dsns, tables(dsns) as found:
        await _killed(stack, dsns, found, tmp_path / "clock")


async def _killed(stack: Stack, dsns: Mapping[str, ServiceDsns], found: Tables, moved: Path) -> None:
    invoices = [await asked(found, ONE) for _ in range(30)]
    await asyncio.to_thread(moved.write_text, str(timedelta(days=17).total_seconds()))
    holder = await asyncpg.connect(dsns["status"].worker, server_settings={"search_path": "status"})
    async with holder.transaction():
        # The last of the batch is held: the others are marked as fired and moved, in a transaction that cannot end.
        await holder.execute("select from invoice where id = $1 for update", max(invoices))
        async with running("status", stack, dsns["status"], CHORALE_CLOCK_FILE=str(moved), **WITHOUT_KAFKA):
            await eventually(lambda: _stands(found), within=60)
    await holder.close()
    assert await found.pool.fetchval("select count(*) from timer where fired_at is not null") == 0
    assert {await found.status(invoice) for invoice in invoices} == {"A_VALIDER_1"}
    async with running("status", stack, dsns["status"], CHORALE_CLOCK_FILE=str(moved), **WITHOUT_KAFKA):
        await eventually(lambda: _all_moved(found, len(invoices)), within=60)
        await asyncio.sleep(1.5)  # one more look of the timers
    rows = await found.pool.fetch(
        "select status_to, count(*) as n from history where actor = 'S' group by status_to order by status_to"
    )
    assert {row["status_to"]: row["n"] for row in rows} == {
        "ABSENCE_VALIDATION_1_HORS_DELAI": len(invoices),
        "DEPOSEE": len(invoices),
    }


async def _stands(found: Tables) -> bool:
    """Whether the process waits for the row that the test holds."""
    held: bool = await found.pool.fetchval(
        "select exists (select from pg_stat_activity where application_name = 'chorale-status'"
        " and wait_event_type = 'Lock' and query like 'update invoice%')"
    )
    return held


async def _all_moved(found: Tables, count: int) -> bool:
    moved: int = await found.pool.fetchval("select count(*) from invoice where status = 'DEPOSEE'")
    return moved == count
