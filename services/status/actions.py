"""What people do to an invoice: the table of actions, and what each comes to. Pure.

Adding an action is adding a row to one of the tables below; nothing else here changes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from invoice.lifecycle import ACTORS, STATUSES, AlreadyApplied, Answer, Apply, Need, decide, turn
from invoice.lifecycle_table import BARRED
from invoice.motifs import canonical
from services.status import (
    actions_body,
    actions_payment,
    actions_recycling,
    actions_supplier,
    actions_validation,
    actions_works,
)
from services.status.action import COMMENT_MAX, Action, Case, Fault, Past, Possible, Refused, Wanted
from services.status.model import Applied, Invoice
from services.status.motifs import offered
from services.status.moves import followed

Barred = tuple[Literal["unknown", "not_yours", "not_now", "invalid"], str]

ACTIONS: Final = {
    action.name: action
    for action in (
        *actions_body.ACTIONS,
        *actions_payment.ACTIONS,
        *actions_recycling.ACTIONS,
        *actions_validation.ACTIONS,
        *actions_works.ACTIONS,
        *actions_supplier.ACTIONS,
    )
}


def possible(invoice: Invoice, actors: Sequence[str]) -> tuple[Possible, ...]:
    """What these actors may do now, in the order of the table."""
    found = (_allowed(action, invoice, actors) for action in ACTIONS.values())
    return tuple(one for one in found if isinstance(one, Possible))


def perform(
    invoice: Invoice, wanted: Wanted, actors: Sequence[str], subject: str, now: datetime, past: Past | None = None
) -> Applied | Refused:
    """Do what ``subject``, who acts as ``actors``, asks for; or say why not. Changes nothing and never raises."""
    past = past or Past()
    action = ACTIONS.get(wanted.action)
    if action is None:
        return _refused(("unknown", f"L'action « {wanted.action[:40]} » n'existe pas."), invoice, actors)
    allowed = _allowed(action, invoice, actors)
    if not isinstance(allowed, Possible):
        return _refused(allowed, invoice, actors)
    motif = None if wanted.motif is None else canonical(wanted.motif)
    fields, faults = _fields(action, wanted)
    faults = (*_motif(allowed, motif), *_comment(allowed, wanted.comment), *faults, *_files(action, wanted, past))
    if not faults:
        done = action.do(
            Case(
                action=action,
                invoice=invoice,
                actor=allowed.actor,
                subject=subject,
                now=now,
                motif=motif,
                comment=_text(wanted.comment),
                fields=fields,
                target=allowed.target,
                attachments=tuple(dict.fromkeys(wanted.attachments)),
                past=past,
            )
        )
        if isinstance(done, Applied):
            return followed(done, now)
        faults = done
    return _refused(("invalid", f"« {action.label} » : {faults[0].message}"), invoice, actors, faults)


def repeated(invoice: Invoice, wanted: Wanted, actors: Sequence[str], past: Past) -> bool:
    """Whether the invoice is already where this leads, with these very values: a program that says it twice is right.

    A mandate under another number is not the same: its number is corrected by an action of its own.
    """
    action = ACTIONS.get(wanted.action)
    target = None if action is None else action.target_of(invoice)
    if action is None or target is None or target != invoice.status:
        return False
    mine = [actor for actor in actors if actor in (action.who or ACTORS)]
    last = next((entry for entry in reversed(past.entries) if entry.status_to == target), None)
    if last is None or not any(isinstance(_verdict(invoice, target, actor), AlreadyApplied) for actor in mine):
        return False
    kept, faults = _fields(action, wanted)
    written = {change.after for change in last.changes}
    return not faults and {value for value in kept.values() if value is not None} <= written


def _allowed(action: Action, invoice: Invoice, actors: Sequence[str]) -> Possible | Barred:
    """Whether one of the actors may do it now, and in which role."""
    whose = _who(action, invoice)
    acting = [actor for actor in actors if actor in whose]
    if not whose:
        return "not_now", f"« {action.label} » n'est pas possible : {_why_not(action, invoice)}"
    if not acting:
        return "not_yours", f"« {action.label} » revient à : {' ou '.join(ACTORS[code] for code in whose)}."
    hindrance = action.unless(invoice)
    if hindrance is not None:
        return "not_now", f"« {action.label} » n'est pas possible : {hindrance}"
    motif, comment = _needs(action, invoice, acting[0])
    return Possible(
        name=action.name,
        label=action.label,
        actor=acting[0],
        motif=motif,
        comment=comment,
        comment_min=action.comment_min if comment == "required" else 0,
        motifs={} if motif == "none" else offered(invoice, action.target_of(invoice)),
        fields=action.fields,
        attachments=action.attachments,
        target=action.target_of(invoice),
        light=action.light,
    )


def _why_not(action: Action, invoice: Invoice) -> str:
    """Why nobody may do it now: the law's or the table's own sentence where there is one."""
    target = action.target_of(invoice)
    barred = None if target is None else BARRED.get((invoice.status, target))
    more = action.instead(invoice) if barred is None else barred[1]
    here = f"la facture est « {STATUSES[invoice.status].label_fr} »."
    return here if more is None else f"{here} {more}"


def _refused(barred: Barred, invoice: Invoice, actors: Sequence[str], faults: tuple[Fault, ...] = ()) -> Refused:
    why, message = barred
    return Refused(
        why=why, message=message, possible=possible(invoice, actors), turn=whose_turn(invoice), faults=faults
    )


def whose_turn(invoice: Invoice) -> str | None:
    """Who is waited for, by the invoice's own circuit."""
    return turn(invoice.status, invoice.circuit.table)


def _who(action: Action, invoice: Invoice) -> tuple[str, ...]:
    """Whose this action is in the invoice's status; nobody's where it is not possible."""
    if action.sources and invoice.status not in action.sources:
        return ()
    if action.target is None:
        return action.who
    target = action.target_of(invoice)
    if target is None:
        return ()
    candidates = action.who or tuple(ACTORS)
    return tuple(actor for actor in candidates if isinstance(_verdict(invoice, target, actor), Apply))


def _verdict(invoice: Invoice, target: str, actor: str) -> Answer:
    return decide(invoice.status, target, actor, was_available=invoice.was_available, table=invoice.circuit.table)


def _needs(action: Action, invoice: Invoice, actor: str) -> tuple[Need, Need]:
    target = action.target_of(invoice)
    if target is None:
        return action.motif, action.comment
    verdict = _verdict(invoice, target, actor)
    assert isinstance(verdict, Apply)
    return verdict.transition.motif, verdict.transition.comment


def _motif(allowed: Possible, given: str | None) -> tuple[Fault, ...]:
    if given is None:
        return (_missing("motif", "Un motif est demandé."),) if allowed.motif == "required" else ()
    if given in allowed.motifs:
        return ()
    codes = ", ".join(allowed.motifs) or "aucun"
    return (
        Fault(
            field="motif",
            value=given[:40],
            rule="MOTIF_NOT_OFFERED",
            message=f"Le motif « {given[:40]} » n'est pas proposé pour cette action.",
            action=f"Choisissez parmi : {codes}.",
        ),
    )


def _comment(allowed: Possible, given: str | None) -> tuple[Fault, ...]:
    need, least, text = allowed.comment, allowed.comment_min, _text(given)
    if text is not None and need == "none":
        return (_wrong_comment(text, "COMMENT_NOT_TAKEN", "Cette action ne prend pas de commentaire.", "Retirez-le."),)
    if text is not None and len(text) > COMMENT_MAX:
        message = f"Le commentaire dépasse {COMMENT_MAX} caractères."
        return (_wrong_comment(text, "COMMENT_TOO_LONG", message, "Raccourcissez-le."),)
    if need == "required" and len(text or "") < least:
        message = f"Un commentaire de {least} caractères au moins est demandé."
        return (_wrong_comment(text, "COMMENT_TOO_SHORT", message, "Écrivez ce que l'autre partie doit savoir."),)
    return ()


def _wrong_comment(text: str | None, rule: str, message: str, action: str) -> Fault:
    return Fault(field="comment", value=text and text[:40], rule=rule, message=message, action=action)


def _fields(action: Action, wanted: Wanted) -> tuple[dict[str, str | None], tuple[Fault, ...]]:
    """The fields as they are kept, and what is wrong with them. A field that the action does not take is a fault."""
    known = {field.name: field for field in action.fields}
    kept: dict[str, str | None] = {}
    faults: list[Fault] = []
    names = ", ".join(f"{field.label} ({field.name})" for field in action.fields) or "aucun champ"
    for name, value in wanted.fields.items():
        checked = (
            known[name].check(_text(value))
            if name in known
            else Fault(
                field=name[:60],
                value=None if value is None else value[:40],
                rule="FIELD_NOT_EDITABLE",
                message=f"« {name[:60]} » ne peut pas changer par « {action.label} ».",
                action=f"Cette action prend : {names}. Tout le reste de la facture est gardé tel quel.",
            )
        )
        if isinstance(checked, Fault):
            faults.append(checked)
        else:
            kept[name] = checked
    missing = [field for field in action.fields if field.required and field.name not in wanted.fields]
    faults += [_missing(field.name, f"Le champ « {field.label} » est demandé.") for field in missing]
    return kept, tuple(faults)


def _files(action: Action, wanted: Wanted, past: Past) -> tuple[Fault, ...]:
    """What is wrong with the attachments that are named: they must be stored before, with this invoice."""
    unknown = [name for name in wanted.attachments if not action.attachments or name not in past.attachments]
    if not unknown:
        return ()
    if not action.attachments:
        return (
            Fault(
                field="attachments",
                value=unknown[0][:40],
                rule="ATTACHMENTS_NOT_TAKEN",
                message=f"« {action.label} » ne prend pas de pièce jointe.",
                action="Retirez-la de la demande.",
            ),
        )
    return tuple(
        Fault(
            field="attachments",
            value=name[:40],
            rule="ATTACHMENT_UNKNOWN",
            message=f"Aucune pièce jointe « {name[:40]} » n'est rangée avec cette facture.",
            action="Déposez-la d'abord (POST /api/v1/deposits/{id}/attachments) ; à l'instant déposée, elle arrive ici "
            "en quelques secondes.",
        )
        for name in unknown
    )


def _missing(field: str, message: str) -> Fault:
    return Fault(field=field, value=None, rule="MISSING", message=message, action="Ajoutez-le, puis recommencez.")


def _text(given: str | None) -> str | None:
    """Text without its outer spaces; None where nothing is left."""
    return (given or "").strip() or None
