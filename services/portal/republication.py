"""``python -m services.portal republish``: makes ``chorale.account`` say again what portal's database says.

After a backup of the database was brought back, the topic and every service know what happened since, and portal does
not; after the topic was lost, it is the other way round. The topic is read to its end and each key compared. What
differs is published above every version that anybody may have read: a right that only the topic knows is withdrawn, a
signing key whose private half is gone ends. What the topic says to be over stays over: sessions and secrets that were
revoked are revoked here, too. Repeated, killed or beside a running portal, it says nothing twice: what waits in the
outbox counts as said, and each batch is one transaction under the locks of its subjects.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, TypeVar
from uuid import UUID, uuid4

import msgspec

from contracts.events import AccountPublished, SessionRevoked, SigningKeyPublished
from services.common import clock
from services.common.db import Pool
from services.common.deliver import Tx, transaction
from services.common.trace import RequestCause
from services.portal import account_keys, account_topic, rights, session_ends
from services.portal.account_keys import PublicKey
from services.portal.account_topic import Seen, Topic

T = TypeVar("T")
_SERVICE: Final = "portal"
_AT_ONCE: Final = 200
#: Why an entry is published: the topic has none, says something else, knows what the database does not, or an older
#: entry of it came last. ``adopted``: nothing is published, the database takes over that it is over.
Why = Literal["missing", "differs", "unknown", "outdated", "adopted"]


class Change(msgspec.Struct, frozen=True):
    """One key of the topic and what is to be done about it."""

    key: str
    why: Why


Said = Callable[[Sequence[Change]], None]


class Republication:
    """Compares and, where ``apply``, publishes. ``said`` hears of each batch once it is committed."""

    def __init__(self, pool: Pool, topic: Topic, read_at: datetime, *, apply: bool, said: Said) -> None:
        """``read_at``: when reading the topic began. What portal has published since is no concern of ours."""
        self._pool = pool
        self._topic = topic
        self._read_at = read_at
        self._apply = apply
        self._said = said

    async def run(self) -> int:
        """All of it; how many keys."""
        done = await self._keys() + await self._ends()
        async with self._pool.acquire() as connection:
            known = frozenset(await rights.everybody(connection))
        for batch in batches(sorted(known.union(self._topic.accounts))):
            done += self._told(await self._accounts(batch, known))
        return done

    def _told(self, changes: Sequence[Change]) -> int:
        if changes:
            self._said(changes)
        return len(changes)

    async def _accounts(self, subjects: Sequence[str], known: Collection[str]) -> list[Change]:
        async with transaction(self._pool, _SERVICE) as tx:
            await rights.lock(tx.conn, subjects)
            contents = await rights.current(tx, subjects)
            waiting = await account_topic.unsent(tx.conn, [f"account/{subject}" for subject in subjects])
            before = await rights.before(tx.conn, subjects)
            chosen: dict[str, rights.Content] = {}
            above: dict[str, int] = {}
            changes: list[Change] = []
            for subject in subjects:
                version, published_at = before.get(subject, (0, None))
                if published_at is not None and published_at >= self._read_at:
                    continue
                here = self._topic.accounts.get(subject, Seen())
                here = account_topic.followed(here, waiting[f"account/{subject}"], AccountPublished)
                content = contents.get(subject) or rights.ended(subject)
                why = _account(here, content, known=subject in known)
                if why is not None:
                    chosen[subject], above[subject] = content, max(here.top, version)
                    changes.append(Change(f"account/{subject}", why))
            if self._apply:
                await rights.say(tx, chosen, above, RequestCause(uuid4()))
        return changes

    async def _keys(self) -> int:
        async with transaction(self._pool, _SERVICE, keys=[account_keys.LOCK]) as tx:
            own = {key.kid: key for key in await account_keys.all_of(tx.conn)}
            kids = sorted({*own, *self._topic.keys})
            waiting = await account_topic.unsent(tx.conn, [f"key/{kid}" for kid in kids])
            changes: list[Change] = []
            for kid in kids:
                here = self._topic.keys.get(kid, Seen())
                here = account_topic.followed(here, waiting[f"key/{kid}"], SigningKeyPublished)
                if self._apply and kid in own and own[kid].version < here.top:
                    await account_keys.set_version(tx.conn, kid, here.top)  # whatever follows is above it
                found = _key(here, own.get(kid), tx.now)
                if found is not None:
                    data, why = found
                    changes.append(Change(f"key/{kid}", why))
                    if self._apply:
                        await account_keys.set_version(tx.conn, kid, data.version)
                        await account_keys.publish(tx, data)
        return self._told(changes)

    async def _ends(self) -> int:
        """Sessions of people, and secrets of software, whose tokens are one session each."""
        done = 0
        over = {name: seen.last for name, seen in self._topic.sessions.items() if seen.last is not None}
        for batch in batches(sorted(over)):
            async with transaction(self._pool, _SERVICE) as tx:
                adopted = await session_ends.adopt(tx, _ids(batch), apply=self._apply)
            done += self._told([Change(f"session/{each}", "adopted") for each in adopted])
        async with self._pool.acquire() as connection:
            lately = await session_ends.lately(connection, clock.now())
        for some in batches(lately):
            async with transaction(self._pool, _SERVICE) as tx:
                changes = await self._end(tx, some, over)
            done += self._told(changes)
        return done

    async def _end(self, tx: Tx, some: Sequence[session_ends.End], over: Mapping[str, SessionRevoked]) -> list[Change]:
        waiting = await account_topic.unsent(tx.conn, [f"session/{each.session}" for each in some])
        changes: list[Change] = []
        for each in some:
            key = f"session/{each.session}"
            if str(each.session) in over or waiting[key] or each.ended_at >= self._read_at:
                continue
            changes.append(Change(key, "missing"))
            if self._apply:
                await session_ends.publish(tx, each, RequestCause(uuid4()))
        return changes


def _account(here: Seen[AccountPublished], content: rights.Content, *, known: bool) -> Why | None:
    if here.says(content.entry(0)):
        return None
    if here.last is None:
        # Of whom nobody has heard, and who may do nothing, there is nothing to say.
        return None if content.state == "closed" and here.top == 0 else "missing"
    if not known:
        return "unknown"
    return "outdated" if here.last.version < here.top else "differs"


def _key(
    here: Seen[SigningKeyPublished], own: PublicKey | None, now: datetime
) -> tuple[SigningKeyPublished, Why] | None:
    if own is None:
        last = here.last
        if last is None or (last.until is not None and last.until <= now and last.version == here.top):
            return None
        ends = now if last.until is None else min(last.until, now)
        return msgspec.structs.replace(last, version=here.top + 1, until=ends), "unknown"
    wanted = account_keys.published(own)
    if here.says(wanted) or (here.last is None and own.until is not None and own.until <= now):
        return None
    why: Why = "missing" if here.last is None else "outdated" if here.last.version < here.top else "differs"
    return msgspec.structs.replace(wanted, version=max(here.top, own.version) + 1), why


def _ids(names: Collection[str]) -> list[UUID]:
    found: list[UUID] = []
    for name in names:
        try:
            found.append(UUID(name))
        except ValueError:
            continue
    return found


def batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """One transaction each."""
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
