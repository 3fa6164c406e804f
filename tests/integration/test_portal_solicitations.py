"""Sollicitations about no invoice, on a real database and a real store: walls, turns, timers, files, events."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest

from contracts.events import SolicitationRecorded
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common import clock
from services.common.deliver import transaction
from services.common.timers import Timer
from services.portal import solicitation_acts as acts
from services.portal import solicitation_api, solicitation_chores, solicitation_timers
from services.portal.solicitation_papers import FOLDER
from services.portal.solicitation_words import UNANSWERED
from tests.integration.portal_member_world import BODY, PDF, TENANT, World, open_world, person

S = "/api/v1/solicitations"
SUPPORT = {"category": "COMPTES", "subcategory": "CONNEXION", "title": "Code perdu", "text": "Que faut-il faire ?"}
TO_BODY = {
    "category": "FACTURES_EMISES",
    "subcategory": "ADRESSAGE",
    "title": "Quel code ?",
    "text": "Quel code service dois-je indiquer ?",
    "structure": BODY,
    "service": "DRH",
}


@pytest.fixture
async def world(stack: Stack, portal_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with open_world(stack, portal_dsns) as found:
        solicitation_api.add_routes(found.client._transport.app, found.parts, found.blobs)  # type: ignore[attr-defined]
        await found.verified("claire", "denis")
        await found.office("admin", "TENANT_ADMIN", TENANT)
        yield found


async def ask(world: World, who: str, method: str, path: str = "", **more: Any) -> httpx.Response:
    await world.known(who)
    headers = {"Authorization": f"Bearer {person(who)}", **more.pop("headers", {})}
    return await world.client.request(method, f"{S}{path}", headers=headers, **more)


async def told(world: World) -> list[SolicitationRecorded]:
    return [event.data for event in await world.sent() if isinstance(event.data, SolicitationRecorded)]


async def test_a_body_answers_and_nobody_else_sees_it(world: World) -> None:
    made = (await ask(world, "claire", "POST", json=TO_BODY)).json()
    at = f"/{made['id']}"
    assert made["may"] == ["ask_again", "close"]
    for stranger in ("operator", "stranger"):
        assert (await ask(world, stranger, "GET", at)).status_code == 404
        assert (await ask(world, stranger, "GET")).json()["solicitations"] == []
        writing = await ask(world, stranger, "POST", f"{at}/messages", json={"text": "Je réponds à sa place."})
        assert (writing.status_code, writing.json()["code"]) == (404, "SOLICITATION_UNKNOWN")
    assert (await ask(world, "denis", "GET", at)).status_code == 200, "a colleague of the asker"
    early = await ask(world, "admin", "POST", f"{at}/close", json={})
    assert early.json()["code"] == "ANSWER_FIRST"
    answered = (await ask(world, "admin", "POST", f"{at}/messages", json={"text": "Le code DRH convient."})).json()
    assert (answered["state"], answered["turn"]) == ("answered", "asker")
    seen = (await ask(world, "claire", "GET", at)).json()
    assert [entry["author"] for entry in seen["history"]] == ["Claire", None], "the other side has no name"
    closed = (await ask(world, "claire", "POST", f"{at}/close", json={})).json()
    assert closed["state"] == "closed"
    late = await ask(world, "admin", "POST", f"{at}/messages", json={"text": "Encore un mot de plus."})
    assert late.json()["code"] == "SOLICITATION_CLOSED"
    assert [data.act for data in await told(world)] == ["asked", "answered", "closed"]


async def test_the_same_key_asks_once_and_another_question_under_it_is_refused(world: World) -> None:
    key = {"Idempotency-Key": "one-question"}
    first = await ask(world, "claire", "POST", json=SUPPORT, headers=key)
    second = await ask(world, "claire", "POST", json=SUPPORT, headers=key)
    assert first.json()["id"] == second.json()["id"]
    other = await ask(world, "claire", "POST", json={**SUPPORT, "title": "Autre"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert len(await told(world)) == 1


async def test_a_double_press_with_files_does_everything_once_and_leaves_no_file_over(world: World) -> None:
    async def press(path: str, given: Mapping[str, Any]) -> httpx.Response:
        paper = (await ask(world, "claire", "POST", "/attachments?name=bon.pdf", content=PDF)).json()["id"]
        key = {"Idempotency-Key": f"pressed-{path}"}
        return await ask(world, "claire", "POST", path, json={**given, "attachments": [paper]}, headers=key)

    first, second = await asyncio.gather(press("", SUPPORT), press("", SUPPORT))
    assert (first.status_code, second.status_code) == (201, 201), second.text
    assert first.json()["id"] == second.json()["id"]
    at = f"/{first.json()['id']}/messages"
    for _ in range(2):
        assert (await press(at, {"text": "Voici encore une pièce."})).status_code == 201
    assert [data.act for data in await told(world)] == ["asked", "asked_again"]
    joined = await world.pool.fetch("select document ->> 'key' as key, solicitation from solicitation_paper")
    assert len(joined) == 2
    assert None not in [row["solicitation"] for row in joined]
    kept = await world.blobs.listed(f"{FOLDER}/{person('claire').replace(':', '-')}/")
    assert {row["key"] for row in joined} <= {each.key for each in kept}
    loose = await world.pool.fetchval("select count(*) from solicitation_paper where solicitation is null")
    assert (len(kept), loose) == (2, 0)


async def test_one_key_writes_in_one_sollicitation_however_fast_it_comes(world: World) -> None:
    made = [(await ask(world, "claire", "POST", json=SUPPORT)).json()["id"] for _ in range(2)]
    key = {"Idempotency-Key": "in-two-at-once"}
    text = {"text": "La même clé, deux fois."}
    answers = await asyncio.gather(
        *(ask(world, "claire", "POST", f"/{one}/messages", json=text, headers=key) for one in made)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_a_question_leads_to_no_other_host(world: World) -> None:
    for path, status in (
        ("//evil.example/x", 422),
        ("/\\evil.example", 422),
        ("evil", 422),
        ("/", 201),
        ("/aide", 201),
    ):
        answer = await ask(world, "claire", "POST", json={**SUPPORT, "page": path})
        assert answer.status_code == status, path


async def test_a_question_asked_again_long_after_its_delay_reminds_nobody_at_once(world: World) -> None:
    made = (await ask(world, "claire", "POST", json=SUPPORT)).json()
    await world.pool.execute("update solicitation set due_at = now() - interval '40 days'")
    await world.pool.execute("delete from timer")  # they have fired, and are forgotten after 35 days
    assert (await ask(world, "claire", "POST", f"/{made['id']}/messages", json={"text": "Toujours rien ?"})).is_success
    assert await world.pool.fetchval("select count(*) from timer") == 0
    answer = {"text": "Voici enfin une réponse."}
    assert (await ask(world, "operator", "POST", f"/{made['id']}/messages", json=answer)).is_success
    assert (await ask(world, "claire", "POST", f"/{made['id']}/messages", json={"text": "Et maintenant ?"})).is_success
    rows = await world.pool.fetch("select kind, due_at > now() as ahead from timer where cancelled_at is null")
    assert {row["kind"]: row["ahead"] for row in rows} == {acts.REMINDER: True, acts.OVERDUE: True}


async def test_a_question_that_nobody_answers_is_closed_after_a_year_and_its_asker_told(world: World) -> None:
    made = (await ask(world, "claire", "POST", json=SUPPORT)).json()
    now = clock.now()
    assert await solicitation_chores.close_unanswered(world.pool, now + timedelta(days=364)) == 0
    later = now + solicitation_chores.UNANSWERED_FOR + timedelta(days=1)
    closed = await asyncio.gather(*(solicitation_chores.close_unanswered(world.pool, later) for _ in range(2)))
    assert sum(closed) == 1
    found = (await told(world))[-1]
    assert (found.act, found.by, found.tell) == ("closed", "platform", (person("claire"),))
    seen = (await ask(world, "claire", "GET", f"/{made['id']}")).json()
    assert (seen["state"], seen["history"][-1]["text"]) == ("closed", UNANSWERED)
    assert await world.pool.fetchval("select count(*) from timer where fired_at is null and cancelled_at is null") == 0


async def test_files_of_no_row_are_found_behind_any_number_of_others(world: World) -> None:
    for n in range(5):
        content = PDF + bytes([n])
        paper = (await ask(world, "claire", "POST", f"/attachments?name={n}.pdf", content=content)).json()["id"]
        given = {**SUPPORT, "attachments": [paper]}
        assert (await ask(world, "claire", "POST", json=given)).status_code == 201
    rows = await world.pool.fetch("select document ->> 'key' as key from solicitation_paper order by 1")
    last = rows[-1]["key"]
    await world.pool.execute("delete from solicitation_paper where document ->> 'key' = $1", last)
    later, erased, after = clock.now() + timedelta(days=2), 0, ""
    for _ in range(20):
        found, after = await solicitation_chores.sweep_orphans(world.pool, world.blobs, later, after, page=2)
        erased += found
        if not after:
            break
    assert erased >= 1
    left = {each.key for each in await world.blobs.listed(f"{FOLDER}/")}
    assert left == {row["key"] for row in rows[:-1]}


async def test_nobody_takes_or_reads_the_file_of_another(world: World) -> None:
    paper = (await ask(world, "claire", "POST", "/attachments?name=bon.pdf", content=PDF)).json()["id"]
    stolen = await ask(world, "stranger", "POST", json={**SUPPORT, "attachments": [paper]})
    assert stolen.json()["code"] == "ATTACHMENT_UNKNOWN"
    made = (await ask(world, "claire", "POST", json={**SUPPORT, "attachments": [paper]})).json()
    where = f"/{made['id']}/attachments/{paper}"
    assert (await ask(world, "operator", "GET", where)).content == PDF
    assert (await ask(world, "stranger", "GET", where)).status_code == 404


async def test_whoever_answers_is_reminded_and_the_asker_told_when_the_delay_has_passed(world: World) -> None:
    await ask(world, "claire", "POST", json=SUPPORT)
    for kind, days in ((acts.REMINDER, 1.5), (acts.OVERDUE, 2.1)):
        async with transaction(world.pool, "portal") as tx:
            tx.now = tx.now + timedelta(days=days)
            rows = await tx.conn.fetch(
                "update timer set fired_at = now() where kind = $1 and due_at <= $2 and fired_at is null"
                " and cancelled_at is null returning id, key, kind, due_at, traceparent",
                kind,
                tx.now,
            )
            assert len(rows) == 1
            await solicitation_timers.fire(tx, [Timer(**dict(row)) for row in rows])
    found = await told(world)
    assert [data.act for data in found] == ["asked", "reminded", "overdue", "reminded"]
    assert [data.tell for data in found[1:]] == [(person("operator"),), (person("claire"),), (person("operator"),)]
