"""The platform behind its one address, and people with accounts: what every browser test needs."""

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeVar
from uuid import uuid4

import httpx

from deploy.demo.prepare import prepare
from deploy.local import Stack
from services.common.db import open_pool
from services.common.deliver import Tx, transaction
from services.common.trace import RequestCause
from services.portal import member_store, rights, structure_directory, structure_store
from services.portal.member_store import Given
from tests.integration import account_world
from tests.integration.account_world import PASSWORD

T = TypeVar("T")
SERVICES = ("ingest", "ocr", "routing", "status", "notify", "portal", "supervision")
TOWN = "22060001900016"


def _run(work: Coroutine[Any, Any, T]) -> T:
    """What is written for asyncio; aside, for Playwright has a loop of its own in this thread."""
    with ThreadPoolExecutor(max_workers=1) as aside:
        return aside.submit(asyncio.run, work).result()


def _client() -> httpx.Client:
    """Connections that stay open, for people of whom each says himself who he is: no cookie is kept."""
    return httpx.Client(timeout=30, cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])))


@dataclass
class Platform:
    """``url``: the one address. Accounts are opened once for each name and kept."""

    stack: Stack
    accounts: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    #: Ids of what the tests made once, by their own names.
    made: dict[str, str] = field(default_factory=dict)
    http: httpx.Client = field(default_factory=_client)

    @property
    def url(self) -> str:
        """The address in front: a name, for no browser makes a passkey for a number."""
        return self.stack.url.replace("127.0.0.1", "localhost")

    def account(self, name: str = "claire", shown: str = "Claire Martin") -> str:
        """The address of an account with a structure, opened by its mail; made once for each name."""
        if name not in self.accounts:
            self.accounts[name] = _run(self._open(f"{name}.{uuid4().hex[:8]}@menuiserie.example", shown))
        return self.accounts[name]

    def cookie(self, name: str = "claire") -> dict[str, Any]:
        """The cookie of a session of that account, the same each time, as Playwright takes it."""
        if name not in self.cookies:
            body = {"email": self.account(name), "password": PASSWORD}
            browser = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
            answer = self.http.post(f"{self.url}/api/v1/accounts/sessions", json=body, headers=browser)
            answer.raise_for_status()
            self.cookies[name] = answer.cookies["chorale"]
        return {"name": "chorale", "value": self.cookies[name], "url": self.url}

    def token(self, name: str = "claire") -> dict[str, str]:
        """The header that opens the API to this account, with the rights that it has now."""
        cookie = {"Cookie": f"chorale={self.cookie(name)['value']}", "Sec-Fetch-Site": "same-origin"}
        made = self.http.post(f"{self.url}/api/v1/accounts/sessions/token", headers=cookie)
        made.raise_for_status()
        return {"Authorization": f"Bearer {made.json()['access_token']}"}

    def ask(self, name: str, method: str, path: str, body: Any = None, once: str | None = None) -> Any:
        """What the API answers to this account; ``once`` is an Idempotency-Key."""
        headers = self.token(name)
        if once is not None:
            headers["Idempotency-Key"] = once
        answer = self.http.request(method, f"{self.url}{path}", json=body, headers=headers)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def link(self, to: str, words: str) -> str:
        """The link of the next mail to this address whose subject has these words."""
        return f"{self.url}/lien?token={_run(self._world().link(to, words))}"

    def reset_link(self, name: str = "oscar") -> str:
        """The way to a new password, as the mail of this account gives it."""
        email = self.account(name)
        self.http.post(f"{self.url}/api/v1/accounts/password/reset", json={"email": email}).raise_for_status()
        return self.link(email, "mot de passe").removeprefix(self.url)

    def give(self, name: str, *offices: tuple[str, str | None]) -> None:
        """Give an account offices: pairs of role and tenant, such as ``("OPERATEUR", None)``."""
        _run(self._give(self.account(name), offices))

    def place(self, name: str, siret: str, *roles: tuple[str, str | None], manager: str | None = None) -> None:
        """Make an account work for a public body: pairs of role and service; ``manager``: principal or secondaire."""
        _run(self._place(self.account(name), siret, roles, manager))

    def _world(self) -> account_world.World:
        return account_world.World(self.stack)

    async def _open(self, email: str, shown: str) -> str:
        world = self._world()
        async with httpx.AsyncClient(base_url=self.url, timeout=30) as client:
            return await world.open(client, email, name=shown)

    async def _give(self, email: str, offices: Sequence[tuple[str, str | None]]) -> None:
        async with self._portal() as tx:
            subject = await tx.conn.fetchval("select subject from account where email = $1", email)
            for role, tenant in offices:
                await member_store.give_office(tx.conn, subject, role, tenant, "platform", tx.now)
            await rights.publish(tx, [subject], RequestCause(uuid4()))

    async def _place(
        self, email: str, siret: str, roles: Sequence[tuple[str, str | None]], manager: str | None
    ) -> None:
        async with self._portal() as tx:
            subject = await tx.conn.fetchval("select subject from account where email = $1", email)
            body = await structure_directory.body(tx.conn, siret)
            assert body is not None, f"{siret} is not in the directory of the demo"
            structure = (await structure_store.of_body(tx.conn, body, "platform", tx.now)).id
            # Whoever signs up names a structure that he deposits for: here she works for the body alone.
            await tx.conn.execute("update membership set left_at = $2 where subject = $1", subject, tx.now)
            member = await member_store.join(tx.conn, structure, subject, "body", tx.now, "approved", "platform")
            if manager:
                await member_store.set_manager(tx.conn, member.id, manager)  # type: ignore[arg-type]
            given = [Given(role=role, service=service) for role, service in roles]
            await member_store.give(tx.conn, structure, subject, "body", given, "platform", tx.now)
            await rights.publish(tx, [subject], RequestCause(uuid4()))

    @asynccontextmanager
    async def _portal(self) -> AsyncIterator[Tx]:
        pool = await open_pool(self.stack.dsns["portal"].worker, "portal", max_size=1)
        try:
            async with transaction(pool, "portal") as tx:
                yield tx
        finally:
            await pool.close()


@contextmanager
def platform() -> Iterator[Platform]:
    """Everything, with the directory of the demo."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        **account_world.SETTINGS,
        "CHORALE_ADDRESS_MAILS_EACH_HOUR": "1000",
        "CHORALE_PUBLIC_URL": f"http://localhost:{port}",
    }
    with Stack(services=SERVICES, gateway=True, port=port, synced=False, settings=settings) as stack:
        prepare(stack)
        running = Platform(stack)
        with running.http:
            yield running
