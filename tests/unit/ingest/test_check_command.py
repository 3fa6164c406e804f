"""``python -m services.ingest check``: a verdict a file, without a server, whatever the files hold."""

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from services.ingest import check_pool
from services.ingest.check_cli import main
from services.ingest.check_pool import judged
from tests import hostile
from tests.carriers import attach
from tests.corpus.en16931 import cii, facts, ubl
from tests.unit.invoice.syntax import samples

MADE = facts.make(Random(11), codes=("S",), full=True)
GOOD_UBL, GOOD_CII = ubl.write(MADE), cii.write(MADE)
BROKEN = GOOD_CII.replace(b"<ram:CountryID>FR", b"<ram:CountryID>XX")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict[str, Any]]:
    assert main(["check", *map(str, arguments), "--jsonl"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    below = tmp_path / "lot" / "dessous"
    below.mkdir(parents=True)
    (tmp_path / "lot" / "a.xml").write_bytes(GOOD_UBL)
    (tmp_path / "lot" / "b.XML").write_bytes(BROKEN)
    (below / "c.xml").write_bytes(GOOD_CII)
    (below / "lisez-moi.txt").write_text("rien")
    return tmp_path / "lot"


def test_a_folder_is_walked_and_each_file_has_its_verdict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = run(capsys, folder, "--en16931", "--jobs", 2)
    assert [(Path(one["file"]).name, one["verdict"], one["rules"]) for one in answers] == [
        ("a.xml", "accepted", []),
        ("b.XML", "rejected", ["BR-CL-14"]),
        ("c.xml", "accepted", []),
    ]
    assert all(Path(one["file"]).is_file() for one in answers)
    assert len(answers[1]["messages"]) == 1
    assert "pays" in answers[1]["messages"][0]


def _written(folder: Path, data: bytes, name: str = "x.xml") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_without_the_option_the_header_is_asked_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (whole,) = run(capsys, folder / "a.xml")
    # The made supplier has a SIRET whose key is wrong: nothing to the standard, much to a deposit.
    assert whole["verdict"] != "accepted"
    assert len(whole["rules"]) == len(whole["messages"])


def test_who_must_be_named_beside_the_file_is_told_and_refuses_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = {
        cadre: (answer["verdict"], answer["rules"])
        for cadre in ("A1", "A9", "A15", "A3")
        for answer in run(capsys, _written(tmp_path, samples.ubl(samples.PLAIN, chorus=cadre)))
    }
    assert rules == {
        "A1": ("accepted", []),
        "A9": ("warning", ["VALIDATOR_MISSING"]),
        "A15": ("warning", ["MOE_MISSING", "MOA_MISSING", "PREVIOUS_MISSING"]),
        "A3": ("rejected", ["CADRE_NOT_SERVED"]),
    }


def test_data_inside_a_pdf_are_judged_and_a_pdf_without_is_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = hostile.many_pages(1)
    (answer,) = run(capsys, _written(folder, attach(empty, ("factur-x.xml", BROKEN)), "f.pdf"), "--en16931")
    assert (answer["verdict"], answer["rules"]) == ("rejected", ["BR-CL-14"])
    path = _written(folder, empty, "plain.pdf")
    (answer,) = run(capsys, path, "--en16931")
    assert (answer["verdict"], answer["rules"]) == ("rejected", ["NOT_UBL_NOR_CII"])
    (answer,) = run(capsys, path)
    assert answer["verdict"] == "warning"  # nothing can be read of it: a person looks at it


BAD = (
    (b"", "NOT_A_PDF"),
    (b"PK\x03\x04", "NOT_A_PDF"),
    (b"<html></html>", "XML_UNKNOWN_ROOT"),
    (b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><Invoice>&a;</Invoice>", "XML_DOCTYPE"),
    (GOOD_UBL[:500], "XML_MALFORMED"),
    (b"<a>" * 300 + b"</a>" * 300, "XML_TOO_DEEP"),
)


@pytest.mark.parametrize("option", [(), ("--en16931",)], ids=["all", "en16931"])
def test_what_is_no_invoice_is_rejected_with_the_reason(
    option: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place, (data, _) in enumerate(BAD):
        _written(tmp_path, data, f"{place}.xml")
    answers = run(capsys, tmp_path, *option)
    assert [(one["verdict"], one["rules"]) for one in answers] == [("rejected", [rule]) for _, rule in BAD]


def test_a_file_that_takes_too_long_costs_its_own_verdict_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [folder / "a.xml", folder / "b.XML"]
    monkeypatch.setattr(check_pool, "SECONDS", 0.0)
    lost = list(judged(paths, jobs=1, standard_only=True))
    assert [one.rules for one in lost] == [("FILE_TOO_HEAVY",), ("FILE_TOO_HEAVY",)]
    monkeypatch.setattr(check_pool, "SECONDS", 60.0)
    assert [one.verdict for one in judged(paths, jobs=1, standard_only=True)] == ["accepted", "rejected"]


def test_answers_come_in_the_order_of_the_files_however_many_work(folder: Path) -> None:
    paths = [folder / "a.xml", folder / "b.XML"] * 300
    answers = list(judged(paths, jobs=3, standard_only=True))
    assert [one.verdict for one in answers] == ["accepted", "rejected"] * 300


def test_a_path_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "rien")]) == 2
    assert "ne peut pas être lu" in capsys.readouterr().err


def test_the_command_needs_no_server_and_no_setting(folder: Path) -> None:
    command = [sys.executable, "-m", "services.ingest", "check", str(folder / "b.XML"), "--en16931"]
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=root, env={"PYTHONPATH": str(root)}, timeout=60
    )
    assert "refusée" in done.stdout
    assert "BR-CL-14" in done.stdout
