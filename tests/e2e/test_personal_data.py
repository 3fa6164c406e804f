"""A person's data on the whole platform, where supervision runs and portal knows its address: given, and erased."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from contracts.registry import SERVICES
from deploy.local import Stack
from tests.carriers import facturx
from tests.documents import SUPPLIER, InvoicePdf
from tests.e2e.client import until
from tests.e2e.test_accounts import ACCOUNTS, Account
from tests.records import eventually

ROOT = Path(__file__).resolve().parents[2]
#: It counts, and knows nobody.
COUNTS = "supervision"
HOLDING = tuple(name for name in SERVICES if name != COUNTS)


@pytest.fixture
def claire(platform: Stack) -> Account:
    """Somebody of whom services hold something: an account, an invoice, a draft that was read, mails."""
    assert COUNTS in json.loads(platform.environment("portal")["CHORALE_SERVICE_URLS"])
    assert httpx.get(f"{platform.base_url(COUNTS)}/health/ready").status_code == httpx.codes.OK
    made = Account(platform, "claire")
    made.sign_up(SUPPLIER.siret or "")
    sent = made.deposit()
    draft = _draft(made)
    until(lambda: made.sees(sent))
    until(lambda: made.good("GET", f"/api/v1/deposits/{draft}")["state"] == "to_verify")
    until(lambda: len(_mails(platform, made)) > 2)
    return made


def _draft(who: Account) -> str:
    """Deposit what waits for its depositor: its data say another total than its page."""
    content = facturx(InvoicePdf(number=f"D{who.email[7:15].upper()}"), incl="9999.99", payable="9999.99")
    return str(who.good("POST", "/api/v1/deposits", files={"file": ("f.pdf", content, "application/pdf")})["id"])


def _mails(platform: Stack, who: Account) -> list[str]:
    answer = httpx.get(f"{platform.smtp.url}/api/messages", params={"to": who.email, "limit": 100})
    return [mail["subject"] for mail in answer.json()]


def _command(platform: Stack, *words: str) -> str:
    """What the operator's command says."""
    environment = {**platform.workspace.environment(), **platform.environment("portal"), "CHORALE_PORT": "1"}
    command = [sys.executable, "-m", "services.portal", "personal-data", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_file_of_a_person_is_whole_while_supervision_runs(claire: Account) -> None:
    answer = claire.http.get(f"{ACCOUNTS}/me/export")
    assert answer.status_code == httpx.codes.OK, answer.text
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[-1] == {"entree": "fin", "parties": len(HOLDING)}
    assert {line["service"] for line in lines if line["entree"] == "export"} == set(HOLDING)
    assert {"compte", "depot", "facture", "courriel"} <= {line["entree"] for line in lines}
    assert [line["courriel"] for line in lines if line["entree"] == "compte"] == [claire.email]


def test_the_erasure_of_a_closed_account_ends_in_every_service_while_supervision_runs(
    platform: Stack, claire: Account
) -> None:
    assert asyncio.run(_naming(platform, claire.email)) >= {"portal.account", "notify.contact", "notify.message"}
    claire.good("POST", f"{ACCOUNTS}/me/closing", json={"confirm": "FERMER"})
    until(lambda: any("fermé" in subject for subject in _mails(platform, claire)))
    asked = _command(platform, "erase", "--subject", claire.subject, "--by", "person:operator").strip()
    found = asyncio.run(_ended(platform, UUID(asked)))
    assert (set(found["outcomes"]), found["trouble"]) == (set(HOLDING), None)
    assert found["outcomes"]["ingest"]["erased"]["brouillons"] == 1
    assert found["outcomes"]["ocr"]["erased"]["lectures de brouillons"] == 1
    assert found["outcomes"]["portal"]["erased"]["compte"] == 1
    assert asyncio.run(_naming(platform, claire.email)) == set()


async def _ended(platform: Stack, request: UUID) -> dict[str, Any]:
    """The request once it is done. Raises ``TimeoutError``."""
    async with _database(platform) as connection:

        async def done() -> bool:
            sql = "select done_at is not null from portal.person_request where id = $1"
            return bool(await connection.fetchval(sql, request))

        await eventually(done)
        row = await connection.fetchrow("select outcomes, trouble from portal.person_request where id = $1", request)
    assert row is not None
    return {"outcomes": json.loads(row["outcomes"]), "trouble": row["trouble"]}


async def _naming(platform: Stack, word: str) -> set[str]:
    """The tables of every service in which a word stands."""
    async with _database(platform) as connection:
        tables = await connection.fetch(
            "select format('%I.%I', relnamespace::regnamespace, relname) as name from pg_class"
            " where relkind = 'r' and relnamespace::regnamespace::text = any($1)",
            list(SERVICES),
        )
        return {
            row["name"]
            for row in tables
            if await connection.fetchval(
                f"select exists (select from {row['name']} t where strpos(t::text, $1) > 0)", word
            )
        }


@asynccontextmanager
async def _database(platform: Stack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(platform.postgres.admin_dsn.rpartition("/")[0] + "/chorale")
    try:
        yield connection
    finally:
        await connection.close()
