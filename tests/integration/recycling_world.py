"""Status and routing as processes of their own, a directory of two tenants, and people around an invoice, for tests."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec

from deploy.local import Stack
from invoice.directory import Service, Structure, Tenant
from invoice.directory_file import DirectoryFile
from services.common.auth import Principal, mint
from services.common.db import open_pool, scoped
from services.routing.imports import import_directory
from tests.integration.test_status_with_notify import send
from tests.unit.routing.samples import SCHOOL, STRUCTURE, SUPPLIER, TENANT, TOWN, submitted
from tests.unit.status.samples import accepted, event

OTHER = Tenant(id="cd98", name="Un autre département")
DIRECTORY = DirectoryFile(
    tenants=(TENANT, OTHER),
    structures=(STRUCTURE, Structure(siret=SCHOOL, name="Régie des écoles", tenant="cd98", kind="regie")),
    services=(
        Service(siret=TOWN, code="DRH", label="Ressources humaines"),
        Service(siret=TOWN, code="VOIRIE", label="Voirie"),
    ),
)
FIRM = Principal(subject="firm", structures=(SUPPLIER,), roles=("FOURNISSEUR",))
CLERK = Principal(subject="clerk", services=(f"{TOWN}/DRH",))
ROADS = Principal(subject="roads", services=(f"{TOWN}/VOIRIE",))
TOWN_HALL = Principal(subject="town", structures=(TOWN,), tenants=("cd99",), roles=("GESTIONNAIRE",))
SCHOOLS = Principal(subject="schools", structures=(SCHOOL,), tenants=("cd98",), roles=("GESTIONNAIRE",))
OPERATOR = Principal(subject="op", roles=("OPERATEUR",))
BACK = {"action": "return_for_recycling", "motif": "SE_ERR", "comment": "Ce service n'achète plus rien."}
TO_SCHOOL = {"action": "recycle", "fields": {"recipient_siret": SCHOOL, "service_code": None}}


@dataclass
class World:
    """Both services, and everybody's way in."""

    stack: Stack

    def headers(self, who: Principal) -> dict[str, str]:
        """What somebody's requests say of him."""
        return {
            "Authorization": f"Bearer {mint(self.stack.token_secret, who)}",
            "X-Chorale-Reason": "Un essai de la plateforme",
        }

    def get(self, who: Principal, invoice: UUID, rest: str = "") -> httpx.Response:
        """What status answers about an invoice."""
        url = f"{self.stack.base_url('status')}/api/v1/invoices/{invoice}{rest}"
        return httpx.get(url, headers=self.headers(who), timeout=30)

    def act(self, who: Principal, invoice: UUID, body: dict[str, Any], **headers: str) -> httpx.Response:
        """POST an action; on the version read just before, unless the headers say otherwise."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if "If-Match" not in named:
            named["If-Match"] = self.get(who, invoice).headers.get("ETag", '"0"')
        url = f"{self.stack.base_url('status')}/api/v1/invoices/{invoice}/actions"
        return httpx.post(url, json=body, headers={**self.headers(who), **named}, timeout=30)

    def done(self, who: Principal, invoice: UUID, body: dict[str, Any]) -> None:
        """Act; it must be done."""
        answer = self.act(who, invoice, body)
        assert answer.status_code == 200, answer.text

    def until(self, who: Principal, invoice: UUID, status: str, entries: int = 0) -> dict[str, Any]:
        """The invoice once it is in this status with so many status entries."""
        deadline = time.monotonic() + 60
        while True:
            answer = self.get(who, invoice)
            found: dict[str, Any] = answer.json()
            if answer.status_code == 200 and found["status"]["code"] == status and len(story(found)) >= entries:
                return found
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.05)

    def deposited(self, **changes: Any) -> UUID:
        """An invoice at the disposal of the town's DRH, whose notice has been accepted."""
        invoice = uuid4()
        asyncio.run(send(self.stack.kafka.bootstrap, [event(submitted(**changes), invoice)]))
        self.until(FIRM, invoice, "MISE_A_DISPOSITION")
        asyncio.run(send(self.stack.kafka.bootstrap, [event(accepted(2, at=datetime.now(UTC)), invoice)]))
        while self.get(FIRM, invoice).json()["payment_delay"] is None:
            time.sleep(0.05)
        return invoice

    def fed(self, who: Principal, invoice: UUID) -> list[int]:
        """The entries of an invoice that this principal's live feed shows."""

        async def ask() -> list[int]:
            pool = await open_pool(self.stack.dsns["status"].api, "status")
            async with scoped(pool, who.scope()) as connection:
                rows = await connection.fetch("select value from outbox where key = $1 order by sequence", str(invoice))
            await pool.close()
            return [msgspec.json.decode(row["value"])["entry"] for row in rows]

        return asyncio.run(ask())

    def rows(self, service: str, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Rows of a service's schema, seen by its owner."""

        async def ask() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(
                self.stack.dsns[service].worker, server_settings={"search_path": service}
            )
            try:
                return await connection.fetch(statement, *values)
            finally:
                await connection.close()

        return asyncio.run(ask())


def story(found: dict[str, Any]) -> list[str]:
    """Every status that it entered, in order."""
    return [entry["status_to"] for entry in found["history"] if entry["kind"] == "status"]


@contextmanager
def opened() -> Iterator[World]:
    """Servers, status and routing as processes, and the directory loaded: seconds of waiting."""

    async def load(stack: Stack) -> None:
        pool = await open_pool(stack.dsns["routing"].worker, "routing")
        await import_directory(pool, DIRECTORY, by="agnès")
        await pool.close()

    with Stack(services=["status", "routing"], synced=False) as stack:
        asyncio.run(load(stack))
        yield World(stack)
