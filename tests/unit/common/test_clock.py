"""The platform's time: the real one, unless a file moves it in development."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.common import clock
from services.common.settings import BlobSettings
from tests.unit.common.test_settings import GOOD


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    found = tmp_path / "clock"
    clock.follow(found)
    yield found
    clock.follow(None)


def _off(instant: datetime) -> timedelta:
    return instant - datetime.now(UTC)


def test_a_file_moves_the_time_while_the_process_runs_and_none_leaves_it(file: Path) -> None:
    assert abs(_off(clock.now())) < timedelta(minutes=1)
    for days in (15, -3):
        file.write_text(str(timedelta(days=days).total_seconds()))
        assert abs(_off(clock.now()) - timedelta(days=days)) < timedelta(minutes=1)
        assert abs(_off(clock.of("status")) - timedelta(days=days)) < timedelta(minutes=1)
    file.unlink()
    assert abs(_off(clock.now())) < timedelta(minutes=1)


def test_what_is_due_by_the_databases_clock_is_planned_by_the_real_one(file: Path) -> None:
    file.write_text("864000")
    assert abs(_off(clock.of("notify"))) < timedelta(minutes=1)


def test_outside_development_the_time_is_not_moved(tmp_path: Path) -> None:
    moved = {**GOOD, "clock_file": tmp_path / "clock"}
    with pytest.raises(ValidationError, match="CHORALE_CLOCK_FILE"):
        BlobSettings.model_validate(moved)
    assert BlobSettings.model_validate({**moved, "environment": "development"})
