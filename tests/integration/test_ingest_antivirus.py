"""An antivirus that is set up sees every upload; one that is not is visible; one that is away lets nothing through."""

import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from deploy.local import Stack
from services.common.web import Problem
from services.ingest.antivirus import Antivirus, AntivirusAway
from tests.integration import clamds
from tests.integration.clamds import VIRUS
from tests.integration.ingest_world import open_world
from tests.servers import fresh_database
from tests.unit.ingest.samples import directory_events, pdf

NO_CLAMD = pytest.mark.skipif(clamds.program() is None, reason="no clamd here (Debian: clamav-daemon); the double runs")


@pytest.fixture(params=["double", pytest.param("clamd", marks=NO_CLAMD)])
async def address(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with AsyncExitStack() as open_:
        opening = clamds.real(tmp_path) if request.param == "clamd" else clamds.double()
        yield await open_.enter_async_context(opening)


async def test_a_clean_file_passes_a_found_virus_is_named_and_the_file_is_rewound(address: str) -> None:
    antivirus = Antivirus(address)
    assert await antivirus.state() == "present"
    clean = io.BytesIO(bytes(200_000))
    await antivirus.clean(clean)
    assert clean.tell() == 0
    with pytest.raises(Problem) as found:
        await antivirus.clean(io.BytesIO(b"x" * 100_000 + VIRUS + b"y"))
    assert (found.value.status, found.value.code) == (422, "VIRUS_FOUND")
    assert found.value.errors[0]["value"].startswith("Chorale.Test")


async def test_what_the_antivirus_will_not_look_at_is_not_taken(address: str) -> None:
    with pytest.raises(AntivirusAway):
        await Antivirus(address).clean(io.BytesIO(bytes(clamds.LIMIT + 1_000_000)))


async def test_uploads_are_looked_at_and_an_antivirus_that_is_away_lets_nothing_through(stack: Stack) -> None:
    async with fresh_database(stack, "ingest") as dsns, clamds.double() as address:
        async with open_world(stack, dsns, s3_bucket="antivirus-tests", clamd=address) as world:
            assert (await world.client.get("/health/ready")).json()["notes"] == {"antivirus": "present"}
            infected = await world.post(b"%PDF-1.7\n" + VIRUS)
            assert (infected.status_code, infected.json()["code"]) == (422, "VIRUS_FOUND")
            deposit = await world.deposit(pdf())
            path = f"/api/v1/deposits/{deposit}/attachments"
            sent = {"files": {"file": ("a.txt", VIRUS)}, "data": {"type": "PJA", "label": "x"}}
            answer = await world.client.post(path, **sent, headers=world.headers())  # type: ignore[arg-type]
            assert answer.json()["code"] == "VIRUS_FOUND"
            await world.take(*directory_events())
            await world.pool.execute("insert into directory_read_to_end default values")
            draft = (await world.client.post("/api/v1/drafts", json={}, headers=world.headers())).json()["id"]
            given = {"file": ("facture.pdf", b"%PDF-1.7\n" + VIRUS, "application/pdf")}
            answer = await world.client.put(f"/api/v1/drafts/{draft}/document", files=given, headers=world.headers())
            assert (answer.status_code, answer.json()["code"]) == (422, "VIRUS_FOUND")
            assert await world.pool.fetchval("select count(*) from deposit") == 2
        async with open_world(stack, dsns, s3_bucket="antivirus-tests", clamd="127.0.0.1:1") as world:
            assert (await world.client.get("/health/ready")).json()["notes"] == {"antivirus": "unreachable"}
            assert (await world.post(pdf("two"))).status_code == 503
        async with open_world(stack, dsns, s3_bucket="antivirus-tests") as world:
            assert (await world.client.get("/health/ready")).json()["notes"] == {"antivirus": "absent"}
            assert (await world.post(pdf("two"))).status_code == 201
