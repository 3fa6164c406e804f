"""How an invoice words its labels and writes its figures. The default is plain; ``varied_words`` draws from usage."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random

MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)


@dataclass(frozen=True)
class Words:
    """Labels, separators and number forms of one document."""

    number: str = "Facture n°"
    credit_number: str = "Avoir n°"
    issue_date: str = "Date de facture"
    engagement: str = "N° engagement"
    service_code: str = "Code service"
    contract: str = "N° de marché"
    supplier: str = "Émetteur"
    recipient: str = "Destinataire"
    recipient_siret: str = "SIRET client"
    total_excl_tax: str = "Total HT"
    tax: str = "Total TVA"
    total_incl_tax: str = "Total TTC"
    prepaid: str = "Acompte versé"
    payable: str = "Net à payer"
    colon: str = " : "
    upper: bool = False
    amount_form: str = "space"
    currency: str = " €"
    date_form: str = "slash"
    siret_spaced: bool = False
    font: str = "Helvetica"
    size: float = 9.0
    vat_rows: bool = False
    due_date: bool = True
    traps: bool = True
    town_date: bool = False

    def label(self, text: str) -> str:
        """A label as this document writes it."""
        return text.upper() if self.upper else text

    def amount(self, value: Decimal) -> str:
        """An amount as this document writes it."""
        digits = f"{value:,.2f}"
        match self.amount_form:
            case "space":
                digits = digits.replace(",", " ").replace(".", ",")
            case "nbsp":
                digits = digits.replace(",", "\u00a0").replace(".", ",")
            case "dot":
                digits = digits.replace(",", "_").replace(".", ",").replace("_", ".")
            case "plain":
                digits = digits.replace(",", "")
            case _:
                digits = digits.replace(",", "").replace(".", ",")
        return digits + self.currency

    def day(self, value: date) -> str:
        """A date as this document writes it."""
        match self.date_form:
            case "slash":
                return f"{value:%d/%m/%Y}"
            case "dot":
                return f"{value:%d.%m.%Y}"
            case "short":
                return f"{value:%d/%m/%y}"
            case "iso":
                return value.isoformat()
        day = "1er" if value.day == 1 else str(value.day)
        return f"{day} {MONTHS[value.month - 1]} {value.year}"

    def siret(self, value: str | None) -> str:
        """A SIRET, in groups or not; a dash where there is none."""
        if value is None:
            return "—"
        return f"{value[:3]} {value[3:6]} {value[6:9]} {value[9:]}" if self.siret_spaced else value


PLAIN = Words()
_NUMBER = ("Facture n°", "N° facture", "N° de facture", "Numéro de facture", "FACTURE N°", "Facture No")
_DATE = ("Date de facture", "Date d'émission", "Date", "Date facture", "Date de facturation", "Émise le")
_ENGAGEMENT = (
    "N° engagement", "Engagement", "EJ", "Engagement juridique", "Numéro d'engagement", "Bon de commande",
    "N° commande", "Votre commande n°",
)  # fmt: skip


def varied_words(rng: Random) -> Words:
    """Wordings, separators and forms as French suppliers write them."""
    pick = rng.choice
    return Words(
        number=pick(_NUMBER),
        credit_number=pick(("Avoir n°", "N° d'avoir", "Numéro d'avoir")),
        issue_date=pick(_DATE),
        engagement=pick(_ENGAGEMENT),
        service_code=pick(("Code service", "Service exécutant", "Code du service", "Code service exécutant")),
        contract=pick(("N° de marché", "Marché n°", "Marché", "Réf. marché")),
        supplier=pick(("Émetteur", "Fournisseur", "Vendeur")),
        recipient=pick(("Destinataire", "Client", "Facturé à", "Adresse de facturation", "Acheteur")),
        recipient_siret=pick(("SIRET client", "SIRET destinataire", "SIRET du client", "N° SIRET client")),
        total_excl_tax=pick(("Total HT", "Montant HT", "Total hors taxes", "Total H.T.", "Montant total HT")),
        tax=pick(("Total TVA", "Montant TVA", "TVA", "Montant total TVA", "Total de la TVA")),
        total_incl_tax=pick(("Total TTC", "Montant TTC", "Total T.T.C.", "Montant total TTC")),
        prepaid=pick(("Acompte versé", "Déjà réglé", "Acompte")),
        payable=pick(("Net à payer", "Montant à payer", "Reste à payer", "Net à payer TTC", "")),
        colon=pick((" : ", " : ", ": ", ":", " ")),
        upper=pick((False, False, True)),
        amount_form=pick(("space", "space", "nbsp", "dot", "plain", "comma")),
        currency=pick((" €", " €", "€", " EUR", "")),
        date_form=pick(("slash", "slash", "dot", "short", "iso", "words")),
        siret_spaced=pick((False, True)),
        font=pick(("Helvetica", "Times-Roman", "Courier", "Helvetica-Bold")),
        size=pick((8.0, 9.0, 10.0)),
        vat_rows=pick((False, False, True)),
        due_date=pick((True, False)),
        traps=pick((True, True, False)),
        town_date=pick((False, False, False, True)),
    )  # fmt: skip
