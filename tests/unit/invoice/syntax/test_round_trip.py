"""Any facts, written in each syntax and read again, are the same; any bytes end with an outcome that has a name."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoice.syntax import SyntaxRefused, parse
from tests.unit.invoice.syntax.samples import Facts, cii, cpp, fields_of, ubl

WORDS = st.text(st.characters(categories=("L", "N", "P"), exclude_characters="\ufeff"), min_size=1, max_size=30)
DIGITS = "0123456789"
AMOUNTS = st.decimals(Decimal("-99999999.99"), Decimal("99999999.99"), places=2).map(
    lambda d: f"{d:.2f}" if d else "0.00"
)
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(str)
RATES = st.sampled_from(["0.00", "2.10", "5.50", "8.50", "10.00", "20.00"])
SIREN_SIRET = st.tuples(st.text(DIGITS, min_size=9, max_size=9), st.text(DIGITS, min_size=5, max_size=5))


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    supplier, recipient = draw(SIREN_SIRET), draw(SIREN_SIRET)
    rows = draw(st.lists(st.tuples(st.just("S"), RATES, AMOUNTS, AMOUNTS), min_size=1, max_size=4))
    service = draw(st.none() | WORDS)
    return Facts(
        number=draw(WORDS),
        issue_date=draw(DAYS),
        due_date=draw(st.none() | DAYS),
        type_code=draw(st.sampled_from(["380", "381"])),
        currency=draw(st.sampled_from(["EUR", "USD", "XPF"])),
        excl=draw(AMOUNTS),
        tax=f"{sum(Decimal(row[3]) for row in rows):.2f}",
        incl=draw(AMOUNTS),
        prepaid=draw(st.none() | AMOUNTS),
        payable=draw(AMOUNTS),
        rows=tuple(rows),
        due_code=draw(st.sampled_from([None, "5", "72"])),
        means=draw(st.sampled_from([None, "30", "59"])),
        supplier_siren=supplier[0],
        supplier_siret="".join(supplier),
        recipient_siren=recipient[0],
        recipient_siret="".join(recipient),
        service=service,
        reference=draw(st.none() | WORDS) if service is None else None,
        engagement=draw(st.none() | WORDS),
        contract=draw(st.none() | WORDS),
        preceding=draw(st.none() | WORDS),
        lines=draw(st.integers(0, 3)),
    )


@settings(max_examples=150, deadline=None)
@given(facts())
def test_what_was_written_is_read(said: Facts) -> None:
    for data in (ubl(said), cii(said)):
        (found,) = parse(data)
        assert {datum.name: datum.value for datum in found.fields} == fields_of(said)
        assert all(datum.sure for datum in found.fields)
        assert found.warnings == ()
        assert len(list(found.lines())) == found.lines_count == said.lines


@settings(max_examples=100, deadline=None)
@given(st.lists(facts(), min_size=1, max_size=3))
def test_a_flow_is_read_invoice_by_invoice(said: list[Facts]) -> None:
    names = ("invoice_number", "issue_date", "payable", "total_excl_tax", "engagement", "vat_breakdown")
    for found, written in zip(parse(cpp(*said)), said, strict=True):
        expected = {name: value for name, value in fields_of(written).items() if name in names}
        assert {datum.name: datum.value for datum in found.fields if datum.name in names} == expected


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"<", b"<?xml ", b"\xff\xfe", b"\xef\xbb\xbf<a>", b"<!DOCTYPE "]))
def test_any_bytes_are_refused_by_name(noise: bytes, head: bytes) -> None:
    with pytest.raises(SyntaxRefused) as caught:
        parse(head + noise)
    assert caught.value.finding.code.startswith("XML_")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40).filter(lambda text: all(c == "\t" or c >= " " for c in text)), st.sampled_from(range(6)))
def test_any_text_in_any_field_is_a_datum_or_a_warning(text: str, place: int) -> None:
    text = "".join(c for c in text if c not in "\ufffe\uffff" and not 0xD800 <= ord(c) <= 0xDFFF)
    name = ("issue_date", "incl", "currency", "type_code", "supplier_siret", "iban")[place]
    said = Facts(**{name: text})  # type: ignore[arg-type]
    for data in (ubl(said), cii(said)):
        (found,) = parse(data)
        field = {"incl": "total_incl_tax", "iban": "supplier_iban"}.get(name, name)
        datum = found.datum(field)
        silent = datum is None and not any(w.field == field for w in found.warnings)
        written = text.replace("-", "") if name == "issue_date" else text  # a date of CII is written without them
        assert not silent or not written.strip() or name == "iban"
