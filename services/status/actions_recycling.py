"""Return for recycling, recycling, transfer: an invoice goes to whom it should have gone to. Pure.

The supplier may change the recipient's SIRET, the service and the engagement, and nothing else (lifecycle.yaml,
decisions.md 1, 2 and 7). Whether the new address holds is for routing to say: here only its shape is looked at.
"""

from typing import Final

import msgspec

from contracts.events import RoutingRequested
from invoice.checks import MAX_SERVICE_CODE
from invoice.identifiers import normalise, normalise_code
from invoice.lifecycle import AVAILABLE
from invoice.messages import finding
from invoice.references import MAX_REFERENCE
from services.status.action import Action, Case, Fault, Field
from services.status.action_fields import reference, said, siret
from services.status.model import Applied, Ended, FieldChange, Invoice
from services.status.rerouting import ADDRESS_FIELDS

#: What the supplier is told to do; the same act whoever sent the invoice back.
_TO_DO: Final = (
    "Corrigez le SIRET, le code service ou l'engagement, puis renvoyez la facture sous le même numéro : le reste ne "
    "change pas."
)
#: A body hands an invoice over while it is the one who acts, up to the mandate.
_IN_THE_BODYS_HANDS: Final = frozenset(
    (AVAILABLE, "PRISE_EN_COMPTE_DESTINATAIRE", "SUSPENDUE", "COMPLETEE", "SERVICE_FAIT", "MANDATEE")
)


def _return_for_recycling(case: Case) -> Applied:
    """The reasons travel with the status, so that the supplier's mail says them."""
    reason = said(case, "RETURNED_FOR_RECYCLING", "Erreur d'adressage", _TO_DO)
    return Applied(invoice=case.after(), entry=case.entry(reasons=(reason,)))


def _recycle(case: Case) -> Applied | tuple[Fault, ...]:
    before = case.invoice
    header = msgspec.structs.replace(before.header, **case.fields)
    if normalise(header.recipient_siret) == normalise(header.supplier_siret):
        return (_to_oneself(header.recipient_siret),)
    changes = tuple(
        FieldChange(name, getattr(before.header, name), getattr(header, name))
        for name in ADDRESS_FIELDS
        if getattr(before.header, name) != getattr(header, name)
    )
    after = case.after(header=header, attempt=before.attempt + 1, transfer_attempt=None)
    ended = None
    if before.held_by != normalise(header.recipient_siret):
        # Nobody has it until routing has found its body; the one that had it learns nothing of the next, and the next
        # nothing of whom it had been given to there.
        after = msgspec.structs.replace(
            after,
            held_by=None,
            recipient_name=None,
            service_code=None,
            service_label=None,
            tenant=None,
            assigned_to=None,
        )
        if before.held_by is not None:
            ended = Ended(before.id, before.held_by, before.service_code, before.entries)
    asks = RoutingRequested(
        attempt=after.attempt,
        purpose="recycled",
        invoice=header,
        submitted_at=before.submitted_at,
        requested_at=case.now,
        previous_structure=before.available_structure,
        previous_service=before.service_code,
    )
    return Applied(invoice=after, entry=case.entry(changes=changes), ended=ended, asks=asks)


def _to_oneself(siret: str) -> Fault:
    """Nobody invoices himself: what a deposit refuses, no new address brings about."""
    refused = finding("SUPPLIER_IS_RECIPIENT", value=siret, siret=siret)
    return Fault(
        field="recipient_siret",
        value=siret,
        rule=refused.code,
        message=refused.message,
        action="Indiquez le SIRET de l'organisme public auquel la facture s'adresse, pas le vôtre.",
    )


def _transfer(case: Case) -> Applied | tuple[Fault, ...]:
    before, wanted = case.invoice, case.fields["service_code"]
    if normalise_code(wanted or "") == normalise_code(before.service_code or ""):
        return (
            Fault(
                field="service_code",
                value=wanted,
                rule="SAME_SERVICE",
                message=f"La facture est déjà au service « {before.service_code or 'non précisé'} ».",
                action="Indiquez un autre service de la même structure.",
            ),
        )
    after = case.after(attempt=before.attempt + 1, transfer_attempt=before.attempt + 1)
    asks = RoutingRequested(
        attempt=after.attempt,
        purpose="transferred",
        invoice=msgspec.structs.replace(before.header, service_code=wanted),
        submitted_at=before.submitted_at,
        requested_at=case.now,
        previous_structure=before.held_by,
        previous_service=before.service_code,
    )
    changes = (FieldChange("service_code", before.service_code, wanted),)
    return Applied(invoice=after, entry=case.entry(visibility="body", changes=changes), asks=asks)


def _under_way(invoice: Invoice) -> str | None:
    if invoice.transfer_attempt is None:
        return None
    return "un transfert est en cours ; attendez quelques secondes qu'il aboutisse."


def _service(given: str | None) -> str | Fault | None:
    return reference("service_code", MAX_SERVICE_CODE, given)


def _engagement(given: str | None) -> str | Fault | None:
    return reference("engagement", MAX_REFERENCE, given)


ACTIONS: Final = (
    Action(
        name="return_for_recycling",
        label="Renvoyer au fournisseur pour recyclage",
        target="A_RECYCLER",
        who=("D",),
        do=_return_for_recycling,
    ),
    Action(
        name="recycle",
        label="Recycler",
        target="DEPOSEE",
        who=("F",),
        sources=frozenset(("A_RECYCLER",)),
        fields=(
            Field(name="recipient_siret", label="SIRET du destinataire", check=siret("recipient_siret")),
            Field(name="service_code", label="Code service", check=_service),
            Field(name="engagement", label="Numéro d'engagement", check=_engagement),
        ),
        do=_recycle,
    ),
    Action(
        name="transfer",
        label="Transférer à un autre service",
        who=("D",),
        sources=_IN_THE_BODYS_HANDS,
        fields=(Field(name="service_code", label="Code service", check=_service, required=True),),
        unless=_under_way,
        do=_transfer,
    ),
)
