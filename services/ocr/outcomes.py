"""Why a document was not read, in words: one stable code each (decisions.md 20)."""

from typing import Final, NamedTuple

from invoice.findings import Finding, Level


class _Outcome(NamedTuple):
    level: Level
    message: str
    action: str


_OUTCOMES: Final[dict[str, _Outcome]] = {
    "NOT_A_PDF": _Outcome(
        "refuse",
        "Ce fichier n'est pas un PDF.",
        "Déposez la facture au format PDF, telle que votre logiciel l'a produite.",
    ),
    "PDF_ENCRYPTED": _Outcome(
        "refuse",
        "Ce PDF est protégé par un mot de passe : il ne peut pas être ouvert.",
        "Enregistrez-le sans mot de passe, puis déposez-le de nouveau.",
    ),
    "PDF_DAMAGED": _Outcome(
        "refuse",
        "Ce PDF est endommagé : il ne peut pas être ouvert.",
        "Produisez-le de nouveau depuis votre logiciel, puis déposez-le.",
    ),
    "PDF_TOO_MANY_PAGES": _Outcome(
        "refuse",
        "Ce PDF a plus de 1 000 pages.",
        "Déposez la facture seule ; joignez les autres documents comme pièces complémentaires.",
    ),
    "PDF_TOO_COMPLEX": _Outcome(
        "refuse",
        "Une page de ce PDF contient trop d'éléments pour être lue.",
        "Déposez la facture dans un PDF de texte simple, sans plan ni dessin.",
    ),
    "READER_CRASHED": _Outcome(
        "refuse",
        "La lecture de ce PDF s'est arrêtée deux fois : son contenu n'est pas lisible sans risque.",
        "Produisez-le de nouveau depuis votre logiciel (« Imprimer en PDF »), puis déposez-le.",
    ),
    "READER_TIMEOUT": _Outcome(
        "refuse",
        "La lecture de ce PDF a dépassé le temps permis.",
        "Déposez la facture dans un PDF de texte simple, sans plan ni dessin.",
    ),
    "READER_MEMORY": _Outcome(
        "refuse",
        "La lecture de ce PDF demande plus de mémoire qu'il n'est permis.",
        "Déposez la facture dans un PDF de texte simple, sans plan ni dessin.",
    ),
    "SCAN_ONLY": _Outcome(
        "info",
        "Ce PDF est une image : il ne contient aucun texte à lire.",
        "Saisissez les données de la facture à côté du document.",
    ),
    "NOTHING_RECOGNISED": _Outcome(
        "info",
        "Aucune donnée de facture n'est reconnue dans les trois premières pages.",
        "Saisissez les données de la facture à côté du document.",
    ),
}

CODES: Final = tuple(_OUTCOMES)


def outcome(code: str) -> Finding:
    """The finding of a code of :data:`CODES`; KeyError for another."""
    level, message, action = _OUTCOMES[code]
    return Finding(code=code, level=level, message=message, action=action)
