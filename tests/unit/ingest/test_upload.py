"""A multipart body in: whole, one PDF, bounded; anything else is a problem with its own code."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import Request
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.web import Problem
from services.ingest.upload import Limits, receive
from tests.unit.ingest.samples import pdf, xml

BOUNDARY = "----xyz"
LIMITS = Limits(file_bytes=200_000, spool_bytes=50_000, stall_seconds=0.2)
Part = tuple[str, str | None, bytes]


def body(*parts: Part, end: bool = True) -> bytes:
    """A multipart body; a part is its name, its file name if any, and its content."""
    out = b""
    for name, file_name, content in parts:
        extra = "" if file_name is None else f'; filename="{file_name}"'
        out += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n'.encode()
        out += b"Content-Type: application/pdf\r\n\r\n" + content + b"\r\n"
    return out + (f"--{BOUNDARY}--\r\n".encode() if end else b"")


def request(
    chunks: list[bytes], *, content_type: str | None = None, length: int | None = None, ending: str = "end"
) -> Request:
    """A request whose body comes in these chunks and then ends, stalls or is cut off."""
    headers = [(b"content-type", (content_type or f"multipart/form-data; boundary={BOUNDARY}").encode())]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    coming = _messages(chunks, ending)

    async def next_message() -> Any:
        return await anext(coming)

    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, next_message)


async def _messages(chunks: list[bytes], ending: str) -> AsyncIterator[dict[str, Any]]:
    for chunk in chunks:
        yield {"type": "http.request", "body": chunk, "more_body": True}
    if ending == "stall":
        await asyncio.sleep(60)
    yield {"type": "http.disconnect"} if ending == "cut" else {"type": "http.request", "body": b"", "more_body": False}


def sliced(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


async def refused(wanted: Request) -> Problem:
    with pytest.raises(Problem) as caught:
        async with receive(wanted, LIMITS):
            pass
    return caught.value


@given(
    content=st.binary(max_size=3000).map(lambda rest: b"%PDF-" + rest),
    size=st.integers(min_value=1, max_value=5000),
)
@settings(max_examples=60, deadline=None)
async def test_the_bytes_are_kept_as_they_came_however_they_are_cut(content: bytes, size: int) -> None:
    whole = body(("note", None, b"ignored"), ("file", "a.pdf", content))
    async with receive(request(sliced(whole, size)), LIMITS) as upload:
        assert upload.source.read() == content
        assert (upload.size, upload.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert upload.file_name == "a.pdf"


@pytest.mark.parametrize(("content", "kind"), [(pdf(), "application/pdf"), (xml(), "application/xml")])
async def test_the_kind_of_a_document_is_what_its_content_says(content: bytes, kind: str) -> None:
    for name in ("a.pdf", "a.xml", "a"):
        async with receive(request(sliced(body(("file", name, content)), 7)), LIMITS) as upload:
            assert upload.media_type == kind


async def test_a_large_file_goes_to_disk_and_is_gone_afterwards() -> None:
    content = pdf() + b"x" * 150_000
    async with receive(request(sliced(body(("file", "a.pdf", content)), 4096)), LIMITS) as upload:
        source: Any = upload.source
        assert source._rolled
        assert source.read() == content
    assert source.closed


async def test_a_small_file_stays_in_memory() -> None:
    async with receive(request([body(("file", "a.pdf", pdf()))]), LIMITS) as upload:
        source: Any = upload.source
        assert not source._rolled


async def test_accents_in_a_name_survive() -> None:
    async with receive(request([body(("file", "dossier/été €.pdf", pdf()))]), LIMITS) as upload:
        assert upload.file_name == "été €.pdf"


async def test_one_byte_over_the_limit_is_too_large_and_the_limit_itself_is_not() -> None:
    content = pdf() + b"x" * (LIMITS.file_bytes - len(pdf()))
    async with receive(request(sliced(body(("file", "a.pdf", content)), 9999)), LIMITS) as upload:
        assert upload.size == LIMITS.file_bytes
    problem = await refused(request(sliced(body(("file", "a.pdf", content + b"x")), 9999)))
    assert (problem.status, problem.code) == (413, "FILE_TOO_LARGE")
    assert problem.errors[0]["limit"] == LIMITS.file_bytes


async def test_a_declared_length_that_is_too_large_is_refused_with_that_size() -> None:
    problem = await refused(request([b"x"], length=500_000))
    assert (problem.status, problem.code, problem.errors[0]["value"]) == (413, "FILE_TOO_LARGE", "500000")


async def test_an_endless_part_that_is_no_file_is_refused_too() -> None:
    endless = body(("note", None, b"x" * 400_000), ("file", "a.pdf", pdf()))
    assert (await refused(request(sliced(endless, 9999)))).code == "FILE_TOO_LARGE"


async def test_what_is_no_pdf_is_refused_by_its_first_bytes_even_if_the_rest_never_comes() -> None:
    chunks = sliced(body(("file", "a.zip", b"PK\x03\x04" + b"x" * 100_000)), 2048)
    problem = await refused(request(chunks[:3], ending="cut"))
    assert (problem.status, problem.code) == (415, "NOT_A_PDF")
    assert "ZIP" in problem.detail


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        ([("file", "a.pdf", b"")], 400, "FILE_EMPTY"),
        ([], 400, "FILE_MISSING"),
        ([("note", None, b"x")], 400, "FILE_MISSING"),
        ([("document", "a.pdf", pdf())], 400, "FILE_MISSING"),
        ([("file", "a.pdf", pdf()), ("file", "b.pdf", pdf())], 400, "SEVERAL_FILES"),
        ([("file", "a.pdf", pdf()), ("other", "b.pdf", pdf())], 400, "SEVERAL_FILES"),
        ([("file", "a.pdf", b"hello")], 415, "NOT_A_PDF"),
        ([("n", None, b"")] * 30, 400, "MULTIPART_INVALID"),
    ],
)
async def test_a_form_without_exactly_one_pdf_is_refused(parts: list[Part], status: int, code: str) -> None:
    problem = await refused(request([body(*parts)]))
    assert (problem.status, problem.code) == (status, code)
    assert problem.detail
    assert all(error["action"] for error in problem.errors)


async def test_a_part_of_another_name_is_named_in_the_refusal() -> None:
    assert "« document »" in (await refused(request([body(("document", "a.pdf", pdf()))]))).detail


async def test_a_form_that_ends_too_early_is_refused() -> None:
    whole = body(("file", "a.pdf", pdf() + b"x" * 5000))
    for cut in (0, 10, 200, 3000, len(whole) - 8):
        assert (await refused(request([whole[:cut]]))).code == "MULTIPART_INVALID"


@pytest.mark.parametrize(
    ("content_type", "status", "code"),
    [
        ("application/pdf", 415, "MULTIPART_REQUIRED"),
        ("multipart/form-data", 400, "MULTIPART_INVALID"),
        ("multipart/form-data; boundary=" + "x" * 500, 400, "MULTIPART_INVALID"),
        ("multipart/form-data; boundary=other", 400, "MULTIPART_INVALID"),
    ],
)
async def test_a_body_that_is_no_such_form_is_refused(content_type: str, status: int, code: str) -> None:
    problem = await refused(request([body(("file", "a.pdf", pdf()))], content_type=content_type))
    assert (problem.status, problem.code) == (status, code)


@pytest.mark.parametrize("ending", ["stall", "cut"])
async def test_a_sender_who_falls_silent_or_leaves_is_let_go(ending: str) -> None:
    half = body(("file", "a.pdf", pdf() + b"x" * 5000))[:2000]
    assert (await refused(request([half], ending=ending))).code == "UPLOAD_STALLED"


@given(st.lists(st.binary(max_size=300), max_size=6))
@settings(max_examples=100, deadline=None)
async def test_any_bytes_end_in_a_problem_or_a_pdf(chunks: list[bytes]) -> None:
    start = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"\r\n\r\n'.encode()
    for given_chunks in (chunks, [start, *chunks]):
        assert (await refused(request(given_chunks))).status in (400, 415)
