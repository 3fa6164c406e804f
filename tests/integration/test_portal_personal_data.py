"""A person's data: where they stand, given whole, and erased in every service whatever is away or killed meanwhile."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from contracts.events import AccountPublished, Grant, SigningKeyPublished
from contracts.registry import SERVICES, ServiceName
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common import account_replica, persons
from services.common.access import Access
from services.common.auth import Principal, mint
from services.common.db import Pool, migrate, open_pool
from services.common.persons import PersonPart, Subject
from services.common.tenants import Erasure
from services.common.usage import Usage, add_route
from services.common.web import Server, create_app
from services.ingest.person_part import PERSON as INGEST
from services.notify.person_part import NOBODY
from services.notify.person_part import PERSON as NOTIFY
from services.portal import people, structure_handlers, tenant_part
from services.portal.account_keys import base64url
from services.portal.people import NotClosed
from services.portal.personal_page import load
from services.portal.tokens import ITSELF
from services.status.person_part import PERSON as STATUS
from tests.integration import tenant_world
from tests.integration.portal_software_world import OPERATOR, SECRET, TENANT, World, open_world
from tests.integration.tenant_world import opened
from tests.servers import fresh_database

GONE = "person:33333333-3333-4333-8333-333333333333"
STAYS = "person:44444444-4444-4444-8444-444444444444"
ADDRESS = "claire@menuiserie.example"
#: She has asked for it as her contact address; it is not hers.
ASKED = "paul.martin@mairie.example"
#: A column that is called so names somebody, unless the register says that it does not.
SOUNDS = re.compile(
    r"contact|e?mail|address|login|phone|agent|network|comment|(^|_)by(_|$)|subject|depositor|holder|iban|owner|actor"
    r"|operator|person|street|giver|receiver"
)


async def test_every_table_of_every_service_stands_in_the_register_of_personal_data(
    dsns: Mapping[str, ServiceDsns],
) -> None:
    tables: dict[str, set[str]] = {}
    for name in SERVICES:
        await migrate(dsns[name].worker, name, f"services.{name}")
        connection = await asyncpg.connect(dsns[name].worker)
        rows = await connection.fetch(
            "select c.relname, array_agg(a.attname::text) as columns from pg_class c join pg_attribute a"
            " on a.attrelid = c.oid where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p')"
            " and a.attnum > 0 and not a.attisdropped group by 1",
            name,
        )
        await connection.close()
        tables |= {f"{name}.{row['relname']}": set(row["columns"]) for row in rows}
    found = load()
    listed = [item for row in found.register for item in row.tables.items()]
    named = _columns(listed, tables)
    without = {table for one in found.without for name in one.tables for table in _meant(name, tables)}
    assert not set(tables) - set(named) - without, "tables that the register does not name"
    assert not (set(named) | without) - set(tables), "tables that the register names and nobody has"
    assert not set(named) & without
    harmless = _columns(list(found.harmless.items()), tables)
    for table, columns in tables.items():
        known = named.get(table, set()) | harmless.get(table, set())
        assert not {c for c in columns if SOUNDS.search(c)} - known, f"columns of {table} that sound like a person's"
        assert not known - columns, f"columns that {table} does not have"


def _meant(name: str, tables: Mapping[str, Any]) -> list[str]:
    return [t for t in tables if t.partition(".")[2] == name[2:]] if name.startswith("*.") else [name]


def _columns(listed: list[tuple[str, list[str]]], tables: Mapping[str, Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, columns in listed:
        for table in _meant(name, tables):
            found.setdefault(table, set()).update(columns)
    return found


class Neighbour:
    """One other service: its tables, and what it answers to portal, with portal's real tokens."""

    def __init__(self, name: ServiceName, part: PersonPart) -> None:
        self.name, self.part = name, part
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.pool: Pool

    @asynccontextmanager
    async def up(self, dsns: Mapping[str, ServiceDsns], world: World) -> AsyncIterator[None]:
        """Serve, knowing portal's key and right as they would have come by Kafka."""
        access = Access(self.pool, dsns[self.name].worker, self.name, development_secret=SECRET)
        hearing = asyncio.create_task(access.run())
        async with self.pool.acquire() as connection, connection.transaction():
            await account_replica.apply(connection, self.name, await _published(world))
        app = create_app(self.name, token_secret=SECRET, live=_fine, ready=[], access=access)
        app.state.usage = Usage(self.pool)
        add_route(app, self.name, app.state.usage)
        persons.add_routes(app, self.name, self.pool, self.part)
        server = Server(app, "127.0.0.1", self.port, 2)
        serving = asyncio.create_task(server.serve())
        try:
            async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=5)) as client:
                assert (await client.get(f"{self.url}/health/live")).status_code == 200
            yield
        finally:
            server.should_exit = True
            await serving
            hearing.cancel()


async def _fine() -> str | None:
    return None


async def _published(world: World) -> list[Any]:
    now = datetime.now(UTC)
    keys = await world.parts.keys.public(now)
    version = await world.pool.fetchval("select version from published_right where subject = $1", ITSELF)
    return [
        AccountPublished(
            subject=ITSELF, version=version, kind="service", state="active", grants=(Grant(role="SERVICE"),)
        ),
        *(
            SigningKeyPublished(
                kid=key.kid, public_key=base64url(key.public_key), version=key.version, valid_from=key.signs_from
            )
            for key in keys
        ),
    ]


@asynccontextmanager
async def _platform(stack: Stack) -> AsyncIterator[tuple[World, Mapping[str, ServiceDsns], dict[str, Neighbour]]]:
    others = {
        "ingest": Neighbour("ingest", INGEST),
        "notify": Neighbour("notify", NOTIFY),
        "status": Neighbour("status", STATUS),
    }
    urls = {name: each.url for name, each in others.items()}
    async with fresh_database(stack, "portal") as dsns:
        for name, each in others.items():
            await migrate(dsns[name].worker, name, f"services.{name}")
            each.pool = await open_pool(dsns[name].worker, name)
        async with open_world(stack, dsns, service_urls=urls) as world:
            yield world, dsns, others
        for each in others.values():
            each.pool.terminate()


async def _fill(world: World, others: Mapping[str, Neighbour]) -> UUID:
    """Two people's rows in every service; returns the draft of the one who goes."""
    await world.account(GONE, ADDRESS, state="closed")
    await world.account(STAYS, "paul@menuiserie.example")
    await world.pool.execute(
        "insert into account_claim (subject, identifier_type, identifier, normalised, address, claimed_at)"
        " values ($1, 'SIRET', '99900001100018', '99900001100018', '{\"street\": \"4 rue du Port\"}', now())",
        GONE,
    )
    draft = uuid4()
    for subject, contact, identity in ((GONE, ADDRESS, draft), (STAYS, "paul@menuiserie.example", uuid4())):
        for state, row in (("to_verify", identity), ("received", uuid4())):
            await others["ingest"].pool.execute(
                "insert into deposit (id, depositor, contact, structures, state, file_name, sha256, size, media_type,"
                " bucket, object_key, received_at) values ($1::uuid, $2, $3, '{}', $4, 'f.pdf', $1::uuid::text, 1,"
                " 'application/pdf', 'b', 'k', now())",
                row,
                subject,
                contact,
                state,
            )
        await others["notify"].pool.execute(
            "insert into contact (subject, login, asked, asked_at) values ($1, $2, $3, now())",
            subject,
            contact,
            ASKED if subject == GONE else None,
        )
        await others["notify"].pool.execute("insert into person (address) values ($1)", contact)
        await others["notify"].pool.execute(
            "insert into message (id, subject, kind, audience, address, data, message_id_header, state,"
            " next_attempt_at, created_at, done_at) values ($1, 'y', 'K', 'validator', $2, '{}', $1::uuid::text,"
            " 'accepted', now(), now(), now())",
            uuid4(),
            ASKED,
        )
        for state in ("accepted", "created"):
            await others["notify"].pool.execute(
                "insert into message (id, subject, kind, audience, address, data, message_id_header, state,"
                " next_attempt_at, created_at, done_at) values ($1, 'x', 'K', 'supplier', $2, '{}', $1::uuid::text,"
                " $3::text, now(), now(), case when $3::text = 'accepted' then now() end)",
                uuid4(),
                contact,
                state,
            )
    return draft


async def test_a_person_is_erased_in_every_service_though_one_of_them_was_away(stack: Stack) -> None:
    async with _platform(stack) as (world, dsns, others):
        draft = await _fill(world, others)
        work = world.parts.people
        async with world.pool.acquire() as connection:
            with pytest.raises(NotClosed):
                await people.ask(connection, STAYS, by="person:operator", now=datetime.now(UTC))
            request = await people.ask(connection, GONE, by="person:operator", now=datetime.now(UTC))
            assert await people.ask(connection, GONE, by="person:operator", now=datetime.now(UTC)) == request
        async with others["ingest"].up(dsns, world), others["status"].up(dsns, world):
            assert await work.once()
            row = await _request(world, request)
            assert (row["done_at"], set(row["outcomes"])) == (None, {"ingest"})
            assert row["documents"] == [draft]
            await world.pool.execute("update person_request set next_try_at = now()")
            async with others["notify"].up(dsns, world):
                assert await work.once()
                assert not await work.once()
        row = await _request(world, request)
        assert row["done_at"] is not None
        assert set(row["outcomes"]) == {"ingest", "notify", "status", "portal"}
        assert row["outcomes"]["ingest"]["erased"]["brouillons"] == 1
        texts = json.dumps([await _everything(each.pool, name) for name, each in others.items()])
        assert ADDRESS not in texts + json.dumps(await _everything(world.pool, "portal"))
        assert "paul@menuiserie.example" in texts
        assert ASKED in texts  # mails of whoever has it
        mails = await others["notify"].pool.fetch("select address, state from message where address <> $1", "paul@x")
        assert sorted((m["address"], m["state"]) for m in mails if "paul" not in m["address"]) == [
            ("", "no_address"),
            (NOBODY, "accepted"),
        ]
        assert await others["ingest"].pool.fetchval("select count(*) from deposit where depositor = $1", GONE) == 1
        left = await world.pool.fetchrow("select email, erased_at from account where subject = $1", GONE)
        assert left is not None
        assert left["email"] is None
        assert left["erased_at"] is not None
        trail = await world.pool.fetch("select action from audit_entry where about = $1 order by id", GONE)
        assert [entry["action"] for entry in trail] == ["person.erasure_asked", "person.erased"]


async def _request(world: World, identity: UUID) -> dict[str, Any]:
    row = await world.pool.fetchrow("select * from person_request where id = $1", identity)
    assert row is not None
    return {**row, "outcomes": json.loads(row["outcomes"])}


async def _everything(pool: Pool, schema: str) -> list[str]:
    rows = await pool.fetch(
        "select relname from pg_class where relnamespace = $1::regnamespace and relkind = 'r'", schema
    )
    found = []
    for row in rows:
        lines = await pool.fetch(f'select to_jsonb(t)::text as line from "{row["relname"]}" t')
        found += [f"{row['relname']} {line['line']}" for line in lines]
    return found


async def test_an_export_is_whole_or_is_none(stack: Stack) -> None:
    async with _platform(stack) as (world, dsns, others):
        await _fill(world, others)
        async with others["ingest"].up(dsns, world), others["notify"].up(dsns, world), others["status"].up(dsns, world):
            lines = [
                json.loads(line) for line in b"".join([p async for p in world.parts.people.export(GONE)]).splitlines()
            ]
            assert lines[-1] == {"entree": "fin", "parties": 4}
            assert [line["service"] for line in lines if line["entree"] == "export"] == [
                "portal",
                "ingest",
                "notify",
                "status",
            ]
            kinds = [line["entree"] for line in lines]
            assert (kinds.count("depot"), kinds.count("compte"), kinds.count("courriel")) == (2, 1, 2)
            assert kinds.count("inscription") == 1
            assert not [line for line in lines if line["entree"] == "courriel" and line["a"] == ASKED]
            assert "paul@menuiserie.example" not in json.dumps(lines)
        with pytest.raises(Exception, match="connect"):
            b"".join([part async for part in world.parts.people.export(GONE)])


async def test_usage_is_counted_where_it_is_served_and_summed_for_those_who_may_read_it(stack: Stack) -> None:
    async with _platform(stack) as (world, dsns, others):
        program = Principal(subject="software:1", kind="software", tenants=(TENANT,), structures=("1",))
        person = Principal(subject=STAYS, tenants=(TENANT,), structures=("1",))
        elsewhere = Principal(subject="software:2", kind="software", tenants=("cd31",), structures=("2",))
        for name in ("ingest", "status"):
            usage = Usage(others[name].pool)
            for _ in range(3):
                usage.count(program, "POST", "/api/v1/deposits", 201)
            usage.count(program, "GET", "/api/v1/deposits/{id}", 404)
            usage.count(person, "GET", "/api/v1/deposits", 200)
            usage.count(elsewhere, "GET", "/api/v1/deposits", 500)
            usage.count(person, "GET", "/health/live", 200)
            await asyncio.gather(usage.flush(), usage.flush())
        admin = Principal(subject="person:admin", roles=("TENANT_ADMIN",), tenants=(TENANT,))
        path = "/api/v1/accounts/usage"
        async with others["ingest"].up(dsns, world), others["status"].up(dsns, world):
            told = (await world.ask("GET", path, OPERATOR)).json()
            assert told["missing"] == ["notify"]
            assert told["requests"] == 12
            own = (await world.ask("GET", path, admin)).json()
            assert {row["tenant"] for row in own["rows"]} == {TENANT}
            sums = {(row["client"], row["act"]): (row["requests"], row["refused"]) for row in own["rows"]}
            assert sums == {("software:1", "write"): (3, 0), ("software:1", "read"): (1, 1), ("", "read"): (1, 0)}
            assert len(own["rows"]) == 6
            one = (await world.ask("GET", path, admin, params={"client": "software:1"})).json()
            assert {row["client"] for row in one["rows"]} == {"software:1"}
            for who, params in ((person, {}), (admin, {"tenant": "cd31"}), (admin, {"tenant": "nowhere"})):
                assert (await world.ask("GET", path, who, params=params)).status_code == 403
            direct = f"{others['ingest'].url}/internal/ingest/usage?first=2026-01-01&last=2026-01-02"
            for who in (OPERATOR, admin):
                answer = await world.client.get(direct, headers={"Authorization": f"Bearer {mint(SECRET, who)}"})
                assert answer.status_code == 403
            for method in ("GET", "DELETE"):
                answer = await world.client.request(
                    method,
                    f"{others['ingest'].url}/internal/ingest/people/{GONE}",
                    headers={"Authorization": f"Bearer {mint(SECRET, OPERATOR)}"},
                )
                assert answer.status_code == 403


async def test_a_killed_erasure_begins_again(stack: Stack) -> None:
    async with _platform(stack) as (world, _, others):
        await _fill(world, others)
        started = asyncio.Event()

        async def slow(tx: Any, asked: Subject) -> Erasure:
            found = await INGEST.erase(tx, asked)
            started.set()
            await asyncio.sleep(60)
            return found

        part = PersonPart(lines=(), erase=slow)
        task = asyncio.create_task(persons.erased(others["ingest"].pool, part, "ingest", Subject(subject=GONE)))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        count = "select count(*) from deposit where depositor = $1 and contact <> ''"
        assert await others["ingest"].pool.fetchval(count, GONE) == 2
        outcome = await persons.erased(others["ingest"].pool, INGEST, "ingest", Subject(subject=GONE))
        assert outcome.erased["brouillons"] == 1
        again = await persons.erased(others["ingest"].pool, INGEST, "ingest", Subject(subject=GONE))
        assert again.erased["brouillons"] == 0


async def test_a_tenant_takes_its_part_along_and_what_was_held_at_its_bodies_ends(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with opened(stack, dsns, "portal", structure_handlers.handle, tenant_part.PART) as world:
        ours, program = uuid4(), uuid4()
        for identity, key in ((ours, tenant_world.BODY), (uuid4(), tenant_world.OTHER_BODY)):
            await world.pool.execute(
                "insert into structure (id, kind, identifier, written, key, name, created_at, created_by, changed_at)"
                " values ($1, 'SIRET', $2, $2, $2, 'N', now(), 'x', now())",
                identity,
                key,
            )
            await world.pool.execute(
                "insert into membership (id, structure, subject, side, verified, verified_how, manager, since)"
                " values ($1, $2, 'person:m', 'body', true, 'invited', 'principal', now())",
                uuid4(),
                identity,
            )
            await world.pool.execute(
                "insert into software (id, structure, name, roles, scopes, made_by, made_at, changed_at)"
                " values ($1, $2, 'ERP', '{FINANCE}', '{invoices.read}', 'person:m', now(), now())",
                program if identity == ours else uuid4(),
                key,
            )
        await world.pool.execute("update software set tenant = 'cd06' where id = $1", program)
        asked = tenant_world.export_asked()
        await world.take(asked)
        lines = await world.exported(asked)
        assert [(line["entree"], line["structure"]) for line in lines] == [
            ("rattachement", tenant_world.BODY),
            ("logiciel", tenant_world.BODY),
        ]
        await world.take(*tenant_world.end())
        outcome = await world.outcome("erase")
        assert (outcome["erased"]["rattachements"], outcome["erased"]["logiciels"]) == (1, 1)
        left = await world.pool.fetch("select structure from membership where left_at is null")
        assert len(left) == 1
        live = await world.pool.fetch("select structure from software where revoked_at is null")
        assert [row["structure"] for row in live] == [tenant_world.OTHER_BODY]
        held = await world.pool.fetchval("select content from published_right where subject = 'person:m'")
        assert {grant["structure"] for grant in json.loads(held)["grants"]} == {tenant_world.OTHER_BODY}
