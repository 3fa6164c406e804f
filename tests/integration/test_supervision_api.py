"""What supervision answers, to whom; and another service's dead letters, looked at, replayed and dropped through it."""

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import timedelta

import asyncpg
import httpx
import pytest

from deploy.local import Stack
from services.common.auth import Principal
from services.common.looks import HEADER
from services.supervision.sums import LIVE
from services.supervision.windows import floor
from tests.integration.supervision_desk import BOTH, OPERATOR, STRANGERS, VILLE, park
from tests.integration.supervision_world import Platform, platform_over
from tests.processes import Service
from tests.records import eventually
from tests.supervised import now


@pytest.fixture(scope="module")
def platform(stack: Stack) -> Iterator[Platform]:
    """Once for the file: no test changes what another looks at."""
    loop, found = asyncio.new_event_loop(), platform_over(stack)
    try:
        yield loop.run_until_complete(found.__aenter__())
    finally:
        loop.run_until_complete(found.__aexit__(None, None, None))
        loop.close()


async def test_each_sees_the_figures_that_are_his(platform: Platform) -> None:
    whole = (await platform.ask(OPERATOR, "")).json()
    assert (whole["standing"], whole["tenants"]) == ("operator", [])
    told = platform.lives.told.stages
    hour = {rate["stage"]: rate["last_hour"] for rate in whole["rates"] if rate["last_hour"]}
    assert hour == {stage: number for (tenant, stage), number in told.items() if tenant == "*"}
    for principal, tenant in ((VILLE, "ville"), (OPERATOR, "departement")):
        own = (await platform.ask(principal, "", params={"tenant": tenant})).json()
        hour = {rate["stage"]: rate["last_hour"] for rate in own["rates"] if rate["last_hour"]}
        assert hour == {stage: number for (owner, stage), number in told.items() if owner == tenant}
        measured = {one["measure"]: one["count"] for one in own["times"]}
        assert measured == {m: len(v) for (owner, m), v in platform.lives.told.times.items() if owner == tenant}
    both = (await platform.ask(BOTH, "")).json()
    assert both["services"] is None
    hour = {rate["stage"]: rate["last_hour"] for rate in both["rates"] if rate["last_hour"]}
    assert hour == {stage: number for (tenant, stage), number in told.items() if tenant == "*"}
    assert both["mails"]["accepted_last_hour"] == told["*", "mail_accepted"]
    fields = platform.lives.told.fields
    kept, total = fields["*", "kept"], sum(n for (tenant, _), n in fields.items() if tenant == "*")
    assert (both["reading"]["kept"], both["reading"]["fields"]) == (kept, total)
    assert both["reading"]["share"] == pytest.approx(kept / total, abs=0.0001)
    assert both["stocks"]["standing"] == "tenant"
    assert {risk["range"] for risk in both["risks"]["risks"]} == {"late", "due_5", "due_10", "due_30"}


async def test_strangers_see_nothing_and_anothers_tenant_is_not_there(platform: Platform) -> None:
    paths = (
        "",
        "/reading",
        "/curves",
        "/curves/rates",
        "/curves/rates.svg",
        "/services",
        "/flows",
        "/dead-letters",
        "/dead-letters/reasons",
    )
    for principal in (None, *STRANGERS):
        for path in paths:
            answer = await platform.ask(principal, path)
            assert answer.status_code == (401 if principal is None else 403), (principal, path)
            assert answer.headers["content-type"] == "application/problem+json"
    for path in ("", "/reading", "/curves/rates.svg", "/dead-letters", "/dead-letters/reasons"):
        answer = await platform.ask(VILLE, path, params={"tenant": "departement"})
        assert (answer.status_code, answer.json()["code"]) == (404, "TENANT_UNKNOWN")
    for path in ("/services", "/flows"):  # a flow is no tenant's
        assert (await platform.ask(VILLE, path)).status_code == 403
    assert (await platform.ask(VILLE, "/curves/lag")).status_code == 404
    assert (await platform.ask(OPERATOR, "/flows")).json() == {"flows": [], "next": None}
    assert (await platform.ask(OPERATOR, "/flows", params={"cursor": "x"})).status_code == 422


async def test_row_level_security_lets_through_the_reach_alone(platform: Platform) -> None:
    connection = await asyncpg.connect(platform.world.own.api, server_settings={"search_path": "supervision"})
    try:
        for reach, seen in (("ville", {"ville"}), ("ville,departement", {"ville", "departement"}), ("", set())):
            async with connection.transaction():
                await connection.execute("select set_config('chorale.reach', $1, true)", reach)
                for table in ("stage_window", "time_window", "field_window"):
                    rows = await connection.fetch(f"select distinct tenant from {table}")
                    assert {row["tenant"] for row in rows} == seen
                assert await connection.fetch("select 1 from sample") == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select * from journey")
    finally:
        await connection.close()


async def test_curves_are_pictures_and_numbers_of_the_same(platform: Platform) -> None:
    names = [one["name"] for one in (await platform.ask(OPERATOR, "/curves")).json()]
    assert set(names) == {"rates", "times", "mails", "reading", "risks", "months", "lag", "letters"}
    for name in names:
        picture = await platform.ask(OPERATOR, f"/curves/{name}.svg")
        numbers = (await platform.ask(OPERATOR, f"/curves/{name}")).json()
        assert picture.headers["content-type"] == "image/svg+xml"
        assert "'sha256-" in picture.headers["content-security-policy"]
        root = ET.fromstring(picture.content)
        assert [child.text for child in root][:2] == [numbers["title"], numbers["description"]]
        english = {"Accept-Language": "en"}
        narrow = await platform.ask(OPERATOR, f"/curves/{name}.svg", params={"narrow": True}, headers=english)
        translated = (await platform.ask(OPERATOR, f"/curves/{name}", headers=english)).json()
        assert translated["title"] != numbers["title"]
        assert ET.fromstring(narrow.content)[0].text == translated["title"]
    for span in ("hour", "day", "month"):
        numbers = (await platform.ask(OPERATOR, "/curves/rates", params={"span": span})).json()
        deposited = next(one for one in numbers["series"] if one["name"] == "Factures déposées")
        total = sum(point["value"] for point in deposited["points"])
        assert total == platform.lives.told.stages["*", "submitted"], span
    assert (await platform.ask(OPERATOR, "/curves/rates", params={"span": "century"})).status_code == 422
    read = (await platform.ask(OPERATOR, "/curves/rates", params={"stage": "read"})).json()
    assert (read["title"], [one["name"] for one in read["series"]]) == ("Documents lus", ["Documents lus"])
    assert sum(point["value"] for point in read["series"][0]["points"]) == platform.lives.told.stages["*", "read"]
    assert (await platform.ask(OPERATOR, "/curves/rates.svg", params={"stage": "read"})).status_code == 200
    for name, stage in (("rates", "nothing"), ("times", "read")):
        assert (await platform.ask(OPERATOR, f"/curves/{name}", params={"stage": stage})).status_code == 404


async def test_the_last_minute_holds_whole_windows_alone(platform: Platform) -> None:
    at = floor(now(), LIVE) - timedelta(seconds=20)
    rows = [(LIVE, at - timedelta(seconds=100), 100), (LIVE, at, 6), (LIVE, floor(now(), LIVE) + timedelta(days=1), 9)]
    for size, start, count in rows:
        await platform.world.sql("insert into stage_window values ($1, $2, 'seul', 'act', $3)", size, start, count)
    [rate] = [
        one
        for one in (await platform.ask(OPERATOR, "", params={"tenant": "seul"})).json()["rates"]
        if one["stage"] == "act"
    ]
    assert (rate["last_minute"], rate["per_second"]) == (6, 0.1)


async def test_metrics_say_the_same(platform: Platform) -> None:
    told = platform.lives.told.stages["*", "available"]

    async def said() -> bool:
        async with httpx.AsyncClient(base_url=platform.supervision.url) as client:
            lines = (await client.get("/metrics")).text.splitlines()
        wanted = {
            f'chorale_supervision_stage_last_hour{{stage="available"}} {float(told)}',
            'chorale_supervision_service_away{service="ocr"} 1.0',
            'chorale_supervision_service_away{service="status"} 0.0',
            'chorale_supervision_outbox_unsent{service="ocr"} NaN',
            'chorale_supervision_outbox_unsent{service="status"} 0.0',
        }
        return wanted <= set(lines) and any(
            line.startswith('chorale_supervision_seconds{measure="available",quantile="0.99"}') for line in lines
        )

    await eventually(said, within=60)
    services = {one["service"]: one for one in (await platform.ask(OPERATOR, "/services")).json()}
    assert (services["ocr"]["away"], services["status"]["away"]) == (True, False)


async def test_an_operator_shows_replays_and_drops_another_services_letters(platform: Platform) -> None:
    key = "7d4f0f63-1111-4222-8333-444455556666"
    await park(platform.status, key)
    listed = (await platform.ask(OPERATOR, "/dead-letters", params={"key": key})).json()
    assert listed["away"] == ["ocr"]
    assert [(one["service"], one["reason"]) for one in listed["letters"]] == [
        ("status", "TEST_RULE"),
        ("status", "BEHIND"),
    ]
    first = listed["letters"][0]["id"]
    one = (await platform.ask(OPERATOR, f"/dead-letters/status/{first}")).json()
    assert (one["key"], one["tenant"], one["steps"]) == (key, None, [])
    assert "invoice_number" not in str(one)

    would = await platform.ask(OPERATOR, f"/dead-letters/status/{first}/replay", "POST", json={})
    assert would.json() == {"applied": False, "letters": [first, first + 1], "released": []}
    assert (await platform.ask(OPERATOR, f"/dead-letters/status/{first}")).json()["state"] == "parked"
    why = await platform.ask(OPERATOR, f"/dead-letters/status/{first}/drop", "POST", json={"apply": True})
    assert (why.status_code, why.json()["code"]) == (422, "NOTE_MISSING")

    done = {"apply": True, "note": "règle corrigée"}
    replayed = await platform.ask(OPERATOR, f"/dead-letters/status/{first}/replay", "POST", json=done)
    assert replayed.json() == {"applied": True, "letters": [first, first + 1], "released": []}

    async def parked_again() -> bool:
        found = (await platform.ask(OPERATOR, f"/dead-letters/status/{first}")).json()
        return [step["action"] for step in found["steps"]][:2] == ["replay", found["state"]]

    await eventually(parked_again, within=60)  # status did what was asked; its outcome is status's own
    steps = (await platform.ask(OPERATOR, f"/dead-letters/status/{first}")).json()["steps"]
    assert (steps[0]["operator"], steps[0]["note"]) == ("op", "règle corrigée")


async def test_an_operator_says_why_he_reads_a_content_and_its_tenant_can_read_that(platform: Platform) -> None:
    key = "7d4f0f63-1111-4222-8333-444455556668"
    await park(platform.status, key, ("rejected", "TEST_LOOK"), tenant="ville")
    [letter] = (await platform.ask(OPERATOR, "/dead-letters", params={"reason": "TEST_LOOK"})).json()["letters"]
    path = f"/dead-letters/status/{letter['id']}/content"
    silent = await platform.ask(OPERATOR, path)
    assert (silent.status_code, silent.json()["code"]) == (403, "REASON_REQUIRED")
    why = "événement à réparer"
    read_it = await platform.ask(OPERATOR, path, headers={HEADER: why.encode()})
    assert "invoice_number" in read_it.json()["value"]
    assert "invoice_number" in (await platform.ask(VILLE, path)).json()["value"]  # his own: he says nothing
    connection = await asyncpg.connect(platform.status.worker, server_settings={"search_path": "status"})
    try:
        looks = await connection.fetch("select subject, reason, tenant, invoice::text from operator_look")
    finally:
        await connection.close()
    assert [tuple(row) for row in looks] == [("op", why, "ville", key)]


async def test_an_administrator_settles_the_letters_of_his_tenant_alone(platform: Platform) -> None:
    mine, others = (f"7d4f0f63-2222-4222-8333-44445555666{n}" for n in (1, 2))
    await park(platform.status, mine, ("rejected", "TEST_MINE"), tenant="ville")
    await park(platform.status, others, ("rejected", "TEST_MINE"), tenant="departement")
    await park(platform.status, f"{mine[:-1]}3", ("rejected", "TEST_MINE"))

    async def seen(who: Principal, **params: str) -> list[str | None]:
        answer = await platform.ask(who, "/dead-letters", params={"reason": "TEST_MINE", **params})
        return [one["tenant"] for one in answer.json()["letters"]]

    assert await seen(VILLE) == ["ville"]
    assert await seen(BOTH) == ["ville", "departement"]
    assert await seen(OPERATOR) == ["ville", "departement", None]
    assert await seen(OPERATOR, tenant="departement") == ["departement"]
    counted = (await platform.ask(VILLE, "/dead-letters/reasons")).json()["reasons"]
    assert [(one["service"], one["reason"], one["count"]) for one in counted if one["reason"] == "TEST_MINE"] == [
        ("status", "TEST_MINE", 1)
    ]
    overview = (await platform.ask(VILLE, "")).json()
    assert [one["count"] for one in overview["letters"] if one["reason"] == "TEST_MINE"] == [1]

    listed = (await platform.ask(OPERATOR, "/dead-letters", params={"reason": "TEST_MINE"})).json()["letters"]
    for letter in listed[1:]:
        for act in ("replay", "drop"):
            path = f"/dead-letters/status/{letter['id']}/{act}"
            answer = await platform.ask(VILLE, path, "POST", json={"apply": True, "note": "pas à moi"})
            assert (answer.status_code, answer.json()["code"]) == (404, "LETTER_UNKNOWN")
        for tail in ("", "/content"):
            answer = await platform.ask(VILLE, f"/dead-letters/status/{letter['id']}{tail}")
            assert (answer.status_code, answer.json()["code"]) == (404, "LETTER_UNKNOWN")
    order = {"action": "drop", "reason": "TEST_MINE", "apply": True, "note": "ancienne règle"}
    dropped = (await platform.ask(VILLE, "/dead-letters/status", "POST", json=order)).json()
    assert dropped["letters"] == [listed[0]["id"]]
    assert await seen(OPERATOR) == ["departement", None]


async def test_letters_come_in_pages_and_each_once(platform: Platform) -> None:
    for number in range(5):
        await park(platform.status, f"7d4f0f63-3333-4222-8333-44445555666{number}", ("rejected", "TEST_PAGES"))
    asked = {"reason": "TEST_PAGES", "limit": "2"}
    found, cursor = [], None
    for size in (2, 2, 1):
        params = {**asked, **({"cursor": cursor} if cursor else {})}
        page = (await platform.ask(OPERATOR, "/dead-letters", params=params)).json()
        assert len(page["letters"]) == size
        found += [one["key"] for one in page["letters"]]
        cursor = page["next"]
    assert cursor is None
    assert found == [f"7d4f0f63-3333-4222-8333-44445555666{number}" for number in range(5)]
    wrong = await platform.ask(OPERATOR, "/dead-letters", params={"cursor": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "CURSOR_INVALID")


async def test_a_dropped_letter_lets_go_on_what_was_parked_behind_it(platform: Platform) -> None:
    await park(platform.status, "7d4f0f63-1111-4222-8333-444455556667")
    order = {"action": "drop", "reason": "TEST_RULE", "apply": True, "note": "inutile"}
    dropped = (await platform.ask(OPERATOR, "/dead-letters/status", "POST", json=order)).json()
    assert (dropped["applied"], len(dropped["letters"]), len(dropped["released"])) == (True, 1, 1)
    [letter] = dropped["letters"]
    assert (await platform.ask(OPERATOR, f"/dead-letters/status/{letter}")).json()["state"] == "dropped"
    again = await platform.ask(OPERATOR, f"/dead-letters/status/{letter}/drop", "POST", json={})
    assert (again.status_code, again.json()["code"]) == (404, "LETTER_UNKNOWN")
    missing = await platform.ask(OPERATOR, "/dead-letters/status", "POST", json={**order, "reason": None})
    assert (missing.status_code, missing.json()["code"]) == (422, "CHOICE_MISSING")
    away = await platform.ask(OPERATOR, "/dead-letters/ocr/1")
    assert (away.status_code, away.json()["code"]) == (503, "SERVICE_AWAY")


async def test_figures_without_status_say_that_the_stocks_are_missing(platform: Platform) -> None:
    world = platform.world
    alone = Service("supervision", world.stack, world.own, CHORALE_SERVICE_URLS="{}")
    await alone.start()
    try:
        await alone.ready(within=90)
        found = (await Platform(world, alone, platform.lives, platform.status).ask(VILLE, "")).json()
        assert (found["stocks"], found["risks"]) == (None, None)
        assert [notice["code"] for notice in found["notices"]] == ["STOCKS_MISSING"]
        assert found["rates"]
    finally:
        await alone.kill()
