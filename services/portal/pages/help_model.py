"""The model invoice that anybody may take as his own: its content, told once, and the files that are made of it.

Companies and numbers are invented: whoever forgets to replace them is told so by the checks of the deposit.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Final

import msgspec

from invoice.identifiers import show_siret
from invoice.money import show_amount
from services.portal.pages import help_docx, help_odt, help_paper

NAME: Final = "facture-modele"
_CENT: Final = Decimal("0.01")
_RATE: Final = Decimal(20)
_LINES: Final = (
    ("Remplacement de deux portes coupe-feu", Decimal(2), Decimal("640.00")),
    ("Dépose et évacuation des anciennes portes", Decimal(1), Decimal("180.00")),
)
#: What stands on it, by the names of the reader's fields.
TRUTH: Final[Mapping[str, str]] = {
    "invoice_number": "2026-0042",
    "issue_date": "2026-03-02",
    "due_date": "2026-04-01",
    "type_code": "380",
    "total_excl_tax": "1460.00",
    "tax": "292.00",
    "total_incl_tax": "1752.00",
    "payable": "1752.00",
    "supplier_siret": "99900006000015",
    "supplier_vat": "FR19999000060",
    "recipient_siret": "99900007800017",
    "supplier_iban": "FR7630001007941234567890185",
    "service_code": "BATIMENTS",
    "engagement": "CP2026/X123456/1",
    "contract": "26M0042",
}


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """The invoice as it is read from top to bottom. ``references``, ``totals``: word and value."""

    title: str
    supplier: tuple[str, ...]
    recipient: tuple[str, ...]
    references: tuple[tuple[str, str], ...]
    head: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    totals: tuple[tuple[str, str], ...]
    mentions: tuple[str, ...]


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A form of the model. ``key``: its words are ``help.model_<key>``."""

    key: str
    ending: str
    media_type: str
    made: Callable[[], bytes]


def content() -> Model:
    """What all forms show."""
    lines = tuple(
        (label, f"{quantity}", show_amount(price), f"{_RATE} %", show_amount((quantity * price).quantize(_CENT)))
        for label, quantity, price in _LINES
    )
    net = sum((quantity * price for _, quantity, price in _LINES), Decimal(0)).quantize(_CENT, ROUND_HALF_UP)
    tax = (net * _RATE / 100).quantize(_CENT, ROUND_HALF_UP)
    gross = show_amount(net + tax)
    return Model(
        title="Facture",
        supplier=(
            "Menuiserie Exemple SARL",
            "3 rue des Copeaux",
            "31000 Toulouse",
            f"SIRET fournisseur : {show_siret(TRUTH['supplier_siret'])}",
            f"N° TVA : {TRUTH['supplier_vat']}",
        ),
        recipient=(
            "Département d'Exemple",
            "1 place de la Préfecture",
            "99000 Exempleville",
            f"SIRET client : {show_siret(TRUTH['recipient_siret'])}",
        ),
        references=(
            ("Facture n° :", TRUTH["invoice_number"]),
            ("Date de facture :", _day("issue_date")),
            ("Code service :", TRUTH["service_code"]),
            ("N° engagement :", TRUTH["engagement"]),
            ("N° de marché :", TRUTH["contract"]),
            ("Date d'exécution :", "27/02/2026"),
            ("Date d'échéance :", _day("due_date")),
        ),
        head=("Désignation", "Quantité", "Prix unitaire HT", "TVA", "Montant HT"),
        lines=lines,
        totals=(
            ("Total HT", show_amount(net)),
            ("Total TVA", show_amount(tax)),
            ("Total TTC", gross),
            ("Net à payer", gross),
        ),
        mentions=(
            "Mode de règlement : virement",
            "IBAN : FR76 3000 1007 9412 3456 7890 185",
            "TVA sur les encaissements",
            "Retard de paiement : intérêts au taux légal majoré et indemnité de 40 € pour frais de recouvrement.",
        ),
    )


def _day(field: str) -> str:
    return f"{date.fromisoformat(TRUTH[field]):%d/%m/%Y}"


@cache
def _odt() -> bytes:
    return help_odt.odt(content())


@cache
def _docx() -> bytes:
    return help_docx.docx(content())


@cache
def _pdf() -> bytes:
    return help_paper.pdf(content())


KINDS: Final[Mapping[str, Kind]] = {
    kind.ending: kind
    for kind in (
        Kind(key="odt", ending=".odt", media_type="application/vnd.oasis.opendocument.text", made=_odt),
        Kind(
            key="docx",
            ending=".docx",
            media_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            made=_docx,
        ),
        Kind(key="pdf", ending=".pdf", media_type="application/pdf", made=_pdf),
    )
}
