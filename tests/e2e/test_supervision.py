"""The streams' figures and the stocks in SQL say the same where both know: on real deposits, through the gateway."""

import asyncio
from collections import Counter
from datetime import date, datetime
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.demo.prepare import OPERATOR
from deploy.local import Stack
from services.supervision.sketch import percentile
from services.supervision.sums import HOUR
from tests import documents
from tests.e2e.client import Person, supplier, until
from tests.e2e.test_the_way_through import available, good
from tests.supervised import exact

DEPOSITS = 6
#: Where the streams count what SQL keeps as well.
_COUNTED = {
    "submitted": "select count(*) from status.invoice",
    "available": "select count(*) from status.history where kind = 'status' and status_to = 'MISE_A_DISPOSITION'",
    "status": "select count(*) from status.history where kind = 'status'",
}


async def _read(stack: Stack) -> tuple[Counter[str], Counter[int]]:
    connection = await asyncpg.connect(stack.dsns["supervision"].worker, server_settings={"search_path": "supervision"})
    try:
        stages = await connection.fetch(
            "select stage, sum(count)::int as n from stage_window where tenant = '*' and size = $1 group by 1", HOUR
        )
        times = await connection.fetch(
            "select bucket, sum(count)::int as n from time_window where tenant = '*' and size = $1"
            " and measure = 'available' group by 1",
            HOUR,
        )
    finally:
        await connection.close()
    return Counter({r["stage"]: r["n"] for r in stages}), Counter({r["bucket"]: r["n"] for r in times})


async def _stocks(stack: Stack) -> dict[str, int]:
    connection = await asyncpg.connect(stack.postgres.admin_dsn.rpartition("/")[0] + "/chorale")
    try:
        return {name: int(await connection.fetchval(sql)) for name, sql in _COUNTED.items()}
    finally:
        await connection.close()


def _took(person: Person, identity: str, invoice: dict[str, Any]) -> float:
    """From the receipt of the bytes to the *mise à disposition*, as ingest and status keep them."""
    received = person.http.get(f"/api/v1/deposits/{identity}").json()["received_at"]
    entered = next(e["at"] for e in invoice["history"] if e.get("status_to") == "MISE_A_DISPOSITION")
    return (datetime.fromisoformat(entered) - datetime.fromisoformat(received)).total_seconds()


def test_the_streams_say_what_the_stocks_say(platform: Stack) -> None:
    operator, person = Person(platform, OPERATOR), Person(platform, supplier())
    # Everything before is counted once the windows hold as many invoices as status does.
    until(lambda: _agrees(platform), patience=60)
    before, times_before = asyncio.run(_read(platform))
    deposited = [person.deposit(good()).json()["id"] for _ in range(DEPOSITS)]
    scan = person.deposit(documents.scanned(7)).json()["id"]
    took = [_took(person, one, dict(available(person, one))) for one in deposited]
    assert person.decided(scan)["state"] == "to_verify"
    until(lambda: _agrees(platform), patience=60)
    until(lambda: asyncio.run(_read(platform))[0]["draft"] > before["draft"], patience=60)

    after, times_after = asyncio.run(_read(platform))
    more = after - before
    expected = {"submitted": DEPOSITS, "routed": DEPOSITS, "available": DEPOSITS, "received": DEPOSITS + 1, "draft": 1}
    assert {stage: more[stage] for stage in expected} == expected
    measured = times_after - times_before
    assert sum(measured.values()) == DEPOSITS
    for share in (0.5, 0.99):
        assert percentile(measured, share) == pytest.approx(exact(took, share), rel=0.05, abs=0.02)

    _risks_are_those_of_the_list(person)
    answer = operator.http.get("/api/v1/supervision")
    assert answer.status_code == httpx.codes.OK, answer.text
    shown = answer.json()
    assert shown["notices"] == []
    hour = {rate["stage"]: rate["last_hour"] for rate in shown["rates"]}
    assert hour["submitted"] >= DEPOSITS
    stocks = sum(one["count"] for one in shown["stocks"]["by_status"])
    assert stocks == asyncio.run(_stocks(platform))["submitted"]
    services = {one["service"]: one for one in shown["services"]}
    assert not any(one["away"] for one in services.values())
    kept = next(one for one in shown["reading"]["layouts"] if one["supplier"] == documents.SUPPLIER.siret)
    assert kept["share"] is not None
    assert kept["fields"] >= 8 * DEPOSITS


def _risks_are_those_of_the_list(person: Person) -> None:
    """By days to the last day to pay, counted from the supplier's own list."""
    found = person.http.get("/api/v1/invoices/risks").json()
    today = date.fromisoformat(found["day"])
    listed = person.http.get("/api/v1/invoices", params={"limit": 200, "sort": "due"}).json()["invoices"]
    away = [(date.fromisoformat(one["payment_delay"]["due_on"]) - today).days for one in listed if _due(one)]
    assert len(away) >= DEPOSITS
    for risk in found["risks"]:
        low, high = risk["days_from"], risk["days_to"]
        within = [days for days in away if (low is None or days >= low) and (high is None or days <= high)]
        assert risk["count"] == len(within), risk


def _due(invoice: dict[str, Any]) -> bool:
    return bool(invoice["payment_delay"] and invoice["payment_delay"]["due_on"])


def _agrees(platform: Stack) -> bool:
    found, _ = asyncio.run(_read(platform))
    return all(found[name] == number for name, number in asyncio.run(_stocks(platform)).items())
