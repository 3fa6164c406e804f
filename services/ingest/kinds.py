"""What the first bytes of a file look like, in French words, so that a refusal can say what was sent instead."""

from invoice.syntax import looks_like_xml

PDF_MAGIC = b"%PDF-"
UNKNOWN = "un format inconnu"
MAGIC_WITHIN = 1024
PDF = "application/pdf"
XML = "application/xml"
_HTML_WORDS = "une page HTML"

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "une archive ZIP ou un document bureautique (Word, Excel, LibreOffice)"),
    (b"PK\x05\x06", "une archive ZIP vide"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "un ancien document Word ou Excel"),
    (b"\xff\xd8\xff", "une image JPEG"),
    (b"\x89PNG\r\n\x1a\n", "une image PNG"),
    (b"GIF8", "une image GIF"),
    (b"II*\x00", "une image TIFF"),
    (b"MM\x00*", "une image TIFF"),
    (b"BM", "une image BMP"),
    (b"\x1f\x8b", "une archive GZIP"),
    (b"7z\xbc\xaf\x27\x1c", "une archive 7z"),
    (b"Rar!", "une archive RAR"),
    (b"{\\rtf", "un document RTF"),
    (b"%!PS", "un document PostScript"),
    (b"MZ", "un programme"),
    (b"\x7fELF", "un programme"),
)


def is_pdf(head: bytes) -> bool:
    """True when the PDF mark stands within the first 1024 bytes, where readers look for it."""
    return PDF_MAGIC in head[:MAGIC_WITHIN]


def media_type(head: bytes) -> str | None:
    """What the content says it is, PDF or XML; None for anything else. The name of a file says nothing.

    A page of HTML is no XML document here: it would only be refused later, in less helpful words.
    """
    if is_pdf(head):
        return PDF
    return XML if looks_like_xml(head[:MAGIC_WITHIN]) and looks_like(head) != _HTML_WORDS else None


def looks_like(head: bytes) -> str:
    """A French noun phrase for bytes that are not a PDF."""
    for start, words in _STARTS:
        if head.startswith(start):
            return words
    if head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1"):
        return "une image HEIC"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "une image WebP"
    return _text(head)


def _text(head: bytes) -> str:
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = head.decode("utf-16" if wide else "utf-8-sig", errors="replace").lstrip().lower()
    if text.startswith(("<!doctype html", "<html")):
        return _HTML_WORDS
    if text.startswith(("<?xml", "<")):
        return "un document XML"
    if text.startswith(("{", "[")):
        return "un document JSON"
    if not wide and b"\x00" not in head and text.count("\ufffd") <= 1:
        return "un fichier texte"
    return UNKNOWN
