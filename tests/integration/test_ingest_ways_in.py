"""One set of rules whatever the way in: typed, as a draft, in a flow, or by the offline command; one number, once."""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import redirect_stdout
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from contracts.events import InvoiceSubmitted, StatusChanged
from deploy.local import Stack
from services.ingest import cli
from tests.integration.flow_world import Flows, open_flows
from tests.servers import fresh_database
from tests.unit.ingest.flow_samples import facts, zipped
from tests.unit.ingest.samples import RECIPIENT, SENT, SUPPLIER, event, fields, pdf, read
from tests.unit.invoice.syntax.write_ubl import ubl

pytestmark = pytest.mark.asyncio(loop_scope="module")
LINE = {"label": "Pose de fenêtres", "quantity": "2", "unit_price": "480", "vat_rate": "20"}
IBAN, OTHER_IBAN = "FR7630006000011234567890189", "DE89370400440532013000"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def flows(stack: Stack) -> AsyncIterator[Flows]:
    async with fresh_database(stack, "ingest") as dsns, open_flows(stack, dsns, s3_bucket="ways-in-tests") as found:
        yield found


def number() -> str:
    return f"W{uuid4().hex[:12].upper()}"


def typed(lines: Any = None, **more: Any) -> dict[str, Any]:
    values = {
        "invoice_number": number(),
        "issue_date": "2025-11-03",
        "supplier_siret": SUPPLIER,
        "recipient_siret": RECIPIENT,
        "payment_mode": "CHEQUE",
    }
    return {"fields": {**values, **more}, "lines": lines or [LINE]}


async def post(flows: Flows, path: str, body: dict[str, Any], version: int | None = None) -> httpx.Response:
    world = flows.world
    headers = world.headers() | ({} if version is None else {"If-Match": f'"{version}"'})
    return await world.client.post(path, json=body, headers=headers)


# ---------------------------------------------------------------- the same answer four ways
FUTURE = (date.today() + timedelta(days=400)).isoformat()  # noqa: DTZ011  (any later day will do)
FAULTS: Mapping[str, tuple[dict[str, str], dict[str, str], str]] = {
    "a number that is too long": (
        {"invoice_number": "A" * 21},
        {"number": "A" * 21},
        "NUMBER_TOO_LONG",
    ),
    "a number with other characters": ({"invoice_number": "A#1"}, {"number": "A#1"}, "NUMBER_CHARACTERS"),
    "a date to come": ({"issue_date": FUTURE}, {"issue_date": FUTURE, "due_date": FUTURE}, "DATE_FUTURE"),
    "a rate that France has not": ({}, {"rate": "19.00"}, "VAT_RATE_UNKNOWN"),
    "a supplier who is his own client": (
        {"recipient_siret": SUPPLIER},
        {"recipient_siret": SUPPLIER},
        "SUPPLIER_IS_RECIPIENT",
    ),
}


def as_ubl(given: Mapping[str, str]) -> bytes:
    more = dict(given)
    rate = more.pop("rate", None)
    given_facts: dict[str, Any] = {
        "process": None,
        **more,
    }  # else the norm answers first
    written = ubl(facts(given_facts.pop("number", number()), **given_facts))
    return written if rate is None else written.replace(b">20.00</cbc:Percent>", f">{rate}</cbc:Percent>".encode())


@pytest.mark.parametrize("fault", FAULTS)
async def test_one_fault_has_one_code_typed_as_a_draft_in_a_flow_and_offline(
    flows: Flows, fault: str, tmp_path: Path
) -> None:
    by_hand, in_a_file, code = FAULTS[fault]
    body = typed([{**LINE, "vat_rate": "19"}] if code == "VAT_RATE_UNKNOWN" else None, **by_hand)
    refused = await post(flows, "/api/v1/deposits", body)
    assert code in {each["rule"] for each in refused.json()["errors"]}
    draft = await post(flows, "/api/v1/drafts", body)
    assert code in {each["code"] for each in draft.json()["checks"] if each["level"] == "refuse"}
    content = as_ubl(in_a_file)
    done = await flows.through(zipped([("facture.xml", content)]), name=f"{uuid4()}.zip")
    [item] = await flows.items(done["id"])
    assert code in {each["rule"] for each in item["messages"]}, item
    (tmp_path / "facture.xml").write_bytes(content)
    out = io.StringIO()
    with redirect_stdout(out):
        assert cli.main(["check", str(tmp_path), "--jsonl"]) == 0
    assert code in json.loads(out.getvalue())["rules"]


async def test_what_is_right_passes_all_four_ways(flows: Flows, tmp_path: Path) -> None:
    assert (await post(flows, "/api/v1/deposits", typed())).status_code == 201
    assert (await post(flows, "/api/v1/drafts", typed())).json()["ready"]
    content = as_ubl({})
    done = await flows.through(zipped([("facture.xml", content)]), name=f"{uuid4()}.zip")
    assert done["counts"]["integrated"] == 1, await flows.items(done["id"])
    (tmp_path / "facture.xml").write_bytes(content)
    out = io.StringIO()
    with redirect_stdout(out):
        cli.main(["check", str(tmp_path), "--jsonl"])
    assert json.loads(out.getvalue())["verdict"] != "rejected"


@pytest.mark.skipif(sys.platform == "win32", reason="names are bytes on POSIX only")
async def test_a_file_whose_name_is_no_text_is_checked_all_the_same(tmp_path: Path) -> None:
    import os

    (tmp_path / "bon.xml").write_bytes(as_ubl({}))
    strange = os.path.join(os.fsencode(tmp_path), b"factur\xe9\xff.xml")
    with open(strange, "wb") as file:  # noqa: ASYNC230
        file.write(as_ubl({}))
    for flags in (["--jsonl"], []):
        ran = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.ingest", "check", str(tmp_path), *flags,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await ran.communicate()
        assert (ran.returncode, err) == (0, b"")
        lines = [line for line in out.decode("utf-8").splitlines() if not line.startswith(" ")]
        assert len(lines) == 2
        assert any("factur\ufffd\ufffd.xml" in line for line in lines), lines


# ---------------------------------------------------------------- one number, once, whoever comes first
async def test_a_number_asked_for_at_once_by_every_way_in_is_taken_once(flows: Flows) -> None:
    world = flows.world
    for _ in range(3):
        wanted = number()
        content = pdf(str(uuid4()))
        page = await world.deposit(content)
        draft = (await post(flows, "/api/v1/drafts", typed(invoice_number=wanted, note="brouillon"))).json()
        flow = await flows.send(zipped([("f.xml", as_ubl({"number": wanted}))]), name=f"{wanted}.zip")
        while await flows.worker.once():
            pass
        await asyncio.gather(
            world.take(event(str(page), read(content, fields(invoice_number=wanted)))),
            post(flows, "/api/v1/deposits", typed(invoice_number=wanted, note="saisie")),
            post(flows, f"/api/v1/drafts/{draft['id']}/submit", {}, 1),
            flows.work(),
        )
        await flows.work()
        told = [sent.data for sent in await world.sent() if isinstance(sent.data, InvoiceSubmitted)]
        assert len([one for one in told if one.invoice.invoice_number == wanted]) == 1
        assert await world.pool.fetchval("select count(*) from number_taken where number = $1", wanted) == 1
        assert await world.pool.fetchval(
            "select count(*) from deposit where state = 'submitted' and invoice_number = $1", wanted
        ) == 1  # fmt: skip
        assert (await flows.show(flow))["finished_at"] is not None


# ---------------------------------------------------------------- earlier invoices, of what is sent by hand
async def rejected(flows: Flows, invoice: str, name: str) -> None:
    """Status says that the body has rejected it."""
    changed = StatusChanged(
        entry=3,
        status_from="MISE_A_DISPOSITION",
        status_to="REJETEE",
        actor="agent:a",
        visibility="all",
        changed_at=SENT,
        invoice_number=name,
        issue_date=date(2025, 11, 3),
        supplier_siret=SUPPLIER,
        recipient_siret=RECIPIENT,
        payable=Decimal(1152),
        currency="EUR",
    )
    await flows.world.take(event(invoice, changed))


async def test_a_credit_note_about_a_rejected_invoice_is_stopped_typed_and_as_a_draft(flows: Flows) -> None:
    wanted = number()
    first = (await post(flows, "/api/v1/deposits", typed(invoice_number=wanted))).json()
    note = {"type_code": "381", "preceding_invoice": wanted}
    assert (await post(flows, "/api/v1/drafts", typed(**note))).json()["ready"]
    await rejected(flows, first["id"], wanted)
    refused = await post(flows, "/api/v1/deposits", typed(**note))
    assert [each["rule"] for each in refused.json()["errors"]] == ["PRECEDING_REJECTED"]
    draft = (await post(flows, "/api/v1/drafts", typed(**note))).json()
    assert not draft["ready"]
    assert "PRECEDING_REJECTED" in {each["code"] for each in draft["checks"]}


async def test_another_iban_and_the_same_amount_and_date_are_told_before_what_is_typed_is_sent(flows: Flows) -> None:
    transfer = {"payment_mode": "VIREMENT", "issue_date": "2025-10-07"}
    await post(flows, "/api/v1/deposits", typed(supplier_iban=IBAN, **transfer))
    draft = (await post(flows, "/api/v1/drafts", typed(supplier_iban=OTHER_IBAN, **transfer))).json()
    assert {"IBAN_CHANGED", "SAME_INVOICE"} <= {each["code"] for each in draft["checks"]}
    assert draft["ready"]
    sent = await post(flows, f"/api/v1/drafts/{draft['id']}/submit", {}, 1)
    told = [one.data for one in await flows.world.sent() if one.subject == sent.json()["id"]]
    assert isinstance(told[-1], InvoiceSubmitted)
    assert {each.code for each in told[-1].warnings} >= {"IBAN_CHANGED", "SAME_INVOICE"}
