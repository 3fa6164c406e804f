"""The model invoice as Office Open XML (DOCX), with the least that the standard asks for.

The same model gives the same bytes.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from services.portal.pages.help_office import LINES, PAIR, SUMS, WIDTH, XML, zipped

if TYPE_CHECKING:
    from services.portal.pages.help_model import Model

_KIND: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
#: Twentieths of a point in a millimetre, and the lines of a table that shows them.
_TWIPS: Final = 56.7
_LINE: Final = 'w:val="single" w:sz="4" w:space="0" w:color="999999"'
_RULED: Final = f"<w:tblBorders><w:bottom {_LINE}/><w:insideH {_LINE}/></w:tblBorders>"


def docx(model: "Model") -> bytes:
    """The model for Word and others."""
    return zipped(
        (
            ("[Content_Types].xml", _types()),
            ("_rels/.rels", _relations("officeDocument", "word/document.xml")),
            ("word/_rels/document.xml.rels", _relations("styles", "styles.xml")),
            ("word/document.xml", _document(model)),
            ("word/styles.xml", _styles()),
        )
    )


def _types() -> str:
    return (
        f'{XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{_KIND}.document.main+xml"/>'
        f'<Override PartName="/word/styles.xml" ContentType="{_KIND}.styles+xml"/></Types>'
    )


def _relations(kind: str, target: str) -> str:
    one = f'<Relationship Id="r1" Type="{_OFFICE}/{kind}" Target="{target}"/>'
    return f'{XML}<Relationships xmlns="{_PACKAGE}/relationships">{one}</Relationships>'


def _p(text: str, style: str = "Normal") -> str:
    run = f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>' if text else ""
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{run}</w:p>'


def _table(widths: Sequence[int], rows: Sequence[Sequence[str]], *, ruled: bool = False, head: bool = False) -> str:
    twips = [round(width * _TWIPS) for width in widths]
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in twips)
    made = "".join(
        f"<w:tr>{'<w:trPr><w:tblHeader/></w:trPr>' if head and place == 0 else ''}"
        + "".join(
            f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>{cell}</w:tc>'
            for width, cell in zip(twips, row, strict=True)
        )
        + "</w:tr>"
        for place, row in enumerate(rows)
    )
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{sum(twips)}" w:type="dxa"/>{_RULED if ruled else ""}'
        f'<w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{made}</w:tbl>{_p("")}'
    )


def _document(model: "Model") -> str:
    head = [_p(model.head[0], "Strong"), *(_p(each, "StrongRight") for each in model.head[1:])]
    lines = [[_p(row[0]), *(_p(each, "Right") for each in row[1:])] for row in model.lines]
    tables = (
        _table((WIDTH // 2, WIDTH // 2), [[_block(model.supplier), _block(model.recipient)]]),
        _table(PAIR, [[_p(name, "Strong"), _p(value)] for name, value in model.references]),
        _table(LINES, [head, *lines], ruled=True, head=True),
        _table(SUMS, [[_p(""), _p(name), _p(value, "Right")] for name, value in model.totals]),
    )
    margin = round(18 * _TWIPS)
    return (
        f'{XML}<w:document xmlns:w="{_WORD}"><w:body>{_p(model.title, "Title")}{"".join(tables)}'
        f"{''.join(_p(each) for each in model.mentions)}"
        f'<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="{margin}" w:right="{margin}" '
        f'w:bottom="{margin}" w:left="{margin}" w:header="720" w:footer="720" w:gutter="0"/></w:sectPr>'
        "</w:body></w:document>"
    )


def _block(lines: Sequence[str]) -> str:
    return "".join(_p(each, "Strong" if place == 0 else "Normal") for place, each in enumerate(lines))


def _styles() -> str:
    def style(name: str, above: str, paragraph: str = "", text: str = "") -> str:
        based = f'<w:basedOn w:val="{above}"/>' if above else ""
        first = ' w:default="1"' if not above else ""
        return (
            f'<w:style w:type="paragraph"{first} w:styleId="{name}"><w:name w:val="{name}"/>{based}<w:qFormat/>'
            f"<w:pPr>{paragraph}</w:pPr><w:rPr>{text}</w:rPr></w:style>"
        )

    right, bold, large = '<w:jc w:val="right"/>', "<w:b/>", '<w:b/><w:sz w:val="36"/>'
    near, far = '<w:spacing w:before="30" w:after="30"/>', '<w:spacing w:after="340"/>'
    plain = '<w:rFonts w:ascii="Arial" w:hAnsi="Arial" w:cs="Arial"/><w:sz w:val="20"/><w:lang w:val="fr-FR"/>'
    return (
        f'{XML}<w:styles xmlns:w="{_WORD}">{style("Normal", "", near, plain)}'
        f"{style('Strong', 'Normal', '', bold)}{style('Right', 'Normal', right)}"
        f"{style('StrongRight', 'Normal', right, bold)}{style('Title', 'Normal', far, large)}</w:styles>"
    )
