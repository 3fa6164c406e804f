"""``republish`` after a restore: the topic says more, less or other than portal's database, and then what that says.

Entries of a time that the database knows nothing of leave through portal's own relay, as they would have then.
"""

import asyncio
import fcntl
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest

from contracts.events import AccountPublished, Grant, Payload, SessionRevoked, SigningKeyPublished
from deploy.database import ServiceDsns
from deploy.local import Stack
from deploy.servers.workspace import ROOT
from services.common import clock
from services.common.account_replica import TOPIC
from services.common.consumer import read_to_end
from services.common.db import Pool, open_pool
from services.common.deliver import transaction
from services.common.outbox import Outgoing
from services.common.record import read
from services.common.trace import RequestCause
from services.portal import account_topic
from services.portal.account_keys import base64url
from services.portal.account_topic import Topic
from services.portal.republication import Change, Republication, Why
from tests.integration.account_world import PASSWORD, A, World
from tests.integration.portal_member_world import open_world
from tests.integration.test_portal_keys import command
from tests.records import eventually

FOREIGN = Grant(role="FINANCE", structure="22060001900016", tenant="cd06")


@dataclass
class Restored:
    """The platform of the tests of accounts, and the tables of portal and of another service."""

    accounts: World
    portal: Pool
    notify: Pool

    async def later(self, *entries: tuple[str, Payload | None], of: str | None = None) -> None:
        """These stand on the topic, by key, and not in portal's tables; None: the key was taken off.

        ``of``: the subject of a session.
        """
        async with transaction(self.portal, "portal") as tx:
            for key, entry in entries:
                name = of or key.partition("/")[2]
                if entry is None:
                    gone = Outgoing(topic=TOPIC, key=key, headers=[], value=None, partition_key=name)
                    tx.outgoing.append(gone)
                else:
                    tx.emit(entry, key=key, partition_key=name, cause=RequestCause(uuid4()))
        await self.sent()

    async def sent(self) -> None:
        """Until portal's relay has sent everything."""

        async def none() -> bool:
            return not await self.portal.fetchval("select exists (select from outbox where sequence is null)")

        await eventually(none)

    async def republish(self, *, apply: bool) -> dict[str, Why]:
        """What the command finds, by key; in this process, which starts no other."""
        read_at, said = clock.now(), list[Change]()
        await Republication(self.portal, await self.topic(), read_at, apply=apply, said=said.extend).run()
        return {change.key: change.why for change in said}

    async def topic(self) -> Topic:
        """What the topic holds."""
        return await account_topic.whole(self.accounts.stack.kafka.bootstrap, quiet_seconds=0.2)

    async def settled(self) -> None:
        """Until everything published has been sent; the command finds nothing more."""
        await self.sent()
        assert await self.republish(apply=False) == {}

    async def account(self, subject: str) -> tuple[str, list[str], int] | None:
        """What notify knows of a subject: state, roles, version."""
        row = await self.notify.fetchrow(
            "select state, grants::text, version from account_right where subject = $1", subject
        )
        if row is None:
            return None
        return row["state"], [g.role for g in msgspec.json.decode(row["grants"], type=list[Grant])], row["version"]

    async def knows(self, subject: str, state: str, roles: Sequence[str]) -> None:
        """Until notify knows this of a subject. Raises ``TimeoutError``."""

        async def so() -> bool:
            found = await self.account(subject)
            return found is not None and found[:2] == (state, list(roles))

        await eventually(so)


@pytest.fixture
async def restored(accounts: World) -> AsyncIterator[Restored]:
    own, other = accounts.stack.dsns["portal"].worker, accounts.stack.dsns["notify"].worker
    portal, notify = await open_pool(own, "portal", max_size=2), await open_pool(other, "notify", max_size=2)
    try:
        yield Restored(accounts, portal, notify)
    finally:
        await portal.close()
        await notify.close()


def entry(subject: str, *, ahead: float = 3600, **more: object) -> AccountPublished:
    """An entry that was published so many seconds from now."""
    version = int((datetime.now(UTC) + timedelta(seconds=ahead)).timestamp() * 1000)
    given = {"subject": subject, "version": version, "kind": "person", "state": "active", **more}
    return msgspec.convert(given, AccountPublished)


async def test_rights_that_only_the_topic_knows_are_withdrawn_and_those_that_it_lacks_are_told(
    restored: Restored,
) -> None:
    accounts = restored.accounts
    async with accounts.browser() as claire, accounts.browser() as denis, accounts.browser() as emma:
        subjects = []
        for client in (claire, denis, emma):
            await accounts.open(client)
            subjects.append((await client.get(f"{A}/me")).json()["subject"])
        richer, lost, older = subjects
        nobody, program = f"person:{uuid4()}", f"software:{uuid4()}"
        await restored.knows(lost, "active", ["DEPOSANT"])
        await restored.later(
            (f"account/{richer}", entry(richer, grants=(FOREIGN,))),
            (f"account/{nobody}", entry(nobody, grants=(FOREIGN,))),
            (f"account/{program}", entry(program, kind="software", grants=(FOREIGN,), scopes=("invoices.read",))),
            (f"account/{lost}", None),
            # As an outbox of before the backup does when it is brought back, too.
            (f"account/{older}", entry(older, grants=(FOREIGN,))),
            (f"account/{older}", entry(older, ahead=-3600)),
        )
        for subject in (richer, nobody, program, older):
            await restored.knows(subject, "active", ["FINANCE"])
        names = [f"account/{each}" for each in (richer, lost, older, nobody, program)]
        before = await restored.portal.fetchval("select sum(version) from published_right")
        lines = (await asyncio.to_thread(command, accounts, "republish")).splitlines()
        said = dict(line.split(" : ", 1) for line in lines[:-1])
        assert [said[name].split(" ")[0] for name in names] == ["autre", "absent", "une", "inconnu", "inconnu"]
        assert "sans --apply" in lines[-1]
        assert await restored.portal.fetchval("select sum(version) from published_right") == before

        found = await restored.republish(apply=True)
        assert [found[name] for name in names] == ["differs", "missing", "outdated", "unknown", "unknown"]
        for subject in (richer, older):
            await restored.knows(subject, "active", ["DEPOSANT"])
        for subject in (nobody, program):
            await restored.knows(subject, "closed", [])
        await restored.settled()
        assert (await restored.topic()).accounts[lost].last is not None
        for client in (claire, denis, emma):
            assert await accounts.ask_notify(await accounts.token(client)) == 200
        # Whatever portal publishes next is above all that anybody has read.
        assert (await claire.put(f"{A}/me/password", json={"password": "dix rames dans la brume"})).status_code == 204
        assert await accounts.ask_notify(await accounts.token(claire)) == 200


async def test_keys_that_are_gone_end_and_those_in_service_go_on(restored: Restored) -> None:
    accounts, gone = restored.accounts, uuid4().hex[:16]
    async with accounts.browser() as client:
        await accounts.open(client)
        token = await accounts.token(client)
        row = await restored.portal.fetchrow(
            "select kid, public_key, signs_from, version from own_signing_key where until is null"
        )
        assert row is not None
        kid, now = row["kid"], datetime.now(UTC)
        rotated = SigningKeyPublished(
            kid=kid,
            public_key=base64url(row["public_key"]),
            version=row["version"] + 4,
            valid_from=row["signs_from"],
            until=now + timedelta(hours=1),
        )
        made = SigningKeyPublished(kid=gone, public_key=base64url(os.urandom(32)), version=1, valid_from=now)
        await restored.later((f"key/{kid}", rotated), (f"key/{gone}", made))

        async def heard() -> bool:
            found = await restored.notify.fetch("select kid from signing_key where kid = $1", gone)
            return bool(found)

        await eventually(heard)
        said = await restored.republish(apply=True)
        assert (said[f"key/{kid}"], said[f"key/{gone}"]) == ("differs", "unknown")

        async def mended() -> bool:
            rows = await restored.notify.fetch(
                "select kid, version, until from signing_key where kid = any($1::text[])", [kid, gone]
            )
            ends = {each["kid"]: each["until"] for each in rows}
            return ends[kid] is None and ends[gone] is not None and ends[gone] <= datetime.now(UTC)

        await eventually(mended)
        await restored.settled()
        assert await accounts.ask_notify(token) == 200
        version = await restored.portal.fetchval("select version from own_signing_key where kid = $1", kid)
        assert version == row["version"] + 5


async def test_a_session_that_was_ended_stays_ended(restored: Restored) -> None:
    accounts = restored.accounts
    async with accounts.browser() as client, accounts.browser() as other:
        email = await accounts.open(client)
        await other.post(f"{A}/sessions", json={"email": email, "password": PASSWORD})
        me = (await other.get(f"{A}/me")).json()
        over = SessionRevoked(
            subject=me["subject"],
            session=me["session"],
            version=1,
            expires_at=datetime.now(UTC) + timedelta(hours=1),
        )
        name = f"session/{me['session']}"
        await restored.later((name, over), of=me["subject"])
        assert (await restored.republish(apply=False))[name] == "adopted"
        assert (await other.get(f"{A}/me")).status_code == 200
        assert (await restored.republish(apply=True))[name] == "adopted"
        assert (await other.get(f"{A}/me")).status_code == 401
        # The other way round: one that ended here and of which the topic has lost the news is told again.
        mine = (await client.get(f"{A}/me")).json()["session"]
        assert (await client.delete(f"{A}/sessions/current")).status_code == 200
        await restored.later((f"session/{mine}", None), of=me["subject"])
        assert (await restored.republish(apply=True))[f"session/{mine}"] == "missing"
        await restored.settled()


async def test_killed_in_the_middle_it_goes_on_where_it_stood_and_tells_nothing_twice(restored: Restored) -> None:
    subjects = [f"person:{uuid4()}" for _ in range(600)]
    await restored.later(*((f"account/{each}", entry(each, grants=(FOREIGN,))) for each in subjects))
    await asyncio.to_thread(_killed, restored.accounts)
    counted = "select count(*) from published_right where subject = any($1::text[])"
    assert 0 < await restored.portal.fetchval(counted, subjects) < len(subjects)
    await restored.republish(apply=True)
    assert await restored.portal.fetchval(counted, subjects) == len(subjects)
    await restored.sent()
    told = await everything(restored, subjects)
    assert {len(found) for found in told.values()} == {2}
    for first, second in told.values():
        assert (second.state, second.grants, second.version > first.version) == ("closed", (), True)
    await restored.settled()


async def everything(restored: Restored, subjects: Sequence[str]) -> dict[str, list[AccountPublished]]:
    """All entries of these subjects, in the order of the topic."""
    found: dict[str, list[AccountPublished]] = {subject: [] for subject in subjects}
    async for records in read_to_end(restored.accounts.stack.kafka.bootstrap, TOPIC, quiet_seconds=0.5):
        for record in records:
            event = read(record).event
            if event is not None and isinstance(event.data, AccountPublished) and event.data.subject in found:
                found[event.data.subject].append(event.data)
    return found


def _killed(accounts: World) -> None:
    """The command, killed while it waits for somebody to read what it says: so it has begun, and cannot have ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "services.portal", "republish", "--apply"],
        cwd=ROOT,
        env={**os.environ, **accounts.stack.environment("portal"), "CHORALE_PORT": "1"},
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    try:
        assert process.stdout is not None
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)  # less than it says of its first batch
        line = b""
        while not line.startswith(b"account/person:"):
            line = process.stdout.readline()
            assert line
    finally:
        process.kill()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


async def test_what_waits_in_the_outbox_counts_as_said(stack: Stack, portal_dsns: Mapping[str, ServiceDsns]) -> None:
    async with open_world(stack, portal_dsns) as world:  # nothing is relayed here
        await world.verified("claire")
        stranger = f"person:{uuid4()}"
        known = entry(stranger, grants=(FOREIGN,))

        async def run(*, apply: bool) -> list[Change]:
            topic, said = Topic({}, {}, {}), list[Change]()
            topic.add(f"account/{stranger}", known)
            again = Republication(world.pool, topic, clock.now(), apply=apply, said=said.extend)
            assert await again.run() == len(said)
            return said

        wanted = [Change(f"account/{stranger}", "unknown")]
        before = len(await world.sent())
        assert await run(apply=False) == wanted
        assert len(await world.sent()) == before
        assert await run(apply=True) == wanted
        assert await run(apply=True) == []
        assert len(await world.sent()) == before + 1
