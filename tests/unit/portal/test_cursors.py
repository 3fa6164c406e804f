"""Cursors of lists: read as they were written, and nothing else is one."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.web import Problem
from services.portal import cursors

INSTANTS = st.datetimes(timezones=st.just(UTC))


@given(INSTANTS, st.uuids(), st.text(max_size=300).filter(lambda text: "\0" not in text), st.booleans())
def test_a_cursor_is_read_as_it_was_written(at: datetime, identity: UUID, name: str, guest: bool) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return  # no database holds it
    found = cursors.read(cursors.write(at, identity, name, guest), cursors.instant, UUID, cursors.text, cursors.flag)
    assert found == (at, identity, name, guest)


@given(st.text(max_size=80))
def test_any_other_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(Problem) as raised:
        cursors.read(text, cursors.instant, UUID)
    assert (raised.value.status, raised.value.code) == (422, "CURSOR_INVALID")


@pytest.mark.parametrize(
    "place",
    [
        ("2026-03-02T09:30:00", uuid4().hex),  # of no time zone
        ("0001-01-01T00:00:00+14:00", uuid4().hex),  # out of the calendar
        (datetime.now(UTC), "x"),
        (datetime.now(UTC),),
        (datetime.now(UTC), uuid4(), "more"),
    ],
    ids=["naive", "no-day", "no-id", "short", "long"],
)
def test_a_cursor_of_another_list_is_refused(place: tuple[object, ...]) -> None:
    with pytest.raises(Problem):
        cursors.read(cursors.write(*place), cursors.instant, UUID)


def test_what_no_database_holds_is_refused() -> None:
    with pytest.raises(Problem):
        cursors.read(cursors.write("a\0b"), cursors.text)
    with pytest.raises(Problem):
        cursors.read(cursors.write("true"), cursors.flag)


def test_the_last_page_has_no_next_one() -> None:
    assert cursors.cut([1, 2], 2, lambda last: (last,)) == ([1, 2], None)
    shown, following = cursors.cut([1, 2, 3], 2, lambda last: (last,))
    assert (shown, cursors.read(following, int)) == ([1, 2], (2,))
