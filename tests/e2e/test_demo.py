"""The demo as its user runs it: a process, its output, its exit code, nothing left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.documents import InvoicePdf, encrypted, scanned

LIMIT = 150


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the demo as a person would, with an environment of its own to recognise what it leaves behind."""
    marked = {**os.environ, "DEMO_TEST_MARK": str(os.getpid())}
    done = subprocess.run(
        [sys.executable, "-m", "deploy.demo", *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env=marked,
        check=False,
    )
    assert _left_behind() == []
    return done


def _left_behind() -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("DEMO_TEST_MARK") == str(os.getpid()):
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return found


@pytest.mark.timeout(LIMIT + 20)
def test_the_demo_brings_each_document_to_the_end_written_beside_it() -> None:
    done = demo()
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "✗" not in done.stdout
    for words in (
        "01-alpes-maritimes.pdf  →  Mise à disposition du destinataire",
        "05-meme-fichier.pdf  →  Doublon",
        "motif DEST_INC",
        "à faire :",
        "documents par seconde",
        "p95",
    ):
        assert words in done.stdout


@pytest.mark.timeout(LIMIT + 20)
def test_a_folder_of_ones_own_is_taken_and_a_wrong_expectation_fails(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "facture.pdf").write_bytes(InvoicePdf(number="OWN-1", service_code="DRH").render())
    (tmp_path / "deeper" / "scan.pdf").write_bytes(scanned())
    (tmp_path / "deeper" / "secret.PDF").write_bytes(encrypted())
    (tmp_path / "note.xml").write_text("<note/>")
    (tmp_path / "attendue.pdf").write_bytes(InvoicePdf(number="OWN-2", service_code="DRH").render())
    (tmp_path / "attendue.expected.json").write_text(json.dumps({"end": "refused", "code": "DEST_INC"}))
    done = demo(str(tmp_path))
    assert done.returncode == 1, done.stdout[-4000:] + done.stderr[-2000:]
    assert "5 documents" in done.stdout
    assert done.stdout.count("    ✗ ") == 2
    assert "fin MISE_A_DISPOSITION au lieu de refused" in done.stdout
    assert "motif XML_UNKNOWN_ROOT" in done.stdout


def test_an_empty_folder_is_said_in_one_sentence(tmp_path: Path) -> None:
    done = demo(str(tmp_path))
    assert done.returncode == 2
    assert "ne contient aucun document" in done.stderr
