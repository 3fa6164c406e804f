"""Layouts as common invoicing programs and trades print them, for tests alone: wordings that belong together.

Each overlays a drawn layout; ``maker-a-0`` and ``maker-a-1`` are the same program with other settings.
"""

from dataclasses import dataclass, field
from typing import Final

VARIANTS: Final = 3


@dataclass(frozen=True)
class Maker:
    """Wordings of data, kinds of structure, headings of the tables' columns, flags to have and flags to drop."""

    words: dict[str, str]
    is_: dict[str, str]
    columns: dict[str, str] = field(default_factory=dict)
    vat_columns: dict[str, str] = field(default_factory=dict)
    have: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


MAKERS: Final[dict[str, Maker]] = {
    # A free office suite on the web: number in the title, one row of labels, the last total has a bare label.
    "maker-a": Maker(
        words={
            "invoice_number": "Facture", "credit_number": "Avoir", "issue_date": "Date de la facture",
            "due_date": "Date d'échéance", "total_excl_tax": "Montant HT", "total_incl_tax": "Total",
            "payable": "Montant dû", "prepaid": "Payé", "engagement": "Bon de commande client", "title": "Facture",
        },
        is_={"page": "swiss", "refs": "header", "totals": "right", "pair": "edges", "number_at": "title",
                "date_at": "refs", "vat_table": "none", "symbol": " €", "amounts": "nbsp"},
        columns={"label": "Description", "quantity": "Quantité", "price": "Prix unitaire", "amount": "Montant",
                    "rate": "Taxes"},
        have=("rate_rows",), drop=("no_payable", "tax_after"),
    ),
    # A free management program: reference under the title, parties in two shaded boxes.
    "maker-b": Maker(
        words={
            "invoice_number": "Réf.", "credit_number": "Réf.", "issue_date": "Date facturation", "title": "Facture",
            "credit_title": "Avoir", "due_date": "Date échéance", "supplier": "Émetteur", "recipient": "Adressé à",
            "total_excl_tax": "Total HT", "tax": "Total TVA", "total_incl_tax": "Total TTC", "payable": "Reste à payer",
            "prepaid": "Déjà réglé", "supplier_siret": "Siret", "supplier_vat": "Numéro de TVA",
            "engagement": "Commande", "preceding_invoice": "Avoir relatif à la facture",
        },
        is_={"page": "boxes", "refs": "pairs", "pair": "colon", "totals": "right", "number_at": "refs",
                "date_at": "refs", "ids": "foot", "symbol": "", "amounts": "space", "bank": "block"},
        columns={"label": "Désignation", "rate": "TVA", "price": "P.U. HT", "quantity": "Qté", "amount": "Total HT"},
        have=("euros_said", "payment_sentence", "bank_said", "rib"), drop=("bilingual",),
    ),
    # A program of the large firms: everything in ruled tables, the totals in one row at the foot.
    "maker-c": Maker(
        words={
            "invoice_number": "Numéro", "credit_number": "Numéro", "issue_date": "Date", "due_date": "Échéance",
            "engagement": "Votre référence de commande", "total_excl_tax": "Total HT net", "tax": "Total taxes",
            "total_incl_tax": "Total TTC", "prepaid": "Acompte", "payable": "NET A PAYER", "title": "FACTURE",
        },
        is_={"page": "classic", "refs": "header", "totals": "row", "vat_table": "above", "number_at": "refs",
                "date_at": "refs", "amounts": "space", "symbol": "", "ids": "foot"},
        vat_columns={"rate": "Taux", "base": "Base", "tax": "Taxe"},
        have=("carried", "euros_said", "lines_rules"), drop=("no_payable", "wrapped_labels"),
    ),
    # A craftsman's word processor, without VAT or with one rate.
    "maker-d": Maker(
        words={
            "invoice_number": "Facture n°", "issue_date": "Le", "total_excl_tax": "Total HT", "tax": "TVA",
            "total_incl_tax": "Total TTC", "payable": "Net à payer", "recipient": "", "supplier": "",
        },
        is_={"page": "letter", "refs": "pairs", "pair": "spaced", "totals": "dots", "number_at": "title",
                "date_at": "town", "dates": "words", "amounts": "comma", "symbol": " euros", "ids": "head",
                "font": "Times-Roman", "vat_table": "none"},
        have=("in_words",), drop=("no_payable", "many_lines"),
    ),
    # Water, power, telephone: the sum first, a customer's account, then the detail.
    "maker-e": Maker(
        words={
            "invoice_number": "N° de facture", "issue_date": "Émise le", "due_date": "À payer avant le",
            "total_excl_tax": "Total hors TVA", "tax": "TVA", "total_incl_tax": "Total TTC",
            "payable": "Montant total à payer", "service_code": "Code service Chorus", "title": "Votre facture",
        },
        is_={"page": "summary", "refs": "pairs", "pair": "columns", "totals": "wide", "number_at": "refs",
                "date_at": "refs", "font": "Vera", "symbol": " €", "ids": "foot", "vat_table": "none"},
        have=("arrears", "rate_rows", "client_number", "coupon"), drop=("no_payable", "tax_after"),
    ),
    # Public works: a statement of progress before the month's totals.
    "maker-f": Maker(
        words={
            "invoice_number": "Facture n°", "issue_date": "Établie le", "engagement": "Engagement juridique n°",
            "contract": "Marché public n°", "service_code": "Code service exécutant",
            "total_excl_tax": "Montant HT du mois",
            "tax": "TVA", "total_incl_tax": "Montant TTC du mois", "payable": "Net à payer au titulaire",
            "recipient": "Maître d'ouvrage", "supplier": "Titulaire",
        },
        is_={"page": "classic", "refs": "grid", "totals": "right", "pair": "edges", "number_at": "refs",
                "date_at": "refs", "vat_table": "none"},
        have=("situation", "delivery", "conditions"), drop=("no_payable", "rate_rows", "rate_in_label"),
    ),
    # A bookshop or a publisher: many lines, low rates, discounts, a narrow block of references at the right.
    "maker-g": Maker(
        words={
            "invoice_number": "Facture No", "credit_number": "Avoir No", "issue_date": "du", "due_date": "Payable le",
            "engagement": "V/Réf. commande", "total_excl_tax": "Total net HT", "tax": "Montant T.V.A.",
            "total_incl_tax": "Total net TTC", "payable": "Net à payer EUR", "recipient": "Client facturé",
        },
        is_={"page": "three_columns", "refs": "pairs", "pair": "columns", "totals": "matrix", "number_at": "refs",
                "date_at": "refs", "font": "Courier", "amounts": "comma", "symbol": ""},
        have=("many_lines", "carried", "page_number", "head_again"), drop=("conditions_page",),
    ),
    # A young service firm's online tool: large type, few words, the number beside its kind.
    "maker-h": Maker(
        words={
            "invoice_number": "Numéro de facture", "issue_date": "Date d'émission", "due_date": "Date d'exigibilité",
            "total_excl_tax": "Total HT", "tax": "Montant total de la TVA", "total_incl_tax": "Total TTC",
            "payable": "Total à régler", "prepaid": "Acompte réglé", "engagement": "Numéro de commande",
            "supplier_vat": "Numéro de TVA intracommunautaire", "recipient_siret": "Numéro SIRET client",
            "supplier_siret": "Numéro SIRET",
        },
        is_={"page": "two_columns", "refs": "stack", "totals": "stacked", "number_at": "refs", "date_at": "refs",
                "font": "Vera", "ids": "vertical", "dates": "words", "vat_table": "columns", "symbol": " €"},
        have=("bank_said", "payment_said"), drop=("rules",),
    ),
}  # fmt: skip


def makers() -> tuple[str, ...]:
    """The names of these layouts."""
    return tuple(f"{maker}-{variant}" for maker in MAKERS for variant in range(VARIANTS))


def maker_of(layout: str) -> Maker | None:
    """What a layout overlays, or None for a drawn one."""
    return MAKERS.get(layout.rpartition("-")[0])
