"""The runner of ``make test`` fails whenever something did not run or did not pass."""

from pathlib import Path

import pytest

from tests import run

PASSES = "def test_a() -> None:\n    assert True is not False\n"
FAILS = "def test_b() -> None:\n    raise AssertionError\n"
HANGS = "import time\n\n\ndef test_c() -> None:\n    time.sleep(60)\n"


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ``tests`` folder that the runner looks into."""
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "SIDE_BY_SIDE", {})
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # these folders need none, and each costs time
    (tmp_path / "tests").mkdir()
    return tmp_path / "tests"


def add(folders: Path, name: str, content: str) -> None:
    (folders / name).mkdir()
    (folders / name / "test_it.py").write_text(content)


def closing(capfd: pytest.CaptureFixture[str]) -> str:
    return capfd.readouterr().out.splitlines()[-1]


def test_all_that_pass_make_one_closing_line(folders: Path, capfd: pytest.CaptureFixture[str]) -> None:
    add(folders, "unit", PASSES)
    add(folders, "e2e", PASSES)
    assert run.main(["unit=30", "e2e=30", "absent=30"]) == 0
    assert closing(capfd).strip("= ").startswith("2 passed in ")


def test_one_that_fails_fails_the_run(folders: Path, capfd: pytest.CaptureFixture[str]) -> None:
    add(folders, "unit", FAILS)
    add(folders, "e2e", PASSES)
    assert run.main(["unit=30", "e2e=30"]) == 1
    assert closing(capfd).strip("= ").startswith("1 failed, 1 passed in ")


def test_a_folder_without_tests_fails_the_run(folders: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folders / "unit").mkdir()
    assert run.main(["unit=30"]) == 1
    assert "tests/unit has no test that runs" in capfd.readouterr().out


def test_a_folder_that_nobody_named_fails_the_run(folders: Path, capfd: pytest.CaptureFixture[str]) -> None:
    add(folders, "unit", PASSES)
    add(folders, "forgotten", PASSES)
    assert run.main(["unit=30"]) == 1
    assert "tests/forgotten is not among the folders" in capfd.readouterr().out


def test_a_folder_over_its_budget_is_stopped_and_fails_the_run(
    folders: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    add(folders, "unit", HANGS)
    assert run.main(["unit=2"]) == 1
    assert "tests/unit took longer than its 2 s" in capfd.readouterr().out
