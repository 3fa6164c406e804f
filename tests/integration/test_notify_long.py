"""The long forms: a process that is killed again and again, and an import of 100,000 invoices for one body."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from uuid import uuid4

import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.notify.addresses import Manager
from services.notify.gathering import Limits
from tests.integration.notify_service import Tables, relay, tables, until, worker
from tests.integration.test_notify_sending import process
from tests.unit.notify.samples import BODY, changed, refused
from tests.unit.status.samples import event, submitted

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]
KILLS, IMPORTED = 25, 100_000
OTHER = "22310001700423"


@pytest.fixture
async def found(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Tables]:
    async with tables(dsns, Limits(notices_a_minute=2, gather_seconds=0.5, digest_seconds=0.5)) as ready:
        yield ready


async def settled(found: Tables, seconds: float) -> None:
    async def nothing_left() -> bool:
        return not set(await found.states()) & {"created", "sending", "held", "carried"}

    await until(nothing_left, seconds)


async def test_a_process_killed_again_and_again_skips_no_notice_and_repeats_few(found: Tables, stack: Stack) -> None:
    """The one window: taken by the relay, not yet committed. A repeat has the Message-ID of the first."""
    chance = random.Random(5)
    await found.load(Manager(siret=BODY, name="C", email="factures@dept.example"))
    settings = {"CHORALE_LEASE_SECONDS": "1", "CHORALE_GATHER_SECONDS": "0.5", "CHORALE_DOMAIN_RATE": "0"}
    async with relay() as smtp:
        written, ended = 0, asyncio.Event()

        async def stream() -> None:
            nonlocal written
            while not ended.is_set():
                written, number, invoice = written + 1, written, uuid4()
                await found.take(event(submitted(f"F-{number}"), invoice), event(changed(), invoice))
                await found.take(event(refused(contact=f"c{number}@f.example"), uuid4()))
                await asyncio.sleep(0.05)

        streaming = asyncio.create_task(stream())
        for _ in range(KILLS):
            async with process(found, stack, smtp.port, settings) as killed:
                before = len(smtp.mails)

                async def some(before: int = before) -> bool:
                    return len(smtp.mails) > before

                await until(some, 60)
                await asyncio.sleep(chance.random() * 0.5)
                killed.kill()
                await killed.wait()
        ended.set()
        await streaming
        async with worker(found, smtp.port):
            await settled(found, 120)
    sent = Counter(str(mail["Message-ID"]) for mail in smtp.mails)
    repeated = sum(sent.values()) - len(sent)
    print(f"{KILLS} kills, {len(sent)} mails, {repeated} sent twice ({repeated / KILLS:.2f} a kill)")
    assert set(await found.states()) == {"accepted"}
    assert await found.pool.fetchval("select count(*) from proof") == 3 * written
    accepted = await found.pool.fetch(
        "select message_id_header from message where state = 'accepted' and carried_by is null"
    )
    assert {row["message_id_header"] for row in accepted} == set(sent)
    assert repeated <= KILLS * 3 * 8  # a process holds three mails for each of its eight connections at the most


async def test_an_import_of_100_000_is_gathered_and_delays_nobody_else_s_notice(found: Tables) -> None:
    """Each invoice is named and proven; another tenant's notices leave in under five seconds meanwhile."""
    await found.load(
        Manager(siret=BODY, name="C", email="import@dept.example"),
        *(Manager(siret=OTHER, service_code=f"S{n}", name="D", email=f"s{n}@autre.example") for n in range(40)),
    )
    asked: dict[str, float] = {}
    async with relay() as smtp, worker(found, smtp.port, domain_rate=0):

        async def imported() -> None:
            for start in range(0, IMPORTED, 200):
                one = [uuid4() for _ in range(200)]
                batch = [event(submitted(f"I-{start + n}"), invoice) for n, invoice in enumerate(one)]
                batch += [
                    event(changed(invoice_number=f"I-{start + n}", entry=2), invoice) for n, invoice in enumerate(one)
                ]
                await found.take(*batch)

        importing = asyncio.create_task(imported())
        number = 0
        while not importing.done() and number < 40:
            await asyncio.sleep(2)
            invoice = uuid4()
            asked[f"s{number}@autre.example"] = time.time()
            other = changed(recipient_siret=OTHER, tenant="cd31", service_code=f"S{number}")
            await found.take(event(submitted(f"O-{number}"), invoice), event(other, invoice))
            number += 1
        await importing
        await settled(found, 600)
    rows = await found.pool.fetch(
        "select address, extract(epoch from done_at)::float as at from message where legal and address = any($1)",
        list(asked),
    )
    waits = sorted(row["at"] - asked[row["address"]] for row in rows)
    mails = smtp.recipients.count("import@dept.example")
    print(json.dumps({"others": len(waits), "worst_seconds": round(waits[-1], 2), "mails": mails}))
    assert len(waits) == len(asked)
    assert waits[-1] < 5
    assert mails < IMPORTED / 100
    proven = await found.pool.fetchval(
        "select count(distinct subject) from proof where structure = $1 and audience = 'body'", BODY
    )
    assert proven == IMPORTED
    named = set()
    for mail, to in zip(smtp.mails, smtp.recipients, strict=True):
        if to == "import@dept.example":
            part = mail.get_body(("plain",))
            assert part is not None
            named |= {word for word in part.get_content().split() if word.startswith("I-")}
    assert len(named) == IMPORTED
