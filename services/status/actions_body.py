"""What the body does with an invoice while it treats it: takes it in charge, suspends, rejects, attests. Pure."""

from typing import Final

import msgspec

from invoice.clock import paris_day
from invoice.findings import Finding
from invoice.lifecycle import AVAILABLE
from services.status.action import Action, Case, Fault
from services.status.action_fields import day, not_to_come, said, text, written
from services.status.model import Applied, Invoice
from services.status.payment_delay import suspension_without_effect

#: Status → what taking it in charge leads to, for each who may.
_TAKEN: Final = {
    "MISE_A_DISPOSITION_MOE": "PRISE_EN_COMPTE_MOE",
    "ABSENCE_VALIDATION_MOE_DELAI_REGLEMENTAIRE": "PRISE_EN_COMPTE_MOE",
    "MISE_A_DISPOSITION_MOA": "PRISE_EN_COMPTE_MOA",
}
#: The body's own acts leave an invoice alone that it has no longer, or not yet.
IN_THE_BODYS_HANDS: Final = frozenset(
    (
        AVAILABLE,
        "PRISE_EN_COMPTE_DESTINATAIRE",
        "SUSPENDUE",
        "COMPLETEE",
        "SERVICE_FAIT",
        "MANDATEE",
        "MISE_A_DISPOSITION_COMPTABLE",
        "COMPTABILISEE",
    )
)


def plain(case: Case) -> Applied:
    """The status and nothing else."""
    return Applied(invoice=case.after(), entry=case.entry())


def _suspend(case: Case) -> Applied:
    """One without effect on the delay is a suspension all the same, and the supplier is told (decisions.md 6)."""
    to_do = "Ajoutez la pièce demandée ou un commentaire, puis renvoyez : rien d'autre de la facture ne change."
    reasons = [said(case, "SUSPENDED", "Pièce justificative manquante", to_do)]
    vain = suspension_without_effect(case.invoice, case.past.entries, case.now)
    if vain is not None:
        reasons.append(Finding(code="SUSPENSION_WITHOUT_EFFECT", level="warn", message=vain))
    return Applied(invoice=case.after(), entry=case.entry(reasons=tuple(reasons)))


def _reject(case: Case) -> Applied:
    to_do = "Établissez une nouvelle facture, sous un nouveau numéro : celui-ci ne peut plus servir."
    return Applied(invoice=case.after(), entry=case.entry(reasons=(said(case, "REJECTED", "Rejetée", to_do),)))


def _service_done(case: Case) -> Applied | tuple[Fault, ...]:
    faults = not_to_come(case, "done_on", paris_day(case.now))
    return faults or Applied(
        invoice=case.after(), entry=case.entry(changes=written(case, done_on=case.fields["done_on"]))
    )


def _assign(case: Case) -> Applied:
    """The name stands in the comment, where it can be erased; it is shown from the invoice's own row."""
    name = case.fields["assignee"]
    comment = f"Affectée à : {name}." + (f" {case.comment}" if case.comment else "")
    entry = msgspec.structs.replace(case.entry(visibility="body"), comment=comment)
    return Applied(invoice=case.after(assigned_to=name), entry=entry)


def _note(case: Case) -> Applied:
    return Applied(invoice=case.after(), entry=case.entry(visibility="body"))


def _take(invoice: Invoice) -> str:
    return _TAKEN.get(invoice.status, "PRISE_EN_COMPTE_DESTINATAIRE")


ACTIONS: Final = (
    Action(
        name="take_in_charge",
        label="Prendre en charge",
        target=_take,
        who=("D", "MOE", "MOA"),
        do=plain,
    ),
    Action(
        name="suspend",
        label="Suspendre",
        target="SUSPENDUE",
        who=("D",),
        warns=suspension_without_effect,
        do=_suspend,
    ),
    Action(
        name="lift_suspension",
        label="Lever la suspension",
        target=AVAILABLE,
        who=("D",),
        sources=frozenset(("SUSPENDUE",)),
        do=plain,
    ),
    Action(
        name="return_to_treatment",
        label="Remettre en traitement",
        target=AVAILABLE,
        who=("D",),
        sources=(IN_THE_BODYS_HANDS | {"A_RECYCLER"}) - {"SUSPENDUE", AVAILABLE},
        do=plain,
    ),
    Action(name="reject", label="Rejeter", target="REJETEE", who=("D",), do=_reject),
    Action(
        name="service_done",
        label="Attester le service fait",
        target="SERVICE_FAIT",
        who=("D",),
        fields=(day("done_on", "Date du service fait"),),
        do=_service_done,
    ),
    Action(
        name="assign",
        label="Affecter à un agent",
        who=("D",),
        sources=IN_THE_BODYS_HANDS,
        fields=(text("assignee", "Agent"),),
        light=True,
        do=_assign,
    ),
    Action(
        name="internal_note",
        label="Ajouter une note interne",
        who=("D", "C"),
        comment="required",
        comment_min=1,
        light=True,
        do=_note,
    ),
)
