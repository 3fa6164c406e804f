"""What a depositor is told: a label, a sentence and the way on, in every state; a problem that says what to do."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.common import links
from services.common.principal import Holder
from services.common.web import Problem
from services.ingest import refusals, views
from services.ingest.domain import LABELS, Contents, State
from services.ingest.store import Stored
from tests.unit.ingest.samples import SENT, deposit

ID, FIRST = UUID(int=7), UUID(int=6)
LINK = links.make("a-secret-of-no-value", ID, Holder("supplier-1"), now=0)


def stored(state: State, **more: Any) -> Stored:
    given = {"duplicate_of": FIRST if state is State.DUPLICATE else None, "document": deposit().document, **more}
    return Stored(id=ID, state=state, file_name="a.pdf", received_at=SENT, **given)


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_told_in_a_sentence_of_its_own(state: State) -> None:
    shown = views.deposit(stored(state), LINK)
    assert shown.label == LABELS[state]
    assert shown.explanation.endswith(".")
    others = {views.deposit(stored(other), LINK).explanation for other in State if other is not state}
    assert shown.explanation not in others
    assert shown.links.self == f"/api/v1/deposits/{ID}"


def test_only_an_invoice_has_a_link_to_an_invoice_and_only_a_duplicate_one_to_its_original() -> None:
    for state in State:
        links = views.receipt(stored(state)).links
        assert (links.invoice is not None) == (state is State.SUBMITTED)
        assert links.original == (f"/api/v1/deposits/{FIRST}" if state is State.DUPLICATE else None)


def test_a_late_reading_is_only_said_to_be_late_while_it_is_awaited() -> None:
    late = SENT + timedelta(minutes=10)
    for state in State:
        assert views.deposit(stored(state, overdue_at=late), LINK).overdue == (state is State.RECEIVED)


def test_the_pages_are_linked_where_there_are_some_and_said_to_be_absent_where_not() -> None:
    read = Contents(page_sizes=((595.0, 842.0), (842.0, 595.0)))
    shown = views.deposit(stored(State.TO_VERIFY, contents=read), LINK)
    assert shown.pages is not None
    assert (shown.pages.template, shown.pages.index) == (LINK.template, LINK.index)
    assert shown.pages.sizes == [(595.0, 842.0), (842.0, 595.0)]
    assert shown.pages_absent is None
    absent = {
        views.deposit(found, LINK).pages_absent
        for found in (
            stored(State.RECEIVED),
            stored(State.DUPLICATE),
            stored(State.REFUSED),
            stored(State.SUBMITTED, contents=Contents(source="ubl", lines=3)),
        )
    }
    assert len(absent) == 4
    assert all(words and words.endswith(".") for words in absent)


def test_a_page_has_a_next_one_only_if_more_was_found() -> None:
    three = [stored(State.RECEIVED)] * 3
    assert views.page(three, 3).next is None
    assert (len(views.page(three, 2).deposits), views.page(three, 2).next) == (2, str(ID))


PROBLEMS: list[Callable[[], Problem]] = [
    refusals.contact_missing,
    refusals.file_empty,
    refusals.multipart_invalid,
    refusals.upload_stalled,
    refusals.unknown_deposit,
    refusals.document_unavailable,
    lambda: refusals.key_invalid(300),
    lambda: refusals.key_reused(str(ID)),
    lambda: refusals.file_too_large(30_000_000, 31_500_000),
    lambda: refusals.file_missing([]),
    lambda: refusals.several_files(2),
    lambda: refusals.not_a_pdf("une image JPEG"),
    lambda: refusals.multipart_required(""),
    lambda: refusals.cursor_invalid("x"),
]


def test_every_problem_has_its_own_code_and_says_what_to_do() -> None:
    made = [make() for make in PROBLEMS]
    assert len({problem.code for problem in made}) == len(made)
    for problem in made:
        assert problem.title
        assert problem.detail.endswith(".")
        assert all({"field", "value", "rule", "message", "action"} <= set(error) for error in problem.errors)


def test_sizes_are_told_in_megabytes() -> None:
    problem = refusals.file_too_large(30_000_000, 31_500_000)
    assert problem.detail == "Le document pèse 31,5 Mo ; 30 Mo au plus sont acceptés."
