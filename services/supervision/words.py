"""What curves and notices say, in French and in English: names of what is counted, titles, sentences."""

from decimal import Decimal
from typing import Final, Literal

from fastapi import Request

Language = Literal["fr", "en"]
Said = dict[str, tuple[str, str]]
_THIN: Final = "\u202f"

STAGES: Final[Said] = {
    "received": ("Documents reçus", "Documents received"),
    "read": ("Documents lus", "Documents read"),
    "unreadable": ("Documents illisibles", "Unreadable documents"),
    "draft": ("Brouillons à vérifier", "Drafts to be checked"),
    "refused": ("Dépôts refusés", "Deposits refused"),
    "submitted": ("Factures déposées", "Invoices deposited"),
    "routed": ("Factures acheminées", "Invoices routed"),
    "unroutable": ("Factures sans destinataire", "Invoices without a recipient"),
    "available": ("Mises à disposition", "Made available"),
    "status": ("Changements de statut", "Changes of status"),
    "act": ("Actions", "Actions"),
    "at_risk": ("Rappels de délai", "Reminders of delays"),
    "mail_accepted": ("E-mails acceptés", "E-mails accepted"),
    "mail_failed": ("E-mails en échec", "E-mails failed"),
    "flow": ("Flux terminés", "Flows finished"),
    "flow_rejected": ("Flux avec factures rejetées", "Flows with rejected invoices"),
}
TITLES: Final[Said] = {
    "rates": ("Étapes", "Stages"),
    "times": ("Du dépôt à la mise à disposition", "From deposit to the body's disposal"),
    "mails": ("E-mails acceptés et en échec", "E-mails accepted and failed"),
    "reading": ("Champs lus sans correction, par fournisseur", "Fields read without correction, by supplier"),
    "risks": ("Délais à risque", "Payment delays at risk"),
    "months": ("Factures déposées par mois", "Invoices deposited each month"),
    "lag": ("Événements non lus, par service", "Unread events, by service"),
    "letters": ("Lettres mortes, par service", "Dead letters, by service"),
}
RANGES: Final[Said] = {
    "late": ("en retard", "late"),
    "due_5": ("5 jours ou moins", "5 days or less"),
    "due_10": ("6 à 10 jours", "6 to 10 days"),
    "due_30": ("11 à 30 jours", "11 to 30 days"),
}
SPANS: Final[Said] = {
    "hour": ("Par minute, depuis une heure", "Each minute, for an hour"),
    "day": ("Par heure, depuis un jour", "Each hour, for a day"),
    "month": ("Par jour, depuis 31 jours", "Each day, for 31 days"),
}
_SENTENCES: Final[Said] = {
    "totals": ("{span} : {totals}.", "{span}: {totals}."),
    "times": (
        "Secondes. {span} : {count} factures mesurées. La moitié attend moins que p50, une sur cent plus que p99.",
        "Seconds. {span}: {count} invoices measured. Half of them wait less than p50, one in a hundred more than p99.",
    ),
    "reading": (
        "Depuis 31 jours, toutes ensemble : {share} ({fields} champs). Les fournisseurs les plus fréquents.",
        "For 31 days, all together: {share} ({fields} fields). The most frequent suppliers.",
    ),
    "no_share": ("aucun champ", "no field"),
    "fields": ("Champs lus sans correction", "Fields read without correction"),
    "highest": (
        "Le plus haut de chaque point. {span} ; au plus {most}.",
        "The highest of each point. {span}; {most} at most.",
    ),
    "months": ("Depuis deux ans : {count} factures.", "For two years: {count} invoices."),
    "deposited": ("Factures déposées", "Invoices deposited"),
    "invoices": ("Factures", "Invoices"),
    "risks": (
        "Factures ouvertes par échéance. En retard : {interest} d'intérêts et {indemnity} d'indemnités.",
        "Open invoices by last day to pay. Late: {interest} of interest and {indemnity} of indemnities.",
    ),
    "nothing": ("Rien à montrer encore", "Nothing to show yet"),
    "KAFKA_AWAY": (
        "Kafka ne répond pas : le retard des services n'est plus connu.",
        "Kafka does not answer: how far services are behind is not known any more.",
    ),
    "STOCKS_MISSING": (
        "Les stocks manquent : status ne répond pas ({code}).",
        "The stocks are missing: status does not answer ({code}).",
    ),
    "LETTERS_MISSING": (
        "Des lettres mortes manquent peut-être : {services} ne répond pas.",
        "Dead letters may be missing: {services} does not answer.",
    ),
}


def euros(amount: Decimal | int | str, language: Language) -> str:
    """``1 234,56 €`` or ``€1,234.56``."""
    text = f"{Decimal(amount):,.2f}"
    return f"€{text}" if language == "en" else f"{text.replace(',', _THIN).replace('.', ',')}{_THIN}€"


def language(request: Request) -> Language:
    """English for whoever asks for it first, else French."""
    asked = request.headers.get("accept-language", "").strip().lower()
    return "en" if asked.startswith("en") else "fr"


def name(said: Said, key: str, language: Language) -> str:
    """The name of something that is counted."""
    return said[key][language == "en"]


def sentence(key: str, language: Language, **values: object) -> str:
    """A sentence with these values."""
    return name(_SENTENCES, key, language).format(**values)
