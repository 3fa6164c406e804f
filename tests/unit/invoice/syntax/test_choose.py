"""Which file inside a PDF is the invoice: by content, whatever the names."""

from dataclasses import replace

import pytest

from invoice.syntax import SyntaxRefused, choose
from tests.unit.invoice.syntax.samples import PLAIN, cii, cpp, ubl

ORDER = b'<r:SCRDMCCBDACIOMessageStructure xmlns:r="urn:un:unece:uncefact:data:SCRDMCCBDACIOMessageStructure:100"/>'
OTHER = replace(PLAIN, incl="1405.50", payable="1105.50", tax="305.50")


@pytest.mark.parametrize("name", ["factur-x.xml", "ZUGFeRD-invoice.xml", "xrechnung.xml", "données.bin", "", "a/b.pdf"])
def test_the_name_does_not_matter(name: str) -> None:
    found = choose([("logo.png", b"\x89PNG"), (name, cii(PLAIN))])
    assert found is not None
    assert (found.source, found.name, found.warnings) == ("facturx", name, ())


def test_the_first_is_not_always_the_invoice() -> None:
    found = choose([("order-x.xml", ORDER), ("readme.xml", b"<readme/>"), ("data.xml", cii(PLAIN, zugferd_1=True))])
    assert found is not None
    assert found.name == "data.xml"


def test_no_invoice_inside_is_none() -> None:
    assert choose([]) is None
    assert choose([("order-x.xml", ORDER), ("a.pdf", b"%PDF-1.7"), ("empty.xml", b"")]) is None


def test_ubl_inside_a_pdf_is_ubl() -> None:
    found = choose([("ubl.xml", ubl(PLAIN))])
    assert found is not None
    assert found.source == "ubl"


def test_two_that_agree_are_one() -> None:
    found = choose([("copy.xml", cii(PLAIN)), ("factur-x.xml", cii(PLAIN))])
    assert found is not None
    assert (found.name, found.warnings) == ("factur-x.xml", ())


def test_two_that_differ_leave_each_differing_field_unsure_and_named() -> None:
    found = choose([("extra.xml", cii(OTHER)), ("Factur-X.xml", cii(PLAIN))])
    assert found is not None
    assert found.name == "Factur-X.xml"
    unsure = {datum.name for datum in found.fields if not datum.sure}
    assert unsure == {"tax", "total_incl_tax", "payable"}
    assert [(w.code, w.field) for w in found.warnings] == [
        ("DATA_FILES_DIFFER", name) for name in ("tax", "total_incl_tax", "payable")
    ]
    assert "« 1405.50 » dans extra.xml" in found.warnings[1].message


def test_a_field_that_only_the_other_has_is_a_difference_too() -> None:
    found = choose([("factur-x.xml", cii(replace(PLAIN, engagement=None))), ("b.xml", cii(PLAIN))])
    assert found is not None
    assert [(w.code, w.field) for w in found.warnings] == [("DATA_FILES_DIFFER", "engagement")]
    datum = found.datum("engagement")
    assert datum is not None
    assert (datum.value, datum.sure) == (PLAIN.engagement, False)


def test_one_that_cannot_be_read_is_said_beside_one_that_can() -> None:
    found = choose([("broken.xml", cii(PLAIN)[:-20]), ("factur-x.xml", cii(PLAIN))])
    assert found is not None
    assert [w.code for w in found.warnings] == ["DATA_FILE_UNREADABLE"]


def test_only_one_that_cannot_be_read_is_refused_with_its_reason() -> None:
    with pytest.raises(SyntaxRefused) as caught:
        choose([("factur-x.xml", cii(PLAIN)[:-20]), ("logo.png", b"\x89PNG")])
    assert caught.value.finding.code == "XML_MALFORMED"


def test_a_drawing_that_cannot_be_read_is_no_reason_to_refuse_the_page() -> None:
    drawing = b'<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x.dtd"><svg/>'
    assert choose([("logo.svg", drawing)]) is None
    with pytest.raises(SyntaxRefused, match="XML_DOCTYPE"):
        choose([("Factur-X.xml", drawing)])
    with pytest.raises(SyntaxRefused, match="XML_MALFORMED"):
        choose([("x", cii(PLAIN).decode()[:-9].encode("utf-16"))])


def test_a_flow_of_several_invoices_inside_a_pdf_is_never_taken_for_one() -> None:
    found = choose([("flux.xml", cpp(PLAIN, replace(PLAIN, number="F2")))])
    assert found is not None
    datum = found.datum("invoice_number")
    assert datum is not None
    assert not datum.sure


def test_many_files_do_not_take_for_ever() -> None:
    with pytest.raises(SyntaxRefused) as caught:
        choose((f"{n}.xml", b"<a/>") for n in range(100_000))
    assert caught.value.finding.code == "DATA_TOO_MANY_FILES"


def test_the_usual_name_is_looked_at_first_and_the_files_left_out_are_said() -> None:
    others = [(f"{n}.xml", b"<order/>") for n in range(20)]
    found = choose([*others, ("factur-x.xml", cii(PLAIN))])
    assert found is not None
    assert found.name == "factur-x.xml"
    assert "DATA_TOO_MANY_FILES" in {warning.code for warning in found.warnings}
