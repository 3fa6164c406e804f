"""Certificates of deposit on real servers: one's own, the same each time, genuine after the key has changed."""

import asyncio
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common import clock
from services.common.blobs import BlobCorrupt
from services.common.looks_by_command import asked
from services.ingest.certificate_keys import Keys, KeysUnusable
from services.ingest.originals import AGAIN, Originals
from tests.integration.ingest_world import World, open_world, supplier
from tests.servers import fresh_database
from tests.unit.ingest.samples import OTHER_SUPPLIER, directory_events, event, fields, pdf, read, sha256

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).resolve().parents[2]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
Place = tuple[World, Mapping[str, ServiceDsns]]
ABOUT = {"type": "DOCUMENT_ANNEXE", "label": "Pièce"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(stack: Stack) -> AsyncIterator[Place]:
    async with fresh_database(stack, "ingest") as dsns, open_world(stack, dsns, s3_bucket="certificate-tests") as found:
        await found.take(*directory_events())
        await found.pool.execute("insert into directory_read_to_end default values")
        yield found, dsns


async def deposited(world: World, *, sure: bool = True) -> tuple[UUID, bytes]:
    content = pdf(str(uuid4()))
    deposit = await world.deposit(content)
    files = {"file": ("bon.png", PNG + content, "image/png")}
    await world.client.post(f"/api/v1/deposits/{deposit}/attachments", files=files, data=ABOUT, headers=world.headers())
    found = fields(invoice_number=str(deposit)[-18:], unsure=() if sure else ("tax",))
    await world.take(event(str(deposit), read(content, found)))
    return deposit, content


async def test_a_certificate_names_what_was_there_at_submission_and_stays_genuine_over_a_rotation(
    place: Place, stack: Stack, tmp_path: Path
) -> None:
    world, dsns = place
    deposit, content = await deposited(world)
    path = f"/api/v1/certificates/{deposit}"
    first = (await world.client.get(path, headers=world.headers())).json()
    late = {"file": ("plus tard.png", PNG + b"late", "image/png")}
    added = await world.client.post(
        f"/api/v1/deposits/{deposit}/attachments", files=late, data=ABOUT, headers=world.headers()
    )
    assert added.status_code == 201
    hashes = [each["sha256"] for each in first["certificate"]["files"]]
    assert hashes == [sha256(content), sha256(PNG + content)]
    env = {
        **os.environ, **stack.environment("ingest"), "CHORALE_DSN": dsns["ingest"].worker,
        "CHORALE_TOKEN_SECRET": world.secret, "CHORALE_PORT": "1",
    }  # fmt: skip

    async def command(*words: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.ingest", *words, cwd=ROOT, env=env, stdout=-1, stderr=-2
        )
        out, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode()

    code, said = await command("certificate", "rotate")
    assert code == 0, said
    again = (await world.client.get(path, headers=world.headers())).json()
    assert again == first
    second, _ = await deposited(world)
    newer = (await world.client.get(f"/api/v1/certificates/{second}", headers=world.headers())).json()
    assert newer["signature"]["key"] in said
    assert newer["signature"]["key"] != first["signature"]["key"]
    published = (await world.client.get("/api/v1/certificates/keys")).json()["keys"]
    assert [key["id"] for key in published] == [newer["signature"]["key"], first["signature"]["key"]]
    for document in (first, newer):
        answer = await world.client.post("/api/v1/certificates/verify", json=document)
        assert (answer.status_code, answer.json()["code"]) == (200, "VALID")
        said_again = {name: value for name, value in answer.json()["certificate"].items() if value is not None}
        assert said_again == document["certificate"]
    twice = json.dumps(newer).replace('"payable":', '"payable": "9999", "payable":')
    headers = {"Content-Type": "application/json"}
    answer = await world.client.post("/api/v1/certificates/verify", content=twice, headers=headers)
    assert (answer.json()["code"], answer.json()["certificate"]) == ("NOT_A_CERTIFICATE", None)
    forged = {**first, "certificate": {**first["certificate"], "payable": "1.00"}}
    assert (await world.client.post("/api/v1/certificates/verify", json=forged)).json()["valid"] is False
    paper, own, other = tmp_path / "c.pdf", tmp_path / "f.pdf", tmp_path / "o.pdf"
    paper.write_bytes((await world.client.get(f"{path}/pdf", headers=world.headers())).content)
    verdicts = {b"%PDF-1.4": "NOT_A_CERTIFICATE", paper.read_bytes(): "VALID", json.dumps(newer).encode(): "VALID"}
    for given, expected in verdicts.items():
        answer = await world.client.post("/api/v1/certificates/verify/file", content=given)
        assert (answer.status_code, answer.json()["code"]) == (200, expected)
    heavy = await world.client.post("/api/v1/certificates/verify/file", content=bytes(2_000_001))
    assert heavy.status_code == 413
    own.write_bytes(content)
    other.write_bytes(b"autre")
    code, said = await command("certificate", "verify", str(paper), "--url", world.url, "--document", str(own))
    assert (code, "authentique" in said, "est bien un fichier" in said) == (0, True, True), said
    assert all(hash_ in said for hash_ in hashes), said
    code, said = await command("certificate", "verify", str(paper), "--document", str(other))
    assert (code, "n'est PAS un fichier" in said) == (1, True), said
    code, said = await command("certificate", "verify", str(own))
    assert (code, "pas un certificat" in said) == (1, True), said


async def test_a_draft_and_what_is_another_s_have_no_certificate(place: Place) -> None:
    world, _ = place
    draft, _ = await deposited(world, sure=False)
    sent, _ = await deposited(world)
    stranger = supplier("stranger", structures=(OTHER_SUPPLIER,))
    for who, id_ in ((None, draft), (None, "x"), (None, uuid4()), (stranger, sent)):
        for below in ("", "/pdf"):
            answer = await world.client.get(f"/api/v1/certificates/{id_}{below}", headers=world.headers(who))
            assert (answer.status_code, answer.json()["code"]) == (404, "CERTIFICATE_UNKNOWN")
    assert (await world.client.get(f"/api/v1/certificates/{sent}")).status_code == 401


async def test_the_private_keys_are_wrapped_and_out_of_the_api_role_s_reach(place: Place) -> None:
    world, _ = place
    keys = Keys(world.pool, world.secret)
    _, private = await keys.at(clock.now())
    stored = await world.pool.fetch("select wrapped_key from certificate_key")
    assert all(private.private_bytes_raw() not in row["wrapped_key"] for row in stored)
    with pytest.raises(KeysUnusable):
        await Keys(world.pool, "another secret").at(clock.now())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.api_pool.fetch("select id from certificate_key")


async def test_processes_that_start_at_once_make_one_first_key(stack: Stack) -> None:
    async with fresh_database(stack, "ingest") as dsns, open_world(stack, dsns, s3_bucket="certificate-tests") as world:
        found = await asyncio.gather(*(Keys(world.pool, "s").public() for _ in range(6)))
        assert len({tuple(key.id for key in each) for each in found}) == 1
        assert len(found[0]) == 1


async def test_originals_are_compared_with_their_hash_and_damage_is_found_and_named(
    stack: Stack, tmp_path: Path
) -> None:
    async with fresh_database(stack, "ingest") as dsns, open_world(stack, dsns, s3_bucket="originals-tests") as world:
        await world.take(*directory_events())
        await world.pool.execute("insert into directory_read_to_end default values")
        (good, content), (bad, _) = await deposited(world), await deposited(world)
        originals = Originals(world.pool, world.blobs)
        found = await originals.once(clock.now())
        assert {(each.place, each.seen) for each in found} == {("deposit", "whole"), ("attachment", "whole")}
        assert len(found) == 4
        assert await originals.once(clock.now() - AGAIN) == []
        key = (await world.row(bad))["object_key"]
        await world.blobs.put(key, io.BytesIO(b"other"), size=5, sha256="", media_type="application/pdf")
        piece = await world.pool.fetchrow("select id, object_key from attachment where deposit_id = $1", bad)
        assert piece is not None
        await world.blobs.delete(piece["object_key"])
        damaged = {(each.id, each.seen) for each in await originals.once(clock.now()) if each.seen != "whole"}
        assert damaged == {(bad, "changed"), (piece["id"], "missing")}
        look = asked("Camille Martin", "Réquisition du tribunal", "originals export")
        document, attached = await originals.export(good, tmp_path, look)
        assert (document.read_bytes(), attached.read_bytes()) == (content, PNG + content)
        with pytest.raises(BlobCorrupt):
            await originals.export(bad, tmp_path, look)
