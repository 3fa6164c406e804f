"""The content of one made invoice or credit note, before anything is drawn."""

import string
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Final

from tests.corpus.variety_firms import Body, Firm, body, firm, siret_of, with_check
from tests.corpus.variety_style import Style

_CENT: Final = Decimal("0.01")
_NO_TAX = ("AUTOLIQUIDATION", "EXONERATION", "FRANCHISE")


def cents(value: Decimal) -> Decimal:
    """To the cent, half up."""
    return value.quantize(_CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Row:
    """One line of the table; ``rate`` in percent."""

    ref: str
    label: str
    unit: str
    quantity: Decimal
    price: Decimal
    rate: Decimal

    @property
    def amount(self) -> Decimal:
        return cents(self.quantity * self.price)


@dataclass(frozen=True, kw_only=True)
class Bill:
    """One document. Amounts are positive; ``sign`` is -1 where a credit note prints them negative."""

    number: str
    issued: date
    due: date | None
    credit: bool
    sign: int
    firm: Firm
    body: Body
    rows: tuple[Row, ...]
    discount_rate: Decimal
    prepaid: Decimal
    retention: Decimal
    shipping: Decimal
    regime: str | None
    payment: str | None
    engagement: str | None
    orders: tuple[str, ...]
    service_code: str | None
    contract: str | None
    preceding: str | None
    delivery: Body | None
    deposit_invoice: str | None
    seed: int
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def taxed(self) -> bool:
        return self.regime not in _NO_TAX

    @property
    def gross(self) -> Decimal:
        """Total of the lines."""
        return sum((row.amount for row in self.rows), Decimal("0.00"))

    @property
    def breakdown(self) -> tuple[tuple[Decimal, Decimal, Decimal], ...]:
        """Rate, base after the discount and tax, highest rate first."""
        bases: dict[Decimal, Decimal] = {}
        for row in self.rows:
            bases[row.rate] = bases.get(row.rate, Decimal(0)) + row.amount
        kept = {rate: cents(base * (100 - self.discount_rate) / 100) for rate, base in bases.items()}
        kept[max(kept)] += self.shipping
        return tuple((rate, kept[rate], cents(kept[rate] * rate / 100)) for rate in sorted(kept, reverse=True))

    @property
    def total_excl_tax(self) -> Decimal:
        return sum((base for _, base, _ in self.breakdown), Decimal("0.00"))

    @property
    def tax(self) -> Decimal:
        return sum((tax for _, _, tax in self.breakdown), Decimal("0.00"))

    @property
    def total_incl_tax(self) -> Decimal:
        return self.total_excl_tax + self.tax

    @property
    def payable(self) -> Decimal:
        return self.total_incl_tax - self.prepaid - self.retention


def _pattern(rng: Random, shapes: tuple[str, ...], issued: date) -> str:
    """``Y`` year, ``y`` its last digits, ``M`` month, ``9`` a digit, ``A`` a letter; ``'x'`` as it stands."""
    out, quoted = [], False
    for mark in rng.choice(shapes):
        if mark == "'":
            quoted = not quoted
        elif quoted:
            out.append(mark)
        else:
            made = {
                "Y": f"{issued.year}", "y": f"{issued:%y}", "M": f"{issued:%m}", "9": str(rng.randrange(10)),
                "8": str(rng.randint(1, 9)), "A": rng.choice(string.ascii_uppercase),
            }  # fmt: skip
            out.append(made.get(mark, mark))
    return "".join(out)


_NUMBERS = (
    "'FA'-Y-9999", "Y99999", "'F'999999", "Y/9999", "'FC'yM-999", "'FAC'99999", "'FA'999999", "yM9999", "89999999",
    "'INV'-Y-999", "AA-Y-M-999", "899", "Y-M-9999", "'F'Y_9999", "'VE'y/99999", "8999", "'FACT'-99999",
)  # fmt: skip
_CREDITS = ("'AV'-Y-9999", "'AV'99999", "'A'Y999", "Y/'AV'/999", "'AVO'-999")
_ENGAGEMENTS = (
    "'CP'Y/A999999/8", "4599999999", "'EJ'-999999", "14999999999", "Y-'BC'-9999", "'BC'99999", "Y99999", "'AP'Y/9999",
    "'DRH'Y9999", "y'D'99999", "'CDE'Y-999", "899999",
)  # fmt: skip
_SERVICES = (
    "'DRH'", "'SRV'_99", "'FACTURES_PUBLIQUES'", "'DGA'-AA", "'D'9999999999", "'FIN'", "899", "'COMPTA'", "'DIR'-99",
)  # fmt: skip
_CONTRACTS = ("y'M'999", "Y-999", "Y'MP'99", "'MAPA'-Y-99", "'AOO'-Y-999", "Y_'FCS'_99", "899999999")


def bill(style: Style, seed: int) -> Bill:
    """The document ``seed`` of a layout."""
    rng = Random(f"bill/{style.name}/{seed}")
    seller, buyer = firm(rng), body(rng)
    issued = date(2023, 1, 1) + timedelta(days=rng.randrange(1_400))
    credit = rng.random() < 0.16
    regime = _regime(rng, style)
    payment = rng.choice(("VIREMENT", "VIREMENT", "VIREMENT", "CHEQUE", "PRELEVEMENT", "ESPECE"))
    engagement = _pattern(rng, _ENGAGEMENTS, issued) if rng.random() < 0.7 else None
    if engagement and rng.random() < 0.04:  # an order number with the shape, and the key, of a SIRET
        engagement = siret_of("45", rng)
    several = rng.random() < 0.05
    rows = _rows(rng, style, seller, taxed=regime not in _NO_TAX)
    total = sum((row.amount for row in rows), Decimal(0))
    deposit = not credit and rng.random() < 0.12
    return Bill(
        number=_pattern(rng, _CREDITS if credit and rng.random() < 0.7 else _NUMBERS, issued),
        issued=issued,
        due=issued + timedelta(days=rng.choice((15, 30, 30, 30, 45, 60))) if "due_said" in style.flags else None,
        credit=credit,
        sign=-1 if credit and "negative_credit" in style.flags else 1,
        firm=seller,
        body=buyer,
        rows=rows,
        discount_rate=Decimal(rng.choice((2, 3, 5, 10))) if rng.random() < 0.1 else Decimal(0),
        prepaid=cents(total * rng.choice((Decimal("0.1"), Decimal("0.3"), Decimal("0.25")))) if deposit else Decimal(0),
        retention=cents(total * Decimal("0.05")) if not deposit and not credit and rng.random() < 0.04 else Decimal(0),
        shipping=Decimal(rng.randint(900, 9_000)) / 100 if "shipping" in style.flags else Decimal(0),
        regime=regime,
        payment=payment if "payment_said" in style.flags else None,
        engagement=None if several else engagement,
        orders=tuple(_pattern(rng, _ENGAGEMENTS[1:6], issued) for _ in range(2)) if several else (),
        service_code=_pattern(rng, _SERVICES, issued) if rng.random() < 0.5 else None,
        contract=_pattern(rng, _CONTRACTS, issued) if rng.random() < 0.35 else None,
        preceding=_pattern(rng, _NUMBERS[:8], issued) if credit and rng.random() < 0.7 else None,
        delivery=body(rng) if "delivery" in style.flags and rng.random() < 0.7 else None,
        deposit_invoice=_pattern(rng, ("'AC'-999", "'ACPT'9999"), issued) if deposit and rng.random() < 0.4 else None,
        seed=seed,
        notes=_notes(rng, style, issued),
    )


def _regime(rng: Random, style: Style) -> str | None:
    if rng.random() < 0.12:
        return rng.choice(_NO_TAX)
    if "regime_said" in style.flags:
        return rng.choice(("TVA_SUR_DEBIT", "TVA_SUR_DEBIT", "TVA_SUR_ENCAISSEMENT"))
    return None


def _rows(rng: Random, style: Style, seller: Firm, *, taxed: bool) -> tuple[Row, ...]:
    rates = seller.rates if rng.random() < 0.35 else seller.rates[:1]
    count = rng.randint(1, 7)
    if "many_lines" in style.flags and rng.random() < 0.6:
        # Some totals stand on the last page, beyond the third.
        count = 190 if rng.random() < 0.1 and "conditions_page" not in style.flags else rng.randint(18, 46)
    made = []
    for _ in range(count):
        label, unit, low, high = rng.choice(seller.items)
        quantity = Decimal(rng.randint(1, 30)) if rng.random() < 0.8 else Decimal(rng.randint(5, 400)) / 4
        price = Decimal(rng.randint(100 * low, 100 * high)) / 100
        ref = f"{rng.choice('ABCMPRS')}{rng.randint(10, 9999)}"
        made.append(Row(ref, label, unit, quantity, price, Decimal(rng.choice(rates)) if taxed else Decimal(0)))
    return tuple(made)


def _notes(rng: Random, style: Style, issued: date) -> dict[str, str]:
    """References that are none of the fields: label and value."""
    day = style.day
    before = issued - timedelta(days=rng.randint(5, 80))
    every = (
        ("N° client", f"{rng.choice(('C', 'CL', '411', ''))}{rng.randint(100, 99999):05d}"),
        ("Code client", f"{rng.randint(1000, 999999)}"),
        ("Compte client", f"411{rng.choice(('DEPT', 'MAIRIE', 'COLL'))}{rng.randint(1, 99)}"),
        ("Votre référence", f"MD/{before:%Y-%m}"),
        ("Notre référence", f"NR{rng.randint(100, 9999)}"),
        ("Devis n°", f"D{before:%Y}-{rng.randint(1, 999):03d}"),
        ("Bon de livraison n°", f"BL{rng.randint(1000, 99999)}"),
        ("Affaire", f"{before:%y}-{rng.randint(100, 999)}"),
        ("Dossier n°", f"{rng.randint(10000, 99999)}"),
        ("Date de commande", day(before)),
        ("Date de livraison", day(issued - timedelta(days=rng.randint(1, 9)))),
        ("Période", f"du {day(before)} au {day(issued)}"),
        ("Votre contact", rng.choice(("Mme Delrieu", "M. Costes", "Service commercial"))),
        ("N° de compte", with_check("".join(str(rng.randrange(10)) for _ in range(13)))),
        ("Police d'assurance n°", f"{rng.randint(10**7, 10**8)}"),
        ("N° SIRET livraison", siret_of("2199", rng)),
    )
    count = rng.choice((0, 1, 2, 3)) if "client_number" in style.flags else rng.choice((0, 0, 1))
    return dict(rng.sample(every, count))
