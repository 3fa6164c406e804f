"""Many notices to one address become one mail that proves each of them; nobody else waits; nobody is forgotten."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from contracts.events import NotificationAccepted
from deploy.database import ServiceDsns
from services.common.auth import Principal
from services.notify import cli
from services.notify.addresses import Manager
from services.notify.chores import Chores
from services.notify.desk import Desk
from services.notify.gathering import Limits
from services.notify.proof import address_digest
from services.notify.recap import Recap
from tests.integration.notify_service import OPERATOR, Tables, client, relay, tables, until, worker
from tests.unit.notify.samples import BODY, CONTACT, NOON, SUPPLIER, changed, draft, refused
from tests.unit.status.samples import SUPPLIER as DEPOSITOR
from tests.unit.status.samples import event, submitted

LIMITS = Limits(notices_a_minute=2, gather_seconds=0.4, optional_an_hour=2, digest_seconds=0.4)
MAILING = (("smtp_host", "x"), ("smtp_port", "1"), ("mail_from", "x@x.example"), ("public_url", "https://x.example"))
MANAGER = Manager(siret=BODY, name="Camille Roux", email="factures@dept.example")
OF_OTHER_SERVICE = Manager(siret=BODY, service_code="TEST-VOIRIE", name="Sacha", email="voirie@dept.example")
ADMINISTRATOR = "dsi@dept.example"


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Tables]:
    async with tables(notify_dsns, LIMITS) as ready:
        yield ready


async def available(found: Tables, count: int) -> list[UUID]:
    """So many invoices that come to the body at once."""
    invoices = [uuid4() for _ in range(count)]
    events = [event(submitted(f"F-{n}"), invoice) for n, invoice in enumerate(invoices)]
    events += [
        event(changed(invoice_number=f"F-{n}", supplier_siret=DEPOSITOR), invoice) for n, invoice in enumerate(invoices)
    ]
    await found.take(*events)
    return invoices


async def settled(found: Tables) -> None:
    async def nothing_left() -> bool:
        return not set(await found.states()) & {"created", "sending", "held", "carried"}

    await until(nothing_left, 30)


def desk() -> Desk:
    return Desk("chorale.example", LIMITS)


async def test_beyond_the_first_notices_are_gathered_and_the_mail_proves_each(found: Tables) -> None:
    await found.load(MANAGER)
    async with relay() as smtp, worker(found, smtp.port):
        invoices = await available(found, 12)
        await settled(found)
    to_body = [m for m, to in zip(smtp.mails, smtp.recipients, strict=True) if to == MANAGER.email]
    assert len(to_body) == 3  # two at once, ten together
    assert sorted(len(m["Subject"].split("avis")) for m in to_body) == [1, 1, 2]
    [gathered] = [m for m in to_body if "avis" in m["Subject"]]
    text = gathered.get_body(("plain",))
    assert text is not None
    named = text.get_content()
    assert sum(f"- F-{n} – " in named for n in range(12)) == 10
    assert "List-Unsubscribe" not in gathered
    told = [t for t in await found.outcomes() if isinstance(t, NotificationAccepted) and t.audience == "body"]
    assert len(told) == len({t.message for t in told}) == 12
    proofs = await found.pool.fetch("select * from proof where audience = 'body'")
    assert {p["subject"] for p in proofs} == {str(invoice) for invoice in invoices}
    assert {(p["entry"], p["kind"], p["structure"], p["tenant"]) for p in proofs} == {
        (2, "MISE_A_DISPOSITION", BODY, "cd06")
    }
    assert all(p["address_sha256"] == address_digest(p["message"], MANAGER.email) for p in proofs)
    assert {p["message_id_header"] for p in proofs} == {m["Message-ID"] for m in to_body}
    assert len({p["carrier"] for p in proofs}) == 3


async def test_events_that_come_again_neither_send_nor_name_anything_twice(found: Tables) -> None:
    await found.load(MANAGER)
    invoice = uuid4()
    events = [event(submitted(), invoice), *(event(changed(entry=n), invoice) for n in range(2, 8))]
    async with relay() as smtp, worker(found, smtp.port):
        for _ in range(3):
            await found.take(*events)
            await found.pool.execute("delete from processed_event")
        await settled(found)
        await found.take(*events)
        await settled(found)
    body = await found.pool.fetchval("select count(*) from message where audience = 'body' and kind <> 'GATHERED'")
    assert body == await found.pool.fetchval("select count(*) from proof where audience = 'body'") == 6
    lines = [m.get_body(("plain",)).get_content() for m in smtp.mails if "avis" in m["Subject"]]  # type: ignore[union-attr]
    assert sum(text.count("- F-2026-001 – ") for text in lines) == 4


async def test_optional_mail_becomes_a_digest_and_a_mandatory_notice_never_waits_for_it(found: Tables) -> None:
    async with relay() as smtp, worker(found, smtp.port):
        drafts = [event(draft(file_name=f"f{number}.pdf"), uuid4()) for number in range(6)]
        await found.take(*drafts, event(refused(), uuid4()))  # at once, so that no slow moment makes two digests
        await settled(found)
    subjects = [str(m["Subject"]) for m in smtp.mails]
    assert subjects.index("Dépôt refusé : F-2026-001") < subjects.index("Résumé : 4 messages de la dernière heure")
    assert len(subjects) == 4


async def test_a_carrier_that_is_refused_takes_its_notices_with_it_and_others_take_them_over(found: Tables) -> None:
    """The other addresses of the body, then the tenant's administrator, then nobody, and an alarm."""

    async def answers(stage: str, address: str) -> str | None:
        return "550 5.1.1 gone" if stage == "recipient" and address != ADMINISTRATOR else None

    await found.load(MANAGER, OF_OTHER_SERVICE)
    await found.pool.execute(
        "insert into correspondent (role, tenant, name, email, changed_by)"
        " values ('administrator', 'cd06', '', $1, 'x')",
        ADMINISTRATOR,
    )
    chores = Chores(found.pool, desk(), timedelta(hours=4))
    async with relay() as smtp, worker(found, smtp.port):
        smtp.answers = answers
        await available(found, 5)
        for _ in range(3):
            await settled(found)
            await chores._takeover.look()
        await settled(found)
    rows = await found.pool.fetch(
        "select address, audience, state, count(*) from message where legal and kind = 'MISE_A_DISPOSITION'"
        " group by 1, 2, 3 order by 1"
    )
    assert [tuple(row) for row in rows] == [
        (ADMINISTRATOR, "administrator", "accepted", 5),
        (MANAGER.email, "body", "permanent", 5),
        (OF_OTHER_SERVICE.email, "body", "permanent", 5),
    ]
    told = [t for t in await found.outcomes() if isinstance(t, NotificationAccepted) and t.audience == "body"]
    assert [t.role for t in told] == ["administrator"] * 5
    assert await chores._takeover.look() == 0


async def test_a_body_with_no_address_at_all_is_taken_over_and_in_the_end_only_the_platform_stands(
    found: Tables,
) -> None:
    await available(found, 1)
    chores = Chores(found.pool, desk(), timedelta(hours=4))
    assert await chores._takeover.look() == 1
    assert await chores._takeover.look() == 0
    assert await found.pool.fetchval("select count(*) from message where audience = 'administrator'") == 0
    assert (await found.states())["no_address"] == 1


async def test_silence_is_taken_over_after_the_patience_and_the_silent_one_goes_on_being_tried(found: Tables) -> None:
    await found.load(MANAGER, OF_OTHER_SERVICE)
    await available(found, 1)
    assert await Chores(found.pool, desk(), timedelta(hours=4))._takeover.look() == 0
    assert await Chores(found.pool, desk(), timedelta(0))._takeover.look() == 1
    rows = await found.pool.fetch("select address, state from message where legal order by created_at")
    assert [tuple(row) for row in rows] == [(MANAGER.email, "created"), (OF_OTHER_SERVICE.email, "created")]


async def test_a_proof_cannot_be_changed_and_is_shown_to_its_body_alone(
    found: Tables, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await found.load(MANAGER)
    async with relay() as smtp, worker(found, smtp.port):
        [invoice] = await available(found, 1)
        await settled(found)
    for change in ("update proof set code = 550", "delete from proof", "truncate proof"):
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await found.pool.execute(change)
    path = f"/api/v1/messages/proofs?invoice={invoice}"
    counts = {}
    for name, principal in {
        "operator": OPERATOR,
        "manager": Principal(subject="m", structures=(BODY,), tenants=("cd06",), roles=("GESTIONNAIRE",)),
        "without tenant": Principal(subject="m", structures=(BODY,), roles=("GESTIONNAIRE",)),
        "tenant": Principal(subject="t", tenants=("cd06",), roles=("TENANT_ADMIN",)),
        "other tenant": Principal(subject="o", tenants=("cd32",), roles=("TENANT_ADMIN",)),
        "supplier": Principal(subject="s", structures=(SUPPLIER,)),
        "member": Principal(subject="b", structures=(BODY,)),
    }.items():
        async with client(found, principal) as http:
            counts[name] = len((await http.get(path)).json()["proofs"])
            exported = (await http.get("/api/v1/messages/proofs/export")).text
            assert exported.count("\n") == counts[name]
            assert MANAGER.email not in exported
    assert {name: count for name, count in counts.items() if count} == {"operator": 2, "manager": 1, "tenant": 1}
    # The operator's command shows what his requests would, for the same reason and with the same trace.
    for name in ("dsn", "api_dsn", "token_secret"):
        monkeypatch.setenv(f"CHORALE_{name.upper()}", found.own.worker if name == "dsn" else found.own.api)
    for name, value in (("environment", "development"), ("kafka", "x:1"), ("port", "1"), *MAILING):
        monkeypatch.setenv(f"CHORALE_{name.upper()}", value)
    assert await asyncio.to_thread(cli.run, ["proofs", str(invoice)]) == 2
    assert capsys.readouterr().out == ""
    why = ["--by", "Camille Martin", "--reason", "Réclamation 4711"]
    for given in ([str(invoice)], []):
        assert await asyncio.to_thread(cli.run, ["proofs", *given, *why]) == 0
        assert capsys.readouterr().out.count("\n") == 2
    rows = await found.pool.fetch(
        "select tenant, invoice, invoices from operator_look where subject = 'commande:Camille Martin' order by id"
    )
    assert [tuple(row) for row in rows] == [("cd06", invoice, 2), ("cd06", None, 2)]


async def test_a_lane_full_of_one_tenant_s_mail_is_before_nobody_else_s(found: Tables) -> None:
    """Ten thousand mails wait; another tenant's notice and a supplier's refusal are among the next ones claimed."""
    await found.pool.execute(
        "insert into message (id, subject, kind, audience, address, data, message_id_header, state, legal, tenant,"
        " lane, next_attempt_at, created_at) select gen_random_uuid(), n::text, 'DEPOSIT_REFUSED', 'supplier',"
        " 'a' || n || '@flood.example', $1, '<' || n || '@x>', 'created', true, 'cd32', 'cd32', now() - interval '1 h',"
        " now() - interval '1 h' from generate_series(1, 10000) n",
        '{"at":"2026-03-02T12:00:00Z"}',
    )
    await found.load(MANAGER)
    async with relay() as smtp, worker(found, smtp.port, smtp_connections=2):
        began = time.monotonic()
        await available(found, 1)
        await found.take(event(refused(), uuid4()))

        async def both() -> bool:
            return {MANAGER.email, CONTACT} <= set(smtp.recipients)

        await until(both, 20)
        behind = len(smtp.recipients)
        assert behind < 2000, f"{behind} mails before it, {time.monotonic() - began:.1f} s"


async def test_the_week_is_told_on_monday_once_with_what_entered_each_status(found: Tables) -> None:
    await found.load(MANAGER, OF_OTHER_SERVICE)
    await available(found, 3)
    monday = datetime(2026, 3, 9, 6, 30, tzinfo=UTC)  # 7:30 in Paris
    early = Recap(found.pool, desk(), clock=lambda: monday - timedelta(hours=1))
    assert await early.tell() == 0
    for _ in range(2):
        await Recap(found.pool, desk(), clock=lambda: monday).tell()
    rows = await found.pool.fetch(
        "select audience, address, data ->> 'figures' as figures from message where kind = 'WEEKLY_RECAP' order by 1"
    )
    assert [(row["audience"], row["address"]) for row in rows] == [("body", MANAGER.email), ("supplier", CONTACT)]
    assert json.loads(rows[0]["figures"]) == [{"status": "MISE_A_DISPOSITION", "invoices": 3, "payable": "3703.50"}]
    assert monday > NOON
