"""What a PDF is made of beside its text: how many pages, how large, which files it carries.

Calls pdfium: see ``document.py``.
"""

import ctypes
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import pypdfium2.raw as pdfium

from services.ocr.document import HEAD, READ_PAGES, opened, page_count, shows_picture

MAX_FILES: Final = 100
MAX_FILE_BYTES: Final = 30_000_000
MAX_KEPT_BYTES: Final = 60_000_000  # of all files together
MAX_NAME: Final = 255
FEW_CHARACTERS: Final = 20  # a scan may carry its scanner's signature


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file carried inside. ``content`` is None when nobody wants it, it is too large, or it cannot be had."""

    name: str
    media_type: str
    size: int
    content: bytes | None


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """``sizes``: width and height of each page as shown, in PDF points.

    ``carried`` counts every file carried, ``signed`` the signatures.
    """

    sizes: tuple[tuple[float, float], ...]
    files: tuple[File, ...]
    carried: int
    signed: int


def look(data: bytes, *, wanted: Callable[[bytes], bool] = lambda head: True) -> Container:
    """Pages and files of a PDF; the content of those files whose first bytes are ``wanted``. Raises Unreadable."""
    with opened(data) as document:
        count = page_count(document)
        sizes = tuple(size(document, index) for index in range(count))
        carried = max(0, pdfium.FPDFDoc_GetAttachmentCount(document))
        files = tuple(_files(document, min(carried, MAX_FILES), wanted))
        signed = max(0, pdfium.FPDF_GetSignatureCount(document))
    return Container(sizes=sizes, files=files, carried=carried, signed=signed)


def size(document: Any, index: int) -> tuple[float, float]:
    """Width and height of a page as shown, in points; zero for a page that is not there."""
    measured = pdfium.FS_SIZEF()
    pdfium.FPDF_GetPageSizeByIndexF(document, index, ctypes.byref(measured))
    return round(measured.width, 2), round(measured.height, 2)


def image_pages(data: bytes) -> tuple[int, ...]:
    """Those of the pages read that show a picture and hardly any text, counted from 1. Raises Unreadable."""
    with opened(data) as document:
        count = page_count(document)
        looked_at = sorted({*range(min(count, READ_PAGES)), count - 1})
        return tuple(index + 1 for index in looked_at if _is_image(document, index))


def _is_image(document: Any, index: int) -> bool:
    page = pdfium.FPDF_LoadPage(document, index)
    if not page:
        return False
    try:
        text = pdfium.FPDFText_LoadPage(page)
        characters = pdfium.FPDFText_CountChars(text) if text else 0
        if text:
            pdfium.FPDFText_ClosePage(text)
        return characters < FEW_CHARACTERS and shows_picture(page)
    finally:
        pdfium.FPDF_ClosePage(page)


def _files(document: Any, count: int, wanted: Callable[[bytes], bool]) -> Iterator[File]:
    left = MAX_KEPT_BYTES
    for index in range(count):
        attachment = pdfium.FPDFDoc_GetAttachment(document, index)
        if not attachment:
            continue
        file = _file(attachment, min(left, MAX_FILE_BYTES))
        if file.content is not None and not wanted(file.content[:HEAD]):
            file = msgspec.structs.replace(file, content=None)
        left -= len(file.content or b"")
        yield file


def _file(attachment: Any, limit: int) -> File:
    name = _text(lambda buffer, length: pdfium.FPDFAttachment_GetName(attachment, buffer, length))
    media_type = _text(lambda buffer, length: pdfium.FPDFAttachment_GetSubtype(attachment, buffer, length))
    length = ctypes.c_ulong(0)
    if not pdfium.FPDFAttachment_GetFile(attachment, None, 0, ctypes.byref(length)):
        return File(name=name, media_type=media_type, size=0, content=None)
    content = _content(attachment, length.value) if length.value <= limit else None
    return File(name=name, media_type=media_type, size=length.value, content=content)


def _content(attachment: Any, size: int) -> bytes | None:
    buffer = ctypes.create_string_buffer(size)
    written = ctypes.c_ulong(0)
    if not pdfium.FPDFAttachment_GetFile(attachment, buffer, size, ctypes.byref(written)) or written.value != size:
        return None
    return buffer.raw


def _text(read: Callable[[Any, int], int]) -> str:
    """A string as pdfium gives it, UTF-16; what cannot be printed is left out."""
    size = min(read(None, 0), 4 * MAX_NAME)
    if size <= 2:
        return ""
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    read(buffer, size)
    text = bytes(buffer)[:size].decode("utf-16-le", "replace").partition("\0")[0]
    return "".join(c for c in text if c.isprintable())[:MAX_NAME]
