"""What the API answers when something about software is refused: stable codes, French words, what to do."""

from services.common.web import Problem
from services.portal.software_domain import Refused


def unknown() -> Problem:
    """It is not there, or not the caller's to manage: the same words."""
    return Problem(
        404,
        "SOFTWARE_NOT_FOUND",
        "Compte de logiciel introuvable",
        "Aucun compte de logiciel que vous gérez ne porte cet identifiant.",
    )


def ended() -> Problem:
    """It is revoked."""
    return Problem(
        409,
        "SOFTWARE_REVOKED",
        "Compte de logiciel révoqué",
        "Ce compte est révoqué pour toujours : faites-en un autre.",
    )


def too_many_secrets() -> Problem:
    """It has as many as it may have."""
    return Problem(
        409,
        "SECRETS_TOO_MANY",
        "Deux secrets vivent déjà",
        "Révoquez-en un, puis demandez le nouveau : deux secrets au plus vivent en même temps.",
    )


def not_managed() -> Problem:
    """The structure is somebody else's, or nobody's."""
    return Problem(
        403,
        "STRUCTURE_NOT_MANAGED",
        "Structure non gérée",
        "Vous ne gérez aucune structure de cet identifiant : demandez à son gestionnaire.",
    )


def refused(error: Refused) -> Problem:
    """A field does not fit."""
    entry = {
        "field": error.field,
        "value": error.value,
        "rule": error.rule,
        "message": error.message,
        "action": error.action,
    }
    return Problem(422, "REQUEST_INVALID", "Demande invalide", "Corrigez les champs indiqués.", errors=[entry])
