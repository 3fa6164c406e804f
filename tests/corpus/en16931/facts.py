"""What a made invoice says: a random choice of everything that the core invoice of EN 16931 may hold, and adding up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from random import Random

CENT = Decimal("0.01")
EXEMPT = {"E": "VATEX-EU-132", "AE": "VATEX-EU-AE", "K": "VATEX-EU-IC", "G": "VATEX-EU-G", "O": "VATEX-EU-O"}
RATES = {"S": ("20", "10.0", "5.50", "2.1"), "L": ("7", "3.00"), "M": ("4", "0.5")}
#: Categories that may stand in one invoice.
TOGETHER = (("S", "Z", "E", "AE", "G", "L", "M"), ("S", "E", "K"), ("O",))


def cents(value: Decimal) -> Decimal:
    """Rounded as an accountant does."""
    return value.quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Vat:
    """A VAT category and its rate; none for what is outside VAT."""

    code: str
    rate: str | None

    @property
    def percent(self) -> Decimal:
        """The rate as a number."""
        return Decimal(self.rate or 0)


@dataclass(frozen=True)
class Adjustment:
    """An allowance or a charge."""

    charge: bool
    amount: Decimal
    vat: Vat
    base: Decimal | None = None
    percent: str | None = None
    reason: str | None = "Remise commerciale"
    code: str | None = None


@dataclass(frozen=True)
class Line:
    """One line."""

    number: int
    quantity: Decimal
    price: Decimal
    vat: Vat
    adjustments: tuple[Adjustment, ...] = ()
    full: bool = False

    @property
    def net(self) -> Decimal:
        """Its net amount."""
        signed = (one.amount if one.charge else -one.amount for one in self.adjustments)
        return cents(self.quantity * self.price) + sum(signed, Decimal(0))


@dataclass(frozen=True)
class Made:
    """A whole invoice. ``parts`` names the optional pieces that it has."""

    number: str
    credit_note: bool
    lines: tuple[Line, ...]
    adjustments: tuple[Adjustment, ...]
    parts: frozenset[str]
    prepaid: Decimal | None = None
    rounding: Decimal | None = None
    currency: str = "EUR"
    tax_currency: str | None = None
    rows: tuple[tuple[Vat, Decimal, Decimal], ...] = field(default=())

    def has(self, part: str) -> bool:
        """Whether it has an optional piece."""
        return part in self.parts

    @property
    def net(self) -> Decimal:
        """The sum of its lines."""
        return sum((line.net for line in self.lines), Decimal(0))

    def adjusted(self, charge: bool) -> Decimal | None:
        """The sum of its allowances or charges, none where it has none."""
        found = [one.amount for one in self.adjustments if one.charge is charge]
        return sum(found, Decimal(0)) if found else None

    @property
    def excl(self) -> Decimal:
        """The total excluding tax."""
        return self.net + (self.adjusted(True) or 0) - (self.adjusted(False) or 0)

    @property
    def tax(self) -> Decimal:
        """The VAT."""
        return sum((tax for _, _, tax in self.rows), Decimal(0))

    @property
    def codes(self) -> frozenset[str]:
        """The VAT categories used."""
        return frozenset(vat.code for vat, _, _ in self.rows)


PARTS = (
    *("process", "due_date", "note", "subject", "tax_point", "tax_code", "accounting", "reference", "project"),
    *("contract", "order", "sales_order", "receipt", "despatch", "tender", "object", "period", "preceding"),
    *("attachment", "link", "seller_name", "seller_ids", "seller_legal", "endpoints", "contacts", "buyer_id"),
    *("buyer_legal", "payee", "agent", "delivery", "delivery_address", "transfer", "card", "debit", "terms"),
)


def make(random: Random, *, full: bool = False, codes: Sequence[str] | None = None, credit_note: bool = False) -> Made:
    """An invoice. ``full``: with every piece that can stand beside the others; ``codes``: its VAT categories."""
    if codes is None:
        chosen = random.choice(TOGETHER)
        codes = random.sample(chosen, random.randint(1, min(3, len(chosen))))
    vats = [Vat(code, None if code == "O" else random.choice(RATES.get(code, ("0", "0.00")))) for code in codes]
    lines = tuple(_line(random, n, vats[n - 1] if n <= len(vats) else random.choice(vats), full=full)
                  for n in range(1, max(len(vats), random.randint(1, 4)) + 1))  # fmt: skip
    used = [line.vat for line in lines]
    adjustments = tuple(
        _adjustment(random, charge, random.choice(used))
        for charge in (False, True)
        for _ in range(random.randint(1 if full else 0, 2))
    )
    parts = frozenset(part for part in PARTS if full or random.random() < 0.5)
    parts -= {"tax_code"} if "tax_point" in parts and random.random() < 0.5 else {"tax_point"}
    # Of several ways to pay, one is written.
    parts -= set(random.sample(("transfer", "debit", "card"), 2)) if full else set()
    parts -= {"agent"} if "O" in codes else set()
    parts |= {"delivery", "delivery_address", "period"} if "K" in codes else set()
    return Made(
        number=f"F{random.randint(1, 99999)}",
        credit_note=credit_note,
        lines=lines,
        adjustments=adjustments,
        parts=parts,
        prepaid=Decimal(random.randint(0, 5000)) / 100 if full or random.random() < 0.4 else None,
        rounding=Decimal(random.randint(-99, 99)) / 100 if full or random.random() < 0.2 else None,
        currency=random.choice(("EUR", "EUR", "USD")),
        tax_currency="GBP" if full or random.random() < 0.2 else None,
        rows=tuple(_rows(lines, adjustments)),
    )


def _line(random: Random, number: int, vat: Vat, *, full: bool) -> Line:
    count = random.randint(1, 2) if full else random.choice((0, 0, 1))
    adjustments = tuple(_adjustment(random, charge, vat) for charge in (False, True)[:count])
    return Line(
        number=number,
        quantity=Decimal(random.randint(1, 5000)) / random.choice((1, 10, 100)),
        price=Decimal(random.randint(100, 99999)) / random.choice((10, 100, 1000)),
        vat=vat,
        adjustments=adjustments,
        full=full or random.random() < 0.3,
    )


def _adjustment(random: Random, charge: bool, vat: Vat) -> Adjustment:
    coded = random.random() < 0.5
    return Adjustment(
        charge=charge,
        amount=Decimal(random.randint(1, 999)) / 100,
        vat=vat,
        base=Decimal(random.randint(1000, 9999)) / 100 if random.random() < 0.5 else None,
        percent="5" if random.random() < 0.3 else None,
        reason=None if coded and random.random() < 0.5 else ("Frais de port" if charge else "Remise commerciale"),
        code=("FC" if charge else "95") if coded else None,
    )


def _rows(lines: Sequence[Line], adjustments: Sequence[Adjustment]) -> list[tuple[Vat, Decimal, Decimal]]:
    """The VAT breakdown. Two spellings of one rate are one rate."""
    bases: dict[tuple[str, Decimal], tuple[Vat, Decimal]] = {}
    signed = [(one.vat, one.amount if one.charge else -one.amount) for one in adjustments]
    for vat, amount in (*((line.vat, line.net) for line in lines), *signed):
        first, before = bases.get((vat.code, vat.percent), (vat, Decimal(0)))
        bases[vat.code, vat.percent] = (first, before + amount)
    return [(vat, base, cents(base * vat.percent / 100)) for vat, base in bases.values()]
