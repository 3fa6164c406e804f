"""What a reading is: the fields with their evidence, or why there is none. Pure."""

from typing import Final

import msgspec

from contracts.events import ReadField
from invoice.findings import Finding

READER: Final = "chorale-text-2"  # changes whenever the same bytes may be read otherwise


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of one document. Exactly one of these holds:

    * ``unreadable`` is not empty: the document cannot be opened, with every reason (``level`` is ``refuse``);
    * ``empty`` is set: it was opened and nothing was recognised (decisions.md 20);
    * ``fields`` holds at most one :class:`ReadField` per name of :data:`~invoice.reading.FIELD_NAMES`, in that order.

    ``pages`` counts the whole document's pages, of which the first three are read.
    """

    pages: int = 0
    fields: tuple[ReadField, ...] = ()
    empty: Finding | None = None
    unreadable: tuple[Finding, ...] = ()
