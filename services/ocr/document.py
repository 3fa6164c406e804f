"""A PDF opened by pdfium, and its pages, within bounds: what every look into a document begins with.

pdfium is not thread-safe and parses hostile input in native code: only a worker process of ``pool.py`` may come here in
a service.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

import pypdfium2.raw as pdfium

HEAD: Final = 1024  # bytes that tell what a file is
READ_PAGES: Final = 3  # chorus-pro.md 7: the first three pages are read
MAX_PAGES: Final = 1_000
MAX_OBJECTS: Final = 200_000  # drawing operations of one page

UnreadableCode = Literal["NOT_A_PDF", "PDF_ENCRYPTED", "PDF_DAMAGED", "PDF_TOO_MANY_PAGES", "PDF_TOO_COMPLEX"]
_LOCKED: Final = (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
_PICTURES: Final = (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM)
_OBJECTS_SEEN: Final = 50  # a scan's picture is among the first


class Unreadable(Exception):
    """The bytes cannot be read as a PDF invoice. ``code`` names the reason."""

    def __init__(self, code: UnreadableCode) -> None:
        super().__init__(code)
        self.code = code


def is_pdf(data: bytes) -> bool:
    """Whether the first bytes say that this is a PDF; readers allow for junk before."""
    return b"%PDF-" in data[:HEAD]


@contextmanager
def opened(data: bytes) -> Iterator[Any]:
    """The pdfium document of these bytes. Raises Unreadable."""
    document = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
    if not document:
        raise Unreadable("PDF_ENCRYPTED" if pdfium.FPDF_GetLastError() in _LOCKED else "PDF_DAMAGED")
    try:
        yield document
    finally:
        pdfium.FPDF_CloseDocument(document)


def page_count(document: Any) -> int:
    """How many pages a document has. Raises Unreadable for none and for too many."""
    count = int(pdfium.FPDF_GetPageCount(document))
    if count < 1:
        raise Unreadable("PDF_DAMAGED")
    if count > MAX_PAGES:
        raise Unreadable("PDF_TOO_MANY_PAGES")
    return count


@contextmanager
def opened_page(document: Any, index: int) -> Iterator[Any]:
    """A page, from 0. Raises Unreadable for one that is damaged or takes too many drawing operations."""
    page = pdfium.FPDF_LoadPage(document, index)
    if not page:
        raise Unreadable("PDF_DAMAGED")
    try:
        if pdfium.FPDFPage_CountObjects(page) > MAX_OBJECTS:
            raise Unreadable("PDF_TOO_COMPLEX")
        yield page
    finally:
        pdfium.FPDF_ClosePage(page)


def shows_picture(page: Any) -> bool:
    """Whether a picture is among the page's first objects."""
    return any(
        pdfium.FPDFPageObj_GetType(pdfium.FPDFPage_GetObject(page, index)) in _PICTURES
        for index in range(min(pdfium.FPDFPage_CountObjects(page), _OBJECTS_SEEN))
    )
