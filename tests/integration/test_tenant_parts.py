"""Each service exports and erases its part of a tenant when the directory says so, and keeps what the law keeps."""

import hashlib
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from contracts.events import ClaimCheck, DepositRefused
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.auth import Principal
from services.common.db import Pool, scoped
from services.ingest import handlers as ingest_handlers
from services.ingest import tenant_part as ingest_part
from services.ocr import handlers as ocr_handlers
from services.ocr import tenant_part as ocr_part
from services.status import handlers as status_handlers
from services.status import tenant_part as status_part
from tests.integration.tenant_world import BODY, OTHER_BODY, OURS, THEIRS, World, end, export_asked, opened
from tests.records import event
from tests.unit.status import samples as invoices


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
