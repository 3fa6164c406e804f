"""Forms with files, read as they come: in any pieces, in bounded memory, and refused when they break off."""

from collections.abc import AsyncIterator, Iterator

import pytest
from fastapi import Request

from services.portal.pages.deposit_stream import Multipart, Parts, ahead, is_archive
from services.portal.pages.problems import Shown

BODY = (
    b'--B\r\nContent-Disposition: form-data; name="csrf"\r\n\r\nword\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="caf\xc3\xa9.pdf"\r\n'
    b"Content-Type: application/pdf\r\n\r\n%PDF-1.4\r\n--not the end\r\n\r\n"
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="b.zip"\r\n\r\nPK\x03\x04\r\n--B--\r\n'
)


def form(chunks: Iterator[bytes], kind: str = "multipart/form-data; boundary=B") -> Parts:
    """A form that comes in these pieces."""

    async def receive() -> dict[str, object]:
        chunk = next(chunks, None)
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-type", kind.encode())]}
    return Parts(Request(scope, receive))


async def everything(parts: Parts) -> list[str]:
    """Every field as text."""
    return [await part.text() async for part in parts]


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    return iter([body[start : start + size] for start in range(0, len(body), size)])


@pytest.mark.parametrize("size", [1, 3, 17, 10_000])
async def test_a_form_is_read_in_whatever_pieces_it_comes(size: int) -> None:
    seen = [(part.name, part.file_name, await part.whole(1000)) async for part in form(pieces(BODY, size))]
    assert seen == [
        ("csrf", None, b"word"),
        ("file", "café.pdf", b"%PDF-1.4\r\n--not the end\r\n"),
        ("file", "b.zip", b"PK\x03\x04"),
    ]


async def test_what_nobody_reads_of_a_file_is_passed_over() -> None:
    names = [part.file_name async for part in form(pieces(BODY, 5))]
    assert names == [None, "café.pdf", "b.zip"]


async def test_a_large_file_is_never_whole_in_memory() -> None:
    head, tail = b'--B\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n', b"\r\n--B--\r\n"
    block = b"x" * 65_536

    def body() -> Iterator[bytes]:
        yield head
        yield from (block for _ in range(400))
        yield tail

    parts, most, size = form(body()), 0, 0
    async for part in parts:
        async for chunk in part.chunks():
            size += len(chunk)
            most = max(most, sum(len(data) for _, data in parts._events))
    assert size == 400 * len(block)
    assert most <= len(block)


@pytest.mark.parametrize("cut", [10, 60, 150, len(BODY) - 4])
async def test_a_form_that_breaks_off_is_refused(cut: int) -> None:
    with pytest.raises(Shown) as refused:
        await everything(form(pieces(BODY[:cut], 7)))
    assert refused.value.problem.code == "FORM_UNREADABLE"


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "text/plain; boundary=B"])
def test_what_is_no_form_with_files_is_refused(kind: str) -> None:
    with pytest.raises(Shown):
        form(iter([BODY]), kind)


async def test_a_value_that_is_too_long_is_refused() -> None:
    body = BODY.replace(b"word", b"w" * 20_001)
    with pytest.raises(Shown) as refused:
        await everything(form(pieces(body, 999)))
    assert refused.value.problem.status == 413


async def test_a_form_that_is_sent_on_is_a_form_again() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"%PDF-"
        yield b"1.4\r\n"

    made = Multipart({"as_draft": "oui"}, 'fac"ture\r\nX-Evil: 1.pdf')
    head, every = await ahead(chunks())
    assert head == b"%PDF-1.4"
    body = b"".join([piece async for piece in made.around(every)])
    again = form(pieces(body, 11), made.headers["Content-Type"])
    seen = [(part.name, part.file_name, await part.whole(100)) async for part in again]
    assert seen[0] == ("as_draft", None, b"oui")
    assert seen[1][0] == "file"
    assert seen[1][2] == b"%PDF-1.4\r\n"
    assert "\r" not in str(seen[1][1])


def test_archives_are_told_by_their_first_bytes() -> None:
    assert is_archive(b"PK\x03\x04 rest")
    assert is_archive(b"\x1f\x8b\x08")
    assert not is_archive(b"%PDF-1.7")
    assert not is_archive(b"<?xml version='1.0'?>")
