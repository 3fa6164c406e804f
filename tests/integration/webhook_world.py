"""The ways out on real servers: their tables, their workers inside the test, and a receiver that is a process."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from contracts.envelope import Event
from deploy.database import ServiceDsns
from deploy.local import Stack
from deploy.servers.process import launcher
from services.common.auth import Principal, mint
from services.common.db import Pool, migrate, open_pool
from services.common.deliver import Deliver, Tx
from services.common.listen import Listener
from services.common.web import create_app
from services.notify import webhook_api, webhook_store
from services.notify.desk import Desk
from services.notify.gathering import Limits
from services.notify.outgoing_folder import Folder
from services.notify.webhook_house import House
from services.notify.webhook_settings import WaysOutSettings
from services.notify.webhook_store import WAKE_CHANNEL
from services.notify.webhook_worker import WebhookWorker
from tests.identity import Fixed
from tests.processes import ROOT, WITHOUT_KAFKA, running
from tests.servers import emptied
from tests.unit.notify.samples import BODY, SUPPLIER, changed
from tests.unit.status.samples import event, record

SECRET = "a secret of the tests that is long enough"
FIRM = Principal(subject="firm", structures=(SUPPLIER,), contact="it@firm.example")
TOWN = Principal(
    subject="town", structures=(BODY,), roles=("GESTIONNAIRE",), tenants=("cd06",), contact="it@town.example"
)
NOSY = Principal(subject="nosy", structures=("73282932000074",), roles=("GESTIONNAIRE",), tenants=("cd31",))
URL = "/api/v1/webhooks"
LIFE = ("DEPOSEE", "MISE_A_DISPOSITION", "SUSPENDUE", "COMPLETEE", "MISE_EN_PAIEMENT")


@dataclass
class Receiver:
    """The process, and what it took."""

    file: Path
    port: int = 0
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, on the port it had."""
        command = [*launcher(None), sys.executable, "-m", "tests.integration.webhook_receiver"]
        self.process = subprocess.Popen(
            [*command, str(self.port), str(self.file)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def kill(self) -> None:
        """``kill -9``, if it runs."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def url(self, path: str = "/ok") -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}{path}"

    def taken(self, path: str | None = None) -> list[dict[str, Any]]:
        """Every event it took, repeats included, in order."""
        written = self.file.read_text() if self.file.exists() else ""
        whole = written[: written.rfind("\n") + 1]  # the last line may be half there
        lines = [json.loads(line) for line in whole.splitlines()]
        return [line for line in lines if path is None or line["path"].startswith(path)]


@contextmanager
def receiver(folder: Path) -> Iterator[Receiver]:
    """A running receiver."""
    found = Receiver(folder / "taken.jsonl")
    found.start()
    try:
        yield found
    finally:
        found.kill()


def life(invoice: UUID | None = None, statuses: tuple[str, ...] = LIFE) -> list[Event]:
    """An invoice's whole history."""
    identity = invoice or uuid4()
    return [
        event(changed(status, entry, tenant=None if entry == 1 else "cd06"), identity)
        for entry, status in enumerate(statuses, 1)
    ]


def first_of_each(taken: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[int, str]]]:
    """By invoice, the entries in the order in which they first came, each with its id: what a receiver that knows its
    ids has."""
    ids: set[str] = set()
    found: dict[str, list[tuple[int, str]]] = {}
    for line in taken:
        if line["id"] not in ids:
            ids.add(line["id"])
            event = json.loads(line["body"])
            found.setdefault(event["subject"], []).append((event["data"]["entry"], line["id"]))
    return found


@dataclass
class Ways:
    """The notify schema with both roles, and the way in for events."""

    own: ServiceDsns
    pool: Pool
    api_pool: Pool
    settings: WaysOutSettings
    folder: Folder | None = None

    async def take(self, *events: Event) -> None:
        """One batch, as the consumer hands it over."""

        async def handle(tx: Tx, given: Sequence[Event]) -> Sequence[Event]:
            await webhook_store.take(tx.conn, given, tx.now)
            return []

        await Deliver(self.pool, "notify", handle).batch([record(event) for event in events])

    async def states(self, webhook: UUID | str | None = None) -> dict[str, int]:
        """How many deliveries stand where."""
        rows = await self.pool.fetch(
            "select state, count(*) as n from webhook_delivery where $1::uuid is null or webhook = $1 group by state",
            webhook,
        )
        return {row["state"]: row["n"] for row in rows}

    async def settled(self, seconds: float = 60) -> None:
        """Until nothing is left to deliver."""

        async def nothing_left() -> bool:
            return not set(await self.states()) & {"behind", "waiting", "sending"}

        await until(nothing_left, seconds)

    async def attempts(self, webhook: UUID | str) -> list[tuple[str, int | None]]:
        """Result and status of every attempt, in order."""
        rows = await self.pool.fetch(
            "select result, status from webhook_attempt where webhook = $1 order by at", webhook
        )
        return [(row["result"], row["status"]) for row in rows]

    @asynccontextmanager
    async def client(self, principal: Principal) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the API, in the same process."""

        async def fine() -> str | None:
            return None

        app = create_app("notify", token_secret=SECRET, live=fine, ready=[fine])
        if principal.grants:
            app.state.access = Fixed(principal)
        webhook_api.add_routes(app, self.api_pool, self.settings, self.folder)
        headers = {"Authorization": f"Bearer {mint(SECRET, principal)}", "X-Chorale-Reason": "Un essai de plus"}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://notify", headers=headers) as made:
            yield made

    async def webhook(self, principal: Principal = FIRM, **asked: Any) -> dict[str, Any]:
        """Make one by the API; with its secret."""
        async with self.client(principal) as http:
            answer = await http.post(URL, json=asked)
            assert answer.status_code == 201, answer.text
            found: dict[str, Any] = answer.json()
            return found

    @asynccontextmanager
    async def worker(self, **changes: Any) -> AsyncIterator[WebhookWorker]:
        """A worker and the house, as the runtime runs and stops them."""
        settings = self.settings.model_copy(update=changes)
        listener = Listener(self.own.worker, WAKE_CHANNEL)
        running = WebhookWorker(self.pool, listener, settings, Desk("chorale.example", Limits()))
        house = House(self.pool, settings.webhook_keep_days, 0.05)
        tasks = [asyncio.create_task(run()) for run in (listener.run, running.run, house.run)]
        try:
            yield running
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while True:
            if await check():
                return
            await asyncio.sleep(0.02)


def settings_of(own: ServiceDsns, **changes: Any) -> WaysOutSettings:
    """Settings that lose no time."""
    quick: dict[str, Any] = {
        "webhook_networks": "127.0.0.0/8",
        "webhook_lease_seconds": 2,
        "webhook_answer_seconds": 5,
        "webhook_base_seconds": 0.05,
        "webhook_ceiling_seconds": 0.2,
        "webhook_circuit_base_seconds": 0.1,
        "webhook_circuit_ceiling_seconds": 0.3,
        "outgoing_every_seconds": 0.05,
    }
    return WaysOutSettings(
        environment="development",
        kafka="unused:1",
        dsn=own.worker,
        api_dsn=own.api,
        port=1,
        token_secret=SECRET,
        **{**quick, **changes},
    )


@asynccontextmanager
async def process(found: Ways, stack: Stack, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The service as a process of its own; killed at the end when it still runs."""
    quick = {
        "CHORALE_WEBHOOK_NETWORKS": "127.0.0.0/8",
        "CHORALE_WEBHOOK_LEASE_SECONDS": "1",
        "CHORALE_WEBHOOK_BASE_SECONDS": "0.05",
        "CHORALE_WEBHOOK_CIRCUIT_BASE_SECONDS": "0.1",
        "CHORALE_WEBHOOK_CIRCUIT_CEILING_SECONDS": "0.3",
        "CHORALE_OUTGOING_EVERY_SECONDS": "0.05",
    }
    async with running("notify", stack, found.own, **{**quick, **WITHOUT_KAFKA, **settings}) as service:
        yield service.process


@asynccontextmanager
async def stopped_at(found: Ways, **moments: str) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """Whoever writes to these tables (``webhook_attempt="insert"``) waits there, before its commit.

    The result says whether somebody waits at each.
    """
    await found.pool.execute(
        "create or replace function stop_here() returns trigger language plpgsql as"
        " $$ begin perform pg_sleep(60); return new; end $$"
    )
    for table, moment in moments.items():
        await found.pool.execute(
            f"create trigger stop_here before {moment} on {table} for each row execute function stop_here()"
        )
    stopped = "from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"

    async def everywhere() -> bool:
        return bool(await found.pool.fetchval(f"select count(*) >= $1 {stopped}", len(moments)))

    try:
        yield everywhere
    finally:
        await found.pool.execute(f"select pg_terminate_backend(pid) {stopped}")
        for table in moments:
            await found.pool.execute(f"drop trigger stop_here on {table}")


@asynccontextmanager
async def ways(dsns: Mapping[str, ServiceDsns], **changes: Any) -> AsyncIterator[Ways]:
    """Migrated tables and both pools."""
    own = dsns["notify"]
    await migrate(own.worker, "notify", "services.notify")
    await emptied(own, "notify")
    pool, api_pool = await open_pool(own.worker, "notify"), await open_pool(own.api, "notify")
    try:
        yield Ways(own, pool, api_pool, settings_of(own, **changes))
    finally:
        await pool.close()
        await api_pool.close()
