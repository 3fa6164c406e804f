"""From the mandate to the payment: what ordonnateur and comptable do (decisions.md 9 and 10). Pure."""

from datetime import date
from decimal import Decimal
from typing import Final

from invoice.clock import paris_day
from invoice.findings import Finding
from invoice.money import show_amount
from services.status.action import Action, Case, Fault
from services.status.action_fields import amount, day, not_to_come, text, written
from services.status.actions_body import IN_THE_BODYS_HANDS, plain
from services.status.model import Applied, FieldChange, Invoice

_WITH_THE_COMPTABLE: Final = frozenset(("MANDATEE", "MISE_A_DISPOSITION_COMPTABLE"))
_MANDATED: Final = frozenset(("MANDATEE", "MISE_A_DISPOSITION_COMPTABLE", "COMPTABILISEE"))


def _mandate(case: Case) -> Applied:
    """A mandate issued again after the comptable's refusal is told to the body alone (decisions.md 10)."""
    again = case.invoice.status == "MISE_A_DISPOSITION_COMPTABLE"
    changes = written(case, mandate_number=case.fields["mandate_number"])
    return Applied(invoice=case.after(), entry=case.entry(visibility="body" if again else "all", changes=changes))


def _correct_mandate(case: Case) -> Applied | tuple[Fault, ...]:
    held = next((e.value("mandate_number") for e in reversed(case.past.entries) if e.value("mandate_number")), None)
    number = case.fields["mandate_number"]
    if held == number:
        return (
            Fault(
                field="mandate_number",
                value=number,
                rule="SAME_MANDATE",
                message=f"Le mandat porte déjà le numéro « {number} ».",
                action="Il n'y a rien à corriger.",
            ),
        )
    changes = (FieldChange("mandate_number", held, number),)
    return Applied(invoice=case.after(), entry=case.entry(changes=changes))


def _refuse_mandate(case: Case) -> Applied:
    """Between the comptable and the body: the supplier's invoice stays where it is (decisions.md 10)."""
    reason = Finding(
        code="MANDATE_REFUSED",
        level="refuse",
        message="Le comptable refuse le mandat.",
        action="Corrigez et émettez un nouveau mandat, ou rejetez la facture si elle est en cause.",
    )
    return Applied(invoice=case.after(), entry=case.entry(visibility="body", reasons=(reason,)))


def _put_in_payment(case: Case) -> Applied | tuple[Fault, ...]:
    paid = sum((Decimal(entry.value("paid_amount") or 0) for entry in case.past.entries), Decimal(0))
    faults = (
        *not_to_come(case, "paid_on", paris_day(case.now)),
        *_not_before(case),
        *_not_above(case, "amount", before=paid),
    )
    return faults or Applied(invoice=case.after(), entry=case.entry(changes=_paid(case)))


def _paid(case: Case) -> tuple[FieldChange, ...]:
    return written(case, paid_on=case.fields["paid_on"], paid_amount=case.fields.get("amount"))


def _admit(case: Case) -> Applied | tuple[Fault, ...]:
    faults = _not_above(case, "amount")
    return faults or Applied(
        invoice=case.after(), entry=case.entry(changes=written(case, admitted_amount=case.fields["amount"]))
    )


def _settle(case: Case) -> Applied | tuple[Fault, ...]:
    faults = _not_above(case, "amount")
    return faults or Applied(
        invoice=case.after(), entry=case.entry(changes=written(case, settled_amount=case.fields["amount"]))
    )


def _not_before(case: Case) -> tuple[Fault, ...]:
    """Nothing is paid before it was asked for."""
    paid_on, issued = date.fromisoformat(case.fields["paid_on"] or ""), case.invoice.header.issue_date
    if paid_on >= issued:
        return ()
    return (
        Fault(
            field="paid_on",
            value=paid_on.isoformat(),
            rule="DATE_BEFORE_INVOICE",
            message=f"Le paiement du {paid_on.isoformat()} précéderait la facture, du {issued.isoformat()}.",
            action="Corrigez la date de paiement.",
        ),
    )


def _not_above(case: Case, name: str, *, before: Decimal = Decimal(0)) -> tuple[Fault, ...]:
    """A fault where more than the net to pay would be paid, with what was paid ``before``."""
    header, given = case.invoice.header, case.fields.get(name)
    if given is None or before + Decimal(given) <= abs(header.payable):
        return ()
    added = f", ajouté à {show_amount(before, header.currency)} déjà payés," if before else ""
    return (
        Fault(
            field=name,
            value=given,
            rule="AMOUNT_ABOVE_PAYABLE",
            message=f"{show_amount(Decimal(given), header.currency)}{added} dépasse le net à payer, "
            f"{show_amount(header.payable, header.currency)}.",
            action="Corrigez le montant.",
        ),
    )


def _not_admitted(invoice: Invoice) -> str | None:
    return "l'avoir ne se paie pas." if invoice.header.payable <= 0 else None


def _nothing_left(invoice: Invoice) -> str | None:
    """After *mise en paiement* only what the parties have agreed on beyond it is still to be paid (R2192-34)."""
    if invoice.status == "MISE_EN_PAIEMENT" and invoice.delay_state != "running":
        return "le paiement est déjà enregistré ; s'il reste une somme due, clôturez d'abord le désaccord."
    return _not_admitted(invoice)


_PAID_ON: Final = day("paid_on", "Date de paiement")
_AMOUNT: Final = amount("amount", "Montant", required=True)

ACTIONS: Final = (
    Action(
        name="mandate",
        label="Mandater",
        target="MANDATEE",
        who=("D",),
        fields=(text("mandate_number", "Numéro de mandat"),),
        do=_mandate,
    ),
    Action(
        name="correct_mandate_number",
        label="Corriger le numéro de mandat",
        who=("D",),
        sources=_MANDATED,
        fields=(text("mandate_number", "Numéro de mandat"),),
        do=_correct_mandate,
    ),
    Action(
        name="hand_to_comptable",
        label="Mettre à disposition du comptable",
        target="MISE_A_DISPOSITION_COMPTABLE",
        who=("D",),
        do=plain,
    ),
    Action(
        name="refuse_mandate",
        label="Refuser le mandat",
        who=("C",),
        sources=_WITH_THE_COMPTABLE,
        comment="required",
        do=_refuse_mandate,
    ),
    Action(name="book", label="Comptabiliser", target="COMPTABILISEE", who=("C", "D"), do=plain),
    Action(
        name="put_in_payment",
        label="Mettre en paiement",
        target="MISE_EN_PAIEMENT",
        who=("C", "D"),
        fields=(_PAID_ON, amount("amount", "Montant payé", required=False)),
        do=_put_in_payment,
    ),
    Action(
        name="partial_payment",
        label="Enregistrer un paiement partiel",
        who=("C", "D"),
        sources=IN_THE_BODYS_HANDS | {"MISE_EN_PAIEMENT"},
        fields=(_PAID_ON, _AMOUNT),
        unless=_nothing_left,
        do=_put_in_payment,
    ),
    Action(
        name="admit_amount",
        label="Admettre une partie du montant",
        who=("D",),
        sources=IN_THE_BODYS_HANDS,
        comment="required",
        fields=(_AMOUNT,),
        unless=_not_admitted,
        do=_admit,
    ),
    Action(
        name="settle_amount",
        label="Clore le désaccord sur le montant",
        who=("D",),
        sources=IN_THE_BODYS_HANDS | {"MISE_EN_PAIEMENT"},
        fields=(_AMOUNT,),
        unless=_not_admitted,
        do=_settle,
    ),
)
