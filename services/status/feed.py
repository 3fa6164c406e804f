"""The live feed: what the relay has sent, in its order, to everybody who may see it. Any instance serves any client.

An instance looks once at what was sent and wakes those of its clients whom it may concern, by their claims. What a
client then gets is read under its own scope: row-level security decides, the waking spares everybody else a query.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable

import asyncpg
import msgspec

from contracts.codec import codec
from contracts.events import ActionRecorded, StatusChanged
from contracts.registry import TOPIC_OF
from invoice.lifecycle import STATUSES
from services.common import telemetry
from services.common.access import Identity
from services.common.auth import Principal
from services.common.db import Pool, scoped
from services.common.failures import is_transient
from services.common.listen import Listener
from services.common.record import unpack_headers
from services.status.places import Places, places
from services.status.settings import StatusSettings
from services.status.words import action_label

PAGE = 200
#: Rows looked at in one query, seen or not: a client who sees little must not hold a connection for long.
WINDOW = 5_000
#: Pages read at once, so that requests find a connection while a thousand clients are woken.
_READING = 4
_GATHER_SECONDS = 0.05
_LOOK_SECONDS = 1.0
_EVERYTHING = "*"
_CONCERNED = (
    "select distinct p.structure, p.address, p.tenant from invoice_party p where p.invoice in"
    " (select case when topic = $3 then key::uuid end from outbox where sequence > $1 and sequence <= $2)"
)
_changed = codec(StatusChanged)
_recorded = codec(ActionRecorded)
_json = msgspec.json.Encoder()


class Bounds(msgspec.Struct, frozen=True):
    """What the outbox still holds of the feed: ``first`` and ``last`` are None when nothing is kept."""

    first: int | None
    last: int | None
    counter: int

    def holds(self, position: int) -> bool:
        """Whether a client who has everything up to ``position`` can go on without a gap."""
        if self.first is None or self.last is None:
            return position in (0, self.counter)
        return self.first - 1 <= position <= self.last

    @property
    def start(self) -> int:
        """The position before everything that is kept."""
        return self.first - 1 if self.first is not None else 0

    @property
    def end(self) -> int:
        """The position after everything that is sent. Numbers not committed yet do not count: they would be missed."""
        return self.last or 0


class Reader:
    """One client's place in the feed. ``position`` is that of the last event it was given, or that is not its own."""

    __slots__ = ("access", "claims", "over", "own_deposits", "position", "principal", "woken")

    def __init__(self, principal: Principal, position: int, access: Identity | None = None) -> None:
        self.principal = principal
        self.access = access
        self.over = False
        self.position = position
        held = places(principal)
        self.own_deposits = held.own_deposits
        self.claims = claims_of(held)
        self.woken = asyncio.Event()
        self.woken.set()  # what lies between its position and the end is to be read first

    async def ended(self) -> bool:
        """Whether the rights that this feed stands on are not the same any more, or its session is over."""
        if self.access is not None and not self.over:
            self.over = await self.access.still(self.principal) is not self.principal
        return self.over

    async def wait(self, seconds: float) -> bool:
        """Whether there may be something to read; waits up to ``seconds`` for it."""
        try:
            async with asyncio.timeout(seconds):
                await self.woken.wait()
        except TimeoutError:
            return False
        return True


def claims_of(held: Places) -> frozenset[str]:
    """The parties as which somebody with these places could see an invoice."""
    if held.everything:
        return frozenset((_EVERYTHING,))
    structures = (*held.supplier, *held.deposit, *held.recipient, *held.guest)
    return frozenset(
        (*structures, *held.services, *held.guest_services, *(f"t:{tenant}" for tenant in held.admin_tenants))
    )


class Feed:
    """Knows how far the relay has come, and tells the clients of this instance."""

    def __init__(self, pool: Pool, api_pool: Pool, listener: Listener, settings: StatusSettings) -> None:
        self.pool = pool
        self._api_pool = api_pool
        self._listener = listener
        self.settings = settings
        self.end = 0
        self.stopping: Callable[[], bool] = lambda: False
        self.clients_of: Counter[str] = Counter()
        self._readers: set[Reader] = set()
        self._by_claim: dict[str, set[Reader]] = {}
        self._reading = asyncio.Semaphore(_READING)
        self._shared: dict[tuple[object, ...], asyncio.Task[tuple[bytes, int]]] = {}

    @property
    def clients(self) -> int:
        """Feeds open in this instance."""
        return len(self._readers)

    def enter(self, reader: Reader) -> None:
        """A feed is open from now on."""
        self._readers.add(reader)
        self.clients_of += Counter({reader.principal.subject: 1})
        for claim in reader.claims:
            self._by_claim.setdefault(claim, set()).add(reader)

    def leave(self, reader: Reader) -> None:
        """A feed is closed."""
        self._readers.discard(reader)
        self.clients_of += Counter({reader.principal.subject: -1})  # keeps no one who has none left
        for claim in reader.claims:
            found = self._by_claim[claim]
            found.discard(reader)
            if not found:
                del self._by_claim[claim]

    async def run(self) -> None:
        """Follow the relay until cancelled."""
        watching = [asyncio.create_task(watch()) for watch in (self._watch_stop, self._watch_rights)]
        try:
            while True:
                await self._listener.wait(_LOOK_SECONDS)
                try:
                    await self._look()
                except Exception as error:
                    if not is_transient(error):
                        telemetry.logger().exception("feed.failed")
                await asyncio.sleep(_GATHER_SECONDS)
        finally:
            for watch in watching:
                watch.cancel()

    async def _watch_stop(self) -> None:
        """Clients who wait hear of the stop at once, even while the database does not answer."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS / 4)
            if self.stopping():
                _wake(self._readers)

    async def _watch_rights(self) -> None:
        """Clients whose rights are withdrawn hear of it at once, even while nothing happens."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS / 4)
            try:
                _wake([reader for reader in list(self._readers) if await reader.ended()])
            except Exception as error:
                if not is_transient(error):
                    telemetry.logger().exception("feed.rights_failed")

    async def _look(self) -> None:
        before, end = self.end, (await self.bounds()).end
        if end <= before:
            return
        concerned: Iterable[Reader] = list(self._readers)
        if self._readers and end - before <= WINDOW:
            rows = await self.pool.fetch(_CONCERNED, before, end, TOPIC_OF[StatusChanged].name)
            claims = {_EVERYTHING}
            for row in rows:
                claims.update((row["structure"], row["address"] or "", f"t:{row['tenant']}"))
            concerned = {reader for claim in claims for reader in self._by_claim.get(claim, ())}
        self.end = end  # together with the waking: who is not woken by then has nothing to read up to here
        _wake(concerned)

    async def bounds(self) -> Bounds:
        """What is kept now."""
        row = await self.pool.fetchrow("select first, last, counter from feed_bounds()")
        assert row is not None
        return Bounds(row["first"], row["last"], row["counter"])

    async def page(self, reader: Reader) -> bytes:
        """The next events that the reader may see; moves its position. It stays woken while there may be more."""
        principal, upto = reader.principal, min(self.end, reader.position + WINDOW)
        if upto <= reader.position:
            reader.woken.clear()
            return b""
        # Those with the same claims read the same page: a subject says something only of one's own deposits.
        scope = principal.scope()
        if not reader.own_deposits:
            scope["subject"] = ""
        key = (*scope.items(), reader.position, upto)
        task = self._shared.get(key)
        if task is None:
            task = self._shared[key] = asyncio.create_task(self._read(scope, reader.position, upto))
            task.add_done_callback(lambda _: self._shared.pop(key, None))
        chunk, reader.position = await asyncio.shield(task)
        if reader.position >= self.end:
            reader.woken.clear()
        return chunk

    async def _read(self, scope: dict[str, str], position: int, upto: int) -> tuple[bytes, int]:
        async with self._reading, scoped(self._api_pool, scope) as connection:
            rows = await connection.fetch(
                "select sequence, key, headers, value from outbox where sequence > $1 and sequence <= $2"
                " order by sequence limit $3",
                position,
                upto,
                PAGE,
            )
        reached = rows[-1]["sequence"] if len(rows) == PAGE else upto
        return b"".join(_event(row) for row in rows), reached


def _wake(readers: Iterable[Reader]) -> None:
    for reader in readers:
        reader.woken.set()


def _event(row: asyncpg.Record) -> bytes:
    """A row as a server-sent event: a change of status, or what somebody did without one."""
    headers = dict(unpack_headers(row["headers"]))
    value = row["value"]
    if headers["ce_type"].decode() == StatusChanged.TYPE:
        name, told = "status.changed", {"changed": msgspec.Raw(value)}
        label = STATUSES[_changed.decode(value).status_to].label_fr
    else:
        name, told = "action.recorded", {"recorded": msgspec.Raw(value)}
        label = action_label(_recorded.decode(value).action)
    about = {"event": headers["ce_id"].decode(), "invoice": row["key"], "time": headers["ce_time"].decode()}
    data = _json.encode({**about, "label": label, **told})
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (row["sequence"], name.encode(), data)
