"""What the API answers when a sollicitation is refused: stable codes, French words, what to do."""

from typing import Final

from invoice.solicitations import CATEGORIES
from services.common.web import Problem
from services.portal.member_words import conflict, invalid

#: What stands in the story of a question that the platform closes without an answer.
UNANSWERED: Final = "Close par la plateforme : personne n'a répondu ni écrit pendant un an."
_STATES: Final = {"waiting": "attend une réponse", "answered": "a reçu une réponse", "closed": "est close"}


def unknown() -> Problem:
    """It is not there, or not for the caller: the same words."""
    return Problem(
        404,
        "SOLICITATION_UNKNOWN",
        "Sollicitation inconnue",
        "Aucune sollicitation visible avec vos droits ne porte cet identifiant : voyez GET /api/v1/solicitations.",
    )


def no_category(category: str, subcategory: str) -> Problem:
    """A pair that is not in the table."""
    known = CATEGORIES.get(category)
    if known is None:
        action = f"Choisissez parmi : {', '.join(CATEGORIES)}."
        return invalid("category", category, "CATEGORY_UNKNOWN", "Cette catégorie n'existe pas.", action)
    action = f"Choisissez parmi : {', '.join(known.subcategories)}."
    return invalid("subcategory", subcategory, "SUBCATEGORY_UNKNOWN", "Cette sous-catégorie n'existe pas.", action)


def invoice_needed() -> Problem:
    """Only about an invoice."""
    return invalid(
        "invoice",
        None,
        "INVOICE_NEEDED",
        "Cette question porte sur une facture, et aucune n'est indiquée.",
        "Posez-la depuis la page de la facture, ou indiquez son identifiant.",
    )


def structure_needed() -> Problem:
    """A body is to be asked, and none is named."""
    return invalid(
        "structure",
        None,
        "STRUCTURE_NEEDED",
        "Cette question s'adresse à un organisme public, et aucun n'est indiqué.",
        "Indiquez son SIRET (voir l'annuaire), ou une facture qui lui est adressée.",
    )


def not_a_body(siret: str) -> Problem:
    """The directory has no such body."""
    return invalid(
        "structure",
        siret,
        "STRUCTURE_NOT_PUBLIC",
        "Aucun organisme public de la plateforme n'a ce SIRET.",
        "Vérifiez-le dans l'annuaire (GET /api/v1/directory/structures).",
    )


def no_service(code: str, siret: str) -> Problem:
    """The body has no such service."""
    return invalid(
        "service",
        code,
        "SERVICE_UNKNOWN",
        "Cet organisme n'a pas de service ouvert de ce code.",
        f"Choisissez parmi ses services (GET /api/v1/directory/structures/{siret}), ou n'en indiquez aucun.",
    )


def no_place(written: str) -> Problem:
    """He does not act for that structure."""
    return invalid(
        "on_behalf",
        written,
        "PLACE_NOT_YOURS",
        "Vous n'agissez pas pour cette structure ou ce service.",
        "Indiquez l'une de vos structures, ou rien : la question est alors posée en votre nom.",
    )


def oneself(side: str) -> Problem:
    """The caller is the very side that the question is for."""
    return conflict(
        "ASKS_ONESELF",
        "Question à soi-même",
        f"Vous êtes vous-même du côté de {side} : choisissez une sous-catégorie qui s'adresse à l'autre partie, ou à "
        "l'assistance.",
    )


def for_nobody() -> Problem:
    """An operator sees the invoice and acts for nobody."""
    return Problem(
        403,
        "ACTS_FOR_NOBODY",
        "Vous n'agissez pour personne",
        "Vous voyez cette facture sans être d'aucun de ses côtés : seuls ceux qui y ont part posent une question.",
    )


def sandbox() -> Problem:
    """A trial's invoice is at nobody's."""
    return conflict(
        "SANDBOX",
        "Facture d'essai",
        "Cette facture est un essai : aucun organisme ne l'a reçue, personne ne peut y répondre. Pour une question sur "
        "les essais, écrivez à l'assistance.",
    )


def closed() -> Problem:
    """Nothing can be added."""
    return conflict(
        "SOLICITATION_CLOSED", "Sollicitation close", "Cette sollicitation est close : posez-en une nouvelle."
    )


def answer_first(state: str) -> Problem:
    """Who is asked answers before he closes."""
    return conflict(
        "ANSWER_FIRST",
        "Réponse attendue",
        f"Cette sollicitation {_STATES[state]} : répondez avant de la clore, ou laissez-la à celui qui l'a posée.",
    )


def reads_only() -> Problem:
    """He sees it and acts for neither side."""
    return Problem(
        403,
        "SIDE_REQUIRED",
        "Droit manquant",
        "Vous voyez cette sollicitation sans agir pour l'un de ses côtés : demandez à un collègue qui en a le droit.",
    )


def papers_gone(ids: list[str]) -> Problem:
    """Files that are not there, are somebody else's or are joined already."""
    return invalid(
        "attachments",
        ", ".join(ids),
        "ATTACHMENT_UNKNOWN",
        "Une pièce indiquée n'existe pas, n'est pas de vous, ou est déjà jointe.",
        "Envoyez le fichier (POST /api/v1/solicitations/attachments), puis joignez l'identifiant reçu.",
    )
