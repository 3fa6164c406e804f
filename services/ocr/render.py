"""One page of a PDF drawn as PNG, within bounds. Calls pdfium: see ``document.py``."""

import ctypes
import struct
import zlib
from typing import Any, Final

import pypdfium2.raw as pdfium

from services.ocr.answers import Picture
from services.ocr.container import size as size_of
from services.ocr.document import Unreadable, is_pdf, opened, opened_page, page_count
from services.ocr.outcomes import outcome
from services.ocr.scale import DPI, scale

_WHITE: Final = 0xFFFFFFFF
_FLAGS: Final = pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER


def draw(data: bytes, number: int, *, dpi: float = DPI) -> Picture:
    """Page ``number``, from 1, as it is shown. ``refused`` says why there is no picture; MemoryError passes."""
    if not is_pdf(data):
        return Picture(refused=outcome("NOT_A_PDF"))
    try:
        with opened(data) as document:
            if not 1 <= number <= page_count(document):
                raise Unreadable("PDF_DAMAGED")
            return _draw(document, number - 1, dpi)
    except Unreadable as error:
        return Picture(refused=outcome(error.code))


def _draw(document: Any, index: int, dpi: float) -> Picture:
    with opened_page(document, index) as page:
        size = size_of(document, index)
        width, height = scale(size, dpi)
        pixels = _pixels(document, page, width, height)
    return Picture(png=_png(pixels, width, height), pixels=(width, height), size=size)


def _pixels(document: Any, page: Any, width: int, height: int) -> bytes:
    """Red, green and blue of each pixel, row by row, on white; form fields and stamps are drawn too."""
    stride = 3 * width
    buffer = ctypes.create_string_buffer(stride * height)
    bitmap = pdfium.FPDFBitmap_CreateEx(width, height, pdfium.FPDFBitmap_BGR, buffer, stride)
    if not bitmap:
        raise MemoryError
    try:
        pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, _WHITE)
        pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, _FLAGS)
        _draw_forms(document, page, bitmap, width, height)
    finally:
        pdfium.FPDFBitmap_Destroy(bitmap)
    return buffer.raw[: stride * height]


def _draw_forms(document: Any, page: Any, bitmap: Any, width: int, height: int) -> None:
    if pdfium.FPDF_GetFormType(document) == pdfium.FORMTYPE_NONE:
        return
    information = pdfium.FPDF_FORMFILLINFO(version=2)
    environment = pdfium.FPDFDOC_InitFormFillEnvironment(document, information)
    if environment:
        pdfium.FPDF_FFLDraw(environment, bitmap, page, 0, 0, width, height, 0, _FLAGS)
        pdfium.FPDFDOC_ExitFormFillEnvironment(environment)


def _png(pixels: bytes, width: int, height: int) -> bytes:
    """A PNG of these pixels; in grey when they have no colour, which most invoices have not."""
    red = pixels[0::3]
    grey = red == pixels[1::3] == pixels[2::3]
    samples, stride = (red, width) if grey else (pixels, 3 * width)
    rows = b"".join(b"\0" + samples[start : start + stride] for start in range(0, stride * height, stride))
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if grey else 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
