"""Each service exports and erases its part of a tenant when the directory says so, and keeps what the law keeps."""

import hashlib
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from contracts.events import ClaimCheck, DepositRefused, StructurePublished
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.auth import Principal
from services.common.db import Pool, scoped
from services.ingest import handlers as ingest_handlers
from services.ingest import tenant_part as ingest_part
from services.notify import tenant_part as notify_part
from services.notify.addresses import Manager
from services.notify.desk import Desk
from services.notify.gathering import Limits
from services.notify.handlers import Handlers as NotifyHandlers
from services.ocr import handlers as ocr_handlers
from services.ocr import tenant_part as ocr_part
from services.status import handlers as status_handlers
from services.status import tenant_part as status_part
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
from tests.unit.status import samples as invoices


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


async def test_status_gives_the_invoices_received_and_closes_the_tenants_access_to_them(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with opened(stack, dsns, "status", status_handlers.handle, status_part.PART) as world:
        ours, theirs = str(uuid4()), str(uuid4())
        for number, (invoice, tenant) in enumerate(((ours, OURS), (theirs, THEIRS))):
            await world.take(event(invoices.submitted(f"F-{number}"), invoice))
            await world.take(event(invoices.routed(tenant=tenant), invoice))
        asked = export_asked()
        await world.take(asked)
        lines = await world.exported(asked)
        assert {line.get("id", line.get("facture")) for line in lines} == {ours}
        assert {"facture", "historique"} == {line["entree"] for line in lines}
        scope = Principal(subject="admin", roles=("TENANT_ADMIN",), tenants=(OURS,)).scope()
        async with scoped(world.api_pool, scope) as connection:
            assert await connection.fetchval("select count(*) from invoice") == 1
        entries = await world.pool.fetchval("select count(*) from history")
        await world.take(*end())
        outcome = await world.outcome("erase")
        assert outcome["kept"][0] == {"what": "factures", "count": 1, "ground": outcome["kept"][0]["ground"]}
        assert "dix ans" in outcome["kept"][0]["ground"]
        async with scoped(world.api_pool, scope) as connection:
            assert await connection.fetchval("select count(*) from invoice") == 0
        supplier = Principal(subject="firm", structures=(invoices.SUPPLIER,))
        async with scoped(world.api_pool, supplier.scope()) as connection:
            assert await connection.fetchval("select count(*) from invoice") == 2
        assert await world.pool.fetchval("select count(*) from history") == entries


async def test_ingest_gives_submitted_deposits_only_and_erases_drafts_with_a_word_to_their_makers(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with opened(stack, dsns, "ingest", ingest_handlers.handle, ingest_part.PART) as world:
        sent, draft, foreign = [
            await _deposit(world.pool, *what)
            for what in (("submitted", BODY), ("to_verify", BODY), ("to_verify", OTHER_BODY))
        ]
        papers = [await _attachment(world.pool, deposit) for deposit in (sent, draft, foreign)]
        asked = export_asked()
        await world.take(asked)
        lines = await world.exported(asked)
        assert [line["id"] for line in lines] == [sent, papers[0]]
        assert "@" not in json.dumps(lines)
        await world.take(*end())
        outcome = await world.outcome("erase")
        assert outcome["erased"] == {"brouillons": 1}
        left = await world.pool.fetch("select id::text from deposit order by received_at")
        assert {row["id"] for row in left} == {sent, foreign}
        left = await world.pool.fetch("select id::text from attachment")
        assert {row["id"] for row in left} == {papers[0], papers[2]}
        told = await world.pool.fetchrow("select key, value from outbox where topic = 'chorale.deposit.v1'")
        assert told is not None
        assert told["key"] == draft
        refused = msgspec.json.decode(told["value"], type=DepositRefused)
        assert [reason.code for reason in refused.reasons] == ["RECIPIENT_GONE"]


async def test_a_document_that_lies_in_a_pack_is_exported_with_its_place_and_comes_out_whole(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with opened(stack, dsns, "ingest", ingest_handlers.handle, ingest_part.PART) as world:
        first, second = [await _deposit(world.pool, "submitted", BODY) for _ in range(2)]
        whole, parts = b"", {}
        for deposit, content in ((first, b"<Invoice>1</Invoice>"), (second, b"<Invoice>two</Invoice>")):
            parts[deposit] = content
            await world.pool.execute(
                "update deposit set bucket = $2, object_key = 'pack-test', pack_offset = $3, size = $4, sha256 = $5"
                " where id = $1::text::uuid",
                deposit,
                "tenant-tests",
                len(whole),
                len(content),
                hashlib.sha256(content).hexdigest(),
            )
            whole += content
        await world.blobs.put("pack-test", io.BytesIO(whole), size=len(whole), sha256="", media_type="x/y")
        asked = export_asked()
        await world.take(asked)
        claims = {line["id"]: line["document"] for line in await world.exported(asked)}
        found = {id_: await world.blobs.get(msgspec.convert(claim, ClaimCheck)) for id_, claim in claims.items()}
        assert found == parts


async def _attachment(pool: Pool, deposit: str) -> str:
    id_ = str(uuid4())
    await pool.execute(
        "insert into attachment (id, deposit_id, stored_by, name, short_name, type, sha256, size, media_type,"
        " bucket, object_key, stored_at) values ($1::text::uuid, $2::text::uuid, 'supplier-1', 'bon.png', 'bon.png',"
        " 'DOCUMENT_ANNEXE', $1, 1,"
        " 'image/png', 'b', 'k', now())",
        id_,
        deposit,
    )
    return id_


async def _deposit(pool: Pool, state: str, siret: str) -> str:
    id_ = str(uuid4())
    header = json.dumps({"recipient_siret": siret}) if state == "submitted" else None
    fields = json.dumps([{"name": "recipient_siret", "value": siret}])
    await pool.execute(
        "insert into deposit (id, depositor, contact, structures, state, file_name, sha256, size, media_type, bucket,"
        " object_key, received_at, header, fields) values ($1::text::uuid, 'supplier-1', 'a@supplier.example', '{}',"
        " $2, 'facture.pdf', $1, 1, 'application/pdf', 'b', 'k', now(), $3::text::jsonb, $4::text::jsonb)",
        id_,
        state,
        header,
        fields,
    )
    return id_


async def test_ocr_gives_no_reading_and_erases_those_that_name_the_tenants_bodies_with_their_pictures(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with opened(stack, dsns, "ocr", ocr_handlers.handle, ocr_part.part) as world:
        documents = {siret: await _reading(world, siret) for siret in (BODY, OTHER_BODY)}
        asked = export_asked()
        await world.take(asked)
        assert [line["siret"] for line in await world.exported(asked)] == [BODY]
        await world.take(*end())
        outcome = await world.outcome("erase")
        assert outcome["erased"]["lectures de documents"] == outcome["erased"]["images de pages"] == 1
        left = await world.pool.fetch("select invoice_id::text from page")
        assert [row["invoice_id"] for row in left] == [documents[OTHER_BODY]]
        kept = await world.blobs.older_than("pages-test/", datetime.max.replace(tzinfo=UTC))
        assert kept == [f"pages-test/{documents[OTHER_BODY]}"]
        formats = await world.pool.fetchval("select engagement_formats::text from recipient where siret = $1", BODY)
        assert formats == "[]"


async def _reading(world: World, siret: str) -> str:
    id_ = str(uuid4())
    key = f"pages-test/{id_}"
    await world.blobs.put(key, io.BytesIO(b"png"), size=3, sha256="0" * 64, media_type="image/png")
    result = json.dumps({"fields": [{"name": "recipient_siret", "value": siret}]})
    await world.pool.execute(
        "insert into reading (invoice_id, event_id, outcome, result, read_at)"
        " values ($1::text::uuid, gen_random_uuid(), 'read', $2::text::jsonb, now())",
        id_,
        result,
    )
    await world.pool.execute(
        "insert into page (invoice_id, number, object_key, sha256, size) values ($1::text::uuid, 1, $2, 'x', 3)",
        id_,
        key,
    )
    return id_


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
