"""Our rules and the European artefacts say the same of the public samples, of made invoices, and of mutants of them."""

from collections.abc import Iterable, Iterator
from itertools import islice
from random import Random

import pytest
from lxml import etree
from lxml.etree import _Element

from invoice.en16931 import broken_rules
from invoice.en16931.table import ROWS
from invoice.syntax import SyntaxRefused
from tests.corpus.en16931 import cii, facts, ubl
from tests.corpus.en16931.mutants import Shuffler, every
from tests.corpus.en16931.official import NotReachable, Official
from tests.corpus.samples import corpus

WRITERS = {"ubl": ubl.write, "cii": cii.write}
SEED = 20261123
STEP = 24  # of the places of a document, those that the short tests break
#: Rules that no document breaks: their condition is always true, or another rule hides them.
NEVER = frozenset({
    "BR-CO-05", "BR-CO-06", "BR-CO-07", "BR-CO-08",  # « the reasons agree », which is not for a program to say
    "CII-DT-010", "CII-DT-011", "CII-DT-012",  # hidden by the rules of every type code
    # « at most one »: another rule wants a number of the same amount, or the text of the same name, and stops at two.
    "CII-SR-477", "CII-SR-478", "CII-SR-479", "CII-SR-480", "CII-SR-481", "CII-SR-482", "CII-SR-484", "CII-SR-487",
    "UBL-SR-09", "UBL-SR-15", "UBL-SR-22", "UBL-SR-27",
})  # fmt: skip
OURS_ALONE = frozenset({"UBL-SYNTAX", "CII-SYNTAX"})


@pytest.fixture(scope="module")
def official() -> Official:
    try:
        return Official()
    except NotReachable as error:
        pytest.skip(str(error))


def ours(data: bytes) -> set[str] | None:
    found = broken_rules(data)
    return None if found is None else {one.code for one in found}


def bases(count: int, *, full: bool) -> Iterator[tuple[str, _Element]]:
    """Valid documents: full ones of every category, or a variety."""
    random = Random(SEED)
    groups = ("S",), ("Z",), ("E",), ("AE",), ("K",), ("G",), ("O",), ("L",), ("M",), ("S", "E", "L")
    for number in range(count):
        codes = groups[number % len(groups)] if full else None
        made = facts.make(random, full=full, codes=codes, credit_note=number % 3 == 1)
        for syntax, write in WRITERS.items():
            yield syntax, etree.fromstring(write(made))


def compared(official: Official, documents: Iterable[tuple[str, _Element]]) -> tuple[set[str], int]:
    """What fired, and how many were compared. Raises AssertionError at the first difference."""
    seen: set[str] = set()
    count = 0
    for syntax, root in documents:
        data = etree.tostring(root)
        theirs = official.fired(data, syntax)
        if theirs is None:
            continue
        assert ours(data) == theirs, data.decode()
        seen |= theirs
        count += 1
    return seen, count


def test_made_invoices_break_no_rule(official: Official) -> None:
    for syntax, root in bases(40, full=False):
        data = etree.tostring(root)
        assert ours(data) == set()
        assert official.fired(data, syntax) == set()


def test_every_public_sample_breaks_the_same_rules(official: Official) -> None:
    files = sorted(corpus().rglob("*.xml"))
    if not files:
        pytest.skip("the public samples are not beside the project (CHORALE_CORPUS)")
    count = 0
    for path in files:
        data = path.read_bytes()
        try:
            mine = ours(data)
        except SyntaxRefused:
            continue
        theirs = None if mine is None else official.fired(data, "cii" if b"CrossIndustryInvoice" in data else "ubl")
        if theirs is not None:
            assert mine == theirs, path.name
            count += 1
    assert count > 100


def test_one_thing_broken_fires_the_same_rules(official: Official) -> None:
    def documents() -> Iterator[tuple[str, _Element]]:
        for offset, (syntax, root) in enumerate(bases(2, full=True)):
            yield from ((syntax, broken) for broken in islice(every(root), offset, None, STEP))

    _, count = compared(official, documents())
    assert count > 100


def test_mutants_at_random_fire_the_same_rules(official: Official) -> None:
    random = Random(SEED)
    roots: dict[str, list[_Element]] = {syntax: [] for syntax in WRITERS}
    for syntax, root in bases(12, full=False):
        roots[syntax].append(root)
    shufflers = {syntax: Shuffler(random, found) for syntax, found in roots.items()}
    documents = ((syntax, shuffler.one()) for _ in range(150) for syntax, shuffler in shufflers.items())
    _, count = compared(official, documents)
    assert count > 150


def test_the_table_has_every_rule_that_refuses(official: Official) -> None:
    assert official.rules() - set(ROWS) == {"BR-CO-05", "BR-CO-06", "BR-CO-07", "BR-CO-08"}
    assert set(ROWS) - official.rules() == OURS_ALONE


@pytest.mark.long
def test_every_rule_fires_somewhere(official: Official) -> None:
    random = Random(SEED)

    def documents() -> Iterator[tuple[str, _Element]]:
        roots: dict[str, list[_Element]] = {syntax: [] for syntax in WRITERS}
        for syntax, root in (*bases(10, full=True), *bases(6, full=False)):
            roots[syntax].append(root)
            yield from ((syntax, broken) for broken in islice(every(root), len(roots[syntax]) % 3, None, 3))
        for syntax, found in roots.items():
            shuffler = Shuffler(random, found)
            yield from ((syntax, shuffler.one()) for _ in range(3_000))

    seen, _ = compared(official, documents())
    assert official.rules() - NEVER - seen == set()
