"""The reader without a server: one answer per file, in order, whatever the files are."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.ocr.answers import Whole
from services.ocr.report import as_object, breakdown
from services.ocr.whole import read_document
from tests.carriers import facts_of, facturx
from tests.documents import damaged, encrypted, sample, scanned, without_keywords
from tests.hostile import laughs
from tests.unit.invoice.syntax.samples import cii, cpp, ubl

ROOT = Path(__file__).resolve().parents[3]
INVOICE = sample(3, layout="label_left")
FACTS = facts_of(INVOICE)
FIELD_KEYS = {"value", "page", "bbox", "keyword", "sure"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of every kind, some in folders below, some that are no invoice's name."""
    files = {
        "b/text.pdf": INVOICE.render(),
        "a/facturx.PDF": facturx(INVOICE),
        "a/ubl.xml": ubl(FACTS),
        "cii.XML": cii(FACTS),
        "cpp.xml": cpp(FACTS),
        "several.xml": cpp(FACTS, FACTS),
        "password.pdf": encrypted(),
        "damaged.pdf": damaged(),
        "scan.pdf": scanned(),
        "nothing.pdf": without_keywords(),
        "broken.xml": b"<Invoice>\n<ID></Invoice>",
        "zip.pdf": b"PK\x03\x04 not a PDF",
        "empty.pdf": b"",
        "notes.txt": b"left alone",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def run(*arguments: str | Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command as a person gives it, with no setting of any service in the environment."""
    bare = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **(environment or {})}
    command = [sys.executable, "-m", "services.ocr", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=bare, capture_output=True, text=True, timeout=60, check=False)


def answers(*arguments: str | Path) -> list[dict[str, Any]]:
    done = run("read", "--jsonl", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def outcome_of(answer: dict[str, Any]) -> tuple[str, str | None, str | None]:
    return answer["status"], answer["source"], (answer["reason"] or {}).get("code")


def test_every_file_of_a_folder_gets_one_answer_in_sorted_order(folder: Path) -> None:
    found = answers("--jobs", "2", folder)
    assert [answer["file"] for answer in found] == [
        "a/facturx.PDF",
        "a/ubl.xml",
        "b/text.pdf",
        "broken.xml",
        "cii.XML",
        "cpp.xml",
        "damaged.pdf",
        "empty.pdf",
        "nothing.pdf",
        "password.pdf",
        "scan.pdf",
        "several.xml",
        "zip.pdf",
    ]
    assert all(set(answer) == {"file", "status", "source", "reason", "fields"} for answer in found)
    assert all(set(field) == FIELD_KEYS for answer in found for field in answer["fields"].values())
    assert {answer["file"]: outcome_of(answer) for answer in found} == {
        "a/facturx.PDF": ("read", "facturx", None),
        "a/ubl.xml": ("read", "ubl", None),
        "b/text.pdf": ("read", "text", None),
        "broken.xml": ("rejected", None, "XML_MALFORMED"),
        "cii.XML": ("read", "cii", None),
        "cpp.xml": ("read", "cpp", None),
        "damaged.pdf": ("rejected", None, "PDF_DAMAGED"),
        "empty.pdf": ("rejected", None, "FILE_EMPTY"),
        "nothing.pdf": ("unreadable", None, "NOTHING_RECOGNISED"),
        "password.pdf": ("rejected", None, "PDF_ENCRYPTED"),
        "scan.pdf": ("unreadable", None, "SCAN_ONLY"),
        "several.xml": ("rejected", None, "SEVERAL_INVOICES"),
        "zip.pdf": ("rejected", None, "NOT_A_PDF"),
    }


def test_values_are_given_as_text_with_their_place(folder: Path) -> None:
    [text, data] = [answers(folder / name)[0] for name in ("b/text.pdf", "a/ubl.xml")]
    assert (text["file"], data["file"]) == ("text.pdf", "ubl.xml")
    total = text["fields"]["total_incl_tax"]
    assert (total["value"], total["page"], total["sure"]) == (INVOICE.truth()["total_incl_tax"], 1, True)
    assert len(total["bbox"]) == 4
    total = data["fields"]["total_incl_tax"]
    assert (total["value"], total["page"], total["bbox"], total["keyword"]) == (FACTS.incl, None, None, "BT-112")
    rates = data["fields"]["vat_breakdown"]["value"]
    assert rates == breakdown("; ".join(" ".join(row[1:]) for row in sorted(FACTS.rows, reverse=True)))
    assert {tuple(rate) for rate in rates} == {("rate", "base", "amount")}


def test_the_data_inside_a_pdf_are_left_aside_when_that_is_asked_for(folder: Path) -> None:
    [answer] = answers("--text-only", folder / "a" / "facturx.PDF")
    assert answer["source"] == "text"
    assert answer["fields"]["invoice_number"]["page"] == 1


def test_a_file_that_is_given_is_tried_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "invoice.dat").write_bytes(INVOICE.render())
    [answer] = answers(tmp_path / "invoice.dat")
    assert (answer["file"], answer["status"]) == ("invoice.dat", "read")


def test_a_file_that_is_too_large_is_not_even_opened(tmp_path: Path) -> None:
    with (tmp_path / "large.pdf").open("wb") as file:
        file.truncate(30_000_001)
    [answer] = answers(tmp_path)
    assert (answer["status"], answer["reason"]["code"]) == ("rejected", "FILE_TOO_LARGE")
    assert "30 Mo" in answer["reason"]["message"]


def test_a_file_whose_name_is_no_text_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"facture-\xe9t\xe9.pdf")).write_bytes(INVOICE.render())
    [answer] = answers(tmp_path)
    assert (answer["file"], answer["status"]) == ("facture-\ufffdt\ufffd.pdf", "read")


def test_values_to_check_are_given_as_not_sure() -> None:
    whole = read_document(INVOICE.render())
    given = as_object("x", whole)["fields"]
    assert {name for name, field in given.items() if not field["sure"]} == {
        field.name for field in whole.fields if field.confidence == "unsure"
    }
    assert as_object("x", Whole(pages=1))["fields"] == {}


def test_without_jsonl_a_person_reads_a_table_and_what_to_do(folder: Path) -> None:
    done = run("read", folder)
    assert (done.returncode, done.stderr) == (0, "")
    head, _, *rows = done.stdout.splitlines()
    assert head.split()[:3] == ["Fichier", "État", "Source"]
    assert any(row.startswith("b/text.pdf") and INVOICE.truth()["total_incl_tax"] in row for row in rows)
    assert "password.pdf : Ce PDF est protégé par un mot de passe" in done.stdout
    assert "Enregistrez-le sans mot de passe" in done.stdout


def test_a_path_that_is_not_there_is_said_and_nothing_is_read(folder: Path) -> None:
    done = run("read", "--jsonl", folder, folder / "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_directory_that_is_none_is_said(folder: Path) -> None:
    for name in ("notes.txt", "nowhere.json"):
        done = run("read", "--directory", folder / name, folder)
        assert (done.returncode, done.stdout) == (2, "")
        assert name in done.stderr


def test_a_directory_is_taken(folder: Path, tmp_path: Path) -> None:
    directory = tmp_path / "directory.json"
    directory.write_text('{"tenants": [], "structures": [], "services": []}')
    assert answers("--directory", directory, folder / "b")[0]["status"] == "read"


@pytest.mark.parametrize("arguments", [["read"], ["write", "x"], ["read", "--jobs", "0", "."], ["read", "--nothing"]])
def test_a_call_that_is_none_is_explained(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage" in done.stderr


def test_a_document_that_kills_its_reader_costs_itself_alone(tmp_path: Path) -> None:
    (tmp_path / "a-bomb.pdf").write_bytes(laughs(depth=12))
    (tmp_path / "b-good.pdf").write_bytes(INVOICE.render())
    bomb, good = answers(tmp_path)
    assert (bomb["status"], good["status"]) == ("rejected", "read")
    assert bomb["reason"]["code"] in ("READER_MEMORY", "READER_TIMEOUT")


def test_who_stops_reading_the_answers_ends_the_command_in_silence(folder: Path) -> None:
    command = f"{sys.executable} -m services.ocr read --jsonl {folder} | head -n 1"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_a_bar_is_drawn_on_a_terminal_only(folder: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "services.ocr", "read", "--jsonl", str(folder)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=True)
    os.close(theirs)
    drawn = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "13/13" in drawn
    assert len(done.stdout.splitlines()) == 13


def test_the_command_needs_no_part_of_the_service() -> None:
    code = "import sys, services.ocr.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"fastapi", "asyncpg", "aiokafka", "minio", "pypdfium2", "lxml", "pyhanko", "pydantic", "uvloop"}
    assert heavy & set(loaded.stdout.split()) == set()
