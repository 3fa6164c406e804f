"""Events sent again: from an instant, from an event, and to a webhook that is new."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from uuid import uuid4

import pytest

from deploy.database import ServiceDsns
from tests.integration.webhook_world import FIRM, URL, Receiver, Ways, first_of_each, life, receiver, until, ways
from tests.unit.notify.samples import SUPPLIER, changed
from tests.unit.status.samples import event


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Ways]:
    async with ways(notify_dsns) as ready:
        yield ready


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiver(tmp_path_factory.mktemp("receiver")) as running:
        yield running


async def test_what_was_given_up_is_replayed_from_an_instant_in_order(found: Ways, shared: Receiver) -> None:
    made = await found.webhook(url=shared.url("/status/500"))
    path = f"/ok/{uuid4()}"
    histories = [life() for _ in range(30)]
    async with found.worker(webhook_hours=0):
        await found.take(*(one for history in histories for one in history))
        await found.settled()
    assert await found.states() == {"given_up": 150}
    async with found.worker(), found.client(FIRM) as http:
        await http.patch(f"{URL}/{made['id']}", json={"url": shared.url(path)})
        asked = await http.post(f"{URL}/{made['id']}/replay", json={"since": "2020-01-01T00:00:00Z"})
        assert asked.status_code == 202

        async def reached() -> bool:
            return await found.states() == {"delivered": 150}

        await until(reached)
        [replay] = (await http.get(f"{URL}/{made['id']}/replays")).json()
        assert (replay["events"], replay["done_at"] is not None) == (150, True)
    assert {subject: [id for _, id in entries] for subject, entries in first_of_each(shared.taken(path)).items()} == {
        history[0].subject: [str(one.id) for one in history] for history in histories
    }


async def test_a_replay_from_an_event_sends_it_and_what_came_after_again_under_the_same_ids(
    found: Ways, shared: Receiver
) -> None:
    path = f"/ok/{uuid4()}"
    made = await found.webhook(url=shared.url(path))
    history = life()
    async with found.worker(), found.client(FIRM) as http:
        await found.take(*history)
        await found.settled()
        asked = await http.post(f"{URL}/{made['id']}/replay", json={"event": str(history[2].id)})
        assert asked.status_code == 202

        async def reached() -> bool:
            return len(shared.taken(path)) >= 8

        await until(reached)
        unknown = await http.post(f"{URL}/{made['id']}/replay", json={"event": str(uuid4())})
        assert (unknown.status_code, unknown.json()["code"]) == (404, "EVENT_UNKNOWN")
    assert [line["id"] for line in shared.taken(path)] == [str(one.id) for one in [*history, *history[2:]]]


async def test_a_webhook_replays_once_at_a_time(found: Ways, shared: Receiver) -> None:
    made = await found.webhook(url=shared.url("/ok"))
    async with found.client(FIRM) as http:
        since = {"since": "2020-01-01T00:00:00Z"}
        answers = [await http.post(f"{URL}/{made['id']}/replay", json=since) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 409]
        assert answers[1].json()["code"] == "REPLAY_RUNNING"
        async with found.worker():

            async def done() -> bool:
                return all(one["done_at"] for one in (await http.get(f"{URL}/{made['id']}/replays")).json())

            await until(done)
        assert (await http.post(f"{URL}/{made['id']}/replay", json=since)).status_code == 202


async def test_a_new_webhook_may_ask_for_what_happened_before_it(found: Ways, shared: Receiver) -> None:
    path = f"/ok/{uuid4()}"
    await found.take(*life(), event(changed("DEPOSEE", 1, supplier_siret="73282932000074"), uuid4()))
    made = await found.webhook(url=shared.url(path))
    async with found.worker(), found.client(FIRM) as http:
        await http.post(f"{URL}/{made['id']}/replay", json={"since": "2020-01-01T00:00:00Z"})

        async def reached() -> bool:
            return len(shared.taken(path)) >= 5

        await until(reached)
        await found.settled()
    assert {json.loads(line["body"])["data"]["supplier_siret"] for line in shared.taken(path)} == {SUPPLIER}
