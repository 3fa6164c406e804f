"""The owner's view of his webhooks: what he may make, what he is shown once, and what others never see."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from deploy.database import ServiceDsns
from services.common.auth import Principal
from services.common.db import scoped, set_scope
from services.common.deliver import Deliver
from services.notify.desk import Desk
from services.notify.gathering import Limits
from services.notify.handlers import Handlers
from services.notify.webhook_house import prune
from tests.integration.webhook_world import FIRM, NOSY, TOWN, URL, Ways, until, ways
from tests.unit.notify.samples import BODY, SUPPLIER, changed
from tests.unit.status.samples import event, record, submitted

HOOK = "https://hooks.example/chorale"
TABLES = ("webhook_owner", "webhook", "webhook_delivery", "webhook_attempt", "webhook_replay", "outgoing_file")


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Ways]:
    async with ways(notify_dsns, webhook_networks="", webhook_each=3) as ready:
        yield ready


async def test_a_secret_is_shown_once_and_kept_sealed(found: Ways) -> None:
    made = await found.webhook(url=HOOK)
    asymmetric = await found.webhook(url=HOOK, signature="ed25519")
    secret = made["secrets"][0]["secret"]
    assert secret.startswith("whsec_")
    assert asymmetric["secrets"][0]["public_key"].startswith("whpk_")
    assert asymmetric["secrets"][0]["secret"] is None
    async with found.client(FIRM) as http:
        listed = (await http.get(URL)).json()
    assert [one["secrets"][0]["secret"] for one in listed] == [None, None]
    assert listed[1]["secrets"][0]["public_key"] == asymmetric["secrets"][0]["public_key"]
    kept = await found.pool.fetch("select sealed::text as sealed from webhook_secret")
    assert not any(secret.removeprefix("whsec_") in row["sealed"] for row in kept)
    async with scoped(found.api_pool, FIRM.scope()) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select sealed from webhook_secret")


async def test_a_webhook_asked_for_twice_is_one_and_the_last_secret_shown_is_the_one_that_signs(found: Ways) -> None:
    key = {"Idempotency-Key": "pressed-twice"}
    async with found.client(FIRM) as http:
        first, second = [(await http.post(URL, json={"url": HOOK}, headers=key)).json() for _ in range(2)]
        assert first["id"] == second["id"]
        assert first["secrets"][0]["secret"] != second["secrets"][0]["secret"]
        assert [each["id"] for each in second["secrets"]] == await _secrets(found, second["id"])
        other = await http.post(URL, json={"url": f"{HOOK}/2"}, headers=key)  # another request is another webhook
        assert other.json()["id"] != first["id"]
        rotated = [await http.post(f"{URL}/{first['id']}/secrets", json={}, headers=key) for _ in range(2)]
        assert [each.status_code for each in rotated] == [201, 201]
        assert {each.json()["id"] for each in rotated} == {rotated[0].json()["id"]}
        assert len(await _secrets(found, first["id"])) == 2
        again = (await http.post(URL, json={"url": HOOK}, headers=key)).json()
        assert [each["secret"] for each in again["secrets"]] == [None, None]  # rotated since: nothing is replaced
        assert (await http.delete(f"{URL}/{first['id']}")).status_code == 204
        anew = (await http.post(URL, json={"url": HOOK}, headers=key)).json()
        assert anew["id"] != first["id"]
    async with found.client(TOWN) as http:
        theirs = (await http.post(URL, json={"url": HOOK}, headers=key)).json()
    assert theirs["id"] not in (first["id"], anew["id"])


async def _secrets(found: Ways, webhook: str) -> list[str]:
    rows = await found.pool.fetch("select id from webhook_secret where webhook = $1 order by created_at desc", webhook)
    return [str(row["id"]) for row in rows]


async def test_what_belongs_to_somebody_else_is_not_there(found: Ways) -> None:
    made = await found.webhook(url=HOOK)
    await found.take(event(changed("DEPOSEE", 1, tenant=None), uuid4()))
    one, secret = f"{URL}/{made['id']}", made["secrets"][0]["id"]
    for principal in (NOSY, TOWN, Principal(subject="x", roles=("TENANT_ADMIN",), tenants=("cd06",))):
        async with found.client(principal) as http:
            assert (await http.get(URL)).json() == []
            for answer in (
                await http.get(one),
                await http.get(f"{one}/deliveries"),
                await http.get(f"{one}/replays"),
                await http.get(f"{one}/files"),
                await http.get(f"{one}/files/1"),
                await http.patch(one, json={"state": "paused"}),
                await http.delete(one),
                await http.post(f"{one}/secrets", json={}),
                await http.delete(f"{one}/secrets/{secret}"),
                await http.post(f"{one}/test"),
                await http.post(f"{one}/replay", json={"since": "2020-01-01T00:00:00Z"}),
            ):
                assert answer.status_code == 404, answer.text
        async with scoped(found.api_pool, principal.scope()) as connection:
            for table in TABLES:
                assert await connection.fetchval(f"select count(*) from {table}") == 0, table
            assert await connection.fetchval("select count(id) from webhook_secret") == 0
    async with found.client(Principal(subject="op", roles=("OPERATEUR",))) as http:
        assert (await http.get(one)).status_code == 200  # an operator looks
        assert (await http.delete(one)).status_code == 404  # and changes nothing
    async with found.client(FIRM) as http:
        assert len((await http.get(f"{one}/deliveries")).json()["deliveries"]) == 1


async def test_the_api_s_role_writes_nothing_for_others_and_no_event(found: Ways) -> None:
    made = await found.webhook(url=HOOK)
    theft = (
        ("insert into webhook_replay (webhook, since, asked_at) values ($1, now(), now())", (made["id"],)),
        (
            "insert into webhook_delivery (webhook, event, position, subject, type, state, urgent, next_attempt_at,"
            " created_at) values ($1, gen_random_uuid(), 0, 's', 'fr.chorale.webhook.test.v1', 'waiting', true, now(),"
            " now())",
            (made["id"],),
        ),
        ("update webhook_delivery set state = 'delivered'", ()),
        ("select data from webhook_event", ()),
        ("select * from outgoing_line", ()),
    )

    async def attempt(statement: str, *arguments: object) -> None:
        async with found.api_pool.acquire() as connection, connection.transaction():
            await set_scope(connection, NOSY.scope())
            await connection.execute(statement, *arguments)

    for statement, arguments in theft:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):  # also what a policy refuses
            await attempt(statement, *arguments)


REFUSED: tuple[tuple[dict[str, object], str, str | None], ...] = (
    ({"url": "https://127.0.0.1/"}, "WEBHOOK_URL", "URL_PRIVATE"),
    ({"url": "https://[::ffff:10.0.0.1]/"}, "WEBHOOK_URL", "URL_PRIVATE"),
    ({"url": "https://u:p@hooks.example/"}, "WEBHOOK_URL", "URL_EXTRAS"),
    ({"url": "https://0x7f.1/"}, "WEBHOOK_URL", "URL_HOST"),
    ({}, "REQUEST_INVALID", "value_error"),
    ({"url": HOOK, "types": ["nothing.v1"]}, "REQUEST_INVALID", "value_error"),
    ({"url": HOOK, "statuses": ["PERDUE"]}, "REQUEST_INVALID", "value_error"),
    ({"url": HOOK, "structures": ["123"]}, "REQUEST_INVALID", "value_error"),
    ({"url": HOOK, "services": [BODY]}, "REQUEST_INVALID", "value_error"),
    ({"url": HOOK, "structure": BODY}, "REQUEST_INVALID", "value_error"),
    ({"kind": "folder", "structure": BODY}, "REQUEST_INVALID", "value_error"),
    ({"url": HOOK, "unknown": 1}, "REQUEST_INVALID", "extra_forbidden"),
    ({"url": HOOK, "description": "a\x00b"}, "REQUEST_INVALID", "string_pattern_mismatch"),
    ({"url": HOOK, "services": [f"{BODY}/a\x00"]}, "REQUEST_INVALID", "string_pattern_mismatch"),
    (
        {"kind": "folder", "structure": BODY, "format": "jsonl", "rhythm": "daily"},
        "FOLDERS_OFF",
        None,
    ),
)


async def test_what_cannot_be_is_refused_by_field_and_rule(found: Ways) -> None:
    async with found.client(FIRM) as http:
        for asked, code, rule in REFUSED:
            answer = await http.post(URL, json=asked)
            assert answer.json()["code"] == code, asked
            assert [error["rule"] for error in answer.json().get("errors", [])] == ([rule] if rule else []), asked
    assert await found.pool.fetchval("select count(*) from webhook") == 0


async def test_in_production_nothing_leaves_in_clear(found: Ways) -> None:
    found.settings = found.settings.model_copy(update={"environment": "production"})
    async with found.client(FIRM) as http:
        refusal = await http.post(URL, json={"url": "http://hooks.example/"})
        assert refusal.json()["errors"][0]["rule"] == "URL_HTTPS"
        assert (await http.post(URL, json={"url": HOOK})).status_code == 201


async def test_an_owner_has_so_many_and_may_change_and_remove_them(found: Ways) -> None:
    made = [await found.webhook(url=HOOK) for _ in range(3)]
    one = f"{URL}/{made[0]['id']}"
    async with found.client(FIRM) as http:
        assert (await http.post(URL, json={"url": HOOK})).json()["code"] == "WEBHOOK_TOO_MANY"
        changed_to = (await http.patch(one, json={"statuses": ["REJETEE"], "state": "paused"})).json()
        assert (changed_to["statuses"], changed_to["state"], changed_to["url"]) == (["REJETEE"], "paused", HOOK)
        bad = await http.patch(one, json={"url": "https://10.0.0.1/"})
        assert bad.json()["errors"][0]["rule"] == "URL_PRIVATE"
        assert (await http.delete(one)).status_code == 204
        assert (await http.get(one)).status_code == 404
        assert (await http.post(URL, json={"url": HOOK})).status_code == 201
    assert await found.pool.fetchval("select count(*) from webhook_secret where webhook = $1", made[0]["id"]) == 0


async def test_a_paused_webhook_keeps_its_events_and_a_removed_one_drops_them(found: Ways) -> None:
    paused, removed = await found.webhook(url=HOOK), await found.webhook(url=HOOK)
    async with found.client(FIRM) as http:
        await http.patch(f"{URL}/{paused['id']}", json={"state": "paused"})
        await found.take(event(changed("DEPOSEE", 1, tenant=None), uuid4()))
        await http.delete(f"{URL}/{removed['id']}")
    async with found.worker():

        async def reached() -> bool:
            return await found.states(removed["id"]) == {"dropped": 1}

        await until(reached)
    assert await found.states(paused["id"]) == {"waiting": 1}


async def test_the_log_is_read_page_by_page_and_forgotten_after_its_time(found: Ways) -> None:
    made = await found.webhook(url=HOOK)
    invoice = uuid4()
    await found.take(*(event(changed("DEPOSEE", n, tenant=None), invoice) for n in range(1, 4)))
    await found.take(event(changed("DEPOSEE", 1, tenant=None), uuid4()))
    async with found.client(FIRM) as http:
        query: dict[str, str | int] = {"limit": 2}
        seen: list[str] = []
        while True:
            page = (await http.get(f"{URL}/{made['id']}/deliveries", params=query)).json()
            seen += [one["event"] for one in page["deliveries"]]
            if page["next"] is None:
                break
            query["before"] = page["next"]
        assert len(seen) == len(set(seen)) == 4
        of_one = (await http.get(f"{URL}/{made['id']}/deliveries", params={"invoice": str(invoice)})).json()
        assert sorted(d["state"] for d in of_one["deliveries"]) == ["behind", "behind", "waiting"]
    long_ago = datetime.now(UTC) - timedelta(days=31)
    await found.pool.execute("update webhook_delivery set state = 'delivered', done_at = $1", long_ago)
    await found.pool.execute("update webhook_event set recorded_at = $1", long_ago)
    async with found.pool.acquire() as connection:
        await prune(connection, 30)
    assert await found.states() == {}
    assert await found.pool.fetchval("select count(*) from webhook_event") == 0


async def test_an_event_that_comes_twice_is_delivered_once(found: Ways) -> None:
    await found.webhook(url=HOOK)
    one = event(changed("DEPOSEE", 1, tenant=None), uuid4())
    await found.take(one)
    await found.pool.execute("delete from processed_event")  # as when it waited for its predecessor
    await found.take(one, one)
    assert await found.states() == {"waiting": 1}
    assert json.loads(await found.pool.fetchval("select data from webhook_event"))["entry"] == 1


async def test_a_webhook_does_not_wait_for_what_mail_waits_for(found: Ways) -> None:
    """The service's own handler: the supplier's address is not known yet, his webhook has the event all the same."""
    await found.webhook(url=HOOK)
    deliver = Deliver(found.pool, "notify", Handlers(Desk("chorale.example", Limits())))
    invoice = uuid4()
    first, second = event(changed("MISE_A_DISPOSITION", 2), invoice), event(changed("SUSPENDUE", 3), invoice)
    await deliver.batch([record(first), record(second)])
    assert await found.pool.fetchval("select count(*) from waiting_event") > 0
    await deliver.batch([record(event(submitted(supplier=SUPPLIER), invoice))])
    assert await found.pool.fetchval("select count(*) from waiting_event") == 0
    rows = await found.pool.fetch("select event, state from webhook_delivery order by position")
    assert [(row["event"], row["state"]) for row in rows] == [(first.id, "waiting"), (second.id, "behind")]
