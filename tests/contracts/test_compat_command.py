"""``python -m contracts.compat`` as a developer and CI run it: in a git repository of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from contracts import export

GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@chorale.example", "-c", "commit.gpgsign=false")


class Repository:
    """A copy of the contracts that a test may edit, in its own git repository."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # The surroundings of a git hook would point git at another repository.
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | {
            "PYTHONPATH": str(root)
        }
        ignored = shutil.ignore_patterns("__pycache__")
        for package in ("contracts", "invoice"):
            shutil.copytree(export.ROOT / package, root / package, ignore=ignored)
        self.run(*GIT, "init", "-q", "-b", "main")

    def run(self, *command: str) -> tuple[int, str]:
        done = subprocess.run(
            command, cwd=self.root, env=self._environment, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    def commit(self) -> None:
        code, text = self.run(*GIT, "add", "-A")
        assert code == 0, text
        code, text = self.run(*GIT, "commit", "-q", "--no-verify", "-m", "state")
        assert code == 0, text

    def compat(self, *arguments: str) -> tuple[int, str]:
        return self.run(sys.executable, "-m", "contracts.compat", *arguments)

    def edit(self, file: str, old: str, new: str, *, freeze: bool = True) -> None:
        path = self.root / file
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new))
        if freeze:
            assert self.run(sys.executable, "-m", "contracts.export")[0] == 0


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Committed once."""
    found = Repository(tmp_path)
    found.commit()
    return found


EVENTS = "contracts/events.py"
FIELD = "    contact: str\n    file_name: str\n    submitted_at: Instant\n"


def test_without_a_difference_all_is_well(repository: Repository) -> None:
    code, text = repository.compat()
    assert (code, text.splitlines()[-1]) == (0, "0 differences, 0 refused")


def test_an_optional_field_may_be_deployed_in_any_order(repository: Repository) -> None:
    repository.edit(EVENTS, FIELD, FIELD + "    note: str | None = None\n")
    code, text = repository.compat("HEAD")
    assert code == 0
    assert "fr.chorale.invoice.submitted.v1\n  COMPATIBLE    note: optional field added, default null" in text
    assert "deploy in any order" in text


def test_a_breaking_change_is_refused_with_event_field_reason_and_services(repository: Repository) -> None:
    repository.edit(EVENTS, FIELD, FIELD.replace("contact: str", "contact: int"), freeze=False)
    repository.run(sys.executable, "-m", "contracts.export")
    code, text = repository.compat()
    assert code == 1
    assert "fr.chorale.invoice.submitted.v1\n  BREAKING      contact: type changed from string to integer" in text
    assert "deploy first: routing, status, notify, supervision, then ingest" in text
    assert "example-unreadable" in text


def test_a_change_of_an_embedded_type_shows_at_every_event_that_holds_it(repository: Repository) -> None:
    repository.edit(
        "invoice/findings.py", '["ok", "info", "warn", "refuse"]', '["ok", "info", "warn", "refuse", "halt"]'
    )
    code, text = repository.compat()
    assert code == 1
    assert 'READERS-FIRST reasons[].level: now also takes the value "halt"' in text
    for event in ("document.read", "draft.saved", "invoice.routed", "invoice.submitted", "status.changed"):
        assert f"fr.chorale.{event}.v1\n" in text
    assert repository.compat("--readers-first")[0] == 0


def test_stale_files_are_refused_with_the_command(repository: Repository) -> None:
    repository.edit(EVENTS, FIELD, FIELD + "    note: str | None = None\n", freeze=False)
    code, text = repository.compat()
    assert code == 1
    assert "contracts/schemas/fr.chorale.invoice.submitted.v1.json" in text
    assert "python -m contracts.export" in text


def test_a_removed_example_is_refused(repository: Repository) -> None:
    (repository.root / "contracts/examples/fr.chorale.document.read.v1/scan.json").unlink()
    repository.run(sys.executable, "-m", "contracts.export")
    code, text = repository.compat()
    assert code == 1
    assert "scan.json removed [example-removed]" in text


def test_a_changed_partition_count_is_refused(repository: Repository) -> None:
    repository.edit("contracts/registry.py", "DEFAULT_PARTITIONS = 12", "DEFAULT_PARTITIONS = 24")
    code, text = repository.compat()
    assert code == 1
    assert "partitions changed from 12 to 24 [partitions-changed]" in text


def test_a_branch_is_compared_with_where_it_left_main(repository: Repository) -> None:
    repository.run(*GIT, "checkout", "-q", "-b", "topic")
    repository.edit("contracts/registry.py", "RETENTION_DAYS = 30", "RETENTION_DAYS = 3")
    repository.commit()
    code, text = repository.compat()
    assert code == 1
    assert "retention-shortened" in text
    assert repository.compat("HEAD")[0] == 0


def test_all_compares_with_every_frozen_version(repository: Repository) -> None:
    """A field that comes and goes within two commits breaks neither the last one nor the first one alone."""
    repository.edit(EVENTS, FIELD, FIELD + "    note: str | None = None\n")
    repository.commit()
    repository.edit(EVENTS, "    note: str | None = None\n", "")
    repository.commit()
    assert repository.compat()[0] == 0
    code, text = repository.compat("--all")
    assert code == 1
    assert "note: field removed" in text


def test_a_revision_without_contracts_is_the_first_version(tmp_path: Path) -> None:
    found = Repository(tmp_path)
    found.run(*GIT, "commit", "-q", "--allow-empty", "--no-verify", "-m", "nothing yet")
    code, text = found.compat()
    assert code == 0
    assert "no frozen contracts; this is the first version" in text


def test_a_repository_without_commits_has_nothing_to_compare_with(tmp_path: Path) -> None:
    assert Repository(tmp_path).compat() == (0, "no commit yet: nothing to compare with\n")


def test_outside_a_repository_the_check_does_not_pretend(repository: Repository) -> None:
    shutil.rmtree(repository.root / ".git")
    code, text = repository.compat()
    assert code == 1
    assert "not a git repository" in text


@pytest.mark.parametrize("arguments", [("no-such-revision",), ("--unheard-of",), ("HEAD", "HEAD")])
def test_a_wrong_argument_is_refused(repository: Repository, arguments: tuple[str, ...]) -> None:
    assert repository.compat(*arguments)[0] == 1


def test_export_check_names_the_stale_file(repository: Repository) -> None:
    assert repository.run(sys.executable, "-m", "contracts.export", "--check") == (0, "")
    repository.edit(EVENTS, FIELD, FIELD + "    note: str | None = None\n", freeze=False)
    code, text = repository.run(sys.executable, "-m", "contracts.export", "--check")
    assert code == 1
    assert "stale: contracts/schemas/fr.chorale.invoice.submitted.v1.json; run: python -m contracts.export" in text
