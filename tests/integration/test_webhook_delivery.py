"""Events to a receiver that is a process: taken once, in order, whatever the receiver does."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from deploy.database import ServiceDsns
from tests.integration.webhook_world import (
    FIRM,
    LIFE,
    NOSY,
    TOWN,
    URL,
    Receiver,
    Ways,
    first_of_each,
    life,
    receiver,
    until,
    ways,
)
from tests.unit.notify.samples import changed, refused
from tests.unit.status.samples import event


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Ways]:
    async with ways(notify_dsns) as ready:
        yield ready


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiver(tmp_path_factory.mktemp("receiver")) as running:
        yield running


async def test_a_receiver_has_every_event_once_in_order_and_the_signature_is_right(
    found: Ways, shared: Receiver
) -> None:
    path = f"/ok/{uuid4()}"
    made = await found.webhook(url=shared.url(path))
    sent = [life() for _ in range(20)]
    async with found.worker():
        await found.take(*(one for history in sent for one in history[:2]))
        await found.take(*(one for history in sent for one in history[2:]))
        await found.settled()
    taken = shared.taken(path)
    assert len(taken) == 100
    assert {subject: [id for _, id in entries] for subject, entries in first_of_each(taken).items()} == {
        history[0].subject: [str(one.id) for one in history] for history in sent
    }
    verifier = Webhook(made["secrets"][0]["secret"])
    for line in taken:
        assert verifier.verify(line["body"], line["headers"])["id"] == line["id"]
    with pytest.raises(WebhookVerificationError):
        verifier.verify(taken[0]["body"] + " ", taken[0]["headers"])


async def test_a_receiver_that_is_killed_and_comes_back_has_every_event_in_order(found: Ways, tmp_path: Path) -> None:
    with receiver(tmp_path) as own:
        await found.webhook(url=own.url())
        sent = [life() for _ in range(40)]
        async with found.worker():
            for history in sent[:20]:
                await found.take(*history)
            await asyncio.sleep(0.1)
            own.kill()
            for history in sent[20:]:
                await found.take(*history)
            await asyncio.sleep(0.5)
            assert len(own.taken()) < 200
            own.start()
            await found.settled()
        assert {subject: [id for _, id in entries] for subject, entries in first_of_each(own.taken()).items()} == {
            history[0].subject: [str(one.id) for one in history] for history in sent
        }


NO_ACCEPTANCE: dict[str, tuple[str, int | None]] = {
    "/broken": ("broken", None),
    "/half-chunk": ("broken", None),
    "/garbage": ("broken", None),
    "/closed": ("broken", None),
    "/hang": ("timeout", None),
    "/drip": ("timeout", None),
    "/redirect": ("redirect", 307),
    "/status/503": ("refused", 503),
    "/status/404": ("refused", 404),
}


async def test_what_is_no_acceptance_is_tried_again_and_then_given_up(found: Ways, shared: Receiver) -> None:
    made = {path: await found.webhook(url=shared.url(path)) for path in NO_ACCEPTANCE}
    before = len(shared.taken())
    async with found.worker(webhook_hours=0.5 / 3600, webhook_answer_seconds=0.5):
        await found.take(*life(statuses=LIFE[:2]))
        await found.settled()
    for path, expected in NO_ACCEPTANCE.items():
        assert await found.states(made[path]["id"]) == {"given_up": 2}
        attempts = await found.attempts(made[path]["id"])
        assert (path, set(attempts)) == (path, {expected})
        assert len(attempts) >= 2
    assert len(shared.taken()) == before  # a redirect is not followed


async def test_a_receiver_that_lies_at_first_has_the_event_when_it_answers_truly(found: Ways, shared: Receiver) -> None:
    path = f"/lying/{uuid4()}"
    made = await found.webhook(url=shared.url(path))
    async with found.worker():
        await found.take(*life())
        await found.settled()
    assert await found.states() == {"delivered": 5}
    assert await found.attempts(made["id"]) == [("broken", None), ("delivered", 200)] * 5
    assert [entry for entries in first_of_each(shared.taken(path)).values() for entry, _ in entries] == [1, 2, 3, 4, 5]


async def test_of_an_answer_without_end_only_the_beginning_is_read_and_less_is_kept(
    found: Ways, shared: Receiver
) -> None:
    made = await found.webhook(url=shared.url("/huge"))
    async with found.worker():
        await found.take(*life(statuses=LIFE[:1]))
        await found.settled()
    assert await found.attempts(made["id"]) == [("delivered", 200)]
    assert await found.pool.fetchval("select max(length(answer)) from webhook_attempt") == 300


async def test_a_receiver_that_hangs_delays_no_other(found: Ways, shared: Receiver) -> None:
    path = f"/ok/{uuid4()}"
    for _ in range(3):
        await found.webhook(url=shared.url("/hang"))
    well = await found.webhook(url=shared.url(path))
    sent = [one for _ in range(60) for one in life(statuses=LIFE[:2])]
    async with found.worker(webhook_answer_seconds=30, webhook_connections=20):
        await found.take(*sent)

        async def reached() -> bool:
            return await found.states(well["id"]) == {"delivered": 120}

        await until(reached)  # the others do not answer for 30 s


async def test_after_failures_in_a_row_a_receiver_is_left_alone_and_its_owner_is_told_once(
    found: Ways, shared: Receiver
) -> None:
    made = await found.webhook(url=shared.url("/status/500"), description="ERP")
    async with found.worker(webhook_circuit_base_seconds=60, webhook_circuit_ceiling_seconds=60):
        await found.take(*(one for _ in range(20) for one in life(statuses=LIFE[:1])))

        async def reached() -> bool:
            return await found.pool.fetchval("select open_until from webhook") is not None

        await until(reached)
        tried = len(await found.attempts(made["id"]))
        await asyncio.sleep(0.5)
        assert len(await found.attempts(made["id"])) == tried
        async with found.client(FIRM) as http:
            view = (await http.get(f"{URL}/{made['id']}")).json()
            assert view["failures"] == 5  # however many were under way together
            assert view["open_until"] is not None
            # The test button goes past the open circuit, and changing the webhook closes it.
            event_id = (await http.post(f"{URL}/{made['id']}/test")).json()["event"]

            async def reached() -> bool:
                return bool((await _delivery(http, made["id"], event_id))["attempts"])

            await until(reached)
            await http.patch(f"{URL}/{made['id']}", json={"url": shared.url("/ok")})
        await found.settled()
    rows = await found.pool.fetch("select kind, address, data from message")
    assert [(row["kind"], row["address"]) for row in rows] == [("WEBHOOK_DOWN", "it@firm.example")]
    assert json.loads(rows[0]["data"])["file_name"] == "127.0.0.1"


async def _delivery(http: object, webhook: str, event_id: str) -> dict[str, list[object]]:
    page = (await http.get(f"{URL}/{webhook}/deliveries")).json()  # type: ignore[attr-defined]
    [found] = [d for d in page["deliveries"] if d["event"] == event_id]
    return dict(found)


async def test_a_receiver_that_says_gone_gets_nothing_more(found: Ways, shared: Receiver) -> None:
    made = await found.webhook(url=shared.url("/status/410"))
    await found.pool.execute("insert into contact (subject, address) values ($1, 'alerts@firm.example')", FIRM.subject)
    async with found.worker():
        await found.take(*life(statuses=LIFE[:1]))

        async def reached() -> bool:
            return bool(await found.pool.fetchval("select state = 'gone' from webhook"))

        await until(reached)
    await found.take(*life(statuses=LIFE[:1]))
    assert await found.pool.fetchval("select count(*) from webhook_delivery") == 1
    assert len(await found.attempts(made["id"])) == 1
    told = await found.pool.fetchrow("select kind, address from message")
    assert told is not None
    assert tuple(told) == ("WEBHOOK_GONE", "alerts@firm.example")  # the contact address, not the login's
    async with found.client(FIRM) as http:
        assert (await http.post(f"{URL}/{made['id']}/test")).json()["code"] == "WEBHOOK_GONE"
        await http.patch(f"{URL}/{made['id']}", json={"state": "active"})
        assert (await http.post(f"{URL}/{made['id']}/test")).status_code == 202


async def test_each_party_gets_what_it_may_see_and_nothing_else(found: Ways, shared: Receiver) -> None:
    paths = {principal.subject: f"/ok/{uuid4()}" for principal in (FIRM, TOWN, NOSY)}
    for principal in (FIRM, TOWN, NOSY):
        await found.webhook(principal, url=shared.url(paths[principal.subject]))
    invoice = uuid4()
    hidden = event(changed("A_RECYCLER", 3, visibility="body"), invoice)
    deposit = event(refused(depositor="firm"), uuid4())
    others = event(refused(depositor="somebody else"), uuid4())
    async with found.worker():
        await found.take(*life(invoice)[:2], hidden, event(changed("REJETEE", 4), invoice), deposit, others)
        await found.settled()
    had = {name: [json.loads(line["body"]) for line in shared.taken(path)] for name, path in paths.items()}
    statuses = {
        name: [e["data"]["status_to"] for e in events if "status_to" in e["data"]] for name, events in had.items()
    }
    assert statuses == {
        "firm": ["DEPOSEE", "MISE_A_DISPOSITION", "REJETEE"],
        # The body has the invoice since it was routed to it, and what only it may see.
        "town": ["MISE_A_DISPOSITION", "A_RECYCLER", "REJETEE"],
        "nosy": [],
    }
    assert [e["subject"] for e in had["firm"] if "refused_at" in e["data"]] == [deposit.subject]
    assert all("status_from" not in e["data"] and "tenant" not in e["data"] for e in had["firm"])
    assert "contact" not in json.dumps(had)


async def test_rights_that_are_lost_between_the_event_and_its_delivery_stop_it(found: Ways, shared: Receiver) -> None:
    path = f"/ok/{uuid4()}"
    await found.webhook(url=shared.url(path))
    await found.take(*life(statuses=LIFE[:2]))
    await found.pool.execute("update webhook_owner set structures = '{}'")
    async with found.worker():
        await found.settled()
    assert await found.states() == {"dropped": 2}
    assert shared.taken(path) == []


async def test_filters_let_through_what_they_name(found: Ways, shared: Receiver) -> None:
    path = f"/ok/{uuid4()}"
    await found.webhook(url=shared.url(path), statuses=["REJETEE"], types=["fr.chorale.status.changed.v1"])
    await found.webhook(url=shared.url(path), structures=["73282932000074"])
    await found.webhook(TOWN, url=shared.url(path), services=["22060001900016/TEST-VOIRIE"])
    voirie = event(changed("REJETEE", 2, service_code="TEST-VOIRIE"), uuid4())
    async with found.worker():
        await found.take(*life(), voirie, event(refused(depositor="firm"), uuid4()))
        await found.settled()
    assert [line["id"] for line in shared.taken(path)] == [str(voirie.id)] * 2


async def test_a_rotation_has_no_gap_and_old_and_new_receivers_both_verify(found: Ways, shared: Receiver) -> None:
    path = f"/ok/{uuid4()}"
    made = await found.webhook(url=shared.url(path))
    async with found.client(FIRM) as http, found.worker():
        secrets = f"{URL}/{made['id']}/secrets"
        new = (await http.post(secrets, json={"signature": "hmac"})).json()
        assert (await http.post(secrets, json={})).json()["code"] == "WEBHOOK_ROTATION_RUNNING"
        await found.take(*life(statuses=LIFE[:1]))
        await found.settled()
        old = made["secrets"][0]
        assert (await http.delete(f"{secrets}/{old['id']}")).status_code == 204
        assert (await http.delete(f"{secrets}/{new['id']}")).json()["code"] == "SECRET_LAST"
        await found.take(*life(statuses=LIFE[:1]))
        await found.settled()
    during, after = shared.taken(path)
    assert len(during["headers"]["webhook-signature"].split(" ")) == 2
    for secret in (old["secret"], new["secret"]):
        Webhook(secret).verify(during["body"], during["headers"])
    Webhook(new["secret"]).verify(after["body"], after["headers"])
    with pytest.raises(WebhookVerificationError):
        Webhook(old["secret"]).verify(after["body"], after["headers"])
