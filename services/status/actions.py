"""What people do to an invoice: the table of actions, and what each comes to. Pure.

Adding an action is adding a row to one of the tables below; nothing else here changes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from invoice.lifecycle import ACTORS, STATUSES, Apply, Need, decide, turn
from services.status import actions_recycling
from services.status.action import COMMENT_MAX, COMMENT_MIN, Action, Case, Fault, Possible, Refused, Wanted
from services.status.model import Applied, Invoice
from services.status.motifs import offered

Barred = tuple[Literal["unknown", "not_yours", "not_now", "invalid"], str]

ACTIONS: Final = {action.name: action for action in (*actions_recycling.ACTIONS,)}


def possible(invoice: Invoice, actors: Sequence[str]) -> tuple[Possible, ...]:
    """What these actors may do now, in the order of the table."""
    found = (_allowed(action, invoice, actors) for action in ACTIONS.values())
    return tuple(one for one in found if isinstance(one, Possible))


def perform(invoice: Invoice, wanted: Wanted, actors: Sequence[str], subject: str, now: datetime) -> Applied | Refused:
    """Do what ``subject``, who acts as ``actors``, asks for; or say why not. Changes nothing and never raises."""
    action = ACTIONS.get(wanted.action)
    if action is None:
        return _refused(("unknown", f"L'action « {wanted.action[:40]} » n'existe pas."), invoice, actors)
    allowed = _allowed(action, invoice, actors)
    if not isinstance(allowed, Possible):
        return _refused(allowed, invoice, actors)
    fields, faults = _fields(action, wanted)
    faults = (*_motif(allowed, wanted.motif), *_comment(allowed.comment, wanted.comment), *faults)
    if not faults:
        done = action.do(
            Case(
                action=action,
                invoice=invoice,
                actor=allowed.actor,
                subject=subject,
                now=now,
                motif=wanted.motif,
                comment=_text(wanted.comment),
                fields=fields,
            )
        )
        if isinstance(done, Applied):
            return done
        faults = done
    return _refused(("invalid", f"« {action.label} » : {faults[0].message}"), invoice, actors, faults)


def _allowed(action: Action, invoice: Invoice, actors: Sequence[str]) -> Possible | Barred:
    """Whether one of the actors may do it now, and in which role."""
    whose = _who(action, invoice)
    acting = [actor for actor in actors if actor in whose]
    if not whose:
        here = STATUSES[invoice.status].label_fr
        return "not_now", f"« {action.label} » n'est pas possible : la facture est « {here} »."
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
        motifs={} if motif == "none" else offered(action.target),
        fields=action.fields,
    )


def _refused(barred: Barred, invoice: Invoice, actors: Sequence[str], faults: tuple[Fault, ...] = ()) -> Refused:
    why, message = barred
    return Refused(
        why=why, message=message, possible=possible(invoice, actors), turn=turn(invoice.status), faults=faults
    )


def _who(action: Action, invoice: Invoice) -> tuple[str, ...]:
    """Whose this action is in the invoice's status; nobody's where it is not possible."""
    if action.sources and invoice.status not in action.sources:
        return ()
    if action.target is None:
        return action.who
    candidates = action.who or tuple(ACTORS)
    return tuple(actor for actor in candidates if isinstance(_verdict(action, invoice, actor), Apply))


def _verdict(action: Action, invoice: Invoice, actor: str) -> object:
    assert action.target is not None
    return decide(invoice.status, action.target, actor, was_available=invoice.available_structure is not None)


def _needs(action: Action, invoice: Invoice, actor: str) -> tuple[Need, Need]:
    if action.target is None:
        return action.motif, action.comment
    verdict = _verdict(action, invoice, actor)
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


def _comment(need: Need, given: str | None) -> tuple[Fault, ...]:
    text = _text(given)
    if text is not None and need == "none":
        return (_wrong_comment(text, "COMMENT_NOT_TAKEN", "Cette action ne prend pas de commentaire.", "Retirez-le."),)
    if text is not None and len(text) > COMMENT_MAX:
        message = f"Le commentaire dépasse {COMMENT_MAX} caractères."
        return (_wrong_comment(text, "COMMENT_TOO_LONG", message, "Raccourcissez-le."),)
    if need == "required" and len(text or "") < COMMENT_MIN:
        message = f"Un commentaire de {COMMENT_MIN} caractères au moins est demandé."
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


def _missing(field: str, message: str) -> Fault:
    return Fault(field=field, value=None, rule="MISSING", message=message, action="Ajoutez-le, puis recommencez.")


def _text(given: str | None) -> str | None:
    """Text without its outer spaces; None where nothing is left."""
    return (given or "").strip() or None
