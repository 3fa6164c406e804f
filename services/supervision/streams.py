"""The streams, by Faust: partitions shared among the instances, batches counted, acknowledged by hand.

With patience.py the only importer of faust. Its defaults lose events (an event counts as read when the handler raised,
several tasks acknowledge out of order), so the form used here takes events without acknowledgement, keeps to those
whose partition is still this instance's, and acknowledges in order once the transaction is durable.
"""

import asyncio
import logging
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from typing import Any

import faust
import msgspec

from contracts.registry import topics_shared_by
from services.common import telemetry
from services.common.failures import backoff, is_transient
from services.common.header_names import read_any_header_name
from services.common.record import Record
from services.supervision.counting import Counting
from services.supervision.patience import BROKER_ERRORS, Patient

GROUP = "supervision"
#: To end a reader: at the process's end, and while the broker may be away.
_STOP_SECONDS, _FAILED_SECONDS = 5.0, 30.0
#: A reader that has lasted so long did not fail at its start.
_LONG_SECONDS = 60.0


class StreamSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the streams are read. ``linger`` in seconds lets a batch fill up."""

    kafka: str
    batch_size: int = 200
    linger: float = 0.1
    commit_seconds: float = 0.5
    session_seconds: float = 6.0


class Streams:
    """One instance of the group. ``problem`` says why it is not ready."""

    def __init__(self, settings: StreamSettings, counting: Counting) -> None:
        self._settings = settings
        self._counting = counting
        self._app: Any = None
        self.joined = False

    @property
    def problem(self) -> str | None:
        """Why this instance does not count, or None."""
        return None if self.joined and not self._app.rebalancing else "not joined to the streams yet"

    async def run(self) -> None:
        """Read until cancelled; a reader that the broker's failure ended is followed by another. Raises other ends."""
        for name in ("faust", "mode"):
            logging.getLogger(name).setLevel(logging.ERROR)
        # Kafka takes header names that are no text, which would end the reader for ever.
        read_any_header_name()
        attempt = 0
        while True:
            began = time.monotonic()
            try:
                await self._once()
            except BROKER_ERRORS as error:
                attempt = 1 if time.monotonic() - began > _LONG_SECONDS else attempt + 1
                telemetry.RETRIES.labels(error=type(error).__name__).inc()
                telemetry.logger().warning("streams.again", attempt=attempt, error=type(error).__name__)
                await asyncio.sleep(backoff(attempt))

    async def _once(self) -> None:
        """One reader, until it ends. Raises why; ``RuntimeError`` where it may still run and hold its partitions."""
        folder = tempfile.mkdtemp(prefix="chorale-streams-")
        app = self._app = self._build(folder)
        why: BaseException = RuntimeError("the streams ended")
        patience = _STOP_SECONDS
        try:
            await app.start()
            await app.wait_until_stopped()
            why, patience = app.crash_reason or why, _FAILED_SECONDS
        except Exception as error:
            why, patience = error, _FAILED_SECONDS
        finally:
            self.joined = False
            try:
                await asyncio.wait_for(app.stop(), patience)
            except Exception as error:
                telemetry.logger().warning("streams.not_stopped", error=type(error).__name__)
                why = RuntimeError("the streams do not stop")
            shutil.rmtree(folder, ignore_errors=True)
        raise why

    def _build(self, folder: str) -> Any:
        settings = self._settings
        app = faust.App(
            GROUP,
            broker=f"aiokafka://{settings.kafka}",
            store="memory://",
            datadir=folder,
            key_serializer="raw",
            value_serializer="raw",
            web_enabled=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            consumer_auto_offset_reset="earliest",
            broker_commit_interval=settings.commit_seconds,
            broker_session_timeout=settings.session_seconds,
            broker_heartbeat_interval=settings.session_seconds / 3,
            stream_wait_empty=False,
        )
        app.transport = Patient(app.conf.broker_consumer, app)
        topics = app.topic(*topics_shared_by("supervision"), key_serializer="raw", value_serializer="raw")
        app.agent(topics, name="figures", concurrency=1)(self._read)

        @app.on_partitions_assigned.connect(weak=False)
        async def assigned(*_: Any, **__: Any) -> None:
            self.joined = True

        return app

    async def _read(self, stream: Any) -> None:
        async for events in batches(stream, self._settings.batch_size, self._settings.linger):
            mine = [event for event in events if self._owned(event)]
            if not mine:
                continue
            await self._count([_record(event.message) for event in mine])
            for event in mine:
                if self._owned(event):
                    event.ack()

    def _owned(self, event: Any) -> bool:
        """False once a rebalance came after this record was fetched: somebody else may hold its partition now."""
        return bool(event.message.generation_id == self._app.consumer_generation_id)

    async def _count(self, records: list[Record]) -> None:
        """Until it is durable: meanwhile the partitions wait."""
        attempt = 0
        while True:
            try:
                await self._counting.batch(records)
                return
            except Exception as error:
                if not is_transient(error):
                    raise
                attempt += 1
                telemetry.RETRIES.labels(error=type(error).__name__).inc()
                telemetry.logger().warning("batch.retry", attempt=attempt, error=type(error).__name__)
                await asyncio.sleep(backoff(attempt))


async def batches(stream: Any, size: int, within: float) -> AsyncIterator[list[Any]]:
    """Events in batches: full ones, or what came ``within`` seconds of the first.

    The pending step is kept from one batch to the next and never cancelled: that would end the stream.
    """
    source = stream.noack().events().__aiter__()
    pending: asyncio.Future[Any] | None = None
    clock = asyncio.get_running_loop().time
    try:
        while True:
            events: list[Any] = []
            until = 0.0
            while len(events) < size:
                if pending is None:
                    pending = asyncio.ensure_future(source.__anext__())
                left = max(0.0, until - clock()) if events else None
                done, _ = await asyncio.wait({pending}, timeout=left)
                if not done:
                    break
                step, pending = pending, None
                try:
                    events.append(step.result())
                except StopAsyncIteration:
                    if events:
                        yield events
                    return
                until = until or clock() + within
            yield events
    finally:
        if pending is not None:
            pending.cancel()


def _record(message: Any) -> Record:
    headers = message.headers.items() if isinstance(message.headers, dict) else message.headers or ()
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        headers=[(name, value or b"") for name, value in headers],
        value=message.value,
    )
