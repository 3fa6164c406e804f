"""The history proves itself: chained by the database, exported in a reader's scope, verified offline."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from deploy.database import ServiceDsns
from deploy.local import Stack
from invoice.findings import Suggestion
from services.common.auth import Principal
from services.common.db import migration_files
from services.status import proofs, verify
from services.status.chain import Export, canonical, check
from tests.integration.status_service import OPERATOR, SUPPLIER, Instance, Tables, instances, tables
from tests.servers import fresh_database
from tests.unit.status.samples import (
    BODY,
    SERVICE,
    UNKNOWN_SERVICE,
    accepted,
    event,
    failed,
    routed,
    submitted,
    unroutable,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHY = ("--by", "Camille Martin", "--reason", "Contrôle de la chaîne")
CLERK = Principal(subject="clerk", services=(f"{BODY}/{SERVICE}",))
_ENTRY = (
    "insert into history (invoice, entry, kind, status_to, actor, at, recorded_at, visibility, reasons, cause,"
    " by_subject, comment)"
    " values ($1, $2, 'status', 'SUSPENDUE', $3, now(), now(), $4, '[]', gen_random_uuid(), $5, $6)"
)


@dataclass
class World:
    """Tables, an instance, and how to reach them."""

    tables: Tables
    http: Instance
    dsns: ServiceDsns

    async def invoice(self) -> UUID:
        """Deposited, available; a notice taken, and one that failed, which is the body's business alone."""
        made = uuid4()
        await self.tables.take(event(submitted(f"F-{made}"), made), event(routed(), made))
        await self.tables.take(event(accepted(2, "body"), made), event(failed(2, "body"), made))
        return made

    async def export(self, principal: Principal, invoice: UUID) -> Export:
        """What this principal downloads."""
        answer = await self.http.get(principal, f"/{invoice}/history/export")
        assert answer.status_code == 200
        return msgspec.json.decode(answer.content, type=Export)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with (
        fresh_database(stack, "status") as dsns,
        tables(dsns) as found,
        instances(found, dsns["status"], stack.kafka.bootstrap) as (http,),
    ):
        yield World(found, http, dsns["status"])


async def test_everybody_s_export_holds_and_leads_to_the_same_head(world: World) -> None:
    invoice = await world.invoice()
    exports = [await world.export(who, invoice) for who in (OPERATOR, CLERK, SUPPLIER)]
    assert [check(found) for found in exports] == [[], [], []]
    assert len({found.head for found in exports}) == 1


async def test_an_entry_of_the_body_is_sealed_for_the_supplier(world: World) -> None:
    invoice = await world.invoice()
    found = await world.export(SUPPLIER, invoice)
    assert [line.sealed is not None for line in found.history] == [False, False, False, True]
    assert "failed" not in msgspec.json.encode(found.history[3]).decode()
    assert all(line.facts is not None for line in (await world.export(CLERK, invoice)).history)


async def test_an_export_says_who_when_as_what_why_and_which_mail_proves_it(world: World) -> None:
    invoice = uuid4()
    await world.tables.take(event(submitted("F-1"), invoice), event(unroutable(), invoice))
    await world.tables.pool.execute(_ENTRY, invoice, 3, "D", "all", "Anne Agent", "Il manque le bon de commande")
    await world.tables.pool.execute("update invoice set entries = 3 where id = $1", invoice)
    [_, back, suspended] = (await world.export(OPERATOR, invoice)).history
    assert back.facts is not None
    assert back.facts["reasons"][0]["code"] == "SERVICE_UNKNOWN"
    assert (suspended.who, suspended.comment) == ("Anne Agent", "Il manque le bon de commande")
    noticed = (await world.export(SUPPLIER, await world.invoice())).history[2].facts
    assert noticed is not None
    assert (noticed["actor"], noticed["visibility"], noticed["notice"]["outcome"]) == ("S", "all", "accepted")


async def test_a_suggestion_with_its_confidence_is_no_forgery(world: World) -> None:
    invoice = uuid4()
    offered = tuple(
        Suggestion(field="service_code", value="VOIRIE", confidence=sure, sentence="Voirie", why="near")
        for sure in (0.93, 1.0, 0.0, 1e-7, 1 / 3)
    )
    lost = msgspec.structs.replace(UNKNOWN_SERVICE, suggestions=offered)
    await world.tables.take(event(submitted("F-2"), invoice), event(unroutable(findings=(lost,)), invoice))
    assert check(await world.export(SUPPLIER, invoice)) == []


async def test_the_other_side_learns_the_role_and_not_the_name(world: World) -> None:
    invoice = await world.invoice()
    await world.tables.pool.execute(_ENTRY, invoice, 5, "D", "all", "Anne Agent", "Il manque une pièce")
    of_supplier, of_body = [(await world.export(who, invoice)).history[4] for who in (SUPPLIER, CLERK)]
    assert (of_supplier.who, of_supplier.who_salt, of_supplier.comment) == (None, None, "Il manque une pièce")
    assert of_body.who == "Anne Agent"


async def test_a_body_that_was_left_exports_what_it_saw_and_not_even_how_much_came_after(world: World) -> None:
    invoice = await world.invoice()
    await world.tables.pool.execute(
        "update invoice_party p set until_entry = 3, valid_until = now(), left_as = to_jsonb(i) - 'depositor'"
        " from invoice i where i.id = p.invoice and p.invoice = $1 and p.role = 'DESTINATAIRE'",
        invoice,
    )
    found = await world.export(CLERK, invoice)
    assert (found.entries, check(found)) == (3, [])
    assert (await world.export(OPERATOR, invoice)).entries == 4


@pytest.mark.parametrize(
    "principal",
    [
        Principal(subject="nobody"),
        Principal(subject="other supplier", structures=("44306184100047",)),
        Principal(subject="other service", services=(f"{BODY}/OTHER",)),
        Principal(subject="other tenant", tenants=("cd32",), roles=("TENANT_ADMIN",)),
    ],
)
async def test_a_foreign_token_gets_no_export(world: World, principal: Principal) -> None:
    answer = await world.http.get(principal, f"/{await world.invoice()}/history/export")
    assert (answer.status_code, answer.json()["code"]) == (404, "INVOICE_NOT_FOUND")


async def test_erased_words_are_gone_and_the_chain_is_whole(world: World) -> None:
    invoice = await world.invoice()
    pool = world.tables.pool
    await pool.execute(_ENTRY, invoice, 5, "D", "all", "Anne Agent", "Écrivez à paul@exemple.fr")
    await pool.execute("update invoice set entries = 5 where id = $1", invoice)
    before = await world.export(OPERATOR, invoice)
    assert await pool.fetchval("select erase_words($1, 5, true, false)", invoice)
    assert (await world.export(OPERATOR, invoice)).history[4].comment == "Écrivez à paul@exemple.fr"
    assert await pool.fetchval("select erase_words($1, 5)", invoice)
    assert not await pool.fetchval("select erase_words($1, 5)", invoice)
    row = await pool.fetchrow("select * from history where invoice = $1 and entry = 5", invoice)
    assert row is not None
    assert [row[name] for name in ("by_subject", "subject_salt", "comment", "comment_salt")] == [None] * 4
    after = await world.export(OPERATOR, invoice)
    assert after.head == before.head
    assert check(after, head=before.head) == []


async def test_a_person_is_erased_from_every_entry(world: World) -> None:
    pool = world.tables.pool
    for _ in range(3):
        await pool.execute(_ENTRY, await world.invoice(), 5, "D", "all", "Jean Parti", "Un commentaire gardé")
    assert await pool.fetchval("select erase_person('Jean Parti')") == 3
    assert await pool.fetchval("select count(*) from history where by_subject = 'Jean Parti'") == 0
    assert await pool.fetchval("select count(*) from history where comment = 'Un commentaire gardé'") == 3


async def test_a_later_column_without_a_value_changes_no_digest(world: World) -> None:
    invoice = await world.invoice()
    await world.tables.pool.execute("alter table history add column later_on jsonb")
    try:
        async with world.tables.pool.acquire() as connection:
            found = await proofs.export_whole(connection, invoice)
        assert found is not None
        assert check(found) == []
    finally:
        await world.tables.pool.execute("alter table history drop column later_on")


async def test_the_database_and_the_verifier_spell_facts_alike(world: World) -> None:
    chance = Random(7)
    letters = 'aé"\\/\b\f\n\r\t\x01\x1f\x7f\u2028€😀 zZ0'

    def value(depth: int) -> Any:
        kind = chance.randrange(6 if depth else 4)
        if kind < 2:
            return "".join(chance.choice(letters) for _ in range(chance.randrange(6)))
        if kind < 4:
            return chance.choice([True, False, None, 0, -7, 10**15])
        if kind == 4:
            return [value(depth - 1) for _ in range(chance.randrange(3))]
        return {value(0) if chance.random() < 0 else f"{value_key()}": value(depth - 1) for _ in range(3)}

    def value_key() -> str:
        return "".join(chance.choice(letters) for _ in range(chance.randrange(1, 5)))

    written = [value(3) for _ in range(500)]
    texts = await world.tables.pool.fetch(
        "select t::jsonb::text as text from unnest($1::text[]) t", [json.dumps(one) for one in written]
    )
    assert [canonical(one) for one in written] == [row["text"] for row in texts]


async def test_the_command_verifies_a_file_without_any_server_and_names_what_was_changed(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await world.export(SUPPLIER, await world.invoice())
    whole, forged = tmp_path / "whole.json", tmp_path / "forged.json"
    whole.write_bytes(msgspec.json.encode(found))
    facts = {**(found.history[1].facts or {}), "at": "2020-01-01T00:00:00+00:00"}
    lines = list(found.history)
    lines[1] = msgspec.structs.replace(lines[1], facts=facts)
    forged.write_bytes(msgspec.json.encode(msgspec.structs.replace(found, history=tuple(lines))))
    command = [sys.executable, "-m", "services.status", "verify"]
    asked = [*command, str(whole), "--head", found.head]
    good = await asyncio.to_thread(subprocess.run, asked, capture_output=True, text=True, env={})
    assert (good.returncode, "CONFORME" in good.stdout) == (0, True), good.stderr
    assert await asyncio.to_thread(verify.run, [str(forged)]) == 1
    assert "entrée 2 " in capsys.readouterr().out


async def test_the_command_verifies_an_invoice_in_the_database(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    invoice = await world.invoice()
    monkeypatch.setenv("CHORALE_DSN", world.dsns.worker)
    async with world.tables.pool.acquire() as connection:
        found = await proofs.export_whole(connection, invoice)
        assert found is not None
        assert await asyncio.to_thread(verify.run, [str(invoice), *WHY]) == 0
        # Whoever owns the table can take its guard away. What he then does is found.
        await connection.execute("alter table history disable trigger history_rows")
        await connection.execute("grant update, delete on history to chorale_status")
        try:
            await connection.execute("update history set actor = 'C' where invoice = $1 and entry = 3", invoice)
            await connection.execute("delete from history where invoice = $1 and entry = 4", invoice)
        finally:
            await connection.execute("revoke update, delete on history from chorale_status")
            await connection.execute(
                "grant update (by_subject, subject_salt, comment, comment_salt, erased_at) on history to chorale_status"
            )
            await connection.execute("alter table history enable always trigger history_rows")
    assert await asyncio.to_thread(verify.run, [str(invoice), *WHY, "--head", found.head]) == 1
    said = capsys.readouterr().out
    assert "entrée 3 : son contenu" in said
    assert "entrée 4 : l'entrée manque" in said


@pytest.mark.parametrize("what", ["not-an-id", "f5d06d39-b05e-4f12-b750-6c99a1b66338"])
async def test_nothing_to_verify_is_said_so(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHORALE_DSN", raising=False)
    assert await asyncio.to_thread(verify.run, [what, *WHY]) == 2


async def test_entries_written_before_the_chain_are_chained_by_the_migration(stack: Stack) -> None:
    async with fresh_database(stack) as dsns:
        connection = await asyncpg.connect(dsns["status"].worker, server_settings={"search_path": "status"})
        try:
            files = migration_files("services.status")
            first = [text for name, text in files if name < "status/0010"]
            for text in first:
                await connection.execute(text)
            invoices = [uuid4() for _ in range(3)]
            for invoice in invoices:
                await _old_rows(connection, invoice)
            for _, text in files[len(first) :]:
                await connection.execute(text)
            await connection.execute(_ENTRY, invoices[0], 4, "D", "all", None, None)
            await connection.execute("update invoice set entries = 4 where id = $1", invoices[0])
            found = [await proofs.export_whole(connection, invoice) for invoice in invoices]
            assert [one and (one.entries, check(one)) for one in found] == [(4, []), (3, []), (3, [])]
            status = await connection.fetchrow("select status, count from tally where kind = 'supplier'")
            assert status is not None
            assert tuple(status) == ("DEPOSEE", 3)
        finally:
            await connection.close()


async def _old_rows(connection: asyncpg.Connection, invoice: UUID) -> None:
    header = msgspec.json.encode(submitted().invoice).decode()
    at = datetime.now(UTC) - timedelta(days=3)
    await connection.execute(
        "insert into invoice (id, number, header, depositor, submitted_at, status, status_at, entries, attempt)"
        " values ($1, $2, $3, 'user-1', $4, 'DEPOSEE', $4, 3, 1)",
        invoice,
        f"F-{invoice}",
        header,
        at,
    )
    for entry in (1, 2, 3):
        await connection.execute(
            "insert into history (invoice, entry, kind, status_to, actor, at, recorded_at, visibility, reasons, cause)"
            " values ($1, $2, 'status', 'DEPOSEE', 'F', $3, $3, 'all', '[{\"code\": \"é\"}]', $4)",
            invoice,
            entry,
            at + timedelta(microseconds=120_000 * entry),
            uuid4(),
        )
