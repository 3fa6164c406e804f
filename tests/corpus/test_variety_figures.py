"""Made invoices are read as well as they were: floors a little under the figures measured.

``make bench T=reading`` has the figures themselves, on all layouts.
"""

from tests.corpus.evaluate import generated, spread
from tests.corpus.scoring import Tally, table
from tests.corpus.variety import Split

LAYOUTS = 70
SEED = 500  # documents that the bench and the writers of rules do not see


def read_some(split: Split) -> Tally:
    """One document of each of seventy layouts."""
    tally = generated(spread(split, LAYOUTS), 1, first=SEED)
    print(table(tally, {name: tally.over(name=name) for name in tally.names} | {"all": tally.over()}))
    assert tally.documents == LAYOUTS
    return tally


def test_known_layouts_are_read_nearly_without_fault() -> None:
    whole = read_some("train").over()
    assert whole.share("right") >= 0.99
    assert whole.share("wrong") <= 0.002
    assert whole.share("sure_wrong") <= 0.001
    assert whole.boxed >= 0.99 * whole.boxes


def test_layouts_that_no_rule_was_written_for_are_read_well_and_seldom_wrongly() -> None:
    whole = read_some("test").over()
    assert whole.share("right") >= 0.91
    assert whole.share("wrong") <= 0.005
    assert whole.share("sure_wrong") <= 0.002
    assert whole.boxed >= 0.98 * whole.boxes
