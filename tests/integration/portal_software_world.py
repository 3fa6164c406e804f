"""portal's software, oauth, usage and audit on a real database, behind a web server in the test's own process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
from pydantic import SecretStr

from contracts.envelope import Event, decode
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common import persons
from services.common.auth import Principal, mint
from services.common.db import Pool, migrate, open_pool
from services.common.record import unpack_headers
from services.common.usage import Usage
from services.common.web import Server, create_app
from services.portal import audit_api, oauth_api, software_api, usage_api
from services.portal.parts import Parts, assemble, begin
from services.portal.person_part import person
from services.portal.settings import PortalSettings
from services.portal.usage_sums import UsageSums

SECRET = "the-secret-of-the-tests-of-portal-only"
SUPPLIER, BODY, TENANT = "44306184100047", "22060001900016", "cd06"
SOFTWARE = "/api/v1/accounts/software"


def manager(structure: str = SUPPLIER, tenant: str | None = None, subject: str = "person:manager") -> Principal:
    """Somebody who manages one structure."""
    return Principal(
        subject=subject,
        structures=(structure,),
        roles=("GESTIONNAIRE",),
        tenants=() if tenant is None else (tenant,),
    )


OPERATOR = Principal(subject="person:operator", roles=("OPERATEUR",))


@dataclass
class World:
    """One portal, and what a test needs to look at it."""

    client: httpx.AsyncClient
    parts: Parts
    usage: Usage
    sums: UsageSums

    @property
    def pool(self) -> Pool:
        """As owner of the schema."""
        return self.parts.pool

    async def ask(self, method: str, path: str, who: Principal, **more: Any) -> httpx.Response:
        """A request of this person."""
        headers = {"Authorization": f"Bearer {mint(SECRET, who)}", **more.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **more)

    async def made(self, who: Principal | None = None, **more: Any) -> dict[str, Any]:
        """A software account, which must succeed."""
        given = {"structure": SUPPLIER, "name": "ERP", "roles": ["FOURNISSEUR"], "scopes": ["deposits.write"], **more}
        answer = await self.ask("POST", SOFTWARE, who or manager(given["structure"]), json=given)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def secret(self, client_id: str, who: Principal | None = None, **more: Any) -> dict[str, Any]:
        """A secret of it, which must succeed."""
        answer = await self.ask("POST", f"{SOFTWARE}/{client_id}/secrets", who or manager(), json=more)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def token(self, client_id: str, secret: str, **more: str) -> httpx.Response:
        """A token request, as a client writes it."""
        form = {"grant_type": "client_credentials", **more}
        return await self.client.post("/api/v1/oauth/token", data=form, auth=(client_id, secret))

    async def sent(self) -> list[Event]:
        """The events in the outbox, in order."""
        rows = await self.pool.fetch("select headers, value from outbox order by id")
        return [decode(unpack_headers(row["headers"]), row["value"]) for row in rows]

    async def account(self, subject: str, email: str, *, state: str = "active") -> None:
        """A person's account, as it stands after activation."""
        now = datetime.now(UTC)
        await self.pool.execute(
            "insert into account (subject, email, email_key, state, created_at, activated_at, closed_at)"
            " values ($1, $2, $2, $3, $4, $4, case when $3 = 'closed' then $4::timestamptz end)",
            subject,
            email,
            state,
            now,
        )

    async def manages(self, subject: str, structure: str) -> None:
        """Make somebody the manager of a supplier's structure."""
        identity = await self.pool.fetchval("select id from structure where key = $1", structure)
        await self.pool.execute(
            "insert into membership (id, structure, subject, side, verified, verified_how, manager, since)"
            " values ($1, $2, $3, 'supplier', true, 'proof', 'principal', now())",
            uuid4(),
            identity,
            subject,
        )


async def prepare(pool: Pool) -> None:
    """A supplier's structure and a public body with its tenant."""
    await pool.execute(
        "insert into structure (id, kind, identifier, written, key, name, created_at, created_by, changed_at)"
        " values ($1, 'SIRET', $2, $2, $2, 'Menuiserie', now(), 'person:x', now())",
        UUID(int=1),
        SUPPLIER,
    )
    await pool.execute("insert into public_tenant values ($1, 'Alpes-Maritimes', 1, false)", TENANT)
    await pool.execute(
        "insert into public_structure (siret, tenant, name, active, version, deleted)"
        " values ($1, $2, 'Budget principal', true, 1, false)",
        BODY,
        TENANT,
    )
    await pool.execute(
        "insert into public_service select $1, code, code, true, 1, false"
        " from unnest(array['DRH', 'DSI', 'RH@SIEGE', 'A/B']) code on conflict do nothing",
        BODY,
    )


async def renewed(world: World) -> World:
    """The world as it was before the test that ran first."""
    await world.pool.execute("truncate software, software_secret, token_window, timer, outbox, published_right cascade")
    await world.pool.execute("truncate structure, public_tenant, public_structure, account, errand cascade")
    await prepare(world.pool)
    return world


def settings_for(stack: Stack, dsns: Mapping[str, ServiceDsns], **more: Any) -> PortalSettings:
    """Settings of a portal on this database; hashing costs as little as it can."""
    given: dict[str, Any] = {
        "environment": "development",
        "kafka": stack.kafka.bootstrap,
        "dsn": SecretStr(dsns["portal"].worker),
        "api_dsn": SecretStr(dsns["portal"].api),
        "port": _free_port(),
        "token_secret": SecretStr(SECRET),
        "public_url": "https://factures.example",
        "s3_endpoint": stack.s3.endpoint,
        "s3_access_key": stack.s3.access_key,
        "s3_secret_key": SecretStr(stack.s3.secret_key),
        "password_kib": 8,
        "password_passes": 1,
        "password_lanes": 1,
        "service_urls": {"notify": "http://127.0.0.1:9"},  # nobody answers there
        **more,
    }
    return PortalSettings(**given)


@asynccontextmanager
async def open_world(stack: Stack, dsns: Mapping[str, ServiceDsns], **more: Any) -> AsyncIterator[World]:
    """A portal without consumer and relay, so that a test sees each step by itself."""
    settings = settings_for(stack, dsns, **more)
    await migrate(dsns["portal"].worker, "portal", "services.portal")
    pool = await open_pool(dsns["portal"].worker, "portal")
    api_pool = await open_pool(dsns["portal"].api, "portal")
    parts = assemble(settings, pool, api_pool)
    await begin(parts)
    app = create_app("portal", token_secret=SECRET, live=_fine, ready=[])
    usage = Usage(pool)
    app.state.usage = usage
    sums = UsageSums(parts.neighbours, usage)
    software_api.add_routes(app, parts, sums)
    oauth_api.add_routes(app, parts)
    audit_api.add_routes(app, parts)
    usage_api.add_routes(app, sums)
    persons.add_routes(app, "portal", pool, person())
    server = Server(app, settings.host, settings.port, 2)
    serving = asyncio.create_task(server.serve())
    try:
        patient = httpx.AsyncHTTPTransport(retries=5)
        url = f"http://{settings.host}:{settings.port}"
        async with httpx.AsyncClient(base_url=url, timeout=40, transport=patient) as client:
            yield World(client, parts, usage, sums)
    finally:
        server.should_exit = True
        await serving
        await parts.passwords.close()
        for each in (pool, api_pool):
            each.terminate()


async def _fine() -> str | None:
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
