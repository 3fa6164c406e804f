"""What validators do, and the correction of one who was named by mistake (decisions.md 4, 5 and 8). Pure."""

from typing import Final

from invoice import model
from invoice.checks import MAX_SERVICE_CODE
from services.status.action import Action, Case, Fault, Field, by_status
from services.status.action_fields import optional, said, siret
from services.status.actions_body import plain
from services.status.model import Applied, FieldChange, Gone

_AGREED: Final = {"A_VALIDER_1": "VALIDEE_1", "A_VALIDER_2": "VALIDEE_2"}
_REFUSED: Final = {
    "A_VALIDER_1": "REFUSEE_1",
    "A_VALIDER_2": "REFUSEE_2",
    "MISE_A_DISPOSITION_MOE": "REFUSEE_MOE",
    "PRISE_EN_COMPTE_MOE": "REFUSEE_MOE",
    "MISE_A_DISPOSITION_MOA": "REFUSEE_MOA",
    "PRISE_EN_COMPTE_MOA": "REFUSEE_MOA",
    "A_ASSOCIER_FOURNISSEUR": "REFUSEE_FOURNISSEUR",
}
_WRONG: Final = {
    "A_VALIDER_1": "ERREUR_FOURNISSEUR_SUR_VALIDEUR",
    "A_VALIDER_2": "ERREUR_COTRAITANT_SUR_VALIDEUR",
}
_CORRECTED: Final = {wrong: asked for asked, wrong in _WRONG.items()}


def _refuse(case: Case) -> Applied:
    handed_on = case.invoice.circuit.table.move(case.target, "DEPOSEE") is not None
    to_do = (
        "La demande est transmise à l'acheteur public avec ce refus."
        if handed_on
        else "Prenez contact avec lui, puis déposez une demande corrigée sous un nouveau numéro."
    )
    return Applied(invoice=case.after(), entry=case.entry(reasons=(said(case, "REFUSED", "Refusée", to_do),)))


def _wrong_validator(case: Case) -> Applied:
    to_do = "Corrigez le SIRET du valideur, puis renvoyez : le reste ne change pas."
    return Applied(invoice=case.after(), entry=case.entry(reasons=(said(case, "WRONG", "Mauvais valideur", to_do),)))


def _correct_validator(case: Case) -> Applied | tuple[Fault, ...]:
    """Who was named by mistake loses sight of the invoice; the other is asked, with 15 days of his own."""
    rank = 1 if case.target == "A_VALIDER_1" else 2
    named = case.invoice.validators
    before = named[rank - 1]
    new = model.Party(siret=case.fields["validator_siret"] or "", service=case.fields.get("validator_service"))
    if new.siret == before.siret and new.service == before.service:
        return (_same_validator(new.siret, f"« {new.siret} » est le valideur qui s'est dit étranger à cette demande."),)
    if new.siret == case.invoice.header.supplier_siret:
        return (_same_validator(new.siret, "Le fournisseur ne peut pas valider sa propre demande."),)
    if new.siret == case.invoice.header.recipient_siret:
        return (_same_validator(new.siret, "Le destinataire ne valide pas : il reçoit la demande une fois validée."),)
    if any(other.siret == new.siret for number, other in enumerate(named, 1) if number != rank):
        return (_same_validator(new.siret, f"« {new.siret} » est déjà l'autre valideur de cette demande."),)
    after = case.after(validators=(*named[: rank - 1], new, *named[rank:]))
    changes = (FieldChange(f"validator_{rank}", before.siret, new.siret),)
    gone = (Gone(case.invoice.id, before.siret, "VALIDATEUR"),)
    return Applied(invoice=after, entry=case.entry(changes=changes), gone=gone)


def _same_validator(given: str, message: str) -> Fault:
    return Fault(
        field="validator_siret",
        value=given,
        rule="VALIDATOR_WRONG",
        message=message,
        action="Indiquez le SIRET du titulaire du marché, ou du mandataire du groupement.",
    )


ACTIONS: Final = (
    Action(name="validate", label="Valider", target=by_status(_AGREED), who=("V1", "V2"), do=plain),
    Action(
        name="refuse",
        label="Refuser",
        target=by_status(_REFUSED),
        who=("V1", "V2", "MOE", "MOA", "F"),
        do=_refuse,
    ),
    Action(
        name="wrong_validator",
        label="Signaler une erreur de valideur",
        target=by_status(_WRONG),
        who=("V1", "V2"),
        do=_wrong_validator,
    ),
    Action(
        name="correct_validator",
        label="Corriger le valideur",
        target=by_status(_CORRECTED),
        who=("F", "V1"),
        fields=(
            Field(name="validator_siret", label="SIRET du valideur", check=siret("validator_siret"), required=True),
            optional("validator_service", "Code service du valideur", MAX_SERVICE_CODE),
        ),
        do=_correct_validator,
    ),
)
