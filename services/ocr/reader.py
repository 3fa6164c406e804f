"""One document's bytes in, one reading out. Runs inside a worker process: pdfium parses hostile input."""

from services.ocr.document import Unreadable
from services.ocr.domain import Reading
from services.ocr.fields import read_fields, totals_missing
from services.ocr.known import Known
from services.ocr.outcomes import outcome
from services.ocr.text import DocumentText, read_pages

FEW_WORDS = 20  # a scan may carry its scanner's signature


def read(data: bytes, *, known: Known | None = None) -> Reading:
    """Read the first three pages of a PDF, and the last. Raises MemoryError only; all else is in the reading.

    ``known`` are the recipients of the directory.
    """
    try:
        document = read_pages(data, last=totals_missing)
    except Unreadable as error:
        return Reading(unreadable=(outcome(error.code),))
    fields = read_fields(document.read, known=known)
    if fields:
        return Reading(pages=document.pages, fields=fields)
    return Reading(pages=document.pages, empty=outcome(_why_empty(document)))


def _why_empty(document: DocumentText) -> str:
    scanned = document.words == 0 or (document.images and document.words < FEW_WORDS)
    return "SCAN_ONLY" if scanned else "NOTHING_RECOGNISED"
