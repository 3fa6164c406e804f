"""One document's bytes in, everything that is read of it out. Runs inside a worker process (``pool.py``)."""

from collections.abc import Iterable

import msgspec

from contracts.events import DocumentSignature, EmbeddedFile
from invoice.checks_structured import check_structured
from invoice.findings import Finding
from invoice.syntax import SyntaxRefused, looks_like_xml, parse
from services.ocr import container, reader
from services.ocr.answers import Whole
from services.ocr.bounds import bounded
from services.ocr.compare import compare, from_page
from services.ocr.container import MAX_FILES, Container
from services.ocr.data import attachments_of, carried_by, fields_of, ibans_of, in_order
from services.ocr.document import HEAD, Unreadable, is_pdf
from services.ocr.known import Known
from services.ocr.outcomes import outcome
from services.ocr.signature import signatures

__all__ = ["Whole", "read_document"]


def read_document(data: bytes, *, text_only: bool = False, known: Known | None = None) -> Whole:
    """Read a PDF or an XML invoice, told apart by content.

    ``text_only`` leaves aside the data that a PDF carries. ``known`` tells whether a SIRET is a recipient's.
    Raises MemoryError only; every other outcome is in the answer.
    """
    return bounded(_read(data, text_only, known))


def _read(data: bytes, text_only: bool, known: Known | None) -> Whole:
    if is_pdf(data):
        return _read_pdf(data, text_only, known)
    if looks_like_xml(data[:HEAD]):
        return _read_xml(data)
    return _refused(outcome("NOT_A_PDF"))


def _refused(*reasons: Finding) -> Whole:
    return Whole(unreadable=reasons)


def _read_xml(data: bytes) -> Whole:
    try:
        invoices = parse(data)
    except SyntaxRefused as error:
        return _refused(error.finding)
    if len(invoices) != 1:
        return _refused(outcome("SEVERAL_INVOICES", count=str(len(invoices))))
    [invoice] = invoices
    fields = fields_of(invoice)
    return Whole(
        source=invoice.source,
        fields=fields,
        warnings=(*check_structured(invoice), *invoice.warnings),
        embedded=attachments_of(invoice),
        lines=invoice.lines_count,
        empty=None if fields else outcome("NOTHING_RECOGNISED"),
    )


def _read_pdf(data: bytes, text_only: bool, known: Known | None) -> Whole:
    try:
        contents = container.look(data, wanted=looks_like_xml)
        reading = reader.read(data, known=known)
        if reading.unreadable:
            return _refused(*reading.unreadable)
        empty = reading.empty and _why_empty(reading.empty, container.image_pages(data))
    except Unreadable as error:
        return _refused(outcome(error.code))
    signed = signatures(data, contents.signed)
    whole = Whole(
        pages=len(contents.sizes),
        fields=reading.fields,
        empty=empty,
        page_sizes=contents.sizes,
        signatures=signed,
        embedded=_embedded(contents),
        warnings=tuple(_warnings(contents, signed)),
    )
    return whole if text_only else _with_data(whole, contents)


def _why_empty(reason: Finding, images: tuple[int, ...]) -> Finding:
    """The reason, with the pages that are pictures."""
    if not images:
        return reason
    several = len(images) > 1
    listed = ", ".join(map(str, images[:-1])) + f" et {images[-1]}" if several else str(images[0])
    if reason.code == "SCAN_ONLY":
        return outcome("SCAN_ONLY", pages=f" (pages {listed})" if several else f" (page {listed})")
    words = f" ; les pages {listed} sont des images" if several else f" ; la page {listed} est une image"
    return outcome("NOTHING_RECOGNISED", pages=words)


def _warnings(contents: Container, signed: Iterable[DocumentSignature]) -> Iterable[Finding]:
    if contents.carried > MAX_FILES:
        yield outcome("TOO_MANY_FILES", count=str(contents.carried), limit=str(MAX_FILES))
    if any(one.state == "altered" for one in signed):
        yield outcome("SIGNATURE_ALTERED")


def _embedded(contents: Container) -> tuple[EmbeddedFile, ...]:
    return tuple(EmbeddedFile(name=file.name, media_type=file.media_type, size=file.size) for file in contents.files)


def _with_data(whole: Whole, contents: Container) -> Whole:
    """The data that the PDF carries take the place of what its pages say, and are laid beside it."""
    carried = carried_by(contents.files)
    warnings = (*whole.warnings, *carried.warnings)
    if carried.data is None:
        return msgspec.structs.replace(whole, warnings=warnings)
    data = carried.data
    compared = compare(fields_of(data), whole.fields, whole.page_sizes, ibans=ibans_of(data))
    fields = in_order((*compared.fields, *from_page(compared.fields, whole.fields)))
    return msgspec.structs.replace(
        whole,
        source=data.source,
        fields=fields,
        empty=None if fields else whole.empty,
        warnings=(*check_structured(data), *compared.differences, *warnings, *data.warnings),
        embedded=(*whole.embedded, *attachments_of(data)),
        lines=data.lines_count,
    )
