"""Depositing over HTTP: what is answered, what is kept, and what is never done twice."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from contracts.events import ClaimCheck, DocumentReceived
from deploy.database import ServiceDsns
from deploy.local import Stack
from tests.integration.ingest_world import World, open_world, supplier
from tests.unit.ingest.samples import event, pdf, read, sha256


@pytest.fixture
async def world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with open_world(stack, dsns, max_file_bytes=3_000_000, spool_bytes=100_000) as found:
        yield found


async def test_a_deposit_is_answered_with_its_id_and_announced_once(world: World) -> None:
    before = datetime.now(UTC)
    answer = await world.post(name="facture n° 12.pdf")
    assert answer.status_code == 201
    body = answer.json()
    assert answer.headers["Location"] == body["links"]["self"] == f"/api/v1/deposits/{body['id']}"
    assert (body["state"], body["label"], body["file_name"]) == ("received", "Reçu", "facture n° 12.pdf")
    assert (body["sha256"], body["size"], body["duplicate_of"]) == (sha256(pdf()), len(pdf()), None)
    assert before - timedelta(seconds=1) < datetime.fromisoformat(body["received_at"]) < datetime.now(UTC)
    [sent] = await world.sent()
    assert isinstance(sent.data, DocumentReceived)
    assert (sent.subject, sent.data.depositor) == (body["id"], "supplier-1")
    assert sent.traceparent is not None
    assert sent.traceparent.split("-")[1] == answer.headers["traceparent"].split("-")[1]
    assert await world.blobs.get(sent.data.document) == pdf()


async def test_the_document_lies_under_a_key_that_does_not_name_the_depositor(world: World) -> None:
    deposit = await world.deposit()
    key = (await world.row(deposit))["object_key"]
    assert key == f"{hashlib.sha256(b'supplier-1').hexdigest()[:16]}/{deposit}/document.pdf"


async def test_a_document_larger_than_memory_allows_comes_back_byte_for_byte(world: World) -> None:
    content = pdf() + bytes(range(256)) * 11_000
    deposit = await world.deposit(content)
    answer = await world.get(f"/{deposit}/document")
    assert answer.content == content
    assert answer.headers["content-type"] == "application/pdf"
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_document_name_with_quotes_and_accents_is_given_back_safely(world: World) -> None:
    deposit = await world.deposit(name="été ; € .pdf")
    disposition = (await world.get(f"/{deposit}/document")).headers["content-disposition"]
    assert "filename*=UTF-8''%C3%A9t%C3%A9%20%3B%20%E2%82%AC%20.pdf" in disposition
    assert disposition.isascii()


async def test_a_stored_document_that_was_changed_is_not_given_back(world: World) -> None:
    deposit = await world.deposit()
    row = await world.row(deposit)
    other = pdf("other")
    await world.blobs.delete(row["object_key"])
    for answer in (await world.get(f"/{deposit}/document"), await _replaced(world, row["object_key"], other, deposit)):
        assert (answer.status_code, answer.json()["code"]) == (500, "DOCUMENT_UNAVAILABLE")


async def _replaced(world: World, key: str, content: bytes, deposit: UUID) -> httpx.Response:
    source = io.BytesIO(content)
    await world.blobs.put(key, source, size=len(content), sha256=sha256(content), media_type="application/pdf")
    return await world.get(f"/{deposit}/document")


async def test_the_same_key_and_content_give_the_same_answer_again(world: World) -> None:
    first, again = await world.post(key="k-1"), await world.post(key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first.headers["Location"] == again.headers["Location"]
    assert len(await world.sent()) == 1
    assert await world.pool.fetchval("select count(*) from deposit") == 1


async def test_the_same_key_with_other_content_is_refused_and_changes_nothing(world: World) -> None:
    first = await world.deposit(key="k-1")
    answer = await world.post(pdf("other"), key="k-1")
    assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["value"] == str(first)
    assert await world.pool.fetchval("select count(*) from deposit") == 1
    assert len(await world.sent()) == 1


async def test_two_depositors_may_use_one_key_and_one_content(world: World) -> None:
    ids = {await world.deposit(key="k", principal=supplier(subject)) for subject in ("one", "two")}
    assert len(ids) == 2
    assert len(await world.sent()) == 2
    assert await world.pool.fetchval("select count(*) from deposit where duplicate_of is not null") == 0


async def test_many_requests_at_once_with_one_key_make_one_deposit(world: World) -> None:
    answers = await asyncio.gather(*(world.post(key="k-1") for _ in range(12)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await world.sent()) == 1
    assert await world.pool.fetchval("select count(*) from deposit") == 1


async def test_many_requests_at_once_with_one_key_and_other_contents_make_one_deposit(world: World) -> None:
    answers = await asyncio.gather(*(world.post(pdf(str(n)), key="k-1") for n in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 7
    assert len(await world.sent()) == 1


async def test_many_requests_at_once_with_one_content_make_one_deposit_and_duplicates_of_it(world: World) -> None:
    answers = [answer.json() for answer in await asyncio.gather(*(world.post() for _ in range(10)))]
    [first] = [answer for answer in answers if answer["duplicate_of"] is None]
    assert {answer["duplicate_of"] for answer in answers} == {None, first["id"]}
    assert len({answer["id"] for answer in answers}) == 10
    assert len(await world.sent()) == 1


async def test_a_duplicate_is_kept_with_its_own_id_and_leads_to_the_first_deposit(world: World) -> None:
    first = await world.deposit()
    body = (await world.post(name="copie.pdf")).json()
    assert (body["state"], body["label"], body["duplicate_of"]) == ("duplicate", "Doublon", str(first))
    assert body["links"]["original"] == f"/api/v1/deposits/{first}"
    assert body["id"] != str(first)
    seen = (await world.get(f"/{body['id']}")).json()
    assert (seen["state"], seen["file_name"]) == ("duplicate", "copie.pdf")
    assert (await world.get(f"/{body['id']}/document")).content == pdf()


async def test_a_duplicate_stores_no_second_document(world: World) -> None:
    first = await world.deposit()
    duplicate = await world.deposit()
    claim = ClaimCheck(
        bucket=world.settings.s3_bucket,
        key=(await world.row(first))["object_key"].replace(str(first), str(duplicate)),
        sha256=sha256(pdf()),
        size=len(pdf()),
        media_type="application/pdf",
    )
    with pytest.raises(Exception, match="NoSuchKey"):
        await world.blobs.get(claim)


@pytest.mark.parametrize("state", ["received", "to_verify"])
async def test_the_same_content_again_is_a_duplicate_while_the_first_is_pending(world: World, state: str) -> None:
    first = await world.deposit()
    await world.pool.execute("update deposit set state = $2 where id = $1", first, state)
    assert (await world.post()).json()["duplicate_of"] == str(first)


async def test_the_same_content_again_is_a_new_deposit_once_the_first_was_refused(world: World) -> None:
    first = await world.deposit()
    await world.pool.execute("update deposit set state = 'refused' where id = $1", first)
    body = (await world.post()).json()
    assert (body["state"], body["duplicate_of"]) == ("received", None)
    assert len(await world.sent()) == 2


async def test_a_key_keeps_its_answer_after_the_deposit_was_refused(world: World) -> None:
    first = await world.deposit(key="k")
    await world.pool.execute("update deposit set state = 'refused' where id = $1", first)
    body = (await world.post(key="k")).json()
    assert (body["id"], body["state"]) == (str(first), "refused")


async def test_a_key_that_cannot_be_kept_is_refused(world: World) -> None:
    for key in ("", "x" * 201, "a\tb", "clé"):
        given = {**world.headers(), "Idempotency-Key": key}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
        files = {"file": ("a.pdf", pdf(), "application/pdf")}
        answer = await world.client.post("/api/v1/deposits", files=files, headers=raw)
        assert (answer.status_code, answer.json()["code"]) == (400, "IDEMPOTENCY_KEY_INVALID")
    assert await world.pool.fetchval("select count(*) from deposit") == 0


async def test_who_may_not_deposit_is_told_why(world: World) -> None:
    for principal, code in (
        (supplier(contact=""), "CONTACT_MISSING"),
        (supplier(contact="nobody"), "CONTACT_MISSING"),
        (supplier(contact="nobody@"), "CONTACT_MISSING"),
        (supplier(contact="Anne <anne@fournisseur.example>"), "CONTACT_MISSING"),
        (supplier(contact="a@b.example,c@d.example"), "CONTACT_MISSING"),
        (supplier(roles=()), "RIGHT_MISSING"),
        (supplier(roles=("GESTIONNAIRE",)), "RIGHT_MISSING"),
    ):
        answer = await world.post(principal=principal)
        assert (answer.status_code, answer.json()["code"]) == (403, code)


async def test_nobody_deposits_anonymously(world: World) -> None:
    files = {"file": ("a.pdf", pdf(), "application/pdf")}
    answer = await world.client.post("/api/v1/deposits", files=files)
    assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_MISSING")
    forged = {"Authorization": "Bearer " + world.headers()["Authorization"][7:-3] + "AAA"}
    assert (await world.client.get("/api/v1/deposits", headers=forged)).json()["code"] == "TOKEN_INVALID"


async def test_a_file_that_is_refused_is_answered_with_a_problem_and_leaves_nothing(world: World) -> None:
    for content, status, code in (
        (b"", 400, "FILE_EMPTY"),
        (b"PK\x03\x04zip", 415, "NOT_A_PDF"),
        (b"%PDF-" + b"x" * 3_000_000, 413, "FILE_TOO_LARGE"),
        (b"%PDF-" + b"x" * 12_000_000, 413, "FILE_TOO_LARGE"),
    ):
        answer = await world.post(content)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
    assert await world.pool.fetchval("select count(*) from deposit") == 0
    assert await world.sent() == []


async def test_an_endless_upload_is_cut_off_with_an_answer(world: World) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-'
        for _ in range(90):
            yield b"x" * 65_536

    given = {**world.headers(), "Content-Type": "multipart/form-data; boundary=b"}
    answer = await world.client.post("/api/v1/deposits", content=endless(), headers=given)
    assert (answer.status_code, answer.json()["code"]) == (413, "FILE_TOO_LARGE")


async def test_the_list_shows_own_deposits_newest_first_page_by_page(world: World) -> None:
    ids = [str(await world.deposit(pdf(str(n)))) for n in range(5)]
    await world.deposit(principal=supplier("other"))
    first = (await world.get("", params={"limit": 3})).json()
    assert [line["id"] for line in first["deposits"]] == ids[:1:-1]
    rest = (await world.get("", params={"limit": 3, "cursor": first["next"]})).json()
    assert [line["id"] for line in rest["deposits"]] == ids[1::-1]
    assert rest["next"] is None


async def test_the_list_is_filtered_by_state(world: World) -> None:
    await world.deposit(pdf("a"))
    refused = await world.deposit(pdf("b"))
    await world.pool.execute("update deposit set state = 'refused' where id = $1", refused)
    found = (await world.get("", params={"state": ["refused", "to_verify"]})).json()["deposits"]
    assert [line["id"] for line in found] == [str(refused)]
    assert (await world.get("", params={"state": "nonsense"})).status_code == 422


async def test_a_cursor_that_is_none_is_a_problem(world: World) -> None:
    answer = await world.get("", params={"cursor": "x"})
    assert (answer.status_code, answer.json()["code"]) == (400, "CURSOR_INVALID")


async def test_the_documentation_names_the_file_part_and_the_problems(world: World) -> None:
    document = (await world.client.get("/openapi/ingest.json")).json()
    posted = document["paths"]["/api/v1/deposits"]["post"]
    assert posted["requestBody"]["content"]["multipart/form-data"]["schema"]["required"] == ["file"]
    assert {"201", "413", "415", "422", "503"} <= set(posted["responses"])


async def test_a_deposit_beside_its_reading_is_shown_with_evidence_and_times(world: World) -> None:
    deposit = await world.deposit()
    await world.take(event(str(deposit), read(pdf(), ())))
    seen = (await world.get(f"/{deposit}")).json()
    assert (seen["state"], seen["label"], seen["fields"]) == ("to_verify", "À vérifier", [])
    assert seen["received_at"] <= seen["decided_at"]
    assert all(found["message"] for found in seen["findings"])
    assert seen["findings"]
