"""People in front of a real portal and a real notify: what they ask, what comes to their inbox."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from deploy.local import Stack

SETTINGS = {
    "CHORALE_WORKER_POLL_SECONDS": "0.2",
    "CHORALE_CHORE_SECONDS": "0.5",
    # The tests come from one address.
    "CHORALE_NETWORK_EACH_MINUTE": "100000",
    "CHORALE_NETWORK_SIGN_UPS_EACH_HOUR": "100000",
    "CHORALE_KEY_LEAD_SECONDS": "1",
    # What hashing costs by default is a test of its own.
    "CHORALE_PASSWORD_KIB": "1024",
    "CHORALE_PASSWORD_PASSES": "1",
}
PASSWORD = "quatre chats verts dansent"
SIRET = "99900001100018"
A = "/api/v1/accounts"
_LINK = re.compile(r"https?://\S+/lien\?token=(\S+)")


@contextmanager
def accounts_stack(settings: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """portal and notify with their servers."""
    with Stack(services=["portal", "notify"], synced=False, settings={**SETTINGS, **(settings or {})}) as running:
        yield running


@dataclass
class World:
    """The stack, and what has been read of its inbox."""

    stack: Stack
    seen: set[int] = field(default_factory=set)

    @property
    def origin(self) -> str:
        """The address that links and browsers name."""
        return "http://127.0.0.1:8080"

    @asynccontextmanager
    async def browser(self, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """A browser with cookies of its own, on the platform's own pages."""
        base = self.stack.base_url("portal")
        named = {"Sec-Fetch-Site": "same-origin", "User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/130.0", **headers}
        async with httpx.AsyncClient(base_url=base, headers=named, timeout=30) as made:
            yield made

    async def mail(self, to: str, subject: str) -> dict[str, Any]:
        """The next mail to this address whose subject has these words."""
        async with asyncio.timeout(30), httpx.AsyncClient(timeout=10) as client:
            while True:
                found = await client.get(f"{self.stack.smtp.url}/api/messages", params={"to": to})
                for mail in found.json():
                    if mail["id"] not in self.seen and mail["to"] == [to] and subject in mail["subject"]:
                        self.seen.add(mail["id"])
                        return dict(mail)
                await asyncio.sleep(0.1)

    async def link(self, to: str, subject: str) -> str:
        """The word of the link in that mail."""
        found = _LINK.search((await self.mail(to, subject))["text"])
        assert found is not None
        return found[1]

    async def mails(self, to: str) -> list[str]:
        """The subjects of all mails to this address."""
        async with httpx.AsyncClient(timeout=10) as client:
            params = {"to": to, "bodies": "0"}
            found = (await client.get(f"{self.stack.smtp.url}/api/messages", params=params)).json()
        return [mail["subject"] for mail in found if mail["to"] == [to]]

    async def open(self, client: httpx.AsyncClient, email: str | None = None, **more: Any) -> str:
        """An account that is open, in this browser; returns its address."""
        address = email or new_address()
        asked = await client.post(A, json=sign_up(address, **more))
        assert asked.status_code == 202, asked.text
        token = await self.link(address, "Activez")
        opened = await client.post(f"{A}/links", json={"token": token, "password": PASSWORD})
        assert opened.status_code == 200, opened.text
        assert opened.json()["signed_in"] is True
        return address

    async def token(self, client: httpx.AsyncClient) -> str:
        """An access token for the browser's session."""
        answer = await client.post(f"{A}/sessions/token")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def ask_notify(self, token: str) -> int:
        """What another service answers to this token."""
        async with httpx.AsyncClient(base_url=self.stack.base_url("notify"), timeout=10) as client:
            answer = await client.get("/api/v1/messages/contact", headers={"Authorization": f"Bearer {token}"})
            return answer.status_code

    async def ended(self, token: str) -> None:
        """Until another service refuses this token. Raises ``TimeoutError``."""
        async with asyncio.timeout(10):
            while True:
                if await self.ask_notify(token) == 401:
                    return
                await asyncio.sleep(0.05)


def new_address() -> str:
    """An address that nobody has."""
    return f"claire.{uuid4().hex[:12]}@menuiserie.example"


def sign_up(email: str, **more: Any) -> dict[str, Any]:
    """The body of a sign-up."""
    return {
        "email": email,
        "name": "Claire Martin",
        "identifier": {"type": "SIRET", "value": SIRET},
        "structure_name": "Menuiserie Martin",
        "address": {"street": "4 rue du Port", "postal_code": "06300", "town": "Nice"},
        **more,
    }
