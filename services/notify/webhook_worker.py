"""Delivers what is due to receivers, each within its own window, in every instance.

A delivery is claimed for a lease; what the receiver answered is committed together with the promotion of the invoice's
next event and the state of the receiver's circuit. A process that dies between the answer and that commit delivers the
event again under the same ``webhook-id``: that is the one window in which a receiver sees an id twice.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import asyncpg
import msgspec

from services.common import telemetry
from services.common.db import Pool
from services.common.deliver import transaction
from services.common.failures import is_transient
from services.common.listen import Listener
from services.common.loops import tried, until_done
from services.notify import webhook_circuit, webhook_metrics, webhook_store
from services.notify.desk import Desk
from services.notify.webhook_address import networks
from services.notify.webhook_rules import Patience, Scope, public, step, window
from services.notify.webhook_send import Limits, Outcome, Sender
from services.notify.webhook_settings import WaysOutSettings
from services.notify.webhook_signing import CannotUnseal, Seal, Secret, signed_headers
from services.notify.webhook_store import Claimed, Finished, Key

_FIRST_WINDOW = 2
_FINISH_AT_MOST = 200
_GATHER_SECONDS = 0.01
_DRAIN_SECONDS = 2.5
_FORGET_SECONDS = 600.0
_POLL_SECONDS = 0.5


class Receiver:
    """What this process knows of one receiver: how many deliveries it may hold of it, and how many it holds."""

    def __init__(self) -> None:
        self.window = _FIRST_WINDOW
        self.held = 0
        self.last_seen = time.monotonic()

    def learn(self, most: int, *, went_well: bool) -> None:
        """Widen or narrow the window. What is under way stays."""
        self.window = window(self.window, most, went_well=went_well)
        self.last_seen = time.monotonic()


class Held(msgspec.Struct):
    """A delivery in this process's hands, and until when it may be sent (monotonic seconds)."""

    claimed: Claimed
    until: float
    secrets: Sequence[Secret]

    def ours(self) -> bool:
        """Whether the lease still runs. The clock goes on while the process is frozen."""
        return time.monotonic() < self.until


class WebhookWorker:
    """Claims, signs, sends, records. ``listener`` wakes it when deliveries are written."""

    def __init__(self, pool: Pool, listener: Listener, settings: WaysOutSettings, desk: Desk) -> None:
        self._pool = pool
        self._listener = listener
        self._settings = settings
        self._desk = desk
        self._lease = timedelta(seconds=settings.webhook_lease_seconds)
        self._patience = patience(settings)
        self._seal = Seal(settings.sealing_keys)
        self._receivers: dict[UUID, Receiver] = {}
        self._held: dict[Key, Held] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._done: asyncio.Queue[Finished] = asyncio.Queue()

    async def run(self) -> None:
        """Work until cancelled; then record what was answered. A part that ends ends all."""
        sender = sender_of(self._settings)
        claimer = asyncio.create_task(self._claim_forever(sender))
        parts = [claimer, *(asyncio.create_task(run()) for run in (self._finish_forever, self._renew_forever))]
        try:
            ended, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in ended:
                part.result()
        finally:
            claimer.cancel()
            with suppress(Exception):
                async with asyncio.timeout(_DRAIN_SECONDS):
                    while self._held:
                        await self._listener.wait(0.1)
            for task in (*parts, *self._tasks):
                task.cancel()
            await asyncio.gather(*parts, *self._tasks, return_exceptions=True)
            await sender.close()

    async def _claim_forever(self, sender: Sender) -> None:
        while True:
            if not await until_done(partial(self._claim, sender), "webhook.claim_failed"):
                await self._listener.wait(_POLL_SECONDS)

    async def _claim(self, sender: Sender) -> int:
        """Take what there is room for and set out with it; returns how many were taken."""
        room = self._settings.webhook_connections - len(self._held)
        if room <= 0:
            return 0
        busy = {id: (r.held, max(0, r.window - r.held)) for id, r in self._receivers.items()}
        until = time.monotonic() + self._settings.webhook_lease_seconds
        async with self._pool.acquire() as connection:
            claimed = await webhook_store.claim(connection, busy, first=_FIRST_WINDOW, limit=room, lease=self._lease)
            fresh = [c for c in claimed if c.key not in self._held]
            sealed = await webhook_store.secrets_of(connection, list({c.webhook for c in fresh}))
        secrets = {webhook: self._open(rows) for webhook, rows in sealed.items()}
        for delivery in fresh:
            held = self._held[delivery.key] = Held(delivery, until, secrets[delivery.webhook])
            self._receivers.setdefault(delivery.webhook, Receiver()).held += 1
            task = asyncio.create_task(self._deliver(sender, held))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(fresh)

    def _open(self, rows: Sequence[asyncpg.Record]) -> list[Secret]:
        try:
            found = [self._seal.open(row["kind"], row["sealed"], row["id"]) for row in rows]
        except CannotUnseal:
            webhook_metrics.SEALED.inc()
            telemetry.logger().error("webhook.cannot_unseal", webhook=str(rows[0]["webhook"]))
            return []
        return found

    async def _deliver(self, sender: Sender, held: Held) -> None:
        claimed, outcome = held.claimed, None
        if claimed.scope is not None:
            if not held.ours():
                await self._give_back(held)
                return
            outcome = await self._send(sender, held, claimed.scope)
            webhook_metrics.ATTEMPTS.labels(result=outcome.result).inc()
            went_well = outcome.result == "delivered"
            self._receivers[claimed.webhook].learn(self._settings.webhook_window, went_well=went_well)
        self._done.put_nowait(self._judge(claimed, outcome))

    async def _send(self, sender: Sender, held: Held, scope: Scope) -> Outcome:
        """The receiver's outcome. A fault of ours is tried again once it is mended, and not held against him."""
        event, now = held.claimed.event, datetime.now(UTC)
        if not held.secrets:
            return Outcome(result="fault", ms=0, answer="no secret that signs")
        try:
            body = msgspec.json.encode(public(event, scope))
            headers = {
                "content-type": "application/json",
                "user-agent": "Chorale-Webhooks/1",
                **signed_headers(held.secrets, event.id, now, body),
            }
            with webhook_metrics.CALL_SECONDS.time():
                return await sender.post(held.claimed.url, headers, body)
        except Exception as error:
            telemetry.logger().exception(
                "webhook.send_failed", webhook=str(held.claimed.webhook), event_id=str(event.id)
            )
            return Outcome(result="fault", ms=0, answer=type(error).__name__)

    def _judge(self, claimed: Claimed, outcome: Outcome | None) -> Finished:
        now = datetime.now(UTC)
        if outcome is None:
            return Finished(claimed=claimed, at=now, state="dropped")
        found = step(
            self._patience,
            outcome.result,
            failures=claimed.failures + 1,
            age=now - claimed.created_at,
            jitter=random.random(),
            asked=outcome.retry_after,
        )
        if found.state == "given_up":
            webhook_metrics.GIVEN_UP.inc()
        return Finished(claimed=claimed, at=now, state=found.state, wait=found.wait, outcome=outcome)

    async def _give_back(self, held: Held) -> None:
        self._let_go(held.claimed)
        try:
            async with self._pool.acquire() as connection:
                await webhook_store.release(connection, [held.claimed])
        except Exception as error:
            if not is_transient(error):
                raise  # else its lease ends by itself

    async def _finish_forever(self) -> None:
        """Commit outcomes in small groups; an outcome is kept until it is durable."""
        while True:
            done = [await self._done.get()]
            await asyncio.sleep(_GATHER_SECONDS)
            while self._done.qsize() and len(done) < _FINISH_AT_MOST:
                done.append(self._done.get_nowait())
            await until_done(partial(self._finish, done), "webhook.finish_failed")
            for finished in done:
                self._let_go(finished.claimed)

    async def _finish(self, done: Sequence[Finished]) -> None:
        async with transaction(self._pool, "notify", keys={f.claimed.event.subject for f in done}) as tx:
            await webhook_store.finish(tx.conn, done)
            await webhook_circuit.settle(tx, done, self._patience, self._desk)

    def _let_go(self, claimed: Claimed) -> None:
        if self._held.pop(claimed.key, None) is not None:
            self._receivers[claimed.webhook].held -= 1
        self._listener.wake()  # there is room for another

    async def _renew_forever(self) -> None:
        """Keep what is held; what another instance has taken meanwhile may not be sent from here any more."""
        while True:
            await asyncio.sleep(self._settings.webhook_lease_seconds / 4)
            self._forget()
            await tried(self._renew, "webhook.renew_failed")

    async def _renew(self) -> None:
        holding = list(self._held.values())
        until = time.monotonic() + self._settings.webhook_lease_seconds
        async with self._pool.acquire() as connection:
            ours = await webhook_store.renew(connection, [h.claimed for h in holding], self._lease)
        for held in holding:
            held.until = until if held.claimed.key in ours else 0.0

    def _forget(self) -> None:
        """Receivers that have had nothing for a while begin anew."""
        old = time.monotonic() - _FORGET_SECONDS
        for webhook in [id for id, r in self._receivers.items() if not r.held and r.last_seen < old]:
            del self._receivers[webhook]


def patience(settings: WaysOutSettings) -> Patience:
    """How long this process tries."""
    return Patience(
        limit=settings.webhook_hours * 3600,
        base=settings.webhook_base_seconds,
        ceiling=settings.webhook_ceiling_seconds,
        circuit_failures=settings.webhook_circuit_failures,
        circuit_base=settings.webhook_circuit_base_seconds,
        circuit_ceiling=settings.webhook_circuit_ceiling_seconds,
    )


def sender_of(settings: WaysOutSettings) -> Sender:
    """The client of this process. Called inside the running loop."""
    limits = Limits(
        connect=settings.webhook_connect_seconds,
        whole=settings.webhook_answer_seconds,
        connections=settings.webhook_connections,
    )
    return Sender(limits, networks(settings.webhook_networks.split(",")), settings.webhook_ca_file)
