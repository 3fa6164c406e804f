"""Every outcome of a reading is a code, a sentence and something to do."""

import re

import pytest

from services.ocr.outcomes import CODES, OPTIONAL, megabytes, outcome, places


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_sentence_and_something_to_do(code: str) -> None:
    words = {name: f"<{name}>" for name in places(code)}
    found = outcome(code, **words)
    assert found.code == code
    assert re.match(r"[A-ZÀ-Ü<]", found.message)
    assert found.message.rstrip(">").endswith((".", "why"))
    assert found.action
    assert found.action.endswith(".")
    assert all(word in found.message for word in words.values())


@pytest.mark.parametrize("code", [code for code in CODES if places(code) - OPTIONAL])
def test_a_sentence_without_its_words_is_a_programming_error(code: str) -> None:
    with pytest.raises(KeyError):
        outcome(code)


@pytest.mark.parametrize("code", ["SCAN_ONLY", "NOTHING_RECOGNISED"])
def test_a_sentence_is_whole_without_its_optional_words(code: str) -> None:
    assert "{" not in outcome(code).message
    assert "  " not in outcome(code).message


def test_braces_in_a_value_are_only_text() -> None:
    assert "{0.__class__}" in outcome("FILE_UNREADABLE", why="{0.__class__}").message


def test_sizes_are_told_in_megabytes() -> None:
    assert (megabytes(30_000_000), megabytes(31_500_000)) == ("30 Mo", "31,5 Mo")
