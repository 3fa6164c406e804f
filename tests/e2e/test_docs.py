"""What the docs tell people to type is typed here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/operations.md")
#: Commands that another test runs for real, and which one.
ELSEWHERE = {
    "make demo": "tests/e2e/test_demo.py",
    "make test": "tests/run.py",
}


def commands() -> list[str]:
    """Every line after a ``$`` in the pages' console blocks, without what is said of it."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL):
            found += [
                line.removeprefix("$ ").partition("  #")[0].strip()
                for line in block.splitlines()
                if line.startswith("$ ")
            ]
    return found


def targets() -> set[str]:
    """The Makefile's targets."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))


def test_there_are_commands_in_the_docs() -> None:
    assert len(commands()) >= 8


@pytest.mark.parametrize("command", [c for c in commands() if c.startswith("make ")])
def test_a_documented_target_exists_and_is_run_by_a_test(command: str) -> None:
    assert command.split()[1] in targets()
    assert (ROOT / ELSEWHERE[command]).exists()


def test_the_table_of_targets_in_the_readme_is_the_makefile() -> None:
    named = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert named <= targets()
    assert {"demo", "up", "reset", "test", "test-long", "check", "chaos", "bench", "help"} <= named


def test_make_help_lists_every_target() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    assert all(f"make {target}" in done.stdout for target in targets())


@pytest.mark.parametrize("command", [c for c in commands() if c.startswith("python -m ")])
def test_a_documented_module_understands_its_documented_arguments(command: str) -> None:
    module, arguments = command.split()[2], command.split()[3:]
    known = _help(module)
    words = [a for a in arguments if a in ("list", "show", "replay", "drop", "load", "republish") or a.startswith("--")]
    assert words or "FOLDER" in arguments
    if not all(word in known for word in words):
        known += _help(module, arguments[0])
    for word in words:
        assert word in known, f"{module} does not know {word}"


def _help(*module: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *module, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_alarm_in_the_docs_is_a_metric_of_the_code() -> None:
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    code = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("services/*/*.py"))
    for name in set(re.findall(r"`(chorale_[a-z_]+)`", text)):
        assert f'"{name}"' in code, f"{name} is no metric"


def test_every_decision_says_what_would_make_us_revisit_it() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for part in ("**Context.**", "**Decision.**", "**Rejected.**", "**Revisit when**"):
            assert part in text, f"{page.name} has no {part}"
