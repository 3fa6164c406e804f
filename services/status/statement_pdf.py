"""Draws the statement of interest and indemnity as a PDF: fonts inside, searchable text, the same bytes twice."""

from collections.abc import Iterable, Sequence

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer, Table

from invoice.interest_statement import Statement
from services.common.paper import BODY, HEAD, RIGHT, STRONG, TITLE, WIDTH, drawn, pairs, said, table


def render(statement: Statement) -> bytes:
    """The statement on as many A4 pages as it needs. The same statement gives the same bytes."""
    subject = " ".join(statement.subject[0])
    return drawn(statement.title, f"Établi le {statement.made_on}", lambda: _story(statement), subject=subject)


def _story(statement: Statement) -> list[Flowable]:
    return [
        said(statement.title, TITLE),
        pairs(statement.subject),
        said("Le délai de paiement", HEAD),
        pairs(statement.delay),
        *_steps(statement.story),
        *_lines(statement),
        said("Sommes dues", HEAD),
        _sums(statement.sums),
        said("Textes et calcul", HEAD),
        *_items(statement.articles),
        said("À savoir", HEAD),
        *_items(statement.caveats),
    ]


def _steps(story: Sequence[tuple[str, str, str]]) -> list[Flowable]:
    if not story:
        return []
    rows = [(said(day, BODY), said(label, STRONG), said(text, BODY)) for day, label, text in story]
    return [said("Étapes du délai", HEAD), table(rows, (28 * mm, 52 * mm, WIDTH - 80 * mm))]


def _lines(statement: Statement) -> list[Flowable]:
    if not statement.rows:
        return []
    head = [said(name, STRONG) for name in ("Période", "Jours", "Assiette", "Taux annuel", "Intérêts")]
    rows = [
        [said(row.period, BODY), *(said(each, RIGHT) for each in (row.days, row.base, row.rate, row.amount))]
        for row in statement.rows
    ]
    widths = (66 * mm, 16 * mm, 34 * mm, 26 * mm, WIDTH - 142 * mm)
    return [said("Intérêts moratoires", HEAD), table([head, *rows], widths, repeat=1)]


def _sums(sums: Sequence[tuple[str, str]]) -> Table:
    last = len(sums) - 1
    rows = [
        (said(name, STRONG if index == last else BODY), said(value, RIGHT)) for index, (name, value) in enumerate(sums)
    ]
    return table(rows, (WIDTH - 40 * mm, 40 * mm))


def _items(texts: Iterable[str]) -> list[Flowable]:
    found: list[Flowable] = []
    for text in texts:
        found += [said(f"– {text}", BODY), Spacer(0, 1 * mm)]
    return found
