"""The lines of a typed invoice, and what they come to: to the cent, rounded half up, VAT once per rate."""

import re
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from invoice.findings import Finding
from invoice.messages import finding
from invoice.vat import RATES

CENT = Decimal("0.01")
#: Regimes under which no line carries VAT.
NO_VAT_REGIMES = frozenset(("FRANCHISE", "AUTOLIQUIDATION", "EXONERATION"))
QUANTITY_PLACES, PRICE_PLACES, RATE_PLACES = 4, 6, 2
_SPACES = re.compile(r"[\s\u00a0\u2009\u202f]")
_NUMBER = re.compile(r"-?\d{1,13}(?:\.\d{1,6})?")
MAX_LABEL = 250


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line as typed: ``unit_price`` and ``discount`` (of the whole line) excl. tax, ``vat_rate`` in per cent."""

    label: str = ""
    quantity: str = "1"
    unit: str = ""
    unit_price: str = ""
    discount: str = ""
    vat_rate: str = ""


class LineRead(msgspec.Struct, frozen=True, kw_only=True):
    """A line whose every number was read; ``amount`` excl. tax, to the cent."""

    label: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    discount: Decimal
    vat_rate: Decimal
    amount: Decimal


class VatRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is taxed at one rate, and the VAT of it."""

    rate: Decimal
    base: Decimal
    amount: Decimal


class Computed(msgspec.Struct, frozen=True, kw_only=True):
    """What the readable lines come to. ``findings`` say which are not."""

    lines: tuple[LineRead, ...]
    vat: tuple[VatRow, ...]
    excl: Decimal
    tax: Decimal
    incl: Decimal
    findings: tuple[Finding, ...]


def compute(lines: Sequence[Line], regime: str | None) -> Computed:
    """Read the lines and add them up. Under the *franchise* and its like an empty rate is 0."""
    findings: list[Finding] = []
    read = [found for number, line in enumerate(lines, 1) if (found := _read(number, line, regime, findings))]
    bases: dict[Decimal, Decimal] = {}
    for line in read:
        bases[line.vat_rate] = bases.get(line.vat_rate, Decimal(0)) + line.amount
    vat = tuple(VatRow(rate=rate, base=base, amount=_cents(base * rate / 100)) for rate, base in sorted(bases.items()))
    findings += _regime(vat, regime)
    excl, tax = sum((row.base for row in vat), Decimal(0)), sum((row.amount for row in vat), Decimal(0))
    return Computed(lines=tuple(read), vat=vat, excl=excl, tax=tax, incl=excl + tax, findings=tuple(findings))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def _regime(vat: Sequence[VatRow], regime: str | None) -> Iterator[Finding]:
    if regime in NO_VAT_REGIMES:
        if any(row.rate for row in vat):
            yield finding("FORM_VAT_UNEXPECTED", value=regime)
    elif any(not row.rate for row in vat):
        yield finding("FORM_VAT_ZERO")


def _read(number: int, line: Line, regime: str | None, findings: list[Finding]) -> LineRead | None:
    before = len(findings)
    label = line.label.strip()
    if not label:
        _missing(number, "label", findings)
    elif len(label) > MAX_LABEL:
        words = {"label": _name(number, "label"), "length": str(len(label)), "limit": str(MAX_LABEL)}
        findings.append(finding("FORM_TOO_LONG", field=_field(number, "label"), **words))
    quantity = _number(number, "quantity", line.quantity, QUANTITY_PLACES, findings)
    price = _number(number, "unit_price", line.unit_price, PRICE_PLACES, findings)
    discount = _number(number, "discount", line.discount or "0", 2, findings)
    rate = _rate(number, "0" if regime in NO_VAT_REGIMES and not line.vat_rate.strip() else line.vat_rate, findings)
    if len(findings) > before or quantity is None or price is None or discount is None or rate is None:
        return None
    return LineRead(
        label=label,
        quantity=quantity,
        unit=line.unit.strip()[:40],
        unit_price=price,
        discount=discount,
        vat_rate=rate,
        amount=_cents(quantity * price - discount),
    )


def _rate(number: int, text: str, findings: list[Finding]) -> Decimal | None:
    rate = _number(number, "vat_rate", text.strip().removesuffix("%"), RATE_PLACES, findings)
    if rate is None or rate in RATES:
        return rate
    findings.append(finding("VAT_RATE_UNKNOWN", field=_field(number, "vat_rate"), value=f"{rate.normalize():f}"))
    return None


def _number(number: int, name: str, text: str, places: int, findings: list[Finding]) -> Decimal | None:
    plain = _SPACES.sub("", text).replace(",", ".").removesuffix("€")
    if not plain:
        _missing(number, name, findings)
        return None
    if plain.isascii() and _NUMBER.fullmatch(plain) and len(plain.partition(".")[2]) <= places:
        return Decimal(plain)
    words = {"label": _name(number, name), "form": f"un nombre avec {places} décimales au plus, par exemple 12,50"}
    findings.append(finding("FORM_MALFORMED", field=_field(number, name), value=text[:40], **words))
    return None


def _missing(number: int, name: str, findings: list[Finding]) -> None:
    findings.append(finding("FORM_MISSING", field=_field(number, name), label=_name(number, name)))


_NAMES = {
    "label": "désignation",
    "quantity": "quantité",
    "unit_price": "prix unitaire hors taxes",
    "discount": "remise",
    "vat_rate": "taux de TVA",
}


def _name(number: int, name: str) -> str:
    return f"Ligne {number}, {_NAMES[name]}"


def _field(number: int, name: str) -> str:
    """``lines.1.label``: lines are counted from 1, as a person does."""
    return f"lines.{number}.{name}"
