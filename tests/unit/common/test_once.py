"""Keys under which a request is done once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.common import once
from services.common.web import Problem

SPACE = UUID("8a4d0f3e-5a0b-5b7e-9d51-6f2b1c0e7a43")
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_the_same_key_and_request_name_the_same_thing_and_any_other_another() -> None:
    assert once.named(SPACE, None, "person:1") is None
    first = once.named(SPACE, "k", "person:1", "{}")
    assert first == once.named(SPACE, "k", "person:1", "{}")
    others = {
        once.named(SPACE, "k", "person:2", "{}"),
        once.named(SPACE, "l", "person:1", "{}"),
        once.named(SPACE, "k", "person:1", "{ }"),
        once.named(UUID(int=1), "k", "person:1", "{}"),
    }
    assert len({first, *others}) == 5


@pytest.mark.parametrize("key", [None, "a", "~" * 200, "7f9c24e5-2f60"])
def test_a_key_of_printable_letters_is_taken(key: str | None) -> None:
    assert once.checked(key) == key


@pytest.mark.parametrize("key", ["", "a b", "é", "a\n", "~" * 201])
def test_any_other_key_is_refused_in_words(key: str) -> None:
    with pytest.raises(Problem) as refused:
        once.checked(key)
    assert (refused.value.status, refused.value.code) == (422, "IDEMPOTENCY_KEY_INVALID")
    assert refused.value.errors[0]["value"] == key[:40]


def test_a_request_for_a_secret_is_the_same_one_for_an_hour() -> None:
    assert once.again(NOW - timedelta(minutes=59), NOW)
    assert not once.again(NOW - timedelta(hours=1), NOW)
