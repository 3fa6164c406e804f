"""The notify service inside the test's process, on real servers, and a relay that can be told to refuse."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import httpx
from aiosmtpd.smtp import SMTP, Envelope, Session

from contracts.envelope import Event
from contracts.events import NotificationAccepted, NotificationFailed
from deploy.database import ServiceDsns
from services.common.auth import Principal, mint
from services.common.db import Pool, migrate, open_pool
from services.common.deliver import Deliver, transaction
from services.common.listen import Listener
from services.common.record import Record, read, unpack_headers
from services.common.web import create_app
from services.notify import addresses, api
from services.notify.addresses import Manager
from services.notify.bounces import Bounces
from services.notify.chores import Chores
from services.notify.desk import Desk
from services.notify.gatherer import Gatherer
from services.notify.gathering import Limits
from services.notify.handlers import Handlers
from services.notify.settings import NotifySettings
from services.notify.store import WAKE_CHANNEL
from services.notify.worker import Worker
from tests.identity import Fixed
from tests.servers import emptied
from tests.unit.status.samples import record

SECRET = "a secret of the tests that is long enough"
OPERATOR = Principal(subject="op", roles=("OPERATEUR",))


@dataclass
class Relay:
    """An SMTP server. ``answers`` is asked at each stage, with the address; it may return an SMTP answer.

    The stages are sender, recipient, content, and taken: the mail is kept, its answer not sent yet.
    """

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    sessions: list[SMTP] = field(default_factory=list)
    answers: Callable[[str, str], Awaitable[str | None]] | None = None

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """The sender."""
        envelope.mail_from = address
        return await self._ask("sender", address) or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """The recipient."""
        if refusal := await self._ask("recipient", address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The content."""
        content = envelope.original_content or b""
        message = email.message_from_bytes(content, EmailMessage, policy=email.policy.default)
        if refusal := await self._ask("content", envelope.rcpt_tos[0]):
            return refusal
        self.mails.append(message)
        self.recipients += envelope.rcpt_tos
        await self._ask("taken", envelope.rcpt_tos[0])
        return f"250 2.0.0 kept as {len(self.mails)}"

    async def _ask(self, stage: str, address: str) -> str | None:
        return await self.answers(stage, address) if self.answers else None

    def session(self) -> SMTP:
        """One connection's protocol."""
        made = SMTP(self, hostname="relay.example")
        self.sessions.append(made)
        return made

    def hang_up(self) -> None:
        """End every connection."""
        for session in self.sessions:
            if session.transport is not None:
                session.transport.close()


@asynccontextmanager
async def relay(port: int = 0) -> AsyncIterator[Relay]:
    """A running relay."""
    found = Relay()
    server = await asyncio.get_running_loop().create_server(found.session, "127.0.0.1", port)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        found.hang_up()


@dataclass
class Tables:
    """The notify schema with both roles, and the way in for events."""

    own: ServiceDsns
    pool: Pool
    api_pool: Pool
    deliver: Deliver

    async def take(self, *events: Event) -> None:
        """One batch, as the consumer hands it over."""
        await self.deliver.batch([record(event) for event in events])

    async def load(self, *managers: Manager) -> None:
        """Replace the managers of their structures."""
        async with transaction(self.pool, "notify") as tx:
            await addresses.replace(tx.conn, managers)

    async def states(self) -> dict[str, int]:
        """How many messages stand where."""
        rows = await self.pool.fetch("select state, count(*) as n from message group by state")
        return {row["state"]: row["n"] for row in rows}

    async def attempts(self) -> list[tuple[int, str, int | None, str]]:
        """Every attempt, in order."""
        rows = await self.pool.fetch("select n, result, code, answer from attempt order by at")
        return [tuple(row) for row in rows]

    async def outcomes(self) -> list[NotificationAccepted | NotificationFailed]:
        """What the service told others, in order."""
        rows = await self.pool.fetch("select topic, key, headers, value from outbox order by id")
        found: list[NotificationAccepted | NotificationFailed] = []
        for row in rows:
            sent = Record(
                topic=row["topic"],
                partition=None,
                offset=None,
                key=row["key"].encode(),
                headers=unpack_headers(row["headers"]),
                value=row["value"],
            )
            event = read(sent).event
            assert event is not None
            assert isinstance(event.data, NotificationAccepted | NotificationFailed)
            found.append(event.data)
        return found


@asynccontextmanager
async def tables(dsns: Mapping[str, ServiceDsns], limits: Limits | None = None) -> AsyncIterator[Tables]:
    """Migrated tables and both pools. Nothing is gathered unless ``limits`` say so."""
    own = dsns["notify"]
    await migrate(own.worker, "notify", "services.notify")
    await emptied(own, "notify")
    pool, api_pool = await open_pool(own.worker, "notify"), await open_pool(own.api, "notify")
    try:
        yield Tables(
            own,
            pool,
            api_pool,
            Deliver(
                pool,
                "notify",
                Handlers(Desk("chorale.example", limits or Limits(notices_a_minute=10**6, optional_an_hour=10**6))),
            ),
        )
    finally:
        await pool.close()
        await api_pool.close()


def settings_of(own: ServiceDsns, port: int, **changes: Any) -> NotifySettings:
    """Settings of a worker that loses no time."""
    quick: dict[str, Any] = {
        "smtp_timeout_seconds": 2,
        "lease_seconds": 2,
        "temporary_base_seconds": 0.05,
        "temporary_attempts": 5,
        "technical_base_seconds": 0.05,
        "technical_ceiling_seconds": 0.2,
    }
    return NotifySettings(
        environment="development",
        kafka="unused:1",
        dsn=own.worker,
        api_dsn=own.api,
        port=1,
        token_secret=SECRET,
        smtp_host="127.0.0.1",
        smtp_port=port,
        mail_from="Chorale <ne-pas-repondre@chorale.example>",
        public_url="https://factures.example",
        portal=True,
        **{**quick, **changes},
    )


@asynccontextmanager
async def worker(found: Tables, port: int, **changes: Any) -> AsyncIterator[Worker]:
    """A worker inside the test; stopped as the runtime stops it."""
    listener = Listener(found.own.worker, WAKE_CHANNEL)
    running = Worker(found.pool, listener, settings_of(found.own, port, **changes))
    gatherer = Gatherer(found.pool, "chorale.example", every=0.05)
    tasks = [asyncio.create_task(run()) for run in (listener.run, running.run, gatherer.run)]
    try:
        yield running
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def client(found: Tables, principal: Principal) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service's API, in the same process."""

    async def fine() -> str | None:
        return None

    app = create_app("notify", token_secret=SECRET, live=fine, ready=[fine])
    if principal.grants:
        app.state.access = Fixed(principal)
    desk = Desk("chorale.example", Limits(notices_a_minute=10**6, optional_an_hour=10**6))
    api.add_routes(app, found.api_pool, Bounces(found.pool, desk, SECRET), "a secret for bounces")
    headers = {"Authorization": f"Bearer {mint(SECRET, principal)}", "X-Chorale-Reason": "Un essai de la plateforme"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://notify", headers=headers) as made:
        yield made


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while True:
            if await check():
                return
            await asyncio.sleep(0.02)


def desk() -> Desk:
    """Messages are written; nothing is held back for its number."""
    return Desk("chorale.example", Limits(notices_a_minute=10**6, optional_an_hour=10**6))


def chores(found: Tables) -> Chores:
    """What the service does from time to time."""
    return Chores(found.pool, desk(), timedelta(hours=4))


async def written(found: Tables) -> set[tuple[str, str, str]]:
    """Kind, address and state of each message."""
    return {tuple(row) for row in await found.pool.fetch("select kind, address, state from message")}


async def settled(found: Tables) -> None:
    """Wait until nothing is to be sent."""

    async def nothing_left() -> bool:
        return not set(await found.states()) & {"created", "sending"}

    await until(nothing_left, 30)
