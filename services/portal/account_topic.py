"""What ``chorale.account`` holds: of each key the last entry, and the highest version that anybody may have read."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final, Generic, TypeVar

import msgspec

from contracts.events import AccountPublished, SessionRevoked, SigningKeyPublished
from services.common.account_replica import TOPIC, AccountEntry
from services.common.consumer import read_to_end
from services.common.db import Connection
from services.common.record import Record, read, unpack_headers

E = TypeVar("E", AccountPublished, SessionRevoked, SigningKeyPublished)
_QUIET_SECONDS: Final = 1.0
#: What is written and not sent yet, in the order in which it will be.
_UNSENT: Final = (
    "select key, headers, value from outbox where topic = $1 and sequence is null and key = any($2::text[]) order by id"
)


class Seen(msgspec.Struct, Generic[E]):
    """Of one key. ``last`` None: there is nothing (any more). ``top``: replicas take nothing that is not above it."""

    last: E | None = None
    top: int = 0

    def then(self, entry: E | None) -> "Seen[E]":
        """With the entry that follows on the topic; None: the key was taken off it."""
        return Seen(entry, self.top if entry is None else max(self.top, entry.version))

    def says(self, entry: E) -> bool:
        """Whether everybody who reads the topic, now or from its beginning, ends with this, whatever its version."""
        if self.last is None or self.last.version < self.top:
            return False
        return msgspec.structs.replace(self.last, version=0) == msgspec.structs.replace(entry, version=0)


class Topic(msgspec.Struct):
    """The whole topic. ``unreadable``: records that are no entry of an account."""

    accounts: dict[str, Seen[AccountPublished]]
    sessions: dict[str, Seen[SessionRevoked]]
    keys: dict[str, Seen[SigningKeyPublished]]
    unreadable: int = 0

    def add(self, key: str, entry: AccountEntry | None) -> None:
        """The next record."""
        kind, _, name = key.partition("/")
        match kind, entry:
            case "account", AccountPublished() | None:
                self.accounts[name] = self.accounts.get(name, Seen()).then(entry)
            case "session", SessionRevoked() | None:
                self.sessions[name] = self.sessions.get(name, Seen()).then(entry)
            case "key", SigningKeyPublished() | None:
                self.keys[name] = self.keys.get(name, Seen()).then(entry)
            case _:
                self.unreadable += 1


async def whole(kafka: str, *, quiet_seconds: float = _QUIET_SECONDS) -> Topic:
    """All of it, to its end: nothing was added for ``quiet_seconds``.

    Raises ``Transient`` or ``TimeoutError`` where the broker is away.
    """
    found = Topic({}, {}, {})
    async for records in read_to_end(kafka, TOPIC, quiet_seconds=quiet_seconds):
        for record in records:
            key, entry = _entry(record)
            found.add(key, entry)
    return found


async def unsent(connection: Connection, keys: Collection[str]) -> dict[str, list[AccountEntry]]:
    """The entries of these keys that wait in the outbox."""
    found: dict[str, list[AccountEntry]] = defaultdict(list)
    for row in await connection.fetch(_UNSENT, TOPIC, list(keys)):
        key, headers = row["key"].encode(), unpack_headers(row["headers"])
        record = Record(topic=TOPIC, partition=None, offset=None, key=key, headers=headers, value=row["value"])
        _, entry = _entry(record)
        if entry is not None:
            found[row["key"]].append(entry)
    return found


def followed(seen: Seen[E], waiting: Iterable[AccountEntry], kind: type[E]) -> Seen[E]:
    """The key as it will stand on the topic."""
    for entry in waiting:
        if isinstance(entry, kind):
            seen = seen.then(entry)
    return seen


def _entry(record: Record) -> tuple[str, AccountEntry | None]:
    """Key and entry; no key for what cannot be read, no entry where the key was taken off."""
    key = (record.key or b"").decode("utf-8", "replace")
    if record.value is None:
        return key, None
    arrival = read(record)
    data = arrival.event.data if arrival.event is not None else None
    return (key, data) if isinstance(data, AccountEntry) else ("", None)
