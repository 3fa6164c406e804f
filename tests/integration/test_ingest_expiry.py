"""Originals over ten years: compared with their hash, given out, deleted by command on their day, not before."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from deploy.local import Stack
from services.common.auth import Principal
from services.common.blobs import BlobMissing
from services.ingest.expiry import Due, Expiry
from tests.integration.flow_world import Flows, open_flows
from tests.processes import ROOT
from tests.servers import fresh_database
from tests.unit.ingest.flow_samples import invoice, zipped
from tests.unit.ingest.samples import event, fields, pdf, read

pytestmark = pytest.mark.asyncio(loop_scope="module")
ABOUT = {"type": "DOCUMENT_ANNEXE", "label": "Bon de livraison"}
WHY = ("--by", "Camille Martin", "--reason", "Réquisition du tribunal")
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(50)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def found(stack: Stack) -> AsyncIterator[tuple[Flows, dict[str, str]]]:
    async with fresh_database(stack, "ingest") as dsns, open_flows(stack, dsns, s3_bucket="expiry-tests") as flows:
        settings = flows.world.settings
        secrets = {"token_secret": settings.token_secret, "s3_secret_key": settings.s3_secret_key}
        given: Mapping[str, Any] = {
            "environment": "development",
            "kafka": settings.kafka,
            "dsn": dsns["ingest"].worker,
            "api_dsn": dsns["ingest"].api,
            "port": 1,
            "s3_endpoint": settings.s3_endpoint,
            "s3_access_key": settings.s3_access_key,
            "s3_bucket": settings.s3_bucket,
            **{name: secret.get_secret_value() for name, secret in secrets.items()},
        }
        yield flows, {f"CHORALE_{name.upper()}": str(value) for name, value in given.items()}


async def run(environment: Mapping[str, str], *arguments: object, at: datetime | None = None) -> tuple[int, str]:
    """A command as an operator runs it, at a moved time if asked."""
    clock = Path(environment["CLOCK"])
    moved = 0.0 if at is None else (at - datetime.now(UTC)).total_seconds()
    clock.write_text(str(moved))  # noqa: ASYNC240
    ran = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.ingest", "originals", *map(str, arguments),
        cwd=ROOT, env={**os.environ, **environment, "CHORALE_CLOCK_FILE": str(clock)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await ran.communicate()
    return ran.returncode or 0, out.decode()


async def submitted(flows: Flows) -> tuple[UUID, bytes]:
    """An invoice with an attachment."""
    world, content = flows.world, pdf(str(uuid4()))
    deposit = await world.deposit(content)
    await world.take(event(str(deposit), read(content, fields(invoice_number=f"X{uuid4().hex[:10].upper()}"))))
    file = {"file": ("bon.png", PICTURE + deposit.bytes, "image/png")}
    path = f"/api/v1/deposits/{deposit}/attachments"
    assert (await world.client.post(path, files=file, data=ABOUT, headers=world.headers())).status_code == 201
    return deposit, content


async def test_originals_live_their_ten_years_and_not_a_day_less(
    found: tuple[Flows, dict[str, str]], tmp_path: Path
) -> None:
    flows, environment = found
    world, environment = flows.world, {**environment, "CLOCK": str(tmp_path / "clock")}
    deposit, content = await submitted(flows)
    year = (await world.row(deposit))["decided_at"].year + 10
    await flows.through(zipped([(f"{n}.xml", invoice(f"P{uuid4().hex[:9]}{n}")) for n in (1, 2)]), name="flux.zip")
    assert await run(environment, "verify") == (0, "4 fichiers comparés à leur empreinte, 0 endommagés\n")
    assert (await run(environment, "export", deposit, tmp_path))[0] == 2  # nobody says why
    assert str(deposit) not in os.listdir(tmp_path)
    code, said = await run(environment, "export", deposit, tmp_path, *WHY)
    assert code == 0, said
    admin = Principal(subject="admin", roles=("TENANT_ADMIN",), tenants=("cd06",))
    [look] = (await world.get("/looks", admin)).json()["looks"]
    assert (look["invoice"], look["reason"], look["subject"]) == (str(deposit), WHY[3], "commande:Camille Martin")
    document, piece = map(Path, said.splitlines())
    assert (document.read_bytes(), piece.read_bytes()) == (content, PICTURE + deposit.bytes)

    # The Paris day begins an hour before that of UTC.
    last, first = datetime(year, 12, 31, 22, 59, tzinfo=UTC), datetime(year, 12, 31, 23, 1, tzinfo=UTC)
    code, said = await run(environment, "expire", "--delete", at=last)
    assert (code, said.splitlines()[-1]) == (0, "0 dépôts dont le terme est passé, 0 fichiers effacés")
    code, said = await run(environment, "expire", at=first)
    assert f"{deposit} : facture, effaçable depuis le {year + 1}-01-01" in said
    assert await world.blobs.get(await claim(flows, deposit)) == content
    assert (await run(environment, "expire", "--delete", "--on", f"{year + 1}-01-01"))[0] == 2
    code, said = await run(environment, "expire", "--delete", at=first)
    # The document, its attachment, the flow as it came, and the pack in which its invoices lie: two on a slow machine.
    packs = await world.pool.fetchval("select count(distinct object_key) from flow_item")
    assert (code, said.splitlines()[-1].partition(", ")[2]) == (0, f"{3 + packs} fichiers effacés")
    assert await world.pool.fetchval("select count(*) from flow_segment") == 0
    with pytest.raises(BlobMissing):
        await world.blobs.get(await claim(flows, deposit))
    gone = await world.get(f"/{deposit}/document")
    assert (gone.status_code, gone.json()["code"]) == (410, "DOCUMENT_EXPIRED")
    listed = (await world.get(f"/{deposit}/attachments")).json()["attachments"]
    for gone in (
        await world.get(f"/{deposit}/attachments/{listed[0]['id']}/content"),
        await world.client.get(listed[0]["href"]),  # signed
    ):
        assert (gone.status_code, gone.json()["code"]) == (410, "DOCUMENT_EXPIRED")
    kept = (await world.get(f"/{deposit}")).json()
    assert kept["invoice"]["invoice_number"] == kept["invoice_number"]
    assert await world.pool.fetchval("select count(*) from number_taken where deposit_id = $1", deposit) == 1
    certificate = await world.client.get(f"/api/v1/certificates/{deposit}", headers=world.headers())
    assert certificate.json()["certificate"]["files"][0]["sha256"] == kept["sha256"]
    assert (await run(environment, "export", deposit, tmp_path, *WHY))[0] == 1
    assert await run(environment, "verify", at=first) == (0, "0 fichiers comparés à leur empreinte, 0 endommagés\n")


async def claim(flows: Flows, deposit: UUID) -> Any:
    from services.ingest import store

    async with flows.world.pool.acquire() as connection:
        stored = await store.find(connection, deposit)
    assert stored is not None
    return stored.document


async def test_a_refused_deposit_goes_whole_after_twelve_months(
    found: tuple[Flows, dict[str, str]], tmp_path: Path
) -> None:
    flows, environment = found
    world, environment = flows.world, {**environment, "CLOCK": str(tmp_path / "clock")}
    content = pdf(str(uuid4()))
    deposit = await world.deposit(content)
    await world.take(event(str(deposit), read(content, fields(recipient_siret="00000000000000"))))
    row = await world.row(deposit)
    assert row["state"] == "refused"
    year_later = row["decided_at"].replace(year=row["decided_at"].year + 1)
    assert "0 dépôts" in (await run(environment, "expire", "--delete", at=year_later))[1]
    code, said = await run(environment, "expire", "--delete", at=year_later + timedelta(days=1))
    assert (code, said.splitlines()[-1]) == (0, "1 dépôts dont le terme est passé, 1 fichiers effacés")
    assert (await world.get(f"/{deposit}")).status_code == 404


async def test_what_is_not_due_is_never_deleted_and_what_a_dead_process_left_is_finished(
    found: tuple[Flows, dict[str, str]],
) -> None:
    flows, _ = found
    deposit, _ = await submitted(flows)
    expiry, now = Expiry(flows.world.pool, flows.world.blobs), datetime.now(UTC)
    later = now.replace(year=now.year + 11)
    [due] = [one for one in await expiry.due(later.date()) if one.id == deposit]
    with pytest.raises(ValueError, match="not due yet"):
        await expiry.delete([due], now)
    await flows.world.pool.execute("update deposit set expired_at = $2 where id = $1", deposit, later)  # and died there
    assert await expiry.delete([], later) == 2
    assert Due(deposit, "accepted", due.since) not in await expiry.due(later.date())
