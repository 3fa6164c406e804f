"""What acts on structures and memberships answer when they are refused: stable codes, French words, what to do."""

from collections.abc import Iterable
from typing import Any, Final

from services.common.web import Problem

_LEVELS: Final = {
    "principal": "gestionnaire principal",
    "secondaire": "gestionnaire secondaire",
    "tenant": "administrateur du département",
    "operator": "exploitant de la plateforme",
}


def unknown_structure(key: str) -> Problem:
    """It is not there, or not for the caller: the same words."""
    return Problem(
        404,
        "STRUCTURE_UNKNOWN",
        "Structure inconnue",
        f"Aucune structure « {key[:100]} » n'est visible avec vos droits : vérifiez l'identifiant, ou cherchez-la par "
        "GET /api/v1/accounts/structures/search.",
    )


def not_yours(levels: Iterable[str]) -> Problem:
    """Somebody else may do it."""
    who = " ou ".join(_LEVELS[level] for level in levels)
    return Problem(
        403, "MANAGER_REQUIRED", "Droit manquant", f"Cet acte revient à un {who} de la structure : demandez-le-lui."
    )


def oneself() -> Problem:
    """What somebody else is to decide."""
    return Problem(
        403,
        "DECIDES_FOR_ONESELF",
        "Décision pour soi-même",
        "Nul ne répond de lui-même ni ne se donne les droits d'un autre, pas même en le remplaçant : demandez à un "
        "autre gestionnaire de la structure.",
    )


def not_found(what: str) -> Problem:
    """A request, an invitation, a person that is not there or not for the caller."""
    return Problem(
        404, "NOT_FOUND", "Introuvable", f"{what} : rien de tel n'est visible avec vos droits, vérifiez l'adresse."
    )


def conflict(code: str, title: str, detail: str) -> Problem:
    """It cannot be done as things stand."""
    return Problem(409, code, title, detail)


def invalid(field: str, value: object, rule: str, message: str, action: str) -> Problem:
    """One field does not fit."""
    shown = value if value is None or isinstance(value, int | bool) else str(value)[:100]
    error: dict[str, Any] = {"field": field, "value": shown, "rule": rule, "message": message, "action": action}
    return Problem(422, rule, "Demande invalide", message, errors=[error])


def public_body(name: str, siret: str) -> Problem:
    """A supplier asks for a public body."""
    return Problem(
        409,
        "PUBLIC_BODY",
        "Cette structure est un organisme public",
        f"{name} ({siret}) reçoit des factures : un fournisseur n'a pas à lui être rattaché pour lui en envoyer. "
        "Ouvrez votre compte avec votre propre SIRET, puis déposez votre facture en indiquant ce SIRET comme "
        "destinataire. Si vous travaillez pour cet organisme, demandez une invitation à son gestionnaire, ou à "
        "l'administrateur de son département ; sans structure de fournisseur à votre compte, vous pouvez aussi "
        "demander le rattachement avec « works_there ».",
    )


def last_principal() -> Problem:
    """The last principal manager stays."""
    return Problem(
        409,
        "LAST_PRINCIPAL",
        "Dernier gestionnaire principal",
        "La structure n'aurait plus de gestionnaire principal : nommez d'abord quelqu'un d'autre "
        "(PUT …/members/{subject}/manager), puis recommencez.",
    )


def too_many(what: str, limit: int) -> Problem:
    """Mails to people who did not ask for them are bounded."""
    return Problem(
        429,
        "TOO_MANY",
        "Trop de demandes à la fois",
        f"{limit} {what} au plus : attendez que les précédentes aient leur réponse, ou demain.",
        headers={"Retry-After": "3600"},
    )


def decided(state: str) -> Problem:
    """Somebody else was quicker, or it has ended."""
    words = {
        "approved": "a déjà été acceptée",
        "refused": "a déjà été refusée",
        "expired": "a expiré",
        "withdrawn": "a été retirée",
        "accepted": "a déjà été acceptée",
        "cancelled": "a été annulée",
        "done": "a déjà été acceptée",
    }
    return Problem(
        409,
        "ALREADY_DECIDED",
        "Déjà décidé",
        f"Cette demande {words.get(state, 'a changé')} : relisez-la ; rien n'a été fait.",
    )
