"""What happens to a trial is told to its depositor alone, marked; no body, validator or finance system hears of it."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from contracts.envelope import Event
from deploy.database import ServiceDsns
from invoice.sandbox import MARK
from services.notify.addresses import Manager
from services.notify.compose import encode_words
from services.notify.digests import Part, render_many
from services.notify.domain import Facts
from services.notify.letters import render
from services.notify.webhook_rules import Known, public
from tests.integration.notify_service import Tables, tables
from tests.integration.webhook_world import life, ways
from tests.unit.notify.samples import BODY, CONTACT, NOON, changed, draft
from tests.unit.status.samples import event, submitted

TRIAL = "essai-cd06"


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Tables]:
    async with tables(notify_dsns) as ready:
        yield ready


def of_trial(data: Any, invoice: UUID) -> Event:
    return msgspec.structs.replace(event(data, invoice), tenant=TRIAL)


async def test_a_trial_s_notices_go_to_its_depositor_alone_and_bear_its_mark(found: Tables) -> None:
    await found.load(Manager(siret=BODY, name="Camille Roux", email="factures@dept.example"))
    invoice, drafted = uuid4(), uuid4()
    change = of_trial(changed(tenant=TRIAL), invoice)
    await found.take(change)  # before anything says whose it is: it waits
    assert await found.states() == {}
    await found.take(of_trial(submitted(), invoice), of_trial(draft(), drafted))
    await found.take(change)
    rows = await found.pool.fetch("select audience, address, data::text as data from message")
    assert {(row["audience"], row["address"]) for row in rows} == {("supplier", CONTACT), ("body", CONTACT)}
    assert all('"sandbox": true' in row["data"] for row in rows)
    assert await found.pool.fetchval("select count(*) from week_figure") == 0


async def test_a_letter_about_a_trial_says_so_first_in_its_subject_and_in_both_texts() -> None:
    real = Facts(at=NOON, number="F-1", recipient_siret=BODY, file_name="f.pdf")
    trial = msgspec.structs.replace(real, sandbox=True)
    letter = render("MISE_A_DISPOSITION", "body", trial, uuid4(), None)
    assert letter.subject.startswith(f"[{MARK}] ")
    assert letter.text.startswith(MARK)
    assert MARK in letter.html
    assert encode_words(letter.subject)
    plain = render("MISE_A_DISPOSITION", "body", real, uuid4(), None)
    assert MARK not in plain.subject + plain.text + plain.html
    parts = [
        Part(kind="MISE_A_DISPOSITION", audience="body", subject=str(uuid4()), facts=facts) for facts in (real, trial)
    ]
    mixed = render_many("GATHERED", parts, NOON, None)
    assert MARK not in mixed.subject
    assert mixed.text.count(MARK) == 2  # above, and at the line of the one that is
    assert render_many("GATHERED", parts[1:], NOON, None).subject.startswith(f"[{MARK}]")


async def test_events_of_a_trial_go_only_to_the_ways_out_made_for_it(notify_dsns: Mapping[str, ServiceDsns]) -> None:
    async with ways(notify_dsns) as found:
        real = await found.webhook(url="http://127.0.0.1:9/real")
        trial = await found.webhook(url="http://127.0.0.1:9/trial", sandbox=True)
        assert (real["sandbox"], trial["sandbox"]) == (False, True)
        tried, lived = uuid4(), uuid4()
        await found.take(*(msgspec.structs.replace(one, tenant=TRIAL) for one in life(tried)), *life(lived))
        rows = await found.pool.fetch("select distinct webhook::text, subject from webhook_delivery")
        assert {tuple(row) for row in rows} == {(real["id"], str(lived)), (trial["id"], str(tried))}
        for row in await found.pool.fetch("select id, type, subject, time, data from webhook_event"):
            told = public(Known(**dict(row)), "supplier")["data"]
            assert told.get("sandbox") == (MARK if row["subject"] == str(tried) else None)
