"""A few whole lives of ``make scenarios``, through the API and over weeks; the others are played there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import Stack
from tests.scenarios.days import Days
from tests.scenarios.judge import Court
from tests.scenarios.player import play
from tests.scenarios.table import load


@pytest.fixture
def days(clock_file: Path) -> Iterator[Days]:
    """Weeks of the past, so that nothing of them is to come once the time is the real one again."""
    yield Days(clock_file)
    clock_file.unlink()


def test_whole_lives_end_as_their_table_says(platform: Stack, days: Days) -> None:
    court = Court(platform, days)
    played = play(platform, days, [life for life in load() if life.short], court.settle)
    assert len(played) >= 3
    for one in played:
        assert list(court.faults(one, court.end(one))) == [], one.life.name
        one.close()
