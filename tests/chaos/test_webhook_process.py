"""The notify process is killed in the middle: nothing is lost, doubled by id, or out of order."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import msgspec
import pytest
from minio import Minio

from contracts.envelope import Event
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.settings import BlobSettings
from services.notify.outgoing_folder import MANIFEST, Folder
from services.notify.outgoing_worker import OutgoingWorker
from tests.integration.webhook_world import TOWN, URL, Ways, first_of_each, process, receiver, stopped_at, until, ways
from tests.unit.notify.samples import BODY, changed
from tests.unit.status.samples import event

FOLDER = {"kind": "folder", "structure": BODY, "format": "jsonl", "rhythm": "at_once"}
BUCKET = "chorale-notify"


def life(entries: int = 4) -> list[Event]:
    invoice = uuid4()
    return [event(changed("MISE_A_DISPOSITION", entry), invoice) for entry in range(1, entries + 1)]


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns], stack: Stack) -> AsyncIterator[Ways]:
    async with ways(notify_dsns) as ready:
        ready.folder = Folder(
            BlobSettings(
                environment="development",
                kafka="unused:1",
                dsn=ready.own.worker,
                api_dsn=ready.own.api,
                port=1,
                token_secret="unused",
                s3_endpoint=stack.s3.endpoint,
                s3_access_key=stack.s3.access_key,
                s3_secret_key=stack.s3.secret_key,
                s3_bucket=BUCKET,
            )
        )
        await ready.folder.open()
        yield ready
        await ready.folder.close()


class Shelf:
    """What a finance system sees in the bucket."""

    def __init__(self, stack: Stack, folder: str) -> None:
        host = stack.s3.endpoint.removeprefix("http://")
        self._client = Minio(
            endpoint=host, access_key=stack.s3.access_key, secret_key=stack.s3.secret_key, secure=False
        )
        self._prefix = f"outgoing/{BODY}/{folder}/"

    def names(self) -> list[str]:
        """Every object, by name."""
        listed = self._client.list_objects(bucket_name=BUCKET, prefix=self._prefix)
        return sorted((found.object_name or "").removeprefix(self._prefix) for found in listed)

    def read(self, name: str) -> bytes:
        """An object's bytes."""
        answer = self._client.get_object(bucket_name=BUCKET, object_name=self._prefix + name)
        try:
            return answer.read()
        finally:
            answer.close()
            answer.release_conn()

    def files(self) -> list[tuple[dict[str, Any], bytes]]:
        """Files that are whole, each with its manifest, which is checked."""
        found = []
        for name in self.names():
            if name.endswith(MANIFEST):
                told, content = json.loads(self.read(name)), self.read(name.removesuffix(MANIFEST))
                assert hashlib.sha256(content).hexdigest() == told["sha256"]
                assert len(content) == told["size"]
                found.append((told, content))
        return found


def events_of(files: list[tuple[dict[str, Any], bytes]]) -> list[str]:
    """The ids in all files, in order."""
    return [json.loads(line)["id"] for _, content in files for line in content.splitlines()]


@pytest.mark.parametrize("kills", [1, pytest.param(12, marks=pytest.mark.long)])
async def test_notify_killed_again_and_again_delivers_every_event_once_by_id_and_in_order(
    found: Ways, stack: Stack, tmp_path: Path, kills: int
) -> None:
    dice = Random(3)
    with receiver(tmp_path) as own:
        await found.webhook(TOWN, url=own.url("/slow?0.01"))
        folder = await found.webhook(TOWN, **FOLDER)
        sent = [life() for _ in range(25 * kills)]
        for stage in range(kills):
            async with process(found, stack, CHORALE_OUTGOING_LINES="7") as running:
                for history in sent[stage * 25 : stage * 25 + 25]:
                    await found.take(*history)
                before = len(own.taken())

                async def some_more(before: int = before) -> bool:
                    return len(own.taken()) > before + 10

                await until(some_more, 40)
                await asyncio.sleep(dice.random() / 3)
                running.kill()
        async with process(found, stack, CHORALE_OUTGOING_LINES="7") as last:
            await found.settled(40)
            last.terminate()
            assert await asyncio.wait_for(last.wait(), 15) == 0
        expected = {history[0].subject: [str(one.id) for one in history] for history in sent}
        had = {subject: [id for _, id in entries] for subject, entries in first_of_each(own.taken()).items()}
        assert had == expected
    files = Shelf(stack, folder["id"]).files()
    assert [told["sequence"] for told, _ in files] == list(range(1, len(files) + 1))
    ids = events_of(files)
    assert sorted(ids) == sorted(id for history in expected.values() for id in history)
    assert all([id for id in ids if id in set(history)] == history for history in expected.values())


async def test_a_process_killed_before_its_commit_sends_the_same_id_again_and_leaves_one_file(
    found: Ways, stack: Stack, tmp_path: Path
) -> None:
    """Killed after the receiver's answer, and after the file and its manifest are in the store."""
    folder, history = await found.webhook(TOWN, **FOLDER), life(2)
    shelf = Shelf(stack, folder["id"])
    with receiver(tmp_path) as own:
        hook = await found.webhook(TOWN, url=own.url())
        async with stopped_at(found, webhook_attempt="insert", outgoing_file="update") as reached:
            await found.take(history[0])
            async with process(found, stack) as running:
                await until(reached, 40)
                running.kill()
            [(told, content)] = shelf.files()
        async with process(found, stack):
            await found.take(history[1])
            await found.settled(40)
        assert [line["id"] for line in own.taken()] == [str(one.id) for one in (history[0], *history)]
        assert own.taken()[0]["body"] == own.taken()[1]["body"]
    # The first attempt left no row: that is how a lost answer shows.
    rows = await found.pool.fetch("select n from webhook_attempt where webhook = $1 order by at", hook["id"])
    assert [row["n"] for row in rows] == [2, 1]
    files = shelf.files()
    assert files[0] == (told, content)
    assert [one["sequence"] for one, _ in files] == [1, 2]
    assert events_of(files) == [str(one.id) for one in history]


async def test_folders_are_filled_daily_or_at_once_and_read_over_the_api(found: Ways, stack: Stack) -> None:
    at_once = await found.webhook(TOWN, **{**FOLDER, "format": "cppstatut"})
    daily = await found.webhook(TOWN, **{**FOLDER, "rhythm": "daily"})
    assert found.folder is not None
    worker = OutgoingWorker(found.pool, found.folder, every_seconds=1, lines=3)
    history = life(5)
    await found.take(*history)
    assert await worker.once() == 0
    assert await found.states(at_once["id"]) == {"delivered": 5}
    assert await found.states(daily["id"]) == {"waiting": 5}
    files = Shelf(stack, at_once["id"]).files()
    assert [(told["events"], told["previous_sequence"]) for told, _ in files] == [(3, None), (2, 1)]
    assert len(ElementTree.fromstring(files[0][1]).findall("Statut")) == 3
    await found.pool.execute("update webhook_delivery set created_at = now() - interval '1 day' where done_at is null")
    await worker.once()
    assert events_of(Shelf(stack, daily["id"]).files()) == [str(one.id) for one in history]
    async with found.client(TOWN) as http:
        [first, second] = (await http.get(f"{URL}/{daily['id']}/files")).json()
        content = (await http.get(f"{URL}/{daily['id']}/files/1")).content
        assert hashlib.sha256(content).hexdigest() == first["sha256"]
        after = (await http.get(f"{URL}/{daily['id']}/files", params={"after": 1})).json()
        assert [one["sequence"] for one in after] == [second["sequence"]] == [2]
        foreign = await http.post(URL, json={**FOLDER, "structure": "99900001100018"})
        assert foreign.json()["errors"][0]["rule"] == "STRUCTURE_NOT_YOURS"
    async with found.client(msgspec.structs.replace(TOWN, structures=())) as http:  # he has left the structure
        for path in ("files", "files/1"):
            assert (await http.get(f"{URL}/{daily['id']}/{path}")).json()["code"] == "FILE_UNKNOWN"


@pytest.mark.long
async def test_a_store_that_is_away_holds_up_folders_only(found: Ways, stack: Stack, tmp_path: Path) -> None:
    folder = await found.webhook(TOWN, **FOLDER)
    with receiver(tmp_path) as own:
        hook = await found.webhook(TOWN, url=own.url())
        async with process(found, stack, CHORALE_S3_ENDPOINT="http://127.0.0.1:9"):
            await found.take(*life())

            async def delivered() -> bool:
                return await found.states(hook["id"]) == {"delivered": 4}

            await until(delivered, 30)
        assert await found.states(folder["id"]) == {"waiting": 4}
