"""Import files: read line by line, each error with its line."""

import io

import pytest

from services.routing.sources import BadLine, FileForm, LineError, read
from tests.unit.routing.samples import TOWN


def _errors(form: FileForm, content: bytes) -> list[LineError]:
    found = []
    for line in read(io.BytesIO(content), form):
        try:
            line.over(None)
        except BadLine as error:
            found.append(error.error)
    return found


def test_a_csv_may_have_a_byte_order_mark_commas_and_any_order_of_columns() -> None:
    content = f'\ufeffNom,entree,code,siret\r\n"Voirie, réseaux",service,V,{TOWN}\r\n'.encode()
    [line] = read(io.BytesIO(content), "csv")
    assert line.number == 2
    assert line.key() == f"service:{TOWN}/V"


@pytest.mark.parametrize(
    ("content", "line", "rule"),
    [
        (b"siret;nom\r\n1;x\r\n", 1, "COLUMNS"),
        (b"entree;couleur\r\n", 1, "COLUMNS"),
        (b"entree;siret;siret\r\n", 1, "COLUMNS"),
        (b"", 1, "COLUMNS"),
        (b"entree;siret\r\nplanete;1\r\n", 2, "ENTRY_KIND"),
        (b"entree;siret\r\nservice;1;2\r\n", 2, "CSV"),
        (b"entree;siret;reste\r\nservice;1;2\r\n", 2, "CELL_FOREIGN"),
        ("entree;nom\r\ntenant;é\r\n".encode("latin-1"), 2, "ENCODING"),
        (b'entree;nom\r\ntenant;"never closed\r\n', 2, "CSV"),
        (b"entree;siret;actif\r\nstructure;1;mais\r\n", 2, "CELL_INVALID"),
        (b'entree;tenant;nom;regles\r\ntenant;cd99;x;{"recycling":false}\r\n', 2, "ENTRY_INVALID"),
        (b"entree;siret\r\n\r\nstructure;1\r\n", 3, "ENTRY_INVALID"),
    ],
)
def test_a_wrong_csv_names_the_line_and_the_rule(content: bytes, line: int, rule: str) -> None:
    [error] = _errors("csv", content)
    assert (error.line, error.rule) == (line, rule)


@pytest.mark.parametrize(
    ("form", "content", "line", "rule"),
    [
        ("jsonl", b'{"entree":"tenant","id":"a","name":"A"}\n{"entree":"tenant","id":"b"}\n', 2, "ENTRY_INVALID"),
        ("jsonl", b'{"id":"a"}\n', 1, "ENTRY_INVALID"),
        ("jsonl", b"[" * 5000 + b"\n", 1, "ENTRY_INVALID"),
        ("json", b'{"tenants":[{"id":"a","name":"A","colour":1}]}', 1, "ENTRY_INVALID"),
        ("json", b'{"tenants":[{"id":"a","name":"A","policies":{"levels":[{"code":"X","x":1}]}}]}', 1, "ENTRY_INVALID"),
        ("json", b'{"planets":[]}', 0, "JSON"),
        ("json", b"{", 0, "JSON"),
    ],
)
def test_wrong_json_names_the_entry_and_the_rule(form: FileForm, content: bytes, line: int, rule: str) -> None:
    [error] = _errors(form, content)
    assert (error.line, error.rule) == (line, rule)


def test_a_header_of_very_many_columns_is_refused_at_once() -> None:
    [error] = _errors("csv", b"x;" * 400_000)
    assert (error.rule, len(error.message) < 2_000) == ("COLUMNS", True)


def test_a_line_without_end_is_not_read_into_memory() -> None:
    [error] = _errors("jsonl", b"x" * 3_000_000)
    assert error.rule == "LINE_TOO_LONG"
    [error] = _errors("csv", b"entree;nom\r\ntenant;" + b"x" * 3_000_000)
    assert error.rule == "CSV"
