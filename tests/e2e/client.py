"""People and programs in front of the platform."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import uuid4

import httpx

from deploy.demo.prepare import bearer
from deploy.local import Stack
from services.common.auth import Principal
from tests.documents import SUPPLIER

PATIENCE = 30.0
T = TypeVar("T")
OPEN: list[httpx.Client] = []


def supplier(name: str | None = None, siret: str | None = None) -> Principal:
    """A supplier of his own, with an address of his own."""
    name = name or f"supplier-{uuid4().hex[:8]}"
    return Principal(
        subject=name,
        structures=(siret or SUPPLIER.siret or "",),
        roles=("FOURNISSEUR",),
        contact=f"{name}@supplier.example",
    )


class Person:
    """Somebody with a token, behind the one address."""

    def __init__(self, platform: Stack, principal: Principal) -> None:
        self.principal = principal
        self._inbox = platform.smtp.url
        self.http = httpx.Client(base_url=platform.url, headers=bearer(platform, principal), timeout=30)
        OPEN.append(self.http)

    def deposit(self, content: bytes, *, name: str = "facture.pdf", **headers: str) -> httpx.Response:
        """POST a document."""
        return self.http.post("/api/v1/deposits", files={"file": (name, content, "application/pdf")}, headers=headers)

    def decided(self, deposit: str) -> dict[str, Any]:
        """The deposit once it is no longer being read. Raises ``AssertionError`` after a while."""
        return until(lambda: self._if_decided(deposit))

    def _if_decided(self, deposit: str) -> dict[str, Any] | None:
        found: dict[str, Any] = self.http.get(f"/api/v1/deposits/{deposit}").json()
        return found if found["state"] != "received" else None

    def invoice(self, identity: str) -> httpx.Response:
        """GET an invoice."""
        return self.http.get(f"/api/v1/invoices/{identity}")

    def mails(self) -> list[dict[str, Any]]:
        """Mails to this person's contact address."""
        assert self._inbox is not None
        answer = httpx.get(f"{self._inbox}/api/messages", params={"to": self.principal.contact, "limit": 100})
        found: list[dict[str, Any]] = answer.json()
        return found

    @contextmanager
    def feed(self, last: str | None = None) -> Iterator[Iterator[tuple[str, str]]]:
        """The live feed as (id, data)."""
        headers = {"Last-Event-ID": last} if last else {}
        with self.http.stream("GET", "/api/v1/invoices/events", headers=headers, timeout=PATIENCE) as answer:
            assert answer.status_code == httpx.codes.OK
            yield _events(answer)


def _events(answer: httpx.Response) -> Iterator[tuple[str, str]]:
    identity = data = ""
    for line in answer.iter_lines():
        name, _, value = line.partition(":")
        if name == "id":
            identity = value.strip()
        elif name == "data":
            data = value.strip()
        elif not line and data:
            yield identity, data
            data = ""


def until(look: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """What ``look`` returns once it is true."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {patience:.0f} s")
