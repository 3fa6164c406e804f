"""Everything measured about the directory: decisions, rebuilding, changes, search."""

from collections.abc import Sequence

from tests.bench import directory_change, directory_decisions, directory_queue, directory_rebuild, directory_search
from tests.bench.report import Figure


def measure() -> Sequence[Figure]:
    """One after the other, each on servers of its own."""
    parts = (directory_decisions, directory_rebuild, directory_change, directory_queue, directory_search)
    return [figure for part in parts for figure in part.measure()]
