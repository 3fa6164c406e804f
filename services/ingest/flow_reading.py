"""What a structured file says, in the form of the reader's answer: no page has to be read for it."""

from contracts.events import DocumentRead, DocumentUnreadable, EmbeddedFile, ReadField
from invoice.checks_structured import check_structured
from invoice.reading import FIELD_NAMES
from invoice.syntax import DataFile

READER = "chorale-data-1"
_ORDER = {name: place for place, name in enumerate(FIELD_NAMES)}
_NOWHERE = (0.0, 0.0, 0.0, 0.0)
Reading = DocumentRead | DocumentUnreadable


def reading_of(data: DataFile, sha256: str) -> DocumentRead | None:
    """The reading of one structured invoice; None where it names nothing, which the reader says in its own words."""
    found = [
        ReadField(
            name=datum.name,
            value=datum.value,
            confidence="sure" if datum.sure else "unsure",
            page=0,
            box=_NOWHERE,
            keyword=datum.term,
            raw=datum.raw,
        )
        for datum in data.fields
    ]
    if not found:
        return None
    return DocumentRead(
        sha256=sha256,
        pages=0,
        fields=tuple(sorted(found, key=lambda field: _ORDER[field.name])),
        reader=READER,
        source=data.source,
        warnings=(*check_structured(data), *data.warnings),
        embedded=tuple(
            EmbeddedFile(name=one.name, media_type=one.media_type, size=one.size, description=one.description)
            for one in data.attachments
        ),
        lines=data.lines_count,
    )
