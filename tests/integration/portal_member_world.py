"""portal's structures and memberships on a real database: the API in the test's process, rights as published."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import msgspec
from pydantic import SecretStr

from contracts.envelope import Event, decode
from contracts.events import AccountPublished, Grant
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common import clock
from services.common.blobs import Blobs
from services.common.db import Pool, migrate, open_pool
from services.common.deliver import transaction
from services.common.principal import Holder, Principal, of_grants
from services.common.record import unpack_headers
from services.common.settings import BlobSettings
from services.common.timers import Timer
from services.common.tokens import Refused
from services.common.trace import RequestCause
from services.common.web import create_app
from services.portal import member_store, member_timers, rights, structure_parts
from services.portal.mail_links import Links
from services.portal.mailing import Mailing
from services.portal.parts import Parts
from services.portal.tokens import Tokens
from tests.servers import emptied

SUPPLIER, SAME_COMPANY, OTHER = "73282932000074", "73282932000082", "44306184100047"
BODY, TENANT = "22060001900016", "cd06"
ACCOUNTS = "/api/v1/accounts"
SECRET = "the-secret-of-the-tests-of-portal-only"
PDF = b"%PDF-1.7 a paper"


def person(name: str) -> str:
    """The subject of somebody."""
    return f"person:{UUID(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest())}"


OPERATOR = person("operator")


class _Told:
    """Who asks, by his bare subject; what he may do, by what was published of him last."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def principal(self, token: str) -> Principal:
        """The subject with the rights that hold now."""
        content = await self._pool.fetchval("select content::text from published_right where subject = $1", token)
        if not token.startswith("person:"):
            raise Refused("form")
        grants = msgspec.json.decode(content, type=_Published).grants if content else ()
        now = clock.now()
        held = [g for g in grants if (g.since is None or g.since <= now) and (g.until is None or now < g.until)]
        return of_grants(token, held)

    async def still(self, principal: Principal) -> Principal | None:
        """He stays."""
        return principal

    async def of(self, subject: str) -> Principal | None:
        """As with a token."""
        return await self.principal(subject)

    async def holds(self, holder: Holder, given: float) -> bool:
        """The portal gives no links."""
        return False


class _Published(msgspec.Struct):
    grants: tuple[Grant, ...] = ()


@dataclass
class World:
    """One portal, and what a test needs to look at it."""

    client: httpx.AsyncClient
    parts: Parts
    blobs: Blobs
    own: ServiceDsns
    people: set[str] = field(default_factory=set)

    @property
    def pool(self) -> Pool:
        """As owner of the schema."""
        return self.parts.pool

    async def known(self, *names: str) -> list[str]:
        """People with active accounts; their subjects."""
        for name in names:
            if name not in self.people:
                self.people.add(name)
                await self.pool.execute(
                    "insert into account (subject, email, email_key, name, state, created_at, activated_at)"
                    " values ($1, $2, $2, $3, 'active', now(), now())",
                    person(name),
                    f"{name}@example.fr",
                    name.title(),
                )
        return [person(name) for name in names]

    async def ask(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        """A request of this person."""
        await self.known(who)
        headers = {"Authorization": f"Bearer {person(who)}"}
        return await self.client.request(method, f"{ACCOUNTS}{path}", headers=headers, **more)

    async def good(self, who: str, method: str, path: str, **more: Any) -> Any:
        """A request that must succeed; what it answers."""
        answer = await self.ask(who, method, path, **more)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def refused(self, who: str, method: str, path: str, **more: Any) -> tuple[int, str]:
        """A request that must not succeed: status and code."""
        answer = await self.ask(who, method, path, **more)
        assert not answer.is_success, answer.text
        body = answer.json()
        assert body["title"]
        assert body["detail"]
        return answer.status_code, body["code"]

    async def arrives(self, who: str, siret: str = SUPPLIER) -> None:
        """He deposits for this SIRET."""
        await self.good(who, "POST", "/structures", json={"identifier": siret, "name": f"Entreprise {siret[-3:]}"})

    async def proves(self, who: str, siret: str = SUPPLIER) -> None:
        """His paper is approved."""
        made = await self.sends_paper(who, siret)
        await self.good("operator", "POST", f"/proofs/{made['id']}/approve")

    async def sends_paper(self, who: str, siret: str = SUPPLIER) -> Any:
        """He sends a paper."""
        dated = clock.now().date().isoformat()
        return await self.good(who, "POST", f"/structures/{siret}/proofs?kind=KBIS&dated={dated}", content=PDF)

    async def verified(self, *names: str, siret: str = SUPPLIER) -> None:
        """The first proves who he is and becomes principal manager; he answers for the others."""
        first, *others = names
        await self.arrives(first, siret)
        await self.proves(first, siret)
        for name in others:
            await self.arrives(name, siret)
            await self.good(first, "POST", f"/structures/{siret}/members/{person(name)}/vouch")

    async def office(self, who: str, role: str, tenant: str | None = None) -> None:
        """A right outside any structure."""
        await self.known(who)
        async with transaction(self.pool, "portal") as tx:
            await member_store.give_office(tx.conn, person(who), role, tenant, "platform", tx.now)
            await rights.publish(tx, [person(who)], RequestCause(uuid4()))

    async def grants(self, who: str) -> list[tuple[str, str | None]]:
        """What he may do now, as it was published last: role and place."""
        principal = await _Told(self.pool).principal(person(who))
        return [
            (g.role, f"{g.structure}/{g.service}" if g.service else g.structure or g.tenant) for g in principal.grants
        ]

    async def published(self, who: str) -> list[AccountPublished]:
        """All entries about him in the outbox, in order."""
        found = [event.data for event in await self.sent()]
        return [data for data in found if isinstance(data, AccountPublished) and data.subject == person(who)]

    async def sent(self) -> list[Event]:
        """The events in the outbox, in order."""
        rows = await self.pool.fetch("select headers, value from outbox order by id")
        return [decode(unpack_headers(row["headers"]), row["value"]) for row in rows]

    async def letters(self, who: str) -> list[str]:
        """The kinds of the letters written to him, in order."""
        rows = await self.pool.fetch("select data from errand where kind = 'letter' order by made_at, id")
        found = [msgspec.json.decode(row["data"]) for row in rows]
        return [data["kind"] for data in found if data["address"] == f"{who}@example.fr"]

    async def link(self, address: str) -> str:
        """The word in the link of the last letter to an address."""
        row = await self.pool.fetchrow(
            "select link from errand where data ->> 'address' = $1 order by made_at desc limit 1", address
        )
        assert row is not None
        return self.parts.mailing.links.word(row["link"])

    async def fire(self, kind: str, after: timedelta) -> None:
        """Fire the timers of this kind as if so much time had passed."""
        async with transaction(self.pool, "portal") as tx:
            tx.now = tx.now + after
            rows = await tx.conn.fetch(
                "update timer set fired_at = now() where kind = $1 and due_at <= $2 and fired_at is null"
                " and cancelled_at is null returning id, key, kind, due_at, traceparent",
                kind,
                tx.now,
            )
            await member_timers.fire(tx, [Timer(**dict(row)) for row in rows], self.parts.mailing)

    async def trail(self, action: str) -> list[dict[str, Any]]:
        """The audit entries of this action."""
        rows = await self.pool.fetch(
            "select actor, about, structure, tenant, details::text from audit_entry where action = $1 order by id",
            action,
        )
        return [{**dict(row), "details": msgspec.json.decode(row["details"])} for row in rows]


async def prepare(pool: Pool) -> None:
    """A tenant with a public body and two services."""
    await pool.execute("insert into public_tenant values ($1, 'Alpes-Maritimes', 1, false)", TENANT)
    await pool.execute(
        "insert into public_structure (siret, tenant, name, active, version, deleted)"
        " values ($1, $2, 'Département des Alpes-Maritimes', true, 1, false)",
        BODY,
        TENANT,
    )
    await pool.execute(
        "insert into public_service select $1, code, code, true, 1, false from unnest(array['DRH', 'DSI']) code", BODY
    )


@asynccontextmanager
async def open_world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    """Empty tables, the public body, an operator. Nothing consumes and nothing is relayed or mailed."""
    own = dsns["portal"]
    await migrate(own.worker, "portal", "services.portal")
    await emptied(own, "portal")
    pool, api_pool = await open_pool(own.worker, "portal"), await open_pool(own.api, "portal")
    await prepare(pool)
    blobs = Blobs(blob_settings(stack, own))
    await blobs.open()
    links = Links(hmac.new(b"tests", SECRET.encode(), "sha256").hexdigest(), "https://factures.example")
    mailing = Mailing(pool, cast(Tokens, None), links, "http://127.0.0.1:9", poll_seconds=1)
    parts = cast(Parts, SimpleNamespace(pool=pool, api_pool=api_pool, mailing=mailing))
    app = create_app("portal", token_secret=SECRET, live=_fine, ready=[])
    app.state.access = _Told(pool)
    structure_parts.add_routes(app, parts, blobs)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://portal", timeout=40) as client:
            world = World(client, parts, blobs, own)
            await world.office("operator", "OPERATEUR")
            yield world
    finally:
        await blobs.close()
        await pool.close()
        await api_pool.close()


def blob_settings(stack: Stack, own: ServiceDsns) -> BlobSettings:
    """The store of the tests."""
    return BlobSettings(
        environment="development",
        kafka=stack.kafka.bootstrap,
        dsn=SecretStr(own.worker),
        api_dsn=SecretStr(own.api),
        port=1,
        token_secret=SecretStr(SECRET),
        s3_endpoint=stack.s3.endpoint,
        s3_access_key=stack.s3.access_key,
        s3_secret_key=SecretStr(stack.s3.secret_key),
        s3_bucket="portal-tests",
    )


async def _fine() -> str | None:
    return None


def at(days: float) -> str:
    """An instant so many days from now, as JSON writes it."""
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()
