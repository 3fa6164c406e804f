"""PDFs that are wrong on purpose: one builder for each way in which a file may mislead its reader."""

import zlib
from collections.abc import Callable
from random import Random
from typing import Final

from tests.hostile import page, pdf, stream

_FONT: Final = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
_TEXT: Final = b"BT /F1 9 Tf 40 700 Td (Facture n\\260 F2026-12) Tj 0 -14 Td (Total TTC : 1 200,00 EUR) Tj ET"
_ODD: Final = (
    b"0", b"-1", b"1", b"65536", b"2147483647", b"2147483648", b"4294967295", b"4294967296", b"99999999999999999999",
    b"1e38", b"0.0000001", b"-99999999", b"null", b"true", b"(x)", b"/N", b"[]", b"<<>>", b"1 0 R", b"3 0 R", b"9 0 R",
)  # fmt: skip


def document(*, leaf: bytes = b"", tree: bytes = b"", catalogue: bytes = b"", content: bytes = _TEXT) -> list[bytes]:
    """The objects of a one-page document; the arguments are added to its dictionaries."""
    return [
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalogue,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 %s >>" % tree,
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> %s >>" % leaf,
        stream(content),
        _FONT,
    ]


def odd_boxes(rng: Random) -> bytes:
    numbers = b" ".join(rng.choice(_ODD) for _ in range(rng.choice((0, 1, 3, 4, 4, 4, 9))))
    box = rng.choice((b"MediaBox", b"CropBox", b"BleedBox"))
    turn = rng.choice((b"90", b"-90", b"45", b"270", b"99999999990", b"1e9", b"/x"))
    unit = rng.choice(_ODD)
    return pdf(document(leaf=b"/%s [%s] /Rotate %s /UserUnit %s" % (box, numbers, turn, unit)))


def page_trees(rng: Random) -> bytes:
    """Trees that hold themselves, are deep, or say more pages than they hold."""
    count = rng.choice((b"1", b"3", b"1000", b"1001", b"99999", b"2147483647", b"-5", b"4294967297"))
    match rng.randrange(4):
        case 0:
            kids = b"2 0 R 3 0 R " * rng.choice((1, 3, 50))
            return pdf(
                [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [%s] /Count %s >>" % (kids, count)]
            )
        case 1:
            depth = rng.choice((5, 200, 1_500))
            nodes = [
                b"<< /Type /Pages /Parent %d 0 R /Kids [%d 0 R] /Count %s >>" % (n + 1, n + 3, count)
                for n in range(depth)
            ]
            leaf = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"
            return pdf([b"<< /Type /Catalog /Pages 2 0 R >>", *nodes, leaf])
        case 2:
            return pdf([b"<< /Type /Catalog /Pages 1 0 R /Kids [1 0 R] /Count %s >>" % count])
    objects = document(tree=b"/Count %s" % count)
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %s >>" % (b"3 0 R " * rng.choice((1, 400, 1_200)), count)
    return pdf(objects)


def recursion(rng: Random) -> bytes:
    """Objects that name themselves: forms, resources, fonts, lengths, name trees, fields, annotations."""
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /XObject << /X0 6 0 R /X1 7 0 R >> >>"
    match rng.randrange(6):
        case 0:
            return page(b"/X0 Do " + _TEXT, stream(b"/X1 Do", form), stream(b"/X0 Do /X1 Do", form))
        case 1:
            glyph = stream(b"1000 0 d0 BT /F1 9 Tf (a) Tj ET")
            font = (
                b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /FirstChar 0"
                b" /LastChar 255 /Widths [%s] /Encoding << /Differences [0 /a] >> /CharProcs << /a 6 0 R >>"
                b" /Resources << /Font << /F1 5 0 R >> >> >>" % (b"1 " * 256)
            )
            objects = document()
            objects[4] = font
            return pdf([*objects, glyph])
        case 2:
            names = b"<< /Kids [6 0 R 6 0 R] /Limits [(a) (z)] >>"
            return pdf([*document(catalogue=b"/Names << /EmbeddedFiles 6 0 R >>"), names])
        case 3:
            field = b"<< /FT /Sig /T (s) /Parent 6 0 R /Kids [6 0 R 7 0 R] /V 7 0 R /Subtype /Widget /Rect [0 0 9 9] >>"
            value = b"<< /Type /Sig /ByteRange [%s] /Contents <%s> >>" % (
                b" ".join(rng.choice(_ODD) for _ in range(rng.choice((1, 4, 4, 8)))),
                b"30" * rng.choice((0, 1, 400)),
            )
            form = b"/AcroForm << /Fields [6 0 R 6 0 R] /SigFlags 3 >>"
            return pdf([*document(catalogue=form, leaf=b"/Annots [6 0 R 6 0 R 3 0 R]"), field, value])
        case 4:
            objects = document()
            objects[3] = b"<< /Length 4 0 R >>\nstream\n" + _TEXT + b"\nendstream"
            return pdf(objects)
    parts = b"<< /Type /Page /Parent 3 0 R /Contents [3 0 R 4 0 R [4 0 R [4 0 R]]] /MediaBox 3 0 R /Resources 3 0 R >>"
    return pdf(
        [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", parts, stream(_TEXT)]
    )


def cross_references(rng: Random) -> bytes:
    """Tables and trailers that lie."""
    data = pdf(document())
    match rng.randrange(5):
        case 0:
            return data.replace(b"startxref\n", b"startxref\n" + rng.choice(_ODD) + b"\n%", 1)
        case 1:
            at = data.rindex(b"startxref\n") + 10
            place = data[at : data.index(b"\n", at)]
            return data.replace(b"trailer\n<< ", b"trailer\n<< /Prev %s /XRefStm %s " % (place, place))
        case 2:
            return data.replace(b"/Size 6", b"/Size " + rng.choice(_ODD)).replace(
                b"xref\n0 6", b"xref\n0 " + rng.choice(_ODD)
            )
        case 3:
            return data.replace(b"/Root 1 0 R", b"/Root " + rng.choice((b"9 0 R", b"4 0 R", b"null", b"1 1 R", b"(r)")))
    for _ in range(rng.randint(1, 6)):
        at = data.rindex(b"xref\n0 6") + rng.randrange(8, 120)
        data = data[:at] + bytes((rng.choice(b"0123456789fn \n"),)) + data[at + 1 :]
    return data


def object_streams(rng: Random) -> bytes:
    """Object streams and cross-reference streams that count wrongly or hold themselves."""
    inside = b"7 0 8 20 9 40 << /Type /Font >> << /Length 4 >> [1 0 R]          "
    head = b"/Type /ObjStm /N %s /First %s" % (rng.choice((b"3", *_ODD)), rng.choice((b"16", *_ODD)))
    if rng.random() < 0.5:
        head += b" /Extends 6 0 R"
    widths = b" ".join(rng.choice((b"1", b"2", b"0", *_ODD)) for _ in range(rng.choice((3, 3, 2, 7))))
    index = b"/Type /XRef /W [%s] /Index [0 %s] /Size %s /Root 1 0 R" % (widths, rng.choice(_ODD), rng.choice(_ODD))
    table = stream(rng.randbytes(rng.choice((0, 40, 4_000))), index)
    data = pdf([*document(), stream(inside, head), table])
    if rng.random() < 0.6:
        place = data.index(b"7 0 obj")
        data = data[: data.rindex(b"xref\n0")] + b"startxref\n%d\n%%%%EOF\n" % place
    return data


def filters(rng: Random) -> bytes:
    """Chains of filters, wrong parameters, bombs that unfold to a few megabytes."""
    names = (b"/FlateDecode", b"/ASCIIHexDecode", b"/ASCII85Decode", b"/LZWDecode", b"/RunLengthDecode", b"/Crypt",
             b"/DCTDecode", b"/JPXDecode", b"/JBIG2Decode", b"/CCITTFaxDecode")  # fmt: skip
    chain = b" ".join(rng.choice(names) for _ in range(rng.choice((1, 2, 5, 60))))
    content = rng.choice((_TEXT, b"q " * 2_000_000, b"(" * 100_000, rng.randbytes(2_000)))
    for _ in range(rng.choice((1, 1, 2, 3))):
        content = zlib.compress(content)
    parameters = b"/Predictor %s /Columns %s /Colors %s" % (
        rng.choice((b"12", b"2", *_ODD)),
        rng.choice(_ODD),
        rng.choice(_ODD),
    )
    body = b"<< /Length %s /Filter [%s] /DecodeParms [<< %s >>] >>\nstream\n" % (
        rng.choice((b"%d" % len(content), *_ODD)), chain, parameters,
    )  # fmt: skip
    objects = document()
    objects[3] = body + content + b"\nendstream"
    return pdf(objects)


def text_tricks(rng: Random) -> bytes:
    """Text that is nowhere, without size, endless, or in fonts that say nonsense."""
    number = [rng.choice((b"0", b"-1", b"1e30", b"99999999999", b"0.00000001", b"12", b"-0.5")) for _ in range(8)]
    tricks = (
        b"BT /F1 %s Tf %s Tc %s Tw %s Tz %s 0 0 %s %s %s Tm (Total TTC 12,00) Tj ET" % tuple(number),
        b"BT /F1 9 Tf 1 0 0 1 40 700 Tm " + b"[(To) %s (tal) %s (12,00)] TJ " % tuple(number[:2]) * 400 + b"ET",
        b"%s 0 0 %s 0 0 cm " % tuple(number[:2]) * 60 + _TEXT,
        b"q " * rng.choice((10, 5_000, 100_000)) + _TEXT,
        b"[" * rng.choice((10, 600, 50_000)) + _TEXT,
        b"<<" * rng.choice((10, 600, 50_000)) + b" BDC " + _TEXT,
        b"BT /F1 9 Tf 40 700 Td " + b"(" * rng.choice((3, 40_000)) + b") Tj ET",
        b"BT /F1 9 Tf 40 700 Td " + b"(1234567890123456789012345678901234567890) Tj " * 4_000 + b"ET",
        _TEXT * 700,
    )
    objects = document(content=rng.choice(tricks))
    objects[4] = _odd_font(rng)
    return pdf([*objects, stream(_odd_map(rng))])


def _odd_map(rng: Random) -> bytes:
    """A ToUnicode map with wrong ranges."""
    ranges = b""
    for _ in range(rng.choice((1, 200))):
        said = (rng.randrange(65536), rng.randrange(65536), rng.choice((b"D800", b"0041", b"FFFE", b"")))
        ranges += b"<%04x> <%04x> <%s>\n" % said
    count = rng.choice((1, 200, 10**9))
    return b"begincmap /x usecmap %d beginbfrange\n%sendbfrange endcmap" % (count, ranges)


def _odd_font(rng: Random) -> bytes:
    kind = rng.choice((b"/Type1", b"/TrueType", b"/Type0", b"/Type3", b"/MMType1"))
    name = rng.choice((b"/Helvetica", b"/Courier", b"/" + b"A" * 5_000, b"null"))
    widths = b" ".join(rng.choice(_ODD) for _ in range(20))
    more = rng.choice(
        (b"", b"/DescendantFonts [5 0 R] /Encoding /Identity-H", b"/Encoding 5 0 R", b"/FontDescriptor 5 0 R")
    )
    head = b"<< /Type /Font /Subtype %s /BaseFont %s /FirstChar %s /LastChar %s" % (
        kind, name, rng.choice(_ODD), rng.choice(_ODD),
    )  # fmt: skip
    return head + b" /Widths [%s] /ToUnicode 6 0 R %s >>" % (widths, more)


def many_objects(rng: Random) -> bytes:
    """Tens of thousands of objects, or one that is nested so deep."""
    if rng.random() < 0.5:
        return pdf(
            [*document(), *[rng.choice((b"null", b"[3 0 R]", b"<< /Kids [3 0 R] >>"))] * rng.choice((500, 20_000))]
        )
    depth = rng.choice((50, 500, 30_000))
    opening, closing = rng.choice(((b"[", b"]"), (b"<< /A ", b" >>")))
    return pdf([*document(leaf=b"/PieceInfo 6 0 R /Resources 6 0 R"), opening * depth + b"0" + closing * depth])


def carried_files(rng: Random) -> bytes:
    """Attachments: their number, names, sizes and contents."""
    count = rng.choice((1, 3, 150))
    names = b" ".join(
        b"(%s) %d 0 R" % (rng.choice((b"factur-x.xml", b"x" * 3_000, b"\\000", b"a/../b")), 6) for _ in range(count)
    )
    content = rng.choice(
        (b"<?xml version='1.0'?><a/>", b"<" * 5_000, rng.randbytes(300), b"<a>" * 40_000, b" " * 3_000_000)
    )
    held = stream(
        content, b"/Type /EmbeddedFile /Subtype %s /Params << /Size %s >>" % (rng.choice(_ODD), rng.choice(_ODD))
    )
    names_of_it = [rng.choice((b"(factur-x.xml)", *_ODD)) for _ in range(2)]
    said = b"<< /Type /Filespec /F %s /UF %s /EF << /F %s >> /AFRelationship /Data >>" % (
        *names_of_it, rng.choice((b"7 0 R", b"7 0 R", *_ODD)),
    )  # fmt: skip
    return pdf([*document(catalogue=b"/Names << /EmbeddedFiles << /Names [%s] >> >>" % names), said, held])


def locked(rng: Random) -> bytes:
    """Encryption that is not quite there."""
    odd = [rng.choice(_ODD) for _ in range(3)]
    lock = b"/Encrypt << /Filter /Standard /V %s /R %s /Length %s /O <00> /U <00> /P -4 >> /ID [<00> <00>]" % tuple(odd)
    return pdf(document()).replace(b"/Root 1 0 R", b"/Root 1 0 R " + lock)


ATTACKS: Final[tuple[Callable[[Random], bytes], ...]] = (
    odd_boxes, page_trees, recursion, cross_references, object_streams, filters, text_tricks, many_objects,
    carried_files, locked,
)  # fmt: skip
