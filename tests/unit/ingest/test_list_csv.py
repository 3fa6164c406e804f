"""Lists as CSV: a page at a time, cut where they are too long, and as their descriptions show them."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.common.table_csv import MARK, lines
from services.common.web import Problem
from services.ingest import deposit_csv, examples, flow_csv, list_csv
from services.ingest.flow_domain import Flow, FlowState
from services.ingest.list_csv import Row, Table
from services.portal.pages.words import LANGUAGES, Words

NEWEST = 100
MOST = list_csv.MOST
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class _List:
    """So many rows, numbered down; ``asked``: for how many, behind which. ``away``: at which question it fails."""

    def __init__(self, size: int, away: int = 0) -> None:
        self.ids = [UUID(int=NEWEST - n) for n in range(size)]
        self.asked: list[tuple[int | None, int]] = []
        self.away = away

    async def read(self, before: UUID | None, limit: int) -> Sequence[Row]:
        self.asked.append((None if before is None else before.int, limit))
        if len(self.asked) == self.away:
            raise ConnectionRefusedError
        found = [each for each in self.ids if before is None or each < before]
        return [Row(each, [each.int, "é;"]) for each in found[:limit]]

    def table(self) -> Table:
        return Table("liste.csv", ("id", "mot"), self.read, 5)


async def _written(listed: _List, before: UUID | None = None) -> list[list[str]]:
    text = b"".join([chunk async for chunk in list_csv.stream(listed.table(), before)]).decode()
    assert text.startswith(f"{MARK}id;mot\r\n")
    assert text.count(MARK) == 1
    return list(csv.reader(io.StringIO(text[1:]), delimiter=";"))[1:]


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_csv, "PAGE", 2)
    monkeypatch.setattr(list_csv, "MOST", 5)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5])
async def test_a_list_is_written_whole_by_pages(size: int) -> None:
    listed = _List(size)
    assert await _written(listed) == [[str(NEWEST - n), "é;"] for n in range(size)]
    assert max(limit for _, limit in listed.asked) == 3


async def test_a_list_that_is_too_long_is_cut_and_its_last_line_leads_on() -> None:
    listed = _List(7)
    *rows, last = await _written(listed)
    assert [row[0] for row in rows] == ["100", "99", "98", "97", "96"]
    assert listed.asked == [(None, 3), (99, 3), (97, 2)]
    assert last[1:] == [""]
    said, _, cursor = last[0].partition("cursor=")
    assert "coupée à 5 lignes" in said
    assert await _written(listed, UUID(cursor)) == [["95", "é;"], ["94", "é;"]]


async def test_a_table_that_cannot_be_read_to_its_end_is_broken_off() -> None:
    begun = list_csv.stream(_List(4, away=2).table(), None)
    assert b"99" in await anext(begun)
    with pytest.raises(Problem):
        await anext(begun)


def test_the_examples_are_what_is_written() -> None:
    shown: dict[str, Any] = examples.EXAMPLES["GET /api/v1/flows/{flow_id}"]
    sha256 = examples.EXAMPLES["POST /api/v1/deposits"]["sha256"]
    flow = Flow(
        id=UUID(shown["id"]),
        depositor="d",
        contact="c",
        structures=(),
        roles=(),
        file_name=shown["file_name"],
        way="request",
        kind="zip",
        size=shown["size"],
        stored=shown["size"],
        sha256=sha256,
        step="done",
        state=FlowState.PARTIAL,
        begun_at=AT,
        received_at=AT.replace(second=1),
        finished_at=AT.replace(second=9),
        items=3,
    )
    row = flow_csv.row(flow, shown["counts"])
    assert MARK + lines([flow_csv.HEAD, row.cells]) == examples.FLOWS_CSV
    deposit = {
        "id": flow.id,
        "file_name": "facture-0042.pdf",
        "received_at": AT,
        "state": "submitted",
        "decided_at": AT.replace(second=2),
        "invoice_number": "F-2026-0042",
        "supplier": "73282932000074",
        "recipient": "20002983300015",
        "payable": "1152.00",
        "currency": "EUR",
        "duplicate_of": None,
        "size": 48213,
        "sha256": sha256,
        "sandbox": False,
    }
    assert MARK + lines([deposit_csv.HEAD, deposit_csv.row(deposit).cells]) == examples.DEPOSITS_CSV


def test_the_pages_say_where_a_table_is_cut() -> None:
    for language in LANGUAGES:
        for key in ("flow.csv_text", "deposit.csv_text"):
            assert re.sub(r"\D", "", Words(language)(key)) == str(MOST)
