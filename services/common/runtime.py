"""Runs one service: pool, migrations, consumer, relays, sweeper, timers, web, and a bounded stop."""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import uvloop
from fastapi import FastAPI

from contracts.events import Payload
from contracts.registry import ServiceName, topics_read_by, topics_shared_by
from services.common import account_replica, clock, deadletter_api, telemetry
from services.common.access import Access
from services.common.consumer import Consumer, ConsumerSettings
from services.common.db import Pool, migrate, open_pool
from services.common.deadletter import Limit
from services.common.deliver import Deliver, Handler
from services.common.failures import backoff, is_transient
from services.common.follow import Follower
from services.common.outbox import MAIN_LANE, Relay, RelaySettings
from services.common.rates import Rates
from services.common.replay import Sweeper
from services.common.settings import ServiceSettings
from services.common.timers import TimerHandler, Timers
from services.common.usage import Usage
from services.common.usage import add_route as add_usage
from services.common.web import Check, Server, create_app

Job = Callable[[], Awaitable[None]]


class Runtime:
    """The parts of one service process. A service's ``__main__`` builds one, adds its own parts, and runs it."""

    def __init__(self, service: ServiceName, settings: ServiceSettings, *, keep_sent: timedelta | None = None) -> None:
        self.service = service
        self.settings = settings
        self.pool: Pool
        self.api_pool: Pool
        self.access: Access
        self._keep_sent = keep_sent
        self._jobs: list[tuple[str, Job]] = []
        self._closers: list[Job] = []
        self._ready: list[Check] = []
        self._consumer: Consumer | None = None
        self._server: Server | None = None
        self._relays: list[Relay] = []
        clock.follow(settings.clock_file)

    async def open(self, package: str | None = None) -> None:
        """Migrate and open the pools, waiting for a database that is still starting.

        ``package`` holds the folder ``migrations``, that of the service unless given.
        """
        settings = self.settings
        telemetry.configure(self.service, settings.log_level)
        dsn, api_dsn = settings.dsn.get_secret_value(), settings.api_dsn.get_secret_value()
        for attempt in range(1, 31):
            try:
                applied = await migrate(dsn, self.service, package or f"services.{self.service}")
                break
            except Exception as error:
                if attempt == 30 or not is_transient(error):
                    raise
                telemetry.logger().warning("database.away", error=type(error).__name__)
                await asyncio.sleep(backoff(attempt))
        if applied:
            telemetry.logger().info("database.migrated", migrations=applied)
        seconds = settings.idle_in_transaction_seconds
        self.pool = await open_pool(dsn, self.service, idle_in_transaction_seconds=seconds)
        self.api_pool = await open_pool(api_dsn, self.service, idle_in_transaction_seconds=seconds)
        development = settings.token_secret.get_secret_value() if settings.environment == "development" else None
        self.access = Access(self.pool, dsn, self.service, development_secret=development)
        self.job("access", self.access.run)

    def consume(
        self,
        handler: Handler,
        *,
        group: str | None = None,
        topics: tuple[str, ...] | None = None,
        skips: Callable[[Payload], bool] = lambda data: False,
    ) -> None:
        """Consume with ``handler``, and sweep what waits or is to be replayed; follow the rights of every account.

        ``group`` is the service's name and ``topics`` are those it reads by the registry, unless given. ``skips`` says
        which events the handler has no use for; entries of accounts it never gets.
        """
        settings, handler = self.settings, account_replica.first(handler)
        if topics is None and account_replica.TOPIC in topics_read_by(self.service):
            self.follow_accounts()
        limit = Limit(settings.dead_letters_in_a_row, settings.dead_letter_share)
        self._consumer = Consumer(
            ConsumerSettings(
                kafka=settings.kafka,
                group=group or self.service,
                topics=topics or topics_shared_by(self.service),
                batch_size=settings.batch_size,
                linger_ms=settings.batch_linger_ms,
                busy_linger_ms=settings.batch_busy_linger_ms,
                stall_seconds=settings.stall_seconds,
            ),
            Deliver(self.pool, self.service, handler, limit, skips=skips),
        )
        sweeper = Sweeper(self.pool, self.service, handler, inbox_days=settings.inbox_days, keep_sent=self._keep_sent)
        self.job("consumer", self._consumer.run)
        self.job("sweeper", sweeper.run)

    def follow_accounts(self) -> None:
        """Keep this service's copy of accounts and keys; what is called with them waits until it has caught up."""
        follower = Follower(self.pool, self.service, self.settings.kafka)
        self.access.caught_up = follower.caught_up
        self.job("accounts", follower.run)

        async def rights_ready() -> str | None:
            return follower.problem

        self.ready_when(rights_ready)

    def relay(self, lane: str = MAIN_LANE, *, transactional: bool = False) -> None:
        """Relay one lane of the outbox; ``transactional`` fences a frozen twin (compacted topics need it)."""
        relay = Relay(
            RelaySettings(
                schema=self.service,
                dsn=self.settings.dsn.get_secret_value(),
                kafka=self.settings.kafka,
                lane=lane,
                keep=self._keep_sent,
                transactional_id=f"chorale-{self.service}-{lane}" if transactional else None,
                idle_seconds=self.settings.relay_idle_seconds,
                gather_ms=self.settings.relay_gather_ms,
            )
        )
        self._relays.append(relay)
        self.job(f"relay/{lane}", relay.run)

    def timers(self, handler: TimerHandler) -> None:
        """Fire this service's durable timers."""
        self.job("timers", Timers(self.pool, self.service, handler).run)

    def job(self, name: str, run: Job) -> None:
        """Something that runs for the whole life of the process; its end is the process's end."""
        self._jobs.append((name, run))

    def on_close(self, close: Job) -> None:
        """Something to release at the end, before the pools."""
        self._closers.append(close)

    def ready_when(self, check: Check) -> None:
        """Readiness needs this too: the check returns the problem, or ``None``."""
        self._ready.append(check)

    def web(self, *, answer_seconds: float | None = 20.0) -> FastAPI:
        """The service's application, with health and metrics; the caller adds its routes.

        ``answer_seconds`` is how long a request may stay without an answer (``None``: the routes see to that).
        """
        app = create_app(
            self.service,
            token_secret=self.settings.token_secret.get_secret_value(),
            live=self._live,
            ready=[self._database_ready, self._kafka_ready, *self._ready],
            answer_seconds=answer_seconds,
            access=self.access,
        )
        self._count_use(app)
        deadletter_api.add_routes(app, self.service, self.pool, self.api_pool)
        self._server = Server(app, self.settings.host, self.settings.port, self.settings.stop_seconds)
        return app

    def _count_use(self, app: FastAPI) -> None:
        """Count what each client asks: within his limits, and as sums for the portal to read."""
        rates = app.state.rates = Rates(self.pool, self.settings)
        self.job("rates", rates.run)
        usage = Usage(self.pool)
        app.state.usage = usage
        add_usage(app, self.service, usage)
        self.job("usage", usage.run)
        self.on_close(usage.flush)

    async def _live(self) -> str | None:
        return None

    async def _database_ready(self) -> str | None:
        try:
            async with asyncio.timeout(2):
                await self.pool.fetchval("select 1")
        except Exception as error:
            return f"database: {type(error).__name__}"
        return None

    async def _kafka_ready(self) -> str | None:
        if self._consumer is not None and (problem := self._consumer.problem):
            return problem
        return None if all(relay.healthy for relay in self._relays) else "relay not connected"

    async def run(self) -> int:
        """Run until SIGTERM or SIGINT, or until a part ends by itself; returns the exit code."""
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        tasks = {asyncio.create_task(self._named(run), name=name) for name, run in self._jobs}
        if self._server is not None:
            tasks.add(asyncio.create_task(self._server.serve(), name="web"))
        # What was made by now (modules, routes, words) stays as long as the process. Looked through again by every full
        # collection, a hundred and fifty thousand objects of it held all pages for 150 ms every few hundred requests.
        gc.collect()
        gc.freeze()
        telemetry.logger().info("service.started", port=self.settings.port, pid=os.getpid())
        waiter = asyncio.create_task(stopping.wait())
        done, _ = await asyncio.wait({waiter, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        failed = [task for task in done if task is not waiter]
        for task in failed:
            fault = None if task.cancelled() else task.exception()
            telemetry.logger().error("service.part_ended", part=task.get_name(), exc_info=fault)
        try:
            async with asyncio.timeout(self.settings.stop_seconds):
                await self._stop(tasks)
        except TimeoutError:
            telemetry.logger().error("service.stop_timeout", parts=[t.get_name() for t in tasks if not t.done()])
            os._exit(1)
        telemetry.logger().info("service.stopped")
        return 1 if failed else 0

    async def _named(self, run: Job) -> None:
        await run()

    async def _stop(self, tasks: set[asyncio.Task[None]]) -> None:
        """Stop taking work, finish what is in hand, then let go: web, consumer, the rest, pools."""
        if self._server is not None:
            self._server.should_exit = True
        if self._consumer is not None:
            self._consumer.stop()
        graceful = [task for task in tasks if task.get_name() in ("web", "consumer")]
        if graceful:
            await asyncio.wait(graceful, timeout=self.settings.stop_seconds * 0.7)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for close in self._closers:
            with suppress(Exception):
                await close()
        for pool in (self.pool, self.api_pool):
            with suppress(Exception):
                await asyncio.wait_for(pool.close(), 2)


def main(compose: Callable[[], Awaitable[Runtime]]) -> None:
    """Entry point of a service: compose it, run it, exit with its code."""

    async def whole() -> int:
        runtime = await compose()
        return await runtime.run()

    raise SystemExit(uvloop.run(whole()))
