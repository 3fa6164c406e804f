"""What cannot be opened: each with its own code, a sentence, a place, and what to do."""

import time

import pytest

from invoice.syntax import Limits, SyntaxRefused, looks_like_xml, parse
from tests.unit.invoice.syntax.samples import PLAIN, cii, cpp, ubl

LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE Invoice [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>
<Invoice>&c;</Invoice>"""
XXE = b'<!-- one -->\n<?pi two?>\n<!DOCTYPE x SYSTEM "file:///etc/passwd"><Invoice/>'


def refused(data: bytes, limits: Limits | None = None) -> SyntaxRefused:
    with pytest.raises(SyntaxRefused) as caught:
        parse(data) if limits is None else parse(data, limits=limits)
    found = caught.value.finding
    assert found.level == "refuse"
    assert found.message.endswith(".")
    assert found.action
    return caught.value


@pytest.mark.parametrize(
    ("data", "line"), [(LAUGHS, 2), (XXE, 3), (b"\xef\xbb\xbf" + LAUGHS, 2), (b"\n\n<!DOCTYPE html>", 3)]
)
def test_a_doctype_is_refused_before_anything_is_parsed(data: bytes, line: int) -> None:
    why = refused(data)
    assert (why.finding.code, why.line, why.column) == ("XML_DOCTYPE", line, 1)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_doctype_hides_in_no_encoding(encoding: str) -> None:
    assert refused(LAUGHS.decode().encode(encoding)).finding.code == "XML_DOCTYPE"


@pytest.mark.parametrize(
    "head",
    [
        b"<!-- <!DOCTYPE a> -->",
        b"<?x <!DOCTYPE a> ?>\n",
        b"\xef\xbb\xbf" * 2,
        b"\xef\xbb\xbf" * 3,
        b"<!---->" * 1_000,
        b"\r\n\t",
    ],
)
def test_a_doctype_hides_behind_nothing(head: bytes) -> None:
    why = refused(head + b'<!DOCTYPE a [<!ENTITY x "y"><!ATTLIST a b CDATA "&x;&x;">]><a/>')
    assert why.finding.code == "XML_DOCTYPE"


def test_a_doctype_in_a_text_is_only_text() -> None:
    data = ubl(PLAIN).replace(b"<cbc:ID>F2026-001", b"<!-- <!DOCTYPE x> --><cbc:ID><![CDATA[F2026-001]]>")
    (found,) = parse(data)
    assert found.datum("invoice_number") is not None


@pytest.mark.parametrize(
    ("data", "line", "column", "word"),
    [
        (b"<a>\n  <b>\n</a>", 3, 5, "fermée"),
        (b"<a>\n<b", 2, 3, ""),
        (b"<a>\n<b>", 2, 4, "tronqué"),
        (b"<a></a>\nmore", 2, 1, "fin du document"),
        (b"", 1, 1, "vide"),
        (b"   ", 1, 4, "vide"),
        (b"hello", 1, 1, "vide"),
        (b"<a>\n&foo;</a>", 2, 6, "entité"),
        (b"<x:a/>", 1, 5, "préfixe"),
        (b'<a b="1" b="2"/>', 1, 15, "deux fois"),
        (b"<a>\x00</a>", 1, 4, "caractère"),
        (b"<a>&#0;</a>", 1, 8, "caractère"),
        (b' <?xml version="1.0"?><a/>', 1, 7, "<?xml"),
    ],
)
def test_what_is_not_well_formed_is_refused_with_its_place(data: bytes, line: int, column: int, word: str) -> None:
    why = refused(data)
    assert (why.finding.code, why.line, why.column) == ("XML_MALFORMED", line, column)
    assert f"ligne {line}, colonne {column}" in why.finding.message
    assert word in why.finding.message


@pytest.mark.parametrize(
    ("data", "root"),
    [
        (b"<html><body/></html>", "html"),
        (b'<Invoice xmlns="urn:other"/>', "Invoice"),
        (b"<Invoice/>", "Invoice"),
        (b'<r:SCRDMCCBDACIOMessageStructure xmlns:r="urn:un:unece:uncefact:data:SCRDMCCBDACIOMessageStructure:100"/>',
         "SCRDMCCBDACIOMessageStructure"),
        (b'<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"/>', "Order"),
        (b"<CPPFacturePivot/>", "CPPFacturePivot"),
    ],
)  # fmt: skip
def test_a_root_that_is_no_invoice_is_named(data: bytes, root: str) -> None:
    why = refused(data)
    assert (why.finding.code, why.finding.value) == ("XML_UNKNOWN_ROOT", root)
    assert f"« {root} »" in why.finding.message


def test_too_many_bytes_are_refused_unread() -> None:
    assert refused(ubl(PLAIN), Limits(max_bytes=1_000)).finding.code == "XML_TOO_BIG"
    started = time.monotonic()
    assert refused(b"<a>" * 10_000_001).finding.code == "XML_TOO_BIG"
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<a>" * 300 + b"</a>" * 300, "XML_TOO_DEEP"),
        (b"<a>" * 500_000, "XML_TOO_DEEP"),
        (b"<r>" + b"<a/>" * 600_001 + b"</r>", "XML_TOO_MANY_ELEMENTS"),
        (b"<r " + b" ".join(b'a%d=""' % n for n in range(600_001)) + b"/>", "XML_TOO_MANY_ATTRIBUTES"),
        (b"<r " + b" ".join(b'attribute%d=""' % n for n in range(10_000)) + b"/>", "XML_TOO_MANY_NAMES"),
        (b"<r>" + b"".join(b"<element%d/>" % n for n in range(10_000)) + b"</r>", "XML_TOO_MANY_NAMES"),
        (
            b"<r>" + b"".join(b'<a xmlns="urn:namespace:%d"/>' % n for n in range(10_000)) + b"</r>",
            "XML_TOO_MANY_NAMES",
        ),
        (b"<r>" + b"x" * 10_100_000 + b"</r>", "XML_TEXT_TOO_LONG"),
        (b'<r a="' + b"x" * 10_100_000 + b'"/>', "XML_TEXT_TOO_LONG"),
        (b"<" + b"n" * 60_000 + b"/>", "XML_TOO_MANY_NAMES"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_floods_are_refused_by_name(data: bytes, code: str) -> None:
    started = time.monotonic()
    assert refused(data).finding.code == code
    assert time.monotonic() - started < 3


def test_a_flow_without_invoices_or_with_too_many_is_refused() -> None:
    assert refused(b"<CPPFactureMixte><CPPFactures/></CPPFactureMixte>").finding.code == "XML_NO_INVOICE"
    assert refused(cpp(PLAIN, PLAIN, PLAIN), Limits(max_invoices=2)).finding.code == "XML_TOO_MANY_INVOICES"


@pytest.mark.parametrize(
    "head",
    [
        b"<?xml version='1.0'?>", b"<Invoice", b"\n <a>", b"<!-- c -->", b"<!DOCTYPE x>", b"\xef\xbb\xbf<a>",
        "<a>".encode("utf-16"), "<a>".encode("utf-16-le"), "<a>".encode("utf-16-be"), "<a>".encode("utf-32"), b"<rsm:X",
    ],
)  # fmt: skip
def test_the_first_bytes_tell_xml(head: bytes) -> None:
    assert looks_like_xml(head)


@pytest.mark.parametrize(
    "head", [b"", b"%PDF-1.7", b"PK\x03\x04", b"hello", b"< a", b"<1", b"\xef\xbb\xbf", b"\x00\x01\x02"]
)
def test_other_files_do_not_look_like_xml(head: bytes) -> None:
    assert not looks_like_xml(head)


def test_nothing_outside_is_ever_read(tmp_path: object) -> None:
    # Even where the text names a file: an inclusion and a schema place are elements and attributes like others.
    secret = f"{tmp_path}/secret.txt"
    with open(secret, "w", encoding="utf-8") as out:
        out.write("TOP-SECRET")
    inclusion = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{secret}" parse="text"/>'
    data = cii(PLAIN).replace(b"<ram:ID>F2026-001</ram:ID>", f"<ram:ID>F2026-001{inclusion}</ram:ID>".encode())
    (found,) = parse(data)
    assert "SECRET" not in repr(found.fields)
    assert found.datum("invoice_number") is None
