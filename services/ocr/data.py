"""Data files: what an XML document says, and which of the files that a PDF carries is its invoice."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from contracts.events import EmbeddedFile, ReadField
from invoice.findings import Finding
from invoice.reading import FIELD_NAMES
from invoice.syntax import DataFile, SyntaxRefused, choose
from invoice.syntax.choose import is_usual
from services.ocr.container import File
from services.ocr.outcomes import outcome

_NOWHERE: Final = (0.0, 0.0, 0.0, 0.0)
_ORDER: Final = {name: place for place, name in enumerate(FIELD_NAMES)}


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """The invoice data that a PDF carries, if any, and what is to be said about its data files."""

    data: DataFile | None = None
    warnings: tuple[Finding, ...] = ()


def fields_of(data: DataFile) -> tuple[ReadField, ...]:
    """The header fields, in the order of :data:`~invoice.reading.FIELD_NAMES`; ``keyword`` is the term of EN 16931."""
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
    return in_order(found)


def in_order(fields: Iterable[ReadField]) -> tuple[ReadField, ...]:
    """Fields in the order in which they are given everywhere."""
    return tuple(sorted(fields, key=lambda field: _ORDER[field.name]))


def ibans_of(data: DataFile) -> frozenset[str]:
    """Every account that the data name."""
    return frozenset(means.account for means in data.payment_means if means.account)


def attachments_of(data: DataFile) -> tuple[EmbeddedFile, ...]:
    """The files that the data carry in turn (BT-125)."""
    return tuple(
        EmbeddedFile(name=one.name, media_type=one.media_type, size=one.size, description=one.description)
        for one in data.attachments
    )


def carried_by(files: Sequence[File]) -> Carried:
    """The invoice among the files of a PDF, whatever it is called. Files that are no invoice are left alone.

    Data that cannot be read, or had, leave the pages to be read, with a warning.
    """
    lost = [file for file in files if file.content is None and is_usual(file.name)]
    missing = tuple(outcome("DATA_FILE_REFUSED", why="Son contenu est trop gros ou illisible.") for _ in lost[:1])
    try:
        data = choose((file.name, file.content) for file in files if file.content is not None)
        return Carried(data=data, warnings=missing)
    except SyntaxRefused as error:
        return Carried(warnings=(outcome("DATA_FILE_REFUSED", why=error.finding.message),))
