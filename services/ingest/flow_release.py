"""Releases the items of flows, so that a flow of a hundred thousand delays nobody's single deposit.

Items wait in a table. In each round every depositor's oldest flow gives its share of one batch, to each tenant in turn
(:mod:`services.ingest.flow_lanes`); only this writes to the outbox, and all rounds together keep to a pace. An item
becomes a deposit like any other: one whose data are read is decided in the same transaction, by the same code; one
whose pages must be read goes to the reader, of which only so many per depositor are under way. It is deposited under
the rights that its depositor has then (:mod:`services.ingest.flow_rights`).
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from contracts.envelope import Event, event_id
from contracts.events import ClaimCheck, DocumentRead, DocumentReceived, DocumentUnreadable, FlowCounts, FlowFinished
from services.common import telemetry, timers
from services.common.db import Pool, lock_keys
from services.common.deliver import Tx, transaction
from services.common.failures import Transient, backoff, is_transient
from services.common.trace import RequestCause
from services.ingest import directory, flow_items, flow_lanes, flow_rights, flow_store, flow_words, handlers, metrics
from services.ingest.flow_domain import Flow, FlowState, ending
from services.ingest.identity import uuid7
from services.ingest.names import label
from services.ingest.settings import IngestSettings

_read = msgspec.json.Decoder(DocumentRead).decode
_unreadable = msgspec.json.Decoder(DocumentUnreadable).decode
Rows = Sequence[asyncpg.Record]


class Release:
    """Releases and finishes flows, for the life of the process. Several instances share the work by row locks."""

    def __init__(self, pool: Pool, settings: IngestSettings) -> None:
        self._pool = pool
        self._settings = settings
        self._bounds = flow_lanes.Bounds(settings.flow_batch, settings.flow_unsent_each, settings.flow_unsent_of_tenant)
        self._turn = 0

    async def run(self) -> None:
        """Work until cancelled."""
        failures = 0
        while True:
            begun = time.monotonic()
            try:
                released = await self.once()
                failures = 0
            except Exception as error:
                failures, released = failures + 1, 0
                if is_transient(error):
                    telemetry.logger().warning("release.away", error=type(error).__name__)
                else:
                    telemetry.logger().exception("release.failed")
                await asyncio.sleep(backoff(failures))
            pace = released / self._settings.flow_items_per_second - (time.monotonic() - begun)
            await asyncio.sleep(max(0.0, pace) if released else self._settings.flow_look_seconds)

    async def once(self) -> int:
        """One round; returns how many items left their table."""
        async with self._pool.acquire() as connection:
            unsent = await flow_lanes.unsent(connection, self._settings.flow_unsent_events)
            full = unsent.total >= self._settings.flow_unsent_events
            flows = [] if full else await flow_store.releasing(connection)
            whole = await directory.gap(connection) is None if flows else False
            lanes = await flow_lanes.lanes(connection, flows) if whole else {}
        self._turn += 1
        given = flow_lanes.shares(lanes, unsent, self._bounds, self._turn)
        released = 0
        for flow in flows:
            released += await self._turn_of(flow, given.get(flow.depositor, {}), len(flows))
        await self._finish()
        return released

    async def _turn_of(self, flow: Flow, share: Mapping[str, int], flows: int) -> int:
        """One flow's turn. What is wrong with it is its own trouble, and holds back no other."""
        try:
            released = await self._structured(flow, share) if share else 0
            return released + await self._pages(flow, max(1, self._settings.flow_batch // flows))
        except Exception as error:
            if is_transient(error):
                raise
            telemetry.logger().exception("release.failed", flow=str(flow.id))
            async with self._pool.acquire() as connection:
                await flow_store.incident(connection, flow.id)
            return 0

    async def _structured(self, flow: Flow, share: Mapping[str, int]) -> int:
        """Items whose data are read: deposited and decided in one transaction."""
        async with transaction(self._pool, "ingest") as tx:
            rows = await flow_lanes.waiting(tx.conn, flow, share)
            flow, allowed = await self._allowed(tx, flow, rows)
            fresh = await self._fresh(tx, flow, allowed)
            deposits = await self._deposit(tx, flow, fresh)
            await lock_keys(tx.conn, "ingest", [str(deposit) for deposit in deposits.values()])
            left = await handlers.decide(tx, [_reading(row, deposits[row["number"]], tx.now, flow) for row in fresh])
            if left:
                raise Transient("the directory is no longer complete")
        return len(rows)

    async def _pages(self, flow: Flow, share: int) -> int:
        """Items for the reader: as many as the depositor may have under way."""
        async with transaction(self._pool, "ingest", keys=[f"flows/{flow.depositor}"]) as tx:
            room = self._settings.flow_in_flight - await flow_items.running(tx.conn, flow.depositor)
            if room <= 0:
                return 0
            rows = await flow_items.pages(tx.conn, flow.id, min(room, share))
            flow, allowed = await self._allowed(tx, flow, rows)
            fresh = await self._fresh(tx, flow, allowed)
            deposits = await self._deposit(tx, flow, fresh)
            for row in fresh:
                await self._announce(tx, flow, deposits[row["number"]], self._claim(row))
        return len(rows)

    async def _allowed(self, tx: Tx, flow: Flow, rows: Rows) -> tuple[Flow, Rows]:
        """The flow under the rights that its depositor has now, and what he may still deposit; the rest is settled."""
        turn = await flow_rights.turn(tx.conn, flow, rows, tx.now)
        if turn.withdrawn:
            found = {row["number"]: flow_rights.said(row) for row in turn.withdrawn}
            await flow_items.rejected(tx.conn, flow.id, found, tx.now)
            metrics.FLOW_ITEMS.labels(step="withdrawn").inc(len(found))
        return turn.flow, turn.rows

    async def _fresh(self, tx: Tx, flow: Flow, rows: Rows) -> Rows:
        """Those of these items that were not deposited before; the others are settled as duplicates."""
        if not rows:
            return rows
        await lock_keys(tx.conn, "ingest", {f"content/{row['sha256']}/{flow.depositor}" for row in rows})
        known: dict[str, UUID] = {
            row["sha256"]: row["id"]
            for row in await tx.conn.fetch(
                "select sha256, id from deposit where depositor = $1 and sha256 = any($2::text[])"
                " and state in ('received', 'to_verify', 'submitted')",
                flow.depositor,
                [row["sha256"] for row in rows],
            )
        }
        fresh: dict[str, asyncpg.Record] = {}
        seen: dict[int, UUID] = {}
        for row in rows:
            if row["sha256"] in known:
                seen[row["number"]] = known[row["sha256"]]
            else:
                fresh.setdefault(row["sha256"], row)  # its twin waits for the next batch, and is a duplicate then
        said = {
            number: (deposit, flow_words.said("ENTRY_ALREADY_DEPOSITED", str(deposit)))
            for number, deposit in seen.items()
        }
        if said:
            await flow_items.duplicates(tx.conn, flow.id, said, tx.now)
            metrics.FLOW_ITEMS.labels(step="duplicate").inc(len(said))
        return list(fresh.values())

    def _claim(self, row: asyncpg.Record) -> ClaimCheck:
        return ClaimCheck(
            bucket=self._settings.s3_bucket,
            key=row["object_key"],
            sha256=row["sha256"],
            size=row["size"],
            media_type=row["media_type"],
            offset=row["pack_offset"],
            length=row["size"],
        )

    async def _deposit(self, tx: Tx, flow: Flow, rows: Rows) -> Mapping[int, UUID]:
        """Rows of deposits, received now; returns their ids by the items' numbers."""
        if not rows:
            return {}
        ids = sorted(uuid7(tx.now) for _ in rows)  # of two invoices of one number the first in the file has it
        deposits = {row["number"]: id_ for row, id_ in zip(rows, ids, strict=True)}
        await tx.conn.execute(
            "insert into deposit (id, depositor, contact, structures, roles, state, file_name, sha256, size,"
            " media_type, bucket, object_key, pack_offset, received_at)"
            " select d.id, $1, $2, $3, $4, 'received', d.name, d.sha256, d.size, d.media_type, $5, d.key, d.at, $6"
            " from unnest($7::uuid[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::text[], $13::bigint[])"
            "  d(id, name, sha256, size, media_type, key, at)",
            flow.depositor,
            flow.contact,
            list(flow.structures),
            list(flow.roles),
            self._settings.s3_bucket,
            tx.now,
            list(deposits.values()),
            [label(row["name"]) for row in rows],
            [row["sha256"] for row in rows],
            [row["size"] for row in rows],
            [row["media_type"] for row in rows],
            [row["object_key"] for row in rows],
            [row["pack_offset"] for row in rows],
        )
        await flow_items.released(tx.conn, flow.id, deposits)
        metrics.FLOW_ITEMS.labels(step="released").inc(len(rows))
        return deposits

    async def _announce(self, tx: Tx, flow: Flow, deposit: UUID, claim: ClaimCheck) -> None:
        data = DocumentReceived(document=claim, depositor=flow.depositor, received_at=tx.now)
        tx.emit(data, key=str(deposit), cause=RequestCause(deposit, flow.traceparent))
        await timers.start(
            tx.conn,
            event_id(deposit, handlers.READING_OVERDUE),
            key=str(deposit),
            kind=handlers.READING_OVERDUE,
            due_at=tx.now + self._settings.reading_overdue,
            traceparent=flow.traceparent,
        )

    async def _finish(self) -> None:
        """End the flows of which every item has its outcome, and tell of it once."""
        async with self._pool.acquire() as connection:
            ready = [
                flow
                for flow in await flow_store.ending(connection)
                if not await flow_items.open_ones(connection, flow.id)
            ]
        for flow in ready:
            async with transaction(self._pool, "ingest", keys=[str(flow.id)]) as tx:
                counts = await flow_items.counts(tx.conn, flow.id)
                state = FlowState.REJECTED if flow.errors and not counts else ending(counts)
                if flow.errors and state is FlowState.INTEGRATED:
                    state = FlowState.PARTIAL
                trial = await flow_items.for_whom(tx.conn, flow.id)
                if await flow_store.finish(tx.conn, flow.id, state, counts, tx.now):
                    told = _finished(flow, state, counts, tx.now)
                    tx.emit(told, key=str(flow.id), cause=_cause(flow), tenant=trial)
                    metrics.FLOWS.labels(state=state.value).inc()
                    telemetry.logger().info("flow.finished", flow=str(flow.id), state=state.value, **counts)


def _cause(flow: Flow) -> RequestCause:
    return RequestCause(flow.id, flow.traceparent)


def _finished(flow: Flow, state: FlowState, counts: dict[str, int], at: datetime) -> FlowFinished:
    return FlowFinished(
        depositor=flow.depositor,
        contact=flow.contact,
        file_name=flow.file_name,
        state=state.value,  # type: ignore[arg-type]
        counts=FlowCounts(**counts),
        received_at=flow.received_at or at,
        finished_at=at,
        errors=flow.errors,
    )


def _reading(
    row: asyncpg.Record, deposit: UUID, now: datetime, flow: Flow
) -> tuple[Event, DocumentRead | DocumentUnreadable]:
    """The reading of an item as the reader would have told it."""
    data = _unreadable(row["reading"]) if row["unreadable"] else _read(row["reading"])
    event = Event(
        id=event_id(deposit, data.TYPE),
        type=data.TYPE,
        source="/chorale/ingest",
        subject=str(deposit),
        time=now,
        data=data,
        traceparent=flow.traceparent,
    )
    return event, data
