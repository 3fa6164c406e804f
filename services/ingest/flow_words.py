"""What a flow may be refused for, in words: the file as a whole, one file in it, or a request."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from invoice.findings import Finding
from services.common.web import Problem
from services.ingest.refusals import megabytes


class _Words(NamedTuple):
    message: str
    action: str


_AGAIN = "Produisez de nouveau l'archive, vérifiez qu'elle s'ouvre chez vous, puis renvoyez-la."
_SPLIT = "Partagez l'envoi en plusieurs flux."
_PLAIN = "Mettez dans l'archive des fichiers simples : les factures, en XML ou en PDF."

_WORDS: Final[dict[str, _Words]] = {
    # --- of the file as a whole: nothing in it is deposited
    "FLOW_DAMAGED": _Words("Cette archive est endommagée ou incomplète : elle ne peut pas être lue en entier.", _AGAIN),
    "FLOW_NOT_TAR": _Words(
        "Ce fichier GZIP ne contient pas d'archive TAR.", "Envoyez une archive TAR.GZ ou ZIP, ou la facture elle-même."
    ),
    "FLOW_SEVERAL": _Words(
        "D'autres données précèdent ou suivent l'archive dans ce fichier : plusieurs archives mises bout à bout ne "
        "sont pas lues.",
        "Envoyez chaque archive dans un flux à elle, ou mettez toutes les factures dans une seule.",
    ),
    "FLOW_EMPTY": _Words("Cette archive ne contient aucun fichier.", "Ajoutez-y les factures, puis renvoyez-la."),
    "FLOW_TOO_MANY_ENTRIES": _Words("Cette archive contient plus de {limit} fichiers.", _SPLIT),
    "FLOW_BOMB": _Words(
        "Le contenu de cette archive est plus de {limit} fois plus gros qu'elle : elle n'est pas ouverte.", _SPLIT
    ),
    "FLOW_TOO_LARGE_UNPACKED": _Words("Le contenu de cette archive dépasse {limit} une fois décompressé.", _SPLIT),
    "FLOW_TOO_COMPLEX": _Words("Lire cette archive demande plus de mémoire qu'il n'est permis.", _SPLIT),
    "FLOW_READER_LOST": _Words(
        "La lecture de cette archive s'est arrêtée plusieurs fois : elle n'est pas lisible sans risque.", _AGAIN
    ),
    "FLOW_LOST": _Words(
        "Le fichier reçu n'est plus lisible dans le stockage : l'exploitant est prévenu.", "Renvoyez le même fichier."
    ),
    "FLOW_ALREADY_RECEIVED": _Words(
        "Ce fichier, octet pour octet, est déjà reçu : c'est le flux {value} du {day}.",
        "Suivez ce premier flux : rien n'est déposé deux fois.",
    ),
    # --- of one file in it: the others are not concerned
    "ENTRY_PATH": _Words(
        "Le nom de ce fichier désigne un endroit hors de l'archive, ou est illisible.", "Donnez-lui un nom simple."
    ),
    "ENTRY_NAME_TWICE": _Words(
        "Un autre fichier de l'archive porte déjà ce nom : seul le premier est lu.",
        "Donnez à chaque fichier un nom à lui.",
    ),
    "ENTRY_NOT_A_FILE": _Words("Cette entrée n'est pas un fichier simple (lien ou fichier spécial).", _PLAIN),
    "ENTRY_ENCRYPTED": _Words("Ce fichier est protégé par un mot de passe.", "Créez l'archive sans mot de passe."),
    "ENTRY_COMPRESSION": _Words(
        "Ce fichier est compressé par une méthode qui n'est pas lue.",
        "Créez l'archive avec la compression habituelle (« deflate »).",
    ),
    "ENTRY_DAMAGED": _Words("Ce fichier est endommagé dans l'archive.", _AGAIN),
    "ENTRY_EMPTY": _Words("Ce fichier est vide.", "Envoyez la facture elle-même."),
    "ENTRY_TOO_LARGE": _Words("Ce fichier dépasse {limit}.", "Réduisez-le, ou déposez ses pièces à part."),
    "ENTRY_ARCHIVE": _Words("Ce fichier est lui-même une archive : elle n'est pas ouverte.", _PLAIN),
    "ENTRY_NOT_AN_INVOICE": _Words("Ce fichier n'est ni un PDF, ni un document XML, mais {value}.", _PLAIN),
    "ENTRY_READER_LOST": _Words(
        "La lecture de ce fichier s'est arrêtée deux fois : son contenu n'est pas lisible sans risque.",
        "Produisez-le de nouveau depuis votre logiciel, puis déposez-le.",
    ),
    "ENTRY_INFECTED": _Words(
        "L'antivirus a reconnu un programme malveillant dans ce fichier ({value}) : il n'est pas déposé.",
        "Faites examiner votre poste, puis produisez le document à nouveau.",
    ),
    "ENTRY_NOT_EXAMINED": _Words(
        "Ce fichier est trop gros pour être examiné par l'antivirus : il n'est pas déposé.",
        "Réduisez-le, ou déposez ses pièces à part.",
    ),
    "ENTRY_RIGHT_WITHDRAWN": _Words(
        "Votre droit de déposer {whose} a pris fin avant que cette facture ne vienne à son tour : elle n'est pas "
        "déposée, et son numéro reste libre.",
        "Faites-la déposer par une personne qui en a le droit, ou demandez votre rattachement à la structure.",
    ),
    "ENTRY_ALREADY_DEPOSITED": _Words(
        "Ce document est déjà déposé sous le numéro {value} : il ne l'est pas une seconde fois.",
        "Rien : suivez le premier dépôt.",
    ),
}
CODES: Final = tuple(_WORDS)


def said(code: str, value: str | None = None, **words: str) -> Finding:
    """The finding of a code of :data:`CODES`. KeyError for another code, or for a word that is missing."""
    row = _WORDS[code]
    level = "info" if code == "ENTRY_ALREADY_DEPOSITED" else "refuse"
    message = row.message.format_map({"value": value or "", **words})
    return Finding(code=code, level=level, message=message, action=row.action, field="file", value=value)  # type: ignore[arg-type]


def already(flow: str, received: datetime) -> Finding:
    """The same bytes came before."""
    return said("FLOW_ALREADY_RECEIVED", flow, day=f"{received:%d/%m/%Y}")


def _problem(status: int, code: str, title: str, detail: str, **more: str) -> Problem:
    errors: Sequence[dict[str, str]] = [more] if more else ()
    return Problem(status, code, title, detail, errors=errors)


def unknown() -> Problem:
    return _problem(404, "FLOW_UNKNOWN", "Flux inconnu", "Aucun de vos flux ne porte cet identifiant.")


def rights_changed() -> Problem:
    """An upload goes on under the rights it was begun with, or not at all."""
    return _problem(
        403,
        "RIGHT_MISSING",
        "Droit manquant",
        "Vos droits ont changé depuis le début de cet envoi : abandonnez-le, puis recommencez-le.",
    )


def too_large(limit: int, size: int | None) -> Problem:
    return _problem(
        413,
        "FLOW_TOO_LARGE",
        "Flux trop lourd",
        f"Un flux pèse {megabytes(limit)} au plus.",
        field="file",
        value="" if size is None else megabytes(size),
        rule=f"{megabytes(limit)} au plus",
        message="Ce fichier est trop lourd.",
        action=_SPLIT,
    )


def kind_refused(looks: str) -> Problem:
    return _problem(
        415,
        "FLOW_KIND",
        "Format non reconnu",
        "Un flux est un document XML, un PDF, une archive ZIP ou une archive TAR.GZ ; rien n'est enregistré.",
        field="file",
        value=looks,
        rule="XML, PDF, ZIP ou TAR.GZ, d'après le contenu",
        message=f"Ce fichier est {looks}.",
        action="Envoyez vos factures en XML ou en PDF, seules ou dans une archive ZIP ou TAR.GZ.",
    )


def empty() -> Problem:
    return _problem(400, "FLOW_EMPTY", "Fichier vide", "La demande ne contient aucun octet : envoyez le fichier.")


def stalled() -> Problem:
    return _problem(
        408,
        "UPLOAD_STALLED",
        "Envoi interrompu",
        "Plus rien n'arrivait : l'envoi est abandonné et rien n'est déposé. Pour un grand fichier ou une ligne lente, "
        "employez l'envoi reprenable (/api/v1/flows/uploads) : il continue là où il s'est arrêté.",
    )


def too_many(limit: int) -> Problem:
    found = _problem(
        429,
        "TOO_MANY_UPLOADS",
        "Trop d'envois à la fois",
        f"{limit} envois de flux au plus à la fois : attendez la fin de l'un d'eux.",
    )
    found.headers = {"Retry-After": "10"}
    return found


def upload_over() -> Problem:
    return _problem(
        409,
        "UPLOAD_OVER",
        "Envoi terminé",
        "Ce fichier est déjà reçu en entier : suivez le flux, rien n'est à envoyer.",
    )


def offset_differs(stored: int) -> Problem:
    found = _problem(
        409,
        "UPLOAD_OFFSET",
        "Reprise au mauvais endroit",
        f"{stored} octets sont déjà reçus, ou un autre envoi de ce fichier est en cours.",
        field="Upload-Offset",
        value=str(stored),
        rule="le nombre d'octets déjà reçus",
        message="L'envoi doit reprendre exactement là où il s'est arrêté.",
        action="Demandez Upload-Offset par HEAD, puis reprenez à cet octet.",
    )
    found.headers = {"Upload-Offset": str(stored), "Tus-Resumable": "1.0.0"}
    return found


def header_invalid(name: str, value: str, rule: str) -> Problem:
    return _problem(
        400,
        "UPLOAD_HEADER",
        "En-tête refusé",
        f"L'en-tête {name} manque ou n'a pas la forme attendue.",
        field=name,
        value=value[:100],
        rule=rule,
        message="Cet en-tête ne convient pas.",
        action="Corrigez-le, puis renvoyez la demande.",
    )


def tus_version(given: str) -> Problem:
    found = header_invalid("Tus-Resumable", given, "1.0.0")
    found.status, found.code = 412, "TUS_VERSION"
    found.headers = {"Tus-Version": "1.0.0"}
    return found
