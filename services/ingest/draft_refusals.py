"""The problems that somebody who works on a draft may be answered with."""

from collections.abc import Sequence

from invoice.findings import Finding
from services.common.web import Problem
from services.ingest.domain import State


def unknown() -> Problem:
    return Problem(
        404,
        "DRAFT_UNKNOWN",
        "Brouillon inconnu",
        "Aucun de vos brouillons ne porte cet identifiant. Il a peut-être été envoyé ou supprimé : voyez vos dépôts.",
    )


def not_a_draft(label: str) -> Problem:
    return Problem(
        409,
        "DRAFT_CLOSED",
        "Ce n'est plus un brouillon",
        f"Ce dépôt est à l'état « {label} » : il ne se modifie plus et ne se supprime plus.",
    )


def version_missing() -> Problem:
    return Problem(
        428,
        "VERSION_MISSING",
        "Version à préciser",
        "Ajoutez l'en-tête If-Match avec la version du brouillon que vous avez lu (son ETag).",
    )


def version_changed(current: int) -> Problem:
    return Problem(
        412,
        "VERSION_CHANGED",
        "Changé entre-temps",
        f"Ce brouillon a été enregistré ailleurs (version {current}) : votre écriture n'a rien remplacé. Relisez-le, "
        "puis refaites vos changements.",
        headers={"ETag": f'"{current}"'},
    )


def to_correct(found: Sequence[Finding], *, typed: bool) -> Problem:
    """Nothing was sent: each rule that fails, with its field."""
    words = "Rien n'a été enregistré" if typed else "Rien n'est envoyé : le brouillon reste enregistré"
    return Problem(
        422,
        "INVOICE_TO_CORRECT",
        "Facture à corriger",
        f"{words}. Corrigez les champs indiqués, puis recommencez.",
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


def field_unknown(names: Sequence[str], known: Sequence[str]) -> Problem:
    return Problem(
        422,
        "FIELD_UNKNOWN",
        "Champ inconnu",
        "Rien n'a été enregistré : un champ n'existe pas.",
        errors=[
            {
                "field": name[:60],
                "value": None,
                "rule": "FIELD_UNKNOWN",
                "message": "Ce champ n'existe pas.",
                "action": "Champs permis : " + ", ".join(sorted(known)) + ".",
            }
            for name in names[:10]
        ],
    )


def directory_not_ready() -> Problem:
    return Problem(
        503,
        "TEMPORARILY_UNAVAILABLE",
        "Annuaire en cours de chargement",
        "L'annuaire n'est pas encore complet ici : renvoyez la même demande dans quelques secondes.",
        headers={"Retry-After": "5"},
    )


def document_given() -> Problem:
    return Problem(
        409,
        "DOCUMENT_GIVEN",
        "Ce brouillon a déjà son document",
        "Un document déposé ne se remplace pas : supprimez ce brouillon, puis déposez l'autre document.",
    )


def document_known() -> Problem:
    return Problem(
        409,
        "DOCUMENT_KNOWN",
        "Document déjà déposé",
        "Vous avez déjà déposé ce même document : suivez ce dépôt, ou déposez le document corrigé.",
    )


def nothing_to_copy() -> Problem:
    return Problem(
        404,
        "NOTHING_TO_COPY",
        "Aucune facture à reprendre",
        "Aucune de vos factures ne correspond : commencez un brouillon vide.",
    )


def not_rejected(state: State) -> Problem:
    """Made again is what came back; another one like it is begun as last time."""
    if state is State.TO_VERIFY:
        action = "Ce dépôt est un brouillon : complétez-le et envoyez-le lui-même."
    elif state is State.SUBMITTED:
        action = (
            "Elle n'est pas rejetée : la refaire ferait une seconde facture du même service. Pour une nouvelle facture "
            "semblable, commencez un brouillon avec « same_as_last » et le SIRET du destinataire."
        )
    else:
        action = "Il n'est pas refusé : suivez-le à son adresse."
    return Problem(409, "NOT_REJECTED", "Rien à refaire", action)


def too_many_drafts(limit: int) -> Problem:
    return Problem(
        409,
        "TOO_MANY_DRAFTS",
        "Trop de brouillons",
        f"Vous avez déjà {limit} brouillons : envoyez ou supprimez ceux qui ne servent plus.",
    )
