"""The problems that somebody who attaches a file may be answered with: each code once, with French words."""

from services.common.web import Problem
from services.ingest.attachment_kinds import ENDINGS, TYPES
from services.ingest.domain import LABELS, State
from services.ingest.refusals import megabytes

_ENDINGS = ", ".join(ENDINGS)
_TYPES = ", ".join(f"{code} ({label})" for code, label in TYPES.items())


def _one(status: int, code: str, title: str, detail: str, **error: str) -> Problem:
    return Problem(status, code, title, detail, errors=[{"message": detail, **error}])


def unknown() -> Problem:
    return Problem(
        404,
        "ATTACHMENT_UNKNOWN",
        "Pièce jointe inconnue",
        "Aucune pièce jointe de ce dépôt ne porte cet identifiant. Vérifiez l'adresse, ou consultez la liste.",
    )


def too_large(limit: int, size: int | None) -> Problem:
    seen = f"plus de {megabytes(limit)}" if size is None else megabytes(size)
    return Problem(
        413,
        "ATTACHMENT_TOO_LARGE",
        "Pièce jointe trop lourde",
        f"La pièce jointe pèse {seen} ; {megabytes(limit)} au plus sont acceptés.",
        errors=[
            {
                "field": "file",
                "value": f"> {limit}" if size is None else str(size),
                "limit": limit,
                "rule": f"{limit} octets au plus",
                "message": f"La pièce jointe pèse {seen}.",
                "action": "Réduisez la résolution des pages numérisées, ou envoyez la pièce en plusieurs fichiers.",
            }
        ],
        headers={"Connection": "close"},
    )


def missing(parts: list[str]) -> Problem:
    found = ", ".join(f"« {part} »" for part in parts) or "aucune partie"
    return _one(
        400,
        "FILE_MISSING",
        "Fichier absent",
        f"La partie « file » manque ; reçu : {found}.",
        field="file",
        value=found,
        rule="exactement un fichier dans la partie « file » d'un formulaire multipart/form-data",
        action="Envoyez un seul fichier par demande, dans la partie « file ».",
    )


def bad_ending(name: str) -> Problem:
    return _one(
        415,
        "ATTACHMENT_EXTENSION",
        "Extension refusée",
        f"« {name} » n'a pas une extension acceptée.",
        field="file",
        value=name[:100],
        rule=f"extensions acceptées : {_ENDINGS}",
        action="Enregistrez la pièce en PDF, puis renvoyez-la.",
    )


def program() -> Problem:
    return _one(
        415,
        "ATTACHMENT_PROGRAM",
        "Programme refusé",
        "Le fichier est un programme, quel que soit son nom : il n'est pas accepté.",
        field="file",
        value="un programme",
        rule="un document, jamais un programme",
        action="Envoyez le document lui-même, en PDF par exemple.",
    )


def other_content(end: str, seen: str) -> Problem:
    return _one(
        415,
        "ATTACHMENT_CONTENT",
        "Contenu et extension différents",
        f"Le nom annonce un fichier « .{end} », mais le contenu ressemble à {seen}.",
        field="file",
        value=seen,
        rule=f"un fichier dont le contenu est celui d'un « .{end} »",
        action="Donnez au fichier sa vraie extension, ou enregistrez-le de nouveau.",
    )


def type_unknown(value: str) -> Problem:
    return _one(
        422,
        "ATTACHMENT_TYPE_UNKNOWN",
        "Type de pièce inconnu",
        f"« {value[:50]} » n'est pas un type de pièce jointe.",
        field="type",
        value=value[:50],
        rule="types acceptés : " + _TYPES,
        action="Choisissez un type de la liste.",
    )


def type_missing() -> Problem:
    return _one(
        422,
        "ATTACHMENT_TYPE_MISSING",
        "Type de pièce manquant",
        "Une pièce jointe dit ce qu'elle est : le champ « type » manque.",
        field="type",
        value="",
        rule="types acceptés : " + _TYPES,
        action="Choisissez un type de la liste (DOCUMENT_ANNEXE si aucun autre ne convient).",
    )


def label_missing() -> Problem:
    return _one(
        422,
        "ATTACHMENT_LABEL_MISSING",
        "Libellé manquant",
        "Une pièce jointe a un libellé, qui dit au lecteur ce qu'il va ouvrir : le champ « label » manque.",
        field="label",
        value="",
        rule="un libellé de 1 à 100 caractères",
        action="Écrivez par exemple « Bon de livraison du 3 mars ».",
    )


def no_document() -> Problem:
    return _one(
        409,
        "NOT_A_PAPER",
        "Pas un papier à joindre",
        "Seul un brouillon né d'un document peut devenir une pièce jointe : celui-ci est envoyé, refusé ou saisi.",
        field="deposit_id",
        value="",
        rule="un brouillon qui a un document",
        action="Déposez le fichier comme pièce jointe de la facture.",
    )


def label_invalid(value: str, limit: int) -> Problem:
    return _one(
        422,
        "ATTACHMENT_LABEL_INVALID",
        "Libellé refusé",
        f"Le libellé compte {len(value)} caractères, ou porte un caractère invisible.",
        field="label",
        value=value[:limit],
        rule=f"{limit} caractères visibles au plus",
        action="Raccourcissez le libellé, ou laissez-le vide.",
    )


def closed(state: State) -> Problem:
    return _one(
        409,
        "DEPOSIT_CLOSED",
        "Dépôt clos",
        f"Ce dépôt est « {LABELS[state]} » : rien ne peut y être joint.",
        field="id",
        value=LABELS[state],
        rule="un dépôt reçu, à vérifier ou déposé",
        action="Joignez la pièce au premier dépôt du document, ou à un nouveau dépôt.",
    )


def too_many(limit: int) -> Problem:
    return _one(
        409,
        "ATTACHMENTS_TOO_MANY",
        "Trop de pièces jointes",
        f"Ce dépôt a déjà {limit} pièces jointes.",
        field="file",
        value=str(limit),
        rule=f"{limit} pièces jointes au plus",
        action="Réunissez plusieurs papiers en un seul PDF.",
    )


def too_heavy(limit: int, size: int) -> Problem:
    return _one(
        409,
        "ATTACHMENTS_TOO_HEAVY",
        "Pièces jointes trop lourdes",
        f"Avec cette pièce, la facture et ses annexes pèseraient {megabytes(size)} ; {megabytes(limit)} au plus.",
        field="file",
        value=str(size),
        rule=f"{limit} octets au plus, facture comprise",
        action="Réduisez la résolution des pages numérisées.",
    )


def readable_twice(earlier: str) -> Problem:
    return _one(
        409,
        "ATTACHMENT_READABLE_TWICE",
        "Version lisible déjà jointe",
        "Une facture a une seule version lisible (type LISIBLE), et elle est déjà jointe.",
        field="type",
        value=earlier,
        rule="une pièce LISIBLE au plus",
        action="Choisissez un autre type pour cette pièce.",
    )
