"""What is missing on a machine is said in one sentence, with the command that brings it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.servers import tools
from deploy.servers.errors import StackError
from deploy.servers.given import from_environment


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine with an empty PATH folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    tools.java.cache_clear()
    yield tmp_path
    tools.java.cache_clear()


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_a_missing_java_is_said_with_the_command(bare: Path) -> None:
    with pytest.raises(StackError, match=r"no `java` was found: type `apt-get install -y openjdk-17-jre-headless`"):
        tools.java()


def test_a_java_that_is_too_old_is_said_with_its_version(bare: Path) -> None:
    program(bare, "java", """echo 'openjdk version "11.0.2" 2019-01-15' >&2""")
    with pytest.raises(StackError, match=r'says openjdk version "11\.0\.2" 2019-01-15: type `apt-get install'):
        tools.java()


def test_a_java_that_is_new_enough_is_used(bare: Path) -> None:
    program(bare, "java", """echo 'openjdk version "21.0.1" 2023-10-17' >&2""")
    assert tools.java() == str(bare / "java")


def test_a_missing_maven_is_said_with_the_command(bare: Path) -> None:
    with pytest.raises(StackError, match=r"no `mvn` was found: type `apt-get install -y maven`"):
        tools.maven()


def test_a_missing_wheel_is_said_with_the_command() -> None:
    with pytest.raises(StackError, match=r"`nonesuch` of the wheel some-bin is not installed: type `make venv`"):
        tools.wheel_program("nonesuch", "some-bin")


def test_a_server_named_by_half_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHORALE_S3_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.delenv("CHORALE_S3_ACCESS_KEY", raising=False)
    with pytest.raises(StackError, match="CHORALE_S3_ENDPOINT is set, so CHORALE_S3_ACCESS_KEY must be set too"):
        from_environment()


def test_a_missing_python_is_said_by_make(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    for name in ("bash", "make", "awk"):
        (tmp_path / name).symlink_to(Path("/usr/bin") / name)
    (tmp_path / "Makefile").write_text((root / "Makefile").read_text())
    (tmp_path / "requirements.lock").touch()
    done = subprocess.run(
        ["/usr/bin/make", "venv", "SHELL=/bin/bash"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.startswith("Python 3.11 or newer was not found: type 'apt-get install -y python3.11")
