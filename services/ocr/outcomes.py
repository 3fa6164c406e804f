"""Why a document was not read, or not wholly, in words: one stable code each (decisions.md 20)."""

from string import Formatter
from typing import Final, NamedTuple

from invoice.findings import Finding, Level

_SIMPLE_PDF = "Déposez la facture dans un PDF de texte simple, sans plan ni dessin."
_PRODUCE_AGAIN = "Produisez-le de nouveau depuis votre logiciel, puis déposez-le."
_TYPE_IN = "Saisissez les données de la facture à côté du document."
_COMPARE = "Comparez la page et les données du fichier, et faites corriger celle des deux qui est fausse."


class _Outcome(NamedTuple):
    level: Level
    message: str
    action: str


_OUTCOMES: Final[dict[str, _Outcome]] = {
    # --- refused
    "NOT_A_PDF": _Outcome(
        "refuse",
        "Ce fichier n'est ni un PDF, ni un document XML.",
        "Déposez la facture en PDF, telle que votre logiciel l'a produite, ou en XML (UBL, CII, Factur-X).",
    ),
    "FILE_TOO_LARGE": _Outcome(
        "refuse",
        "Ce fichier est trop lourd : {size}, pour {limit} au plus.",
        "Réduisez la résolution des pages numérisées, ou séparez les pièces jointes de la facture.",
    ),
    "FILE_EMPTY": _Outcome("refuse", "Ce fichier est vide.", "Envoyez la facture elle-même."),
    "FILE_UNREADABLE": _Outcome(
        "refuse", "Ce fichier ne peut pas être ouvert ({why}).", "Vérifiez qu'il existe et que vous pouvez le lire."
    ),
    "PDF_ENCRYPTED": _Outcome(
        "refuse",
        "Ce PDF est protégé par un mot de passe : il ne peut pas être ouvert.",
        "Enregistrez-le sans mot de passe, puis déposez-le de nouveau.",
    ),
    "PDF_DAMAGED": _Outcome("refuse", "Ce PDF est endommagé : il ne peut pas être ouvert.", _PRODUCE_AGAIN),
    "PDF_TOO_MANY_PAGES": _Outcome(
        "refuse",
        "Ce PDF a plus de 1 000 pages.",
        "Déposez la facture seule ; joignez les autres documents comme pièces complémentaires.",
    ),
    "PDF_TOO_COMPLEX": _Outcome("refuse", "Une page de ce PDF contient trop d'éléments pour être lue.", _SIMPLE_PDF),
    "SEVERAL_INVOICES": _Outcome(
        "refuse",
        "Ce fichier contient {count} factures ; un dépôt n'en porte qu'une.",
        "Envoyez-les une par une.",
    ),
    "READER_CRASHED": _Outcome(
        "refuse",
        "La lecture de ce document s'est arrêtée deux fois : son contenu n'est pas lisible sans risque.",
        "Produisez-le de nouveau depuis votre logiciel (« Imprimer en PDF »), puis déposez-le.",
    ),
    "READER_TIMEOUT": _Outcome("refuse", "La lecture de ce document a dépassé le temps permis.", _SIMPLE_PDF),
    "READER_MEMORY": _Outcome(
        "refuse", "La lecture de ce document demande plus de mémoire qu'il n'est permis.", _SIMPLE_PDF
    ),
    # --- opened, and nothing recognised
    "SCAN_ONLY": _Outcome(
        "info", "Ce PDF ne contient aucun texte à lire : ses pages sont des images ou des dessins{pages}.", _TYPE_IN
    ),
    "NOTHING_RECOGNISED": _Outcome(
        "info", "Aucune donnée de facture n'est reconnue dans ce document{pages}.", _TYPE_IN
    ),
    # --- read, with something to say
    "DATA_FILE_REFUSED": _Outcome(
        "warn",
        "Les données de facture que porte ce PDF ne peuvent pas être lues. {why}",
        "Produisez de nouveau le PDF depuis votre logiciel ; à défaut, vérifiez ce qui a été lu sur la page.",
    ),
    "TOO_MANY_FILES": _Outcome(
        "warn",
        "Ce PDF porte {count} fichiers joints ; seuls les {limit} premiers ont été regardés.",
        "Ne joignez au PDF que les données de cette facture.",
    ),
    "PAGE_AMOUNT_DIFFERS": _Outcome(
        "warn", "{label} : la page montre {page_value} ({place}), les données disent {data_value}.", _COMPARE
    ),
    "PAGE_NUMBER_DIFFERS": _Outcome(
        "warn",
        "{label} : la page montre « {page_value} » ({place}), les données « {data_value} ».",
        _COMPARE,
    ),
    "PAGE_DATE_DIFFERS": _Outcome(
        "warn", "{label} : la page montre le {page_value} ({place}), les données le {data_value}.", _COMPARE
    ),
    "PAGE_SIRET_DIFFERS": _Outcome(
        "warn", "{label} : la page montre {page_value} ({place}), les données {data_value}.", _COMPARE
    ),
    "PAGE_TYPE_DIFFERS": _Outcome(
        "warn", "{label} : la page montre « {page_value} » ({place}), les données « {data_value} ».", _COMPARE
    ),
    "PAGE_CURRENCY_DIFFERS": _Outcome(
        "warn", "{label} : la page montre {page_value} ({place}), les données {data_value}.", _COMPARE
    ),
    "PAGE_IBAN_DIFFERS": _Outcome(
        "warn", "{label} : la page montre {page_value} ({place}), les données {data_value}.", _COMPARE
    ),
    "SIGNATURE_ALTERED": _Outcome(
        "warn",
        "Une signature électronique de ce PDF ne correspond plus à son contenu : il a été modifié depuis.",
        "Redéposez le PDF tel qu'il a été signé.",
    ),
}

CODES: Final = tuple(_OUTCOMES)
#: Places that may stay without words: the sentence is whole without them.
OPTIONAL: Final = frozenset({"pages"})


def places(code: str) -> frozenset[str]:
    """The names of the words that the sentence of a code needs."""
    return frozenset(name for _, name, _, _ in Formatter().parse(_OUTCOMES[code].message) if name)


def outcome(
    code: str, *, field: str | None = None, value: str | None = None, normalised: str | None = None, **words: str
) -> Finding:
    """The finding of a code of :data:`CODES`, its sentence filled with ``words``. KeyError for another code or no word.

    Where page and data differ, ``value`` is that of the data and ``normalised`` that of the page, both canonical.
    """
    level, message, action = _OUTCOMES[code]
    filled = message.format_map(dict.fromkeys(OPTIONAL, "") | words)
    return Finding(
        code=code, level=level, message=filled, action=action, field=field, value=value, normalised=normalised
    )


def megabytes(size: int) -> str:
    """A size for people: ``30 Mo``, ``31,5 Mo``."""
    return f"{size / 1_000_000:.1f}".rstrip("0").rstrip(".").replace(".", ",") + " Mo"
