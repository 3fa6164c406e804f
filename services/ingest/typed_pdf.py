"""Draws an invoice that was typed as a PDF, the same bytes for the same input.

It becomes the document of the deposit, so it shows everything that was typed and nothing else.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Spacer, Table

from invoice import cadres
from invoice.identifiers import siren_of
from invoice.model import InvoiceHeader
from invoice.money import show_amount, show_date
from invoice.typed import Sheet, parse_day
from invoice.typed_lines import Computed, LineRead
from services.common.paper import (
    BODY,
    HEAD,
    RIGHT,
    STRONG,
    STRONG_RIGHT,
    TITLE,
    WIDTH,
    beside,
    drawn,
    pairs,
    said,
    table,
)

#: Mentions that the law asks of an invoice without VAT, by regime (code général des impôts).
MENTIONS: Final = {
    "FRANCHISE": "TVA non applicable, article 293 B du CGI",
    "AUTOLIQUIDATION": "Autoliquidation de la TVA par le preneur, article 283 du CGI",
    "TVA_SUR_DEBIT": "TVA acquittée sur les débits",
    "TVA_SUR_ENCAISSEMENT": "TVA acquittée sur les encaissements",
}
_MODES: Final = {
    "VIREMENT": "virement",
    "PRELEVEMENT": "prélèvement",
    "CHEQUE": "chèque",
    "ESPECE": "espèces",
    "AUTRE": "autre",
    "REPORT": "report",
}


def render(header: InvoiceHeader, computed: Computed, sheet: Sheet, mark: str | None = None) -> bytes:
    """The invoice on as many A4 pages as it needs. ``mark``: the sandbox's."""
    title = "Avoir" if header.type_code == "381" else "Facture"
    footer = f"{title} n° {header.invoice_number} – document établi par Chorale d'après la saisie"
    return drawn(f"{title} {header.invoice_number}", footer, lambda: _story(title, header, computed, sheet), mark=mark)


def _story(title: str, header: InvoiceHeader, computed: Computed, sheet: Sheet) -> list[Flowable]:
    mentions = [text for text in (MENTIONS.get(header.vat_regime or ""), sheet.get("exemption_reason")) if text]
    payment = _payment(header, sheet)
    return [
        said(title, TITLE),
        pairs(_about(header, sheet)),
        Spacer(0, 5 * mm),
        beside(_party("Fournisseur", "supplier", header.supplier_siret, sheet), _client(header, sheet)),
        said("Détail", HEAD),
        _lines(computed.lines, header.currency),
        Spacer(0, 4 * mm),
        KeepTogether(
            [beside(_vat(computed, header.currency), _totals(header)), *(said(text, HEAD) for text in mentions)]
        ),
        *([KeepTogether([said("Règlement", HEAD), pairs(payment)])] if payment else []),
        *([KeepTogether([said("Mention", HEAD), *_paragraphs(note)])] if (note := sheet.get("note")) else []),
    ]


def _about(header: InvoiceHeader, sheet: Sheet) -> list[tuple[str, str]]:
    cadre = cadres.of(header)
    rows = [
        ("Numéro de facture :", header.invoice_number),
        ("Date de facture :", show_date(header.issue_date)),
        ("Cadre de facturation :", f"{cadre.code} – {cadre.label}"),
    ]
    more = (
        ("Date de livraison :", _day(sheet.get("delivery_date"))),
        ("Échéance :", show_date(header.due_date) if header.due_date else ""),
        ("Facture d'origine :", header.preceding_invoice or ""),
    )
    return rows + [pair for pair in more if pair[1]]


def _day(text: str) -> str:
    """A day in words; what is none stays as it was typed."""
    try:
        return show_date(parse_day(text)) if text else ""
    except ValueError:
        return text


def _party(title: str, name: str, siret: str, sheet: Sheet) -> list[Flowable]:
    return [
        said(title, HEAD),
        *_paragraphs(sheet.get(f"{name}_name"), STRONG),
        *_paragraphs(sheet.get(f"{name}_address")),
        said(f"SIRET : {siret}", BODY),
        said(f"SIREN : {siren_of(siret)}", BODY),
    ]


def _client(header: InvoiceHeader, sheet: Sheet) -> list[Flowable]:
    references = (
        ("Code service :", header.service_code),
        ("Engagement :", header.engagement),
        ("Marché :", header.contract),
    )
    return [
        said("Client", HEAD),
        *_paragraphs(sheet.get("recipient_name"), STRONG),
        *_paragraphs(sheet.get("recipient_address")),
        said(f"SIRET client : {header.recipient_siret}", BODY),
        *(said(f"{name} {value}", BODY) for name, value in references if value),
    ]


def _paragraphs(text: str, style: ParagraphStyle = BODY) -> list[Flowable]:
    """Typed text, its line ends kept."""
    return [said(line, style) for line in text.splitlines() if line.strip()]


def _lines(lines: Sequence[LineRead], currency: str) -> Table:
    discounts = any(line.discount for line in lines)
    names = ["Quantité", "Prix unitaire HT", *(["Remise HT"] if discounts else []), "TVA", "Montant HT"]
    rows = [[said("Désignation", STRONG), *(said(name, STRONG_RIGHT) for name in names)]]
    for line in lines:
        quantity = f"{_plain(line.quantity)} {line.unit}".strip()
        discount = [show_amount(line.discount, currency) if line.discount else "–"] if discounts else []
        shown = [quantity, _price(line.unit_price), *discount, f"{_plain(line.vat_rate)} %"]
        amount = show_amount(line.amount, currency)
        rows.append([said(line.label, BODY), *(said(each, RIGHT) for each in (*shown, amount))])
    widths = [24 * mm, 30 * mm, *([24 * mm] if discounts else []), 14 * mm, 30 * mm]
    return table(rows, [WIDTH - sum(widths), *widths], repeat=1)


def _vat(computed: Computed, currency: str) -> list[Flowable]:
    rows = [[said(name, STRONG_RIGHT) for name in ("Taux", "Base HT", "Montant de TVA")]]
    for row in computed.vat:
        shown = (f"{_plain(row.rate)} %", show_amount(row.base, currency), show_amount(row.amount, currency))
        rows.append([said(each, RIGHT) for each in shown])
    return [table(rows, (22 * mm, 28 * mm, 32 * mm), repeat=1)]


def _totals(header: InvoiceHeader) -> list[Flowable]:
    rows: list[tuple[str, Decimal | None]] = [
        ("Total HT :", header.total_excl_tax),
        ("Total TVA :", header.tax),
        ("Total TTC :", header.total_incl_tax),
        ("Déjà payé :", header.prepaid),
    ]
    shown = [
        [said(name, BODY), said(show_amount(amount, header.currency), RIGHT)]
        for name, amount in rows
        if amount is not None
    ]
    payable = show_amount(header.payable, header.currency)
    shown.append([said("Net à payer :", STRONG), said(payable, STRONG_RIGHT)])
    return [table(shown, (42 * mm, 45 * mm))]


def _payment(header: InvoiceHeader, sheet: Sheet) -> list[tuple[str, str]]:
    mode = "" if header.payment_mode is None else _MODES[header.payment_mode]
    return [pair for pair in (("Mode de règlement :", mode), ("IBAN :", sheet.get("supplier_iban"))) if pair[1]]


def _plain(number: Decimal) -> str:
    """A number as written, without zeros at its end, with a comma."""
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace(".", ",")


def _price(price: Decimal) -> str:
    """A price: cents always, more only where there are any."""
    plain = _plain(price)
    whole, comma, cents = plain.partition(",")
    return f"{whole},{cents.ljust(2, '0')}" if len(cents) < 2 else f"{whole}{comma}{cents}"
