"""Sends what is due over a few connections that are kept open, in every instance.

A message is claimed for a lease, so that two instances never hold it at once and a dead one's messages are free
again. What the relay answered is committed with the event that tells of it. One window is left: a process that dies
after the relay has accepted and before that commit sends the mail again, with the same Message-ID.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal
from uuid import UUID

from services.common import telemetry
from services.common.db import Pool
from services.common.deliver import Tx, transaction
from services.common.failures import backoff, is_transient
from services.common.listen import Listener
from services.common.loops import tried, until_done
from services.notify import metrics, outcomes, proof, store
from services.notify.domain import Answer, Policy, verdict
from services.notify.mail import Link
from services.notify.outcomes import Whose
from services.notify.post import Post
from services.notify.relays import Relays
from services.notify.settings import NotifySettings
from services.notify.signing import signer
from services.notify.store import CARRIERS, Claimed, Finished
from services.notify.throttle import Throttle

_FINISH_AT_MOST = 100
_DRAIN_SECONDS = 2.5
_PROBE_CEILING = 3.0


class Held:
    """A message in this process's hands, and until when it may be sent (monotonic seconds)."""

    def __init__(self, claimed: Claimed, until: float) -> None:
        self.claimed = claimed
        self.until = until

    def ours(self) -> bool:
        """Whether the lease still runs. The clock goes on while the process is frozen."""
        return time.monotonic() < self.until


class Worker:
    """Claims, sends, records. ``listener`` wakes it when messages are written."""

    def __init__(self, pool: Pool, listener: Listener, settings: NotifySettings) -> None:
        self._pool = pool
        self._listener = listener
        self._settings = settings
        self._lease = timedelta(seconds=settings.lease_seconds)
        self._policy = policy(settings)
        self._relays = Relays(settings.relays())
        self._post = Post(settings, signer(settings))
        self._throttle = Throttle(settings.domain_rate, settings.domain_rates)
        self._held: dict[UUID, Held] = {}
        self._queue: asyncio.Queue[Held] = asyncio.Queue()
        self._done: asyncio.Queue[Finished] = asyncio.Queue()
        self._away = 0

    async def run(self) -> None:
        """Work until cancelled; then finish what is being sent, and give back the rest. A part that ends ends all."""
        senders = [asyncio.create_task(self._send_forever()) for _ in range(self._settings.smtp_connections)]
        claimer = asyncio.create_task(self._claim_forever())
        others = [asyncio.create_task(run()) for run in (self._finish_forever, self._renew_forever)]
        parts = [claimer, *senders, *others]
        try:
            ended, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in ended:
                part.result()
        finally:
            claimer.cancel()
            with suppress(Exception):
                await self._drain()
            for task in parts:
                task.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def _drain(self) -> None:
        untouched = [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        for held in untouched:
            self._held.pop(held.claimed.id, None)
        async with asyncio.timeout(_DRAIN_SECONDS):
            async with self._pool.acquire() as connection:
                await store.release(connection, [(held.claimed, 0.0) for held in untouched])
            while self._held:
                await self._listener.wait(0.1)

    async def _claim_forever(self) -> None:
        while True:
            claimed = await until_done(self._claim, "notify.claim_failed")
            if self._away:
                await asyncio.sleep(backoff(self._away, base=0.25, ceiling=_PROBE_CEILING))
            elif not claimed:
                await self._listener.wait(self._settings.poll_seconds)

    async def _claim(self) -> int:
        """Fill the queue; while the relay is away, one message at a time goes to see whether it is back."""
        connections = self._settings.smtp_connections
        room = (0 if self._held else 1) if self._away else 3 * connections - len(self._held)
        if room < (1 if self._away else connections):
            return 0
        until = time.monotonic() + self._settings.lease_seconds
        async with self._pool.acquire() as connection:
            claimed = await store.claim(connection, room, self._lease, [h.claimed.id for h in self._held.values()])
            later = [(message, wait) for message in claimed if (wait := self._turn(message)) > 0]
            await store.release(connection, later)
        put_off = {message.id for message, _ in later}
        for message in claimed:
            if message.id not in put_off:
                held = Held(message, until)
                self._held[message.id] = held
                self._queue.put_nowait(held)
        return len(claimed)

    def _turn(self, message: Claimed) -> float:
        """Seconds until this mail may go to its domain. A turn that was kept for it is not asked for again."""
        return 0.0 if message.reserved else self._throttle.wait(message.address, time.monotonic(), legal=message.legal)

    async def _send_forever(self) -> None:
        link = Link(self._settings, self._relays)
        try:
            while True:
                try:
                    async with asyncio.timeout(self._settings.smtp_idle_seconds):
                        held = await self._queue.get()
                except TimeoutError:
                    await link.close()
                    continue
                if not held.ours() or (self._away and not link.open and self._queue.qsize()):
                    await self._give_back(held)
                    continue
                answer = await self._send(link, held)
                if answer is None:
                    self._let_go(held.claimed)
                else:
                    self._done.put_nowait(self._judge(held.claimed, answer))
        finally:
            await link.close()

    async def _send(self, link: Link, held: Held) -> Answer | None:
        """The relay's answer. A fault of ours counts as technical: it is tried again, once the fault is mended."""
        message = held.claimed
        try:
            mail = self._post.mail(message, datetime.now(UTC))
            with metrics.SEND_SECONDS.time():
                answer = await link.send(message.address, mail.content, held.ours, mail.sender)
        except Exception as error:
            telemetry.logger().exception("notify.send_failed", message=str(message.id), kind=message.kind)
            await link.close()
            return Answer(result="technical", at=datetime.now(UTC), host="", text=type(error).__name__)
        if answer is not None:
            self._reachable(answer.reached)
        return answer

    def _reachable(self, reached: bool) -> None:
        if reached and self._away:
            telemetry.logger().info("notify.relay_back")
        elif not reached and not self._away:
            telemetry.logger().warning("notify.relay_away")
        self._away = 0 if reached else self._away + 1
        metrics.RELAY_AWAY.set(bool(self._away))

    def _judge(self, message: Claimed, answer: Answer) -> Finished:
        metrics.ATTEMPTS.labels(result=answer.result).inc()
        step = verdict(
            self._policy,
            answer.result,
            failures=message.failures + 1,
            age=answer.at - message.created_at,
            jitter=random.random(),
        )
        if step.wait is not None:
            telemetry.logger().warning(
                "notify.retry", message=str(message.id), n=message.n, result=answer.result, code=answer.code
            )
        return Finished(message=message, answer=answer, state=step.state, wait=step.wait)

    async def _give_back(self, held: Held) -> None:
        self._let_go(held.claimed)
        try:
            async with self._pool.acquire() as connection:
                await store.release(connection, [(held.claimed, 0.0)])
        except Exception as error:
            if not is_transient(error):
                raise  # else its lease ends by itself

    async def _finish_forever(self) -> None:
        """Commit answers in small groups; an answer is kept until it is durable."""
        while True:
            done = [await self._done.get()]
            await asyncio.sleep(self._settings.gather_ms / 1000)
            while self._done.qsize() and len(done) < _FINISH_AT_MOST:
                done.append(self._done.get_nowait())
            await until_done(partial(self._finish, done), "notify.finish_failed")
            for finished in done:
                self._let_go(finished.message)

    def _let_go(self, message: Claimed) -> None:
        self._held.pop(message.id, None)
        self._listener.wake()  # there is room for another

    async def _finish(self, done: Sequence[Finished]) -> None:
        async with transaction(self._pool, "notify", keys={_key(f.message) for f in done}) as tx:
            ended = await store.finish(tx.conn, done)
            await proof.keep(tx.conn, done)
            for finished in done:
                if finished.message.id in ended:
                    tell(tx, finished)

    async def _renew_forever(self) -> None:
        """Keep what is held; what another instance has taken meanwhile may not be sent from here any more."""
        while True:
            await asyncio.sleep(self._settings.lease_seconds / 4)
            await tried(self._renew, "notify.renew_failed")

    async def _renew(self) -> None:
        holding = list(self._held.values())
        until = time.monotonic() + self._settings.lease_seconds
        async with self._pool.acquire() as connection:
            ours = await store.renew(connection, [h.claimed for h in holding], self._lease)
            waiting, age = await store.due(connection)
        metrics.DUE.set(waiting)
        metrics.DUE_AGE.set(age)
        for held in holding:
            held.until = until if held.claimed.id in ours else 0.0


def policy(settings: NotifySettings) -> Policy:
    """How long this process tries."""
    return Policy(
        temporary_attempts=settings.temporary_attempts,
        temporary_base=settings.temporary_base_seconds,
        temporary_ceiling=settings.temporary_ceiling_seconds,
        technical_limit=settings.technical_hours * 3600,
        technical_base=settings.technical_base_seconds,
        technical_ceiling=settings.technical_ceiling_seconds,
    )


def tell(tx: Tx, finished: Finished) -> None:
    """Emit what came of each message that a mail carried."""
    mail, answer = finished.message, finished.answer
    cause: Literal["permanent", "technical"] = "permanent" if finished.state == "permanent" else "technical"
    for item in mail.items:
        about = Whose(item.id, item.kind, item.audience, item.subject, item.entry, item.traceparent)
        if finished.state == "accepted":
            outcomes.accepted(tx, about, at=answer.at)
        else:
            outcomes.failed(tx, about, at=answer.at, cause=cause)
    if finished.state != "accepted":
        metrics.GIVEN_UP.labels(audience=mail.audience, cause=cause).inc()
        telemetry.logger().error(
            "notify.given_up",
            message=str(mail.id),
            audience=mail.audience,
            messages=len(mail.items),
            cause=cause,
            code=answer.code,
        )


def _key(mail: Claimed) -> str:
    """What is locked while a mail is recorded: its invoice, or the carrier itself."""
    return str(mail.id) if mail.kind in CARRIERS else mail.items[0].subject
