"""Unpacks flows, each in a process that may be killed, in steps that each leave a durable state.

First the file is looked through to its end (``check``): damaged or hostile archives are refused as a whole, before
anything in them is deposited. Then its entries become items (``read``), pack by pack; whatever is killed, the next
process goes on behind the last pack whose rows are durable. Several workers share an instance, one flow of a depositor
is worked on at a time, and each turn is bounded: who is slow or hostile holds up nobody for longer than that.
"""

import asyncio
import hashlib
import io
import time
from collections import Counter
from contextlib import suppress
from typing import Final
from uuid import UUID, uuid4

from services.common import telemetry
from services.common.blobs import BlobCorrupt, BlobMissing, Blobs, BlobsAway
from services.common.db import Pool
from services.common.deliver import transaction
from services.common.failures import backoff, is_transient
from services.ingest import flow_items, flow_store, flow_turns, flow_words, metrics
from services.ingest.antivirus import Antivirus, AntivirusTooMuch
from services.ingest.flow_domain import Flow, FlowState
from services.ingest.flow_packs import Pack
from services.ingest.flow_segments import Bytes, folder
from services.ingest.refusals import megabytes
from services.ingest.settings import IngestSettings
from services.ingest.unpack_messages import Item, Job
from services.ingest.unpack_process import Fetch, Lost, unpacking

_LOST_TIMES: Final = 2
_LOOKS: Final = 4  # of the antivirus, at once
_AGAIN_SECONDS: Final = 10.0


class _TurnOver(Exception):
    """The flow has had its time, and others wait."""


class FlowWorker:
    """Checks and reads flows, for the life of the process."""

    def __init__(self, pool: Pool, blobs: Blobs, settings: IngestSettings) -> None:
        self._pool = pool
        self._blobs = blobs
        self._settings = settings
        self._antivirus = Antivirus(settings.clamd)
        self._looks = asyncio.Semaphore(_LOOKS)
        self._lease = uuid4()
        self._longer: Counter[UUID] = Counter()  # a check begins anew after its turn, so the next one is twice as long

    async def run(self) -> None:
        """Work until cancelled."""
        failures = 0
        while True:
            try:
                worked = await self.once()
                failures = 0
            except Exception as error:
                failures += 1
                worked = False
                if is_transient(error):
                    telemetry.logger().warning("flows.away", error=type(error).__name__)
                else:
                    telemetry.logger().exception("flows.failed")
                await asyncio.sleep(backoff(failures))
            if not worked:
                await asyncio.sleep(self._settings.flow_look_seconds)

    async def once(self) -> bool:
        """Work on one flow for a while; False when there is none."""
        async with self._pool.acquire() as connection:
            flow = await flow_turns.take(connection, self._lease, self._settings.flow_lease_seconds)
        if flow is None:
            return False
        keeper = asyncio.create_task(self._keep(flow.id))
        try:
            await self._work(flow)
        except (BlobMissing, BlobCorrupt) as error:
            telemetry.logger().error("flow.lost", flow=str(flow.id), error=type(error).__name__)
            await self._through(flow, "FLOW_LOST")
        except _TurnOver:
            await self._give_back(flow.id, FlowState.WAITING, 0)
        except Lost as error:
            telemetry.logger().warning("flow.process_lost", flow=str(flow.id), error=str(error))
            await self._lost(flow)
        except BaseException as error:
            with suppress(Exception):
                await self._give_back(flow.id, *_after(error))
            raise
        finally:
            keeper.cancel()
        return True

    async def _keep(self, flow: UUID) -> None:
        """Renew the lease. Whoever has lost it is stopped by the row at his next write."""
        while True:
            await asyncio.sleep(self._settings.flow_lease_seconds / 3)
            with suppress(Exception):
                async with self._pool.acquire() as connection:
                    await flow_turns.keep_lease(connection, flow, self._lease, self._settings.flow_lease_seconds)

    async def _give_back(self, flow: UUID, state: FlowState, after: float) -> None:
        async with self._pool.acquire() as connection:
            await flow_turns.let_go(connection, flow, self._lease, state, after)

    async def _work(self, flow: Flow) -> None:
        async with self._pool.acquire() as connection:
            segments = await flow_store.segments(connection, flow.id)
        source = Bytes(self._blobs, self._settings.s3_bucket, segments)
        if flow.step == "check" and not await self._check(flow, source):
            return
        await self._read(flow, source)

    async def _check(self, flow: Flow, source: Bytes) -> bool:
        """Whether the flow is new and can be read to its end; it has ended here where not."""
        sha256 = await source.sha256()
        if flow.sha256 not in (None, sha256):
            raise BlobCorrupt(str(flow.id))
        if await self._repeats(flow, sha256):
            return False
        fetch = self._while_it_is_its_turn(flow, source)
        async with unpacking(
            self._job(flow, check=True), fetch, memory=self._settings.flow_memory_bytes, silence=self._silence
        ) as work:
            async for _ in work.items():
                pass
        self._longer.pop(flow.id, None)
        if work.done.code is not None:
            await self._through(flow, work.done.code)
            return False
        async with self._pool.acquire() as connection:
            await flow_turns.checked(connection, flow.id, self._lease, work.done.entries, sha256)
        telemetry.logger().info("flow.checked", flow=str(flow.id), entries=work.done.entries, size=flow.size)
        return True

    def _while_it_is_its_turn(self, flow: Flow, source: Bytes) -> Fetch:
        """Gives a check its bytes for as long as the reading would have; raises :class:`_TurnOver` behind that."""
        until = time.monotonic() + self._settings.flow_slice_seconds * 2.0 ** self._longer[flow.id]

        async def fetch(offset: int, length: int) -> bytes:
            if time.monotonic() > until and await self._others():
                self._longer[flow.id] += 1
                raise _TurnOver
            return await source.fetch(offset, length)

        return fetch

    @property
    def _silence(self) -> float:
        return self._settings.flow_silence_seconds

    async def _repeats(self, flow: Flow, sha256: str) -> bool:
        """Whether the same bytes came in another flow before; this one ends then."""
        async with transaction(self._pool, "ingest", keys=[f"flow/{sha256}/{flow.depositor}"]) as tx:
            before = await flow_store.earlier(tx.conn, flow.depositor, sha256, flow.id)
            if before is None or before.received_at is None:
                await flow_turns.hashed(tx.conn, flow.id, sha256)
                return False
            if flow.sha256 is not None and before.id > flow.id:
                return False  # it was told at the door that it is the first
            errors = (flow_words.already(str(before.id), before.received_at),)
            await flow_store.repeats(tx.conn, flow.id, before.id, errors)
            await flow_turns.read_through(tx.conn, flow.id, self._lease, errors)
        return True

    def _job(self, flow: Flow, *, check: bool, skip: int = 0) -> Job:
        assert flow.kind is not None
        assert flow.size is not None
        settings = self._settings
        return Job(
            kind=flow.kind,
            name=flow.file_name,
            size=flow.size,
            check=check,
            skip=skip,
            refuse=flow.stuck_entry if flow.stuck_times >= _LOST_TIMES else None,
            entries=settings.flow_entries,
            ratio=settings.flow_ratio,
            item_bytes=settings.flow_item_bytes,
            unpacked_bytes=settings.flow_unpacked_bytes,
        )

    async def _read(self, flow: Flow, source: Bytes) -> None:
        """Entries become items. After a while another flow that waits gets its turn."""
        pack, until = Pack(flow.entries_read, flow.items), time.monotonic() + self._settings.flow_slice_seconds
        job = self._job(flow, check=False, skip=flow.entries_read)
        try:
            async with unpacking(
                job, source.fetch, memory=self._settings.flow_memory_bytes, silence=self._silence
            ) as work:
                async for item in work.items():
                    pack.take(item)
                    if item.last and pack.full(self._settings.flow_pack_bytes):
                        pack = await self._write(flow, pack)
                        if time.monotonic() > until and await self._others():
                            await self._give_back(flow.id, FlowState.RUNNING, 0)
                            return
        except Lost:
            del pack.found[pack.whole :]
            await self._write(flow, pack)
            raise
        await self._write(flow, pack)
        await self._through(flow, work.done.code)

    async def _others(self) -> bool:
        async with self._pool.acquire() as connection:
            return await flow_turns.others_wait(connection, self._lease)

    async def _write(self, flow: Flow, pack: Pack) -> Pack:
        """Store a pack, then its rows; raises :class:`BlobsAway`, also when another process has the flow."""
        if self._antivirus.set_up:
            pack.found = list(await asyncio.gather(*(self._examined(item) for item in pack.found)))
        key = f"{folder(flow.depositor, flow.id)}packs/{uuid4()}"
        rows, content = pack.laid_out(key, self._settings)
        if content:
            digest = await asyncio.to_thread(lambda: hashlib.sha256(content).hexdigest())
            await self._blobs.put(
                key, io.BytesIO(content), size=len(content), sha256=digest, media_type="application/octet-stream"
            )
        items = pack.items + len(rows)
        if rows:
            async with transaction(self._pool, "ingest") as tx:
                if not await flow_turns.progressed(tx.conn, flow.id, self._lease, pack.entries, items):
                    raise BlobsAway("lease lost")
                await flow_items.add(tx.conn, flow.id, rows, tx.now)
            metrics.FLOW_ITEMS.labels(step="read").inc(len(rows))
        return Pack(pack.entries, items)

    async def _examined(self, item: Item) -> Item:
        """The item, or what is told of it instead where the antivirus has found something.

        Raises :class:`services.ingest.antivirus.AntivirusAway`: nothing is taken unseen, and the flow waits.
        """
        if not item.content:
            return item
        async with self._looks:
            try:
                virus = await self._antivirus.found(io.BytesIO(item.content))
            except AntivirusTooMuch:
                return Item(entry=item.entry, name=item.name, last=item.last, code="ENTRY_NOT_EXAMINED")
        if virus is None:
            return item
        return Item(entry=item.entry, name=item.name, last=item.last, code="ENTRY_INFECTED", value=virus[:100])

    async def _lost(self, flow: Flow) -> None:
        """A process was lost: the same entry is tried once more, and then refused."""
        async with self._pool.acquire() as connection:
            now = await flow_store.find(connection, flow.id)
            assert now is not None
            times = await flow_turns.stuck(connection, flow.id, self._lease, now.entries_read)
        if times > _LOST_TIMES or (now.step == "check" and times >= _LOST_TIMES):
            await self._through(flow, "FLOW_READER_LOST")
        else:
            await self._give_back(flow.id, FlowState.AGAIN, 1.0)

    async def _through(self, flow: Flow, code: str | None) -> None:
        """There is nothing more to read of it: every entry is a row, or it is refused as a whole."""
        errors = () if code is None else (flow_words.said(code, limit=self._limit(code)),)
        async with self._pool.acquire() as connection:
            await flow_turns.read_through(connection, flow.id, self._lease, errors)
        telemetry.logger().info("flow.read", flow=str(flow.id), code=code)

    def _limit(self, code: str) -> str:
        settings = self._settings
        limits = {
            "FLOW_TOO_MANY_ENTRIES": f"{settings.flow_entries}",
            "FLOW_BOMB": f"{settings.flow_ratio}",
            "FLOW_TOO_LARGE_UNPACKED": megabytes(settings.flow_unpacked_bytes),
        }
        return limits.get(code, "")


def _after(error: BaseException) -> tuple[FlowState, float]:
    """How a flow waits, and for how many seconds, after what ended the work on it."""
    if isinstance(error, asyncio.CancelledError):  # the service stops
        return FlowState.WAITING, 0.0
    return (FlowState.AGAIN if is_transient(error) else FlowState.INCIDENT), _AGAIN_SECONDS
