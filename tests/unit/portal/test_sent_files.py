"""Files that people send: what they are is told by their bytes."""

import pytest

from services.common.web import Problem
from services.portal import sent_files


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"%PDF-1.7", "application/pdf"), (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png")],
)
def test_a_file_is_what_its_bytes_say(content: bytes, found: str) -> None:
    assert sent_files.media_type(content, "PROOF") == found


@pytest.mark.parametrize("content", [b"<html>", b"", b"%PDF"])
def test_anything_else_is_refused_under_the_code_of_what_is_sent(content: bytes) -> None:
    with pytest.raises(Problem) as refused:
        sent_files.media_type(content, "PROOF")
    assert (refused.value.status, refused.value.code) == (415, "PROOF_MEDIA_TYPE")
    assert sent_files.titles("PROOF")[415] == (refused.value.code, refused.value.title)
