"""Items gathered for one object of the store and one transaction: a flow need not make a hundred thousand of either."""

import time
from typing import Final

from services.ingest import flow_words
from services.ingest.flow_domain import Outcome
from services.ingest.flow_items import Row
from services.ingest.names import place
from services.ingest.refusals import megabytes
from services.ingest.settings import IngestSettings
from services.ingest.unpack_messages import Item

_PACK_ITEMS: Final = 500


class Pack:
    """Items gathered for one object and one transaction."""

    def __init__(self, entries: int, items: int) -> None:
        self.entries = entries
        self.items = items
        self.found: list[Item] = []
        self.whole = 0  # items of entries that were told in full
        self.size = 0
        self.begun = time.monotonic()

    def take(self, item: Item) -> None:
        """One more item."""
        self.found.append(item)
        self.size += len(item.content)
        if item.last:
            self.entries, self.whole = item.entry + 1, len(self.found)

    def full(self, limit: int) -> bool:
        """Whether it is time to write: enough bytes, enough rows, or somebody watches the progress."""
        enough = self.size >= limit or len(self.found) >= _PACK_ITEMS
        return enough or (bool(self.found) and time.monotonic() - self.begun > 1.0)

    def laid_out(self, key: str, settings: IngestSettings) -> tuple[list[Row], bytes]:
        """The rows, whose numbers go on from those before them, and the bytes of the object under ``key``."""
        rows, offset = [], 0
        for number, item in enumerate(self.found, self.items + 1):
            rows.append(_row(item, number, key, offset, settings))
            offset += len(item.content)
        return rows, b"".join(item.content for item in self.found)


def _row(item: Item, number: int, key: str, offset: int, settings: IngestSettings) -> Row:
    name = place(item.name)
    if item.ignored:
        return Row(number=number, name=name, outcome=Outcome.IGNORED)
    if item.code is not None:
        limit = megabytes(settings.flow_item_bytes)
        said = flow_words.said(item.code, item.value or item.name[:100], limit=limit)
        return Row(number=number, name=name, outcome=Outcome.REJECTED, findings=(said,))
    return Row(
        number=number,
        name=name,
        media_type=item.media_type,
        size=len(item.content),
        sha256=item.sha256,
        object_key=key,
        pack_offset=offset,
        reading=item.reading,
        unreadable=item.unreadable,
        invoice_number=item.invoice_number,
        supplier=item.supplier,
        recipient=item.recipient,
    )
