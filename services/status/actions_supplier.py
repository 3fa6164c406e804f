"""What the supplier does, and what everybody may: complete, withdraw, take note, comment, download. Pure."""

from typing import Final

from invoice import cadres
from services.status.action import Action, Case, Fault
from services.status.actions_body import plain
from services.status.model import Applied, FieldChange, Invoice

_EVERYBODY: Final = ("F", "V1", "V2", "D", "C", "MOE", "MOA")
_OF_THE_BODY: Final = ("D", "C")


def _complete(case: Case) -> Applied | tuple[Fault, ...]:
    """Documents and a comment, nothing else of the invoice changes (decisions.md 7)."""
    if not case.attachments and case.comment is None:
        return (
            Fault(
                field="attachments",
                value=None,
                rule="NOTHING_GIVEN",
                message="Rien n'est joint ni écrit : la facture suspendue attend une pièce ou une réponse.",
                action="Nommez une pièce déposée avant, ou écrivez un commentaire.",
            ),
        )
    changes = tuple(FieldChange("attachment", None, identity) for identity in case.attachments)
    return Applied(invoice=case.after(), entry=case.entry(changes=changes))


def _seen(case: Case) -> Applied:
    """Who on the body's side has looked is the body's own business."""
    return Applied(invoice=case.after(), entry=case.entry(visibility="body" if case.actor in _OF_THE_BODY else "all"))


def _ask_the_body(invoice: Invoice) -> str | None:
    """A sender withdraws until a recipient has had the invoice (decisions.md 16)."""
    if not invoice.was_available:
        return None
    return "Un destinataire l'a déjà eue : elle ne peut plus être abandonnée. Demandez au destinataire de la rejeter."


def _not_his_own(invoice: Invoice) -> str | None:
    """Who has sent a piece may withdraw it, and nobody else (decisions.md 16)."""
    if cadres.of(invoice.header).by == "F":
        return None
    return "un autre que le fournisseur a déposé cette pièce, et lui seul pourrait y renoncer."


ACTIONS: Final = (
    Action(name="complete", label="Compléter", target="COMPLETEE", who=("F",), attachments=True, do=_complete),
    Action(
        name="withdraw",
        label="Abandonner",
        target="ABANDONNEE",
        who=("F",),
        unless=_not_his_own,
        instead=_ask_the_body,
        do=plain,
    ),
    Action(
        name="acknowledge",
        label="Prendre connaissance",
        who=("F",),
        sources=frozenset(("REJETEE", "SUSPENDUE")),
        comment="none",
        light=True,
        do=plain,
    ),
    Action(
        name="close_rejection",
        label="Retirer le rejet de ma synthèse",
        who=("F",),
        sources=frozenset(("REJETEE",)),
        comment="none",
        light=True,
        do=plain,
    ),
    Action(
        name="comment",
        label="Écrire un commentaire",
        who=_EVERYBODY,
        comment="required",
        comment_min=1,
        light=True,
        do=plain,
    ),
    Action(name="download", label="Télécharger", who=_EVERYBODY, comment="none", light=True, do=_seen),
)
