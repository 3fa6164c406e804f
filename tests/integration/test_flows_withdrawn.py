"""A right that is withdrawn while a flow is released deposits nothing any more, and each invoice is told of it."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import FlowFinished, Grant, InvoiceSubmitted
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common import account_replica
from services.common.auth import Principal
from services.common.principal import of_grants
from services.ingest import flow_rights
from services.ingest.flow_domain import Flow
from services.ingest.flow_release import Release
from services.ingest.flow_rights import Rows, Turn, turn
from tests.accounts import account
from tests.integration.flow_world import Flows, open_flows
from tests.integration.test_flows_killed import Killable, until
from tests.unit.ingest.flow_samples import invoice, zipped
from tests.unit.ingest.samples import OTHER_SUPPLIER, SUPPLIER, pdf

MIGRATED = ("ingest",)

FIRST = Grant(role="FOURNISSEUR", structure=SUPPLIER)
SECOND = Grant(role="FOURNISSEUR", structure=OTHER_SUPPLIER)
#: Of a person who is taken on meanwhile nothing is withdrawn.
UNVERIFIED = Grant(role="DEPOSANT", structure=SUPPLIER)
CODE = "ENTRY_RIGHT_WITHDRAWN"
_ALL = {"flow_batch": 200}


@pytest.fixture
async def flows(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Flows]:
    async with open_flows(stack, dsns, flow_batch=3) as found:
        yield found


async def may(flows: Flows, subject: str, version: int, *grants: Grant, **more: Any) -> Principal:
    """What the copy of the rights says of somebody from now on."""
    async with flows.world.pool.acquire() as connection, connection.transaction():
        await account_replica.apply(connection, "ingest", [account(subject, version, *grants, **more)])
    return of_grants(subject, grants, kid="k", session="s")


async def items(flows: Flows, flow: UUID, who: Principal) -> dict[str, tuple[str, list[str]]]:
    """Outcome and codes of each file, as its depositor sees them."""
    found = (await flows.get(f"/{flow}/items", who, params={"limit": 1000})).json()["items"]
    return {one["name"]: (one["outcome"], [each["rule"] for each in one["messages"]]) for one in found}


async def unpacked(flows: Flows, content: bytes, who: Principal) -> UUID:
    """A flow of which everything is a row and nothing is released."""
    flow = await flows.send(content, principal=who)
    while await flows.worker.once():
        pass
    return flow


async def test_the_rest_of_a_flow_is_judged_by_what_is_left(flows: Flows) -> None:
    subject = f"p-{uuid4().hex[:8]}"
    who = await may(flows, subject, 1, FIRST, SECOND)
    files = {f"{n}.xml": invoice(f"W{n}") for n in range(6)}
    files |= {f"other-{n}.xml": invoice(f"X{n}", **_of_other()) for n in range(2)}
    flow = await unpacked(flows, zipped(files), who)
    await flows.release.once()
    done = {name for name, (outcome, _) in (await items(flows, flow, who)).items() if outcome == "integrated"}
    assert 0 < len(done) < 6
    left = await may(flows, subject, 2, SECOND)
    await flows.work()
    told = await items(flows, flow, left)
    withdrawn = {f"{n}.xml" for n in range(6)} - done
    assert {name for name, (outcome, codes) in told.items() if (outcome, codes) == ("rejected", [CODE])} >= withdrawn
    assert [told[f"other-{n}.xml"][0] for n in range(2)] == ["integrated", "integrated"]
    assert not done & set(told), "invoices of a structure that he has left"
    numbers = {row["number"] for row in await flows.world.pool.fetch("select number from number_taken")}
    assert numbers == {f"W{name[0]}" for name in done} | {"X0", "X1"}
    view = (await flows.get(f"/{flow}", left)).json()
    assert view["state"] == "IN_INTEGRE_PARTIEL"
    report = (await flows.get(f"/{flow}/report.csv", left)).text
    assert report.count(CODE) == len([1 for outcome, codes in told.values() if CODE in codes])
    assert SUPPLIER in report


def _of_other() -> dict[str, str]:
    return {"supplier_siret": OTHER_SUPPLIER, "supplier_siren": OTHER_SUPPLIER[:9]}


@pytest.mark.parametrize(
    "now",
    [
        ((), {}),
        ((FIRST,), {"state": "locked"}),
        ((), {"state": "closed"}),
        ((FIRST,), {"kind": "software", "scopes": ("deposits.read",)}),
        ((Grant(role="LECTURE", structure=SUPPLIER), Grant(role="MOE", structure=OTHER_SUPPLIER)), {}),
    ],
    ids=["no right", "locked", "closed", "software without the scope", "rights of another kind"],
)
async def test_without_any_right_nothing_more_is_deposited_and_the_flow_ends(
    flows: Flows, now: tuple[tuple[Grant, ...], dict[str, Any]]
) -> None:
    subject = f"p-{uuid4().hex[:8]}"
    who = await may(flows, subject, 1, FIRST)
    flow = await unpacked(flows, zipped({"a.xml": invoice("A1"), "b.pdf": pdf("b"), "c.xml": invoice("A2")}), who)
    grants, more = now
    await may(flows, subject, 2, *grants, **more)
    await flows.work()
    assert await items(flows, flow, who) == dict.fromkeys(("a.xml", "b.pdf", "c.xml"), ("rejected", [CODE]))
    assert await flows.world.pool.fetchval("select count(*) from deposit") == 0
    [end] = [sent.data for sent in await flows.world.sent() if isinstance(sent.data, FlowFinished)]
    assert (end.state, end.counts.rejected) == ("IN_REJETE", 3)


async def test_a_right_that_grows_or_is_proved_meanwhile_withdraws_nothing(flows: Flows) -> None:
    subject = f"p-{uuid4().hex[:8]}"
    who = await may(flows, subject, 1, UNVERIFIED)
    flow = await unpacked(flows, zipped({"a.xml": invoice("B1"), "b.xml": invoice("B2")}), who)
    now = await may(flows, subject, 2, FIRST, SECOND)
    await flows.work()
    assert {outcome for outcome, _ in (await items(flows, flow, now)).values()} == {"integrated"}


async def test_the_rights_are_asked_once_for_a_batch_however_many_items_it_has(
    flows: Flows, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    async def counted(connection: Any, flow: Flow, rows: Rows, now: datetime) -> Turn:
        queries: list[str] = []
        with connection.query_logger(lambda record: queries.append(record.query)):
            found = await turn(connection, flow, rows, now)
        asked.append(queries)
        return found

    monkeypatch.setattr(flow_rights, "turn", counted)
    monkeypatch.setattr(flows, "release", Release(flows.world.pool, flows.world.settings.model_copy(update=_ALL)))
    who = await may(flows, f"p-{uuid4().hex[:8]}", 1, FIRST, SECOND)
    flow = await unpacked(flows, zipped({f"{n}.xml": invoice(f"Q{n}") for n in range(60)}), who)
    await flows.release.once()
    assert {outcome for outcome, _ in (await items(flows, flow, who)).values()} == {"integrated"}
    assert [len(queries) for queries in asked] == [1, 0], "the items with data, and no page for the reader"


async def test_killed_around_a_withdrawal_each_invoice_has_one_outcome(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    count = 120
    async with open_flows(stack, dsns) as flows:
        subject, pool = f"p-{uuid4().hex[:8]}", flows.world.pool
        who = await may(flows, subject, 1, FIRST)
        content = zipped({f"{n}.xml": invoice(f"K{n}") for n in range(count)}, 0)
        flow = await unpacked(flows, content, who)
        killable = Killable(stack, dsns)

        async def released() -> bool:
            return bool(await pool.fetchval("select count(*) > 20 from deposit"))

        async def rejecting() -> bool:
            return bool(await pool.fetchval("select exists (select from flow_item where outcome = 'rejected')"))

        async def ended() -> bool:
            return bool(await pool.fetchval("select step = 'done' from flow where id = $1", flow))

        try:
            await killable.start()
            await until(released)
            await killable.kill()
            await may(flows, subject, 2, SECOND)
            await killable.start()
            await until(rejecting)
            await killable.kill()
            await killable.start()
            await until(ended)
        finally:
            await killable.kill()
        rows = await pool.fetch("select outcome, count(*) as n from flow_item group by 1")
        outcomes = {row["outcome"]: row["n"] for row in rows}
        assert set(outcomes) == {"integrated", "rejected"}
        assert sum(outcomes.values()) == count
        sent = await flows.world.sent()
        numbers = [one.data.invoice.invoice_number for one in sent if isinstance(one.data, InvoiceSubmitted)]
        assert len(set(numbers)) == len(numbers) == outcomes["integrated"]
        assert await pool.fetchval("select count(*) from deposit") == outcomes["integrated"]
        assert len([one for one in sent if isinstance(one.data, FlowFinished)]) == 1
