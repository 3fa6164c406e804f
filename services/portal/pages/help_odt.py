"""The model invoice as OpenDocument text (ODT), with the least that the standard asks for.

The same model gives the same bytes.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from services.portal.pages.help_office import LINES, PAIR, SUMS, WIDTH, XML, zipped

if TYPE_CHECKING:
    from services.portal.pages.help_model import Model

_ODT: Final = "application/vnd.oasis.opendocument.text"
_OASIS: Final = "urn:oasis:names:tc:opendocument:xmlns"


def odt(model: "Model") -> bytes:
    """The model for LibreOffice and others. The first entry says what the file is, unpacked, as the standard wants."""
    return zipped(
        (
            ("mimetype", _ODT),
            ("content.xml", _content(model)),
            ("styles.xml", _styles()),
            ("meta.xml", _meta()),
            ("META-INF/manifest.xml", _manifest()),
        ),
        unpacked="mimetype",
    )


def _content(model: "Model") -> str:
    widths = {"pair": PAIR, "lines": LINES, "sums": SUMS, "sides": (WIDTH // 2, WIDTH // 2)}
    styles = "".join(
        f'<style:style style:name="{name}.{place}" style:family="table-column">'
        f'<style:table-column-properties style:column-width="{width}mm"/></style:style>'
        for name, row in widths.items()
        for place, width in enumerate(row)
    )
    tables = "".join(
        f'<style:style style:name="{name}" style:family="table">'
        f'<style:table-properties style:width="{sum(row)}mm" table:align="left"/></style:style>'
        for name, row in widths.items()
    )
    sides = _row([_lines(model.supplier), _lines(model.recipient)])
    references = "".join(_row([_p(name, "Strong"), _p(value)]) for name, value in model.references)
    body = "".join(_row([_p(row[0]), *(_p(each, "Right") for each in row[1:])]) for row in model.lines)
    head = _row([_p(model.head[0], "Strong"), *(_p(each, "StrongRight") for each in model.head[1:])])
    sums = "".join(_row(["<text:p/>", _p(name), _p(value, "Right")]) for name, value in model.totals)
    return (
        f'{XML}<office:document-content {_names()} office:version="1.3">'
        f"<office:automatic-styles>{tables}{styles}</office:automatic-styles><office:body><office:text>"
        f'<text:h text:style-name="Title" text:outline-level="1">{escape(model.title)}</text:h>'
        f"{_table('sides', 2, sides)}<text:p/>"
        f"{_table('pair', 2, references)}<text:p/>"
        f"{_table('lines', 5, f'<table:table-header-rows>{head}</table:table-header-rows>{body}')}<text:p/>"
        f"{_table('sums', 3, sums)}<text:p/>"
        f"{''.join(_p(each) for each in model.mentions)}"
        "</office:text></office:body></office:document-content>"
    )


def _p(text: str, style: str = "Standard") -> str:
    return f'<text:p text:style-name="{style}">{escape(text)}</text:p>'


def _lines(lines: Sequence[str]) -> str:
    return "".join(_p(each, "Strong" if place == 0 else "Standard") for place, each in enumerate(lines))


def _row(cells: Sequence[str]) -> str:
    made = "".join(f'<table:table-cell office:value-type="string">{cell}</table:table-cell>' for cell in cells)
    return f"<table:table-row>{made}</table:table-row>"


def _table(name: str, columns: int, rows: str) -> str:
    made = "".join(f'<table:table-column table:style-name="{name}.{place}"/>' for place in range(columns))
    return f'<table:table table:name="{name}" table:style-name="{name}">{made}{rows}</table:table>'


def _names() -> str:
    known = {"office": "office", "style": "style", "text": "text", "table": "table", "meta": "meta"}
    spaces = " ".join(f'xmlns:{prefix}="{_OASIS}:{name}:1.0"' for prefix, name in known.items())
    more = {"fo": f"{_OASIS}:xsl-fo-compatible:1.0", "dc": "http://purl.org/dc/elements/1.1/"}
    return " ".join((spaces, *(f'xmlns:{prefix}="{uri}"' for prefix, uri in more.items())))


def _styles() -> str:
    def style(name: str, parent: str, paragraph: str, text: str) -> str:
        above = f' style:parent-style-name="{parent}"' if parent else ""
        return (
            f'<style:style style:name="{name}" style:family="paragraph"{above}>'
            f"<style:paragraph-properties{paragraph}/><style:text-properties{text}/></style:style>"
        )

    plain = ' fo:font-family="Liberation Sans, Arial, sans-serif" fo:font-size="10pt" fo:language="fr" fo:country="FR"'
    right, bold = ' fo:text-align="end"', ' fo:font-weight="bold"'
    near, far = ' fo:margin-top="0.5mm" fo:margin-bottom="0.5mm"', ' fo:margin-bottom="6mm"'
    large = f' fo:font-size="18pt"{bold}'
    return (
        f'{XML}<office:document-styles {_names()} office:version="1.3">'
        f"<office:styles>{style('Standard', '', near, plain)}"
        f"{style('Strong', 'Standard', '', bold)}{style('Right', 'Standard', right, '')}"
        f"{style('StrongRight', 'Standard', right, bold)}"
        f"{style('Title', 'Standard', far, large)}</office:styles>"
        '<office:automatic-styles><style:page-layout style:name="page"><style:page-layout-properties '
        'fo:page-width="210mm" fo:page-height="297mm" fo:margin-top="18mm" fo:margin-bottom="18mm" '
        'fo:margin-left="18mm" fo:margin-right="18mm"/></style:page-layout></office:automatic-styles>'
        '<office:master-styles><style:master-page style:name="Standard" style:page-layout-name="page"/>'
        "</office:master-styles></office:document-styles>"
    )


def _meta() -> str:
    return (
        f'{XML}<office:document-meta {_names()} office:version="1.3">'
        "<office:meta><dc:title>Modèle de facture</dc:title><dc:language>fr-FR</dc:language></office:meta>"
        "</office:document-meta>"
    )


def _manifest() -> str:
    entry = '<manifest:file-entry manifest:full-path="{}" manifest:media-type="{}"{}/>'
    entries = "".join(
        (
            entry.format("/", _ODT, ' manifest:version="1.3"'),
            *(entry.format(name, "text/xml", "") for name in ("content.xml", "styles.xml", "meta.xml")),
        )
    )
    return (
        f'{XML}<manifest:manifest xmlns:manifest="{_OASIS}:manifest:1.0" '
        f'manifest:version="1.3">{entries}</manifest:manifest>'
    )
