"""What stands in the way of somebody who has left a structure: a deposit of his own that he sees no more."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from services.ingest import refusals

_ONE_EACH: Final = ("deposit_content", "deposit_idempotency")


@contextmanager
def told() -> Iterator[None]:
    """Around the insertion of a deposit, after his own of the same key and content were looked for and none was seen.

    Raises the problem of one that there is all the same: an invoice of a structure that he has left. Nobody learns of
    another's deposit so, for key and content are compared with one's own alone.
    """
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name in _ONE_EACH:
            raise refusals.structure_left() from error
        raise
