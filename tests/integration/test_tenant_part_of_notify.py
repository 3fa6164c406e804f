"""What notify exports and erases of a tenant that leaves: addresses, choices, webhooks and folders; and once only."""

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from contracts.events import StructurePublished
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.db import Pool
from services.notify import tenant_part as notify_part
from services.notify.addresses import Manager
from services.notify.desk import Desk
from services.notify.gathering import Limits
from services.notify.handlers import Handlers as NotifyHandlers
from tests.integration.tenant_world import (
    BODY,
    OTHER_BODY,
    OURS,
    STRUCTURES,
    THEIRS,
    World,
    end,
    export_asked,
    load_managers,
    opened,
)
from tests.records import event


async def test_notify_gives_addresses_and_notices_and_erases_the_addresses(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with opened(
        stack, dsns, "notify", NotifyHandlers(Desk("chorale.example", Limits())), notify_part.part
    ) as world:
        managers = [Manager(siret=s, name="Service", email=f"m@{s}.example") for s in (BODY, OTHER_BODY)]
        await load_managers(world.pool, managers)
        await _notice(world.pool, BODY)
        await _notice(world.pool, OTHER_BODY)
        for siret, tenant in ((BODY, OURS), (OTHER_BODY, THEIRS)):
            await _people(world.pool, siret, tenant)
        await _supplier(world.pool)
        key = await _folder(world)
        asked = export_asked()
        await world.take(asked)
        lines = await world.exported(asked)
        assert [line["entree"] for line in lines] == [
            "gestionnaire",
            "correspondant",
            "correspondant",
            "choix",
            "annonce",
            "avis",
            "http",
            "folder",
        ]
        assert OTHER_BODY not in json.dumps(lines)
        assert THEIRS not in json.dumps(lines)
        await world.take(*end())
        outcome = await world.outcome("erase")
        assert outcome["erased"] == {
            "adresses des gestionnaires": 1,
            "autres adresses": 2,
            "choix de personnes": 1,
            "annonces": 1,
            "webhooks et dossiers": 2,
            "fichiers de dossiers": 1,
        }
        assert await world.blobs.older_than(key, datetime.max.replace(tzinfo=UTC)) == []
        left = await world.pool.fetch(
            "select state, (select count(*) from webhook_event e where e.id = d.event) from webhook_delivery d"
            " order by state"
        )
        assert [tuple(row) for row in left] == [("dropped", 0), ("waiting", 1), ("waiting", 1)]
        owners = await world.pool.fetch("select subject from webhook_owner where contact <> ''")
        assert [row["subject"] for row in owners] == [THEIRS]
        assert [(kept["what"], kept["count"]) for kept in outcome["kept"]] == [("avis", 1)]
        assert await world.pool.fetchval("select array_agg(siret) from manager") == [OTHER_BODY]
        assert await world.pool.fetchval("select count(*) from message") == 2


async def _people(pool: Pool, siret: str, tenant: str) -> None:
    """A correspondent, an administrator, a choice, an announcement, a webhook with an event that waits."""
    await pool.execute(
        "insert into correspondent (role, siret, tenant, name, email, changed_by) values"
        " ('moa', $1, null, '', 'm@' || $1 || '.example', 'x'), ('administrator', null, $2, '', 'a@x.example', 'x')",
        siret,
        tenant,
    )
    await pool.execute("insert into person (address) values ('m@' || $1::text || '.example')", siret)
    await pool.execute(
        "insert into announcement (id, tenant, audience, title, body, by_subject, at)"
        " values (gen_random_uuid(), $1, 'bodies', 'Titre', 'Texte', 'x', now())",
        tenant,
    )
    await pool.execute(
        "insert into webhook_owner values ($2, array[$1], '{}', '{GESTIONNAIRE}', array[$2], 'o@x.example', now())",
        siret,
        tenant,
    )
    await pool.execute(
        "with w as (insert into webhook (id, owner, kind, url, types, statuses, structures, services, state,"
        "  created_at, changed_at)"
        " values (gen_random_uuid(), $1, 'http', 'https://r.example', '{}', '{}', '{}', '{}', 'active',"
        "  now(), now()) returning id),"
        " e as (insert into webhook_event (id, type, subject, time, data, visibility, tenant, recorded_at)"
        "  values (gen_random_uuid(), 't', 's', now(), '{}', 'all', $1, now()) returning id, position)"
        " insert into webhook_delivery (webhook, event, position, subject, type, state, next_attempt_at, created_at)"
        " select w.id, e.id, e.position, 's', 't', 'waiting', now(), now() from w, e",
        tenant,
    )


async def _supplier(pool: Pool) -> None:
    """A supplier's webhook that an event of our tenant waits for."""
    await pool.execute(
        "insert into webhook_owner values ('fournisseur', array['55203253400646'], '{}', '{}', '{}', '', now())"
    )
    await pool.execute(
        "with w as (insert into webhook (id, owner, kind, url, types, statuses, structures, services, state,"
        "  created_at, changed_at) values (gen_random_uuid(), 'fournisseur', 'http', 'https://f.example', '{}', '{}',"
        "  '{}', '{}', 'active', now(), now()) returning id),"
        " e as (insert into webhook_event (id, type, subject, time, data, visibility, tenant, recorded_at)"
        "  values (gen_random_uuid(), 't', 'f', now(), '{}', 'all', $1, now()) returning id, position)"
        " insert into webhook_delivery (webhook, event, position, subject, type, state, next_attempt_at, created_at)"
        " select w.id, e.id, e.position, 'f', 't', 'waiting', now(), now() from w, e",
        OURS,
    )


async def _folder(world: World) -> str:
    """A folder of our body with one file in the store."""
    key = f"folder-test/{uuid4()}"
    await world.blobs.put(key, io.BytesIO(b"{}"), size=2, sha256="0" * 64, media_type="application/json")
    await world.pool.execute(
        "with w as (insert into webhook (id, owner, kind, structure, format, rhythm, types, statuses, structures,"
        "  services, state, created_at, changed_at) values (gen_random_uuid(), $1, 'folder', $2, 'jsonl', 'daily',"
        "  '{}', '{}', '{}', '{}', 'active', now(), now()) returning id)"
        " insert into outgoing_file (webhook, sequence, name, key, events, planned_at)"
        " select id, 1, 'f.jsonl', $3, 1, now() from w",
        OURS,
        BODY,
        key,
    )
    return key


async def _notice(pool: Pool, siret: str) -> None:
    await pool.execute(
        "insert into message (id, subject, kind, audience, address, data, message_id_header, state, next_attempt_at,"
        " created_at, done_at) values ($1::uuid, $1::text, 'MISE_A_DISPOSITION', 'body', 'm@body.example',"
        " jsonb_build_object('recipient_siret', $2::text), '<' || $1::text || '>', 'accepted', now(), now(), now())",
        str(uuid4()),
        siret,
    )


async def test_a_request_is_done_once_and_a_structure_heard_late_makes_the_erasure_due_again(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with opened(
        stack, dsns, "notify", NotifyHandlers(Desk("chorale.example", Limits())), notify_part.part
    ) as world:
        structure, tenant = end()
        await world.take(tenant)
        await world.outcome("erase")
        assert not await world.work.once()
        await world.take(tenant, structure)
        assert await world.pool.fetchval("select state from tenant_request") == "asked"
        await world.outcome("erase")
        assert await world.pool.fetchval("select count(*) from tenant_request") == 1
        # A tenant that comes back under its name keeps what it brings.
        anew = msgspec.structs.replace(STRUCTURES[0], name="Retour")
        back = StructurePublished(version=30, structure=anew, changed_by="a", changed_at=datetime.now(UTC))
        await world.take(event(back, f"structure:{BODY}"))
        await load_managers(world.pool, [Manager(siret=BODY, name="Service", email="m@body.example")])
        assert not await world.work.once()
        assert await world.pool.fetchval("select count(*) from manager") == 1
