"""The problems a depositor may be answered with: each code once, with French words."""

from collections.abc import Collection, Sequence
from datetime import datetime

from invoice.findings import Finding
from services.common.web import Problem
from services.ingest.kinds import UNKNOWN

RULE_FILE = "exactement un fichier PDF ou XML dans la partie « file » d'un formulaire multipart/form-data"


def megabytes(size: int) -> str:
    """A size for people: ``30 Mo``, ``31,5 Mo``."""
    return f"{size / 1_000_000:.1f}".rstrip("0").rstrip(".").replace(".", ",") + " Mo"


def contact_missing() -> Problem:
    return Problem(
        403,
        "CONTACT_MISSING",
        "Adresse de contact manquante",
        "Votre compte ne porte aucune adresse électronique utilisable : sans elle, personne ne peut vous prévenir de "
        "la suite. Ajoutez-la à votre compte, puis déposez à nouveau.",
    )


def key_invalid(length: int) -> Problem:
    return Problem(
        400,
        "IDEMPOTENCY_KEY_INVALID",
        "Idempotency-Key refusée",
        "L'en-tête Idempotency-Key doit compter de 1 à 200 caractères imprimables, sans accent.",
        errors=[
            {
                "field": "Idempotency-Key",
                "value": f"{length} caractères",
                "rule": "1 à 200 caractères ASCII imprimables",
                "message": "Cette clé ne peut pas être retenue.",
                "action": "Envoyez par exemple un UUID, le même à chaque nouvel essai du même dépôt.",
            }
        ],
    )


def key_reused(earlier: str) -> Problem:
    return Problem(
        422,
        "IDEMPOTENCY_KEY_REUSED",
        "Idempotency-Key déjà employée",
        "Cette clé a déjà servi au dépôt d'un autre document, ou avec d'autres champs : rien n'a été enregistré.",
        errors=[
            {
                "field": "Idempotency-Key",
                "value": earlier,
                "rule": "une clé par document",
                "message": f"Le dépôt {earlier} porte cette clé avec un autre contenu, ou avec d'autres champs.",
                "action": "Employez une nouvelle clé pour ce document.",
            }
        ],
    )


def file_too_large(limit: int, size: int | None) -> Problem:
    seen = f"plus de {megabytes(limit)}" if size is None else megabytes(size)
    return Problem(
        413,
        "FILE_TOO_LARGE",
        "Fichier trop lourd",
        f"Le document pèse {seen} ; {megabytes(limit)} au plus sont acceptés.",
        errors=[
            {
                "field": "file",
                "value": f"> {limit}" if size is None else str(size),
                "limit": limit,
                "rule": f"{limit} octets au plus",
                "message": f"Le document pèse {seen}.",
                "action": "Réduisez la résolution des pages numérisées, ou séparez les pièces jointes de la facture.",
            }
        ],
        headers={"Connection": "close"},
    )


def file_empty() -> Problem:
    return _file(400, "FILE_EMPTY", "Fichier vide", "Le fichier reçu ne contient aucun octet.", "0 octet")


def file_missing(parts: list[str]) -> Problem:
    found = ", ".join(f"« {part} »" for part in parts) or "aucune partie"
    return _file(400, "FILE_MISSING", "Fichier absent", f"La partie « file » manque ; reçu : {found}.", found)


def several_files(count: int) -> Problem:
    return _file(
        400,
        "SEVERAL_FILES",
        "Plusieurs fichiers",
        "Un dépôt porte un seul document ; faites un dépôt par facture.",
        f"{count} fichiers",
    )


def not_a_pdf(kind: str) -> Problem:
    seen = "Le format du fichier n'est pas reconnu" if kind == UNKNOWN else f"Le fichier ressemble à {kind}"
    return _file(
        415,
        "NOT_A_PDF",
        "Ni un PDF, ni un XML",
        f"{seen}. Déposez la facture en PDF, ou en XML (UBL, CII, Factur-X).",
        kind,
    )


def multipart_required(given: str) -> Problem:
    return _file(
        415,
        "MULTIPART_REQUIRED",
        "Formulaire attendu",
        "Envoyez le document dans un formulaire multipart/form-data.",
        given or "aucun Content-Type",
    )


def multipart_invalid() -> Problem:
    return _file(
        400,
        "MULTIPART_INVALID",
        "Formulaire illisible",
        "Le formulaire reçu est mal formé ou incomplet : rien n'a été enregistré. Renvoyez-le.",
        "formulaire mal formé",
    )


def field_unknown(name: str, known: Collection[str]) -> Problem:
    return _form_field(
        name, "FIELD_UNKNOWN", "Champ inconnu", "ce nom n'existe pas", "champs permis : " + ", ".join(sorted(known))
    )


def field_twice(name: str) -> Problem:
    return _form_field(name, "FIELD_TWICE", "Champ en double", "deux fois", "chaque champ une fois au plus")


def field_too_long(name: str, limit: int) -> Problem:
    rule = f"{limit} octets au plus"
    return _form_field(name, "FIELD_TOO_LONG", "Champ trop long", f"plus de {limit} octets", rule)


def _form_field(name: str, code: str, title: str, seen: str, rule: str) -> Problem:
    detail = f"Le champ « {name} » du formulaire ne peut pas être lu : {seen}."
    error = {
        "field": name,
        "value": seen,
        "rule": rule,
        "message": detail,
        "action": "Corrigez ce champ, puis renvoyez.",
    }
    return Problem(422, code, title, detail, errors=[error])


def given_invalid(found: Sequence[Finding]) -> Problem:
    """What the depositor gave beside the document does not do: nothing was stored."""
    return Problem(
        422,
        "DEPOSIT_FIELDS_INVALID",
        "Champs du dépôt à corriger",
        "Rien n'a été enregistré : corrigez les champs indiqués, puis renvoyez le document.",
        errors=[
            {
                "field": each.field,
                "value": each.value,
                "rule": each.code,
                "message": each.message,
                "action": each.action,
            }
            for each in found
        ],
    )


def upload_stalled() -> Problem:
    return Problem(
        408,
        "UPLOAD_STALLED",
        "Envoi interrompu",
        "Le document n'est pas arrivé en entier : rien n'a été enregistré. Renvoyez-le, avec la même Idempotency-Key.",
        headers={"Connection": "close"},
    )


def too_many_uploads(limit: int) -> Problem:
    return Problem(
        429,
        "TOO_MANY_UPLOADS",
        "Trop d'envois à la fois",
        f"Vous avez déjà {limit} envois en cours : attendez que l'un d'eux soit terminé, puis renvoyez ce document.",
        headers={"Retry-After": "5"},
    )


def _file(status: int, code: str, title: str, detail: str, value: str) -> Problem:
    action = "Envoyez un seul fichier, PDF ou XML, dans la partie « file »."
    error = {"field": "file", "value": value, "rule": RULE_FILE, "message": detail, "action": action}
    return Problem(status, code, title, detail, errors=[error])


def unknown_deposit() -> Problem:
    return Problem(
        404,
        "DEPOSIT_UNKNOWN",
        "Dépôt inconnu",
        "Aucun de vos dépôts ne porte cet identifiant. Vérifiez l'adresse, ou consultez la liste de vos dépôts.",
    )


def no_document_yet() -> Problem:
    return Problem(
        404,
        "DOCUMENT_NOT_MADE",
        "Pas encore de document",
        "Ce brouillon est saisi sans document : la plateforme en fait un PDF quand vous l'envoyez.",
    )


def structure_left() -> Problem:
    """Of the asker's own deposits only: nobody else's is ever compared."""
    return Problem(
        403,
        "STRUCTURE_LEFT",
        "Structure quittée",
        "Ce document, ou cette Idempotency-Key, est celui d'une facture que vous avez déposée pour une structure où "
        "vous n'avez plus de droit : rien n'a été enregistré. Une personne de la structure la suit.",
    )


def document_expired(at: datetime) -> Problem:
    return Problem(
        410,
        "DOCUMENT_EXPIRED",
        "Document effacé",
        f"La durée légale de conservation est passée : le document a été effacé le {at:%d/%m/%Y}. "
        "Son empreinte et les données de la facture restent.",
    )


def document_unavailable() -> Problem:
    return Problem(
        500,
        "DOCUMENT_UNAVAILABLE",
        "Document indisponible",
        "Le document conservé ne correspond plus à ce qui a été déposé : l'exploitant est prévenu.",
    )


def cursor_invalid(value: str) -> Problem:
    return Problem(
        400,
        "CURSOR_INVALID",
        "Page inconnue",
        "Le paramètre « cursor » doit être repris tel quel de la page précédente.",
        errors=[
            {
                "field": "cursor",
                "value": value[:64],
                "rule": "la valeur de « next » d'une page",
                "message": "Cette valeur ne désigne aucune page.",
                "action": "Reprenez la liste depuis le début, sans « cursor ».",
            }
        ],
    )
