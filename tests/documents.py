"""Makes French invoices as PDF with their truth: for unit tests, the demo, end-to-end tests and measurements.

The bytes depend on the content only. Identifiers are invented: SIRENs 9990000xx pass the check and belong to nobody.
"""

import io
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

from PIL import Image, ImageDraw
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from tests.document_layouts import DRAW
from tests.document_words import PLAIN, Words, varied_words

CENT = Decimal("0.01")
LAYOUTS: tuple[str, ...] = tuple(DRAW)


@dataclass(frozen=True)
class Party:
    """A supplier or a recipient as it stands on the page."""

    name: str
    siret: str | None
    street: str
    city: str


@dataclass(frozen=True)
class Line:
    """One line: ``unit_price`` excl. tax, ``rate`` in percent."""

    label: str
    quantity: Decimal
    unit_price: Decimal
    rate: Decimal = Decimal(20)

    @property
    def amount(self) -> Decimal:
        """Quantity × unit price, to the cent."""
        return (self.quantity * self.unit_price).quantize(CENT, ROUND_HALF_UP)


SUPPLIER = Party("Atelier Berthier SARL", "99900001100018", "14 rue des Fabriques", "31000 Toulouse")
RECIPIENT = Party("Département des Alpes-Maritimes", "22060001900016", "147 boulevard du Mercantour", "06200 Nice")
LINES = (
    Line("Maintenance préventive, août", Decimal(1), Decimal("2400.00")),
    Line("Déplacement d'un technicien", Decimal(3), Decimal("45.00")),
)


@dataclass(frozen=True, kw_only=True)
class InvoicePdf:
    """One invoice. ``wrong_sum`` is added to the total incl. tax so that the amounts disagree.

    ``clutter`` are further lines at the foot. ``copy`` is printed outside of every field, so that two files of one
    invoice may differ.
    """

    number: str = "FA-2026-0001"
    issue_date: date = date(2026, 8, 15)
    supplier: Party = SUPPLIER
    recipient: Party = RECIPIENT
    lines: tuple[Line, ...] = LINES
    engagement: str | None = None
    service_code: str | None = None
    contract: str | None = None
    prepaid: Decimal | None = None
    type_code: str = "380"
    layout: str = "label_left"
    wrong_sum: Decimal = Decimal(0)
    copy: str = ""
    clutter: tuple[str, ...] = ()
    words: Words = PLAIN

    @property
    def total_excl_tax(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal("0.00"))

    @property
    def rates(self) -> dict[Decimal, tuple[Decimal, Decimal]]:
        """Per VAT rate: base and tax."""
        bases: dict[Decimal, Decimal] = {}
        for line in self.lines:
            bases[line.rate] = bases.get(line.rate, Decimal(0)) + line.amount
        return {rate: (base, (base * rate / 100).quantize(CENT, ROUND_HALF_UP)) for rate, base in bases.items()}

    @property
    def tax(self) -> Decimal:
        return sum((tax for _, tax in self.rates.values()), Decimal("0.00"))

    @property
    def total_incl_tax(self) -> Decimal:
        return self.total_excl_tax + self.tax + self.wrong_sum

    @property
    def payable(self) -> Decimal:
        return self.total_incl_tax - (self.prepaid or 0)

    def truth(self) -> dict[str, str]:
        """Every field's canonical value as printed."""
        optional = {
            "supplier_siret": self.supplier.siret,
            "recipient_siret": self.recipient.siret,
            "engagement": self.engagement,
            "service_code": self.service_code,
            "contract": self.contract,
            "prepaid": None if self.prepaid is None else f"{self.prepaid:.2f}",
        }
        return {
            "invoice_number": self.number,
            "issue_date": self.issue_date.isoformat(),
            "type_code": self.type_code,
            "total_excl_tax": f"{self.total_excl_tax:.2f}",
            "tax": f"{self.tax:.2f}",
            "total_incl_tax": f"{self.total_incl_tax:.2f}",
            "payable": f"{self.payable:.2f}",
            "currency": "EUR",
        } | {name: value for name, value in optional.items() if value is not None}

    def render(self, *, encrypt: str | None = None) -> bytes:
        """The PDF's bytes; ``encrypt`` is the password to open it."""
        buffer = io.BytesIO()
        lock: Any = StandardEncryption(encrypt, canPrint=0) if encrypt else None
        canvas = Canvas(buffer, pagesize=A4, invariant=1, encrypt=lock, pageCompression=0)
        canvas.setTitle(f"Facture {self.number}")
        DRAW[self.layout](canvas, self)
        canvas.showPage()
        canvas.save()
        return buffer.getvalue()


_NAMES = (
    "Atelier Berthier",
    "Garonne Services",
    "Bureau Méridien",
    "Imprimerie du Lac",
    "Travaux Vial",
    "Éditions Rive",
)
_FORMS = ("SARL", "SAS", "EURL", "SA", "SCOP")
_STREETS = ("14 rue des Fabriques", "3 place de la Mairie", "120 avenue du Port", "8 bis chemin Vert")
_CITIES = ("31000 Toulouse", "06000 Nice", "32000 Auch", "75018 Paris")
_ITEMS = (
    "Maintenance préventive", "Fournitures de bureau", "Location de nacelle", "Étude de sol, tranche 2",
    "Repas, 2e quinzaine",
    "Enrobé à chaud 0/10", "Licence annuelle", "Transport scolaire, ligne 12",
)  # fmt: skip
# What stands on real pages beside the data, with values that are not the invoice's.
CLUTTER = (
    "Date de commande : 02/01/2024", "Livraison prévue le 17/02/2024", "Devis n° D-7788 du 05/01/2024",
    "Bon de livraison n° BL-4455", "Total HT avant remise 99 999,00 €", "Dont TVA sur débours 12,34 €",
    "Report page précédente 8 888,00 €", "Sous-total lot 1 : 77,70 €", "Notre référence : NR/2024/55",
    "Capital social : 10 000,00 €", "Montant du marché : 250 000,00 € HT", "Annule et remplace la facture n° OLD-1",
    "Facture d'acompte n° AC-12 du 03/01/2024", "IBAN FR76 3000 1007 9412 3456 7890 185", "Tél. 05 61 00 11 22",
    "Escompte pour paiement anticipé : 0,00 %", "Code client 998877", "Période du 01/01/2024 au 31/01/2024",
    "Affaire suivie par le service commercial, poste 4512", "RCS Toulouse B 999 000 011", "N° TVA FR12999000011",
    "Pénalités de retard : 3 fois le taux légal, soit 12,00 %", "Article 441-10, indemnité forfaitaire 40,00 €",
    "Contrat d'assurance n° ASS-778899", "Votre contact : M. Martin, 06 12 34 56 78", "Dernier rappel le 04/02/2024",
)  # fmt: skip
_RECIPIENTS = ("22060001900016", "22310001700423", "22310001700456", "20002983300015", "22060001901170")


def made_siret(index: int) -> str:
    """A SIRET under SIREN 9990xxxxx that passes the check and that nobody has."""
    siren = _with_check(f"9990{index % 10_000:04d}")
    return _with_check(f"{siren}{index % 90 + 1:04d}")


def _with_check(digits: str) -> str:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 - position % 2)
        total += doubled - 9 * (doubled > 9)
    return digits + str(-total % 10)


def sample(seed: int, **overrides: Any) -> InvoicePdf:
    """A seeded invoice: parties, lines, references, layout, wording, number and date forms. ``overrides`` win."""
    rng = Random(seed)
    rates = rng.choice(((Decimal(20),), (Decimal(20),), (Decimal("5.5"), Decimal(20)), (Decimal(10),)))
    lines = tuple(
        Line(
            rng.choice(_ITEMS),
            Decimal(rng.randint(1, 12)),
            Decimal(rng.randint(100, 250_000)) / 100,
            rng.choice(rates),
        )
        for _ in range(rng.randint(1, 5))
    )
    supplier = Party(
        f"{rng.choice(_NAMES)} {rng.choice(_FORMS)}",
        made_siret(rng.randint(1, 9_000)),
        rng.choice(_STREETS),
        rng.choice(_CITIES),
    )
    recipient = replace(RECIPIENT, siret=rng.choice(_RECIPIENTS))
    year = rng.choice((2024, 2025, 2026))
    invoice = InvoicePdf(
        number=rng.choice(
            (f"FA-{year}-{seed:04d}", f"{year}{seed:05d}", f"F{seed:06d}", f"{year}/{seed:04d}", f"AB_{seed:05d}+1")
        ),
        issue_date=date(year, 1, 1) + timedelta(days=rng.randint(0, 364)),
        supplier=supplier,
        recipient=recipient,
        lines=lines,
        engagement=rng.choice((None, f"CP{year}/X{seed % 1_000_000:06d}/1", f"45{seed:08d}", f"EJ-{seed:06d}")),
        service_code=rng.choice((None, "DRH", "TEST-DSI", "PRESSE", "SRV_01")),
        contract=rng.choice((None, f"{year % 100}M{seed % 1_000:03d}")),
        prepaid=rng.choice((None, None, None, Decimal("20.00"))),
        type_code=rng.choice(("380", "380", "380", "380", "381")),
        layout=rng.choice(LAYOUTS),
        clutter=tuple(rng.sample(CLUTTER, rng.choice((0, 0, 2, 4)))),
        words=varied_words(rng),
    )
    return replace(invoice, **overrides)


def encrypted(seed: int = 0) -> bytes:
    """An invoice that asks for a password to be opened."""
    return sample(seed).render(encrypt="secret")


def scanned(seed: int = 0) -> bytes:
    """A picture of an invoice: no text layer."""
    invoice = sample(seed)
    image = Image.new("L", (620, 877), 255)
    pen = ImageDraw.Draw(image)
    for row, (name, value) in enumerate(invoice.truth().items()):
        pen.text((60, 60 + 24 * row), f"{name}: {value}", fill=0)
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1)
    canvas.drawImage(ImageReader(image), 0, 0, *A4)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def damaged(seed: int = 0) -> bytes:
    """A PDF cut after its first bytes: no page is left."""
    return sample(seed).render()[:60]


def without_keywords(seed: int = 0) -> bytes:
    """A page of text that announces nothing."""
    rng = Random(seed)
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1)
    for row in range(30):
        canvas.drawString(
            72, 760 - 20 * row, " ".join(rng.choices(("ciel", "vent", "mer", "route", "arbre", "soir"), k=9))
        )
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def two_pages(seed: int = 0) -> bytes:
    """An invoice whose totals are on its second page, under the same heading and over the same footer."""
    invoice = sample(seed)
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1, pageCompression=0)
    DRAW["label_left"](canvas, invoice, totals=False)
    canvas.showPage()
    DRAW["label_left"](canvas, invoice, totals=True)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()
