"""What a flow may be refused for, in words: the file as a whole, one file in it, or a request."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from invoice.file_findings import FLOW
from invoice.findings import Finding
from services.common.web import Problem
from services.ingest.refusals import megabytes

_SPLIT = "Partagez l'envoi en plusieurs flux."
CODES: Final = tuple(FLOW)


def said(code: str, value: str | None = None, **words: str) -> Finding:
    """The finding of a code of :data:`CODES`. KeyError for another code, or for a word that is missing."""
    row = FLOW[code]
    message = row.message.format_map({"value": value or "", **words})
    return Finding(code=code, level=row.level, message=message, action=row.action, field="file", value=value)


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
