"""What maître d'œuvre, maître d'ouvrage and supplier do with works pieces (decisions.md 12: our reading). Pure.

Taking in charge and refusing are rows of their own that all readers share. A piece that was accepted waits for the next
one of the file; depositing that one links it (*Associée*).
"""

from typing import Final

import msgspec

from invoice import cadres, model
from invoice.checks import MAX_SERVICE_CODE
from services.status.action import Action, Case, Fault, Field, by_status
from services.status.action_fields import optional, said, siret
from services.status.actions_body import plain
from services.status.model import Applied, FieldChange, Gone, Invoice

_ACCEPTED: Final = {"PRISE_EN_COMPTE_MOE": "A_ASSOCIER_MOE", "PRISE_EN_COMPTE_MOA": "A_ASSOCIER_MOA"}
_CORRECTED: Final = {
    "ERREUR_FOURNISSEUR_SUR_MOE": "MISE_A_DISPOSITION_MOE",
    "ERREUR_FOURNISSEUR_SUR_MOA": "MISE_A_DISPOSITION_MOA",
    "ERREUR_MOE_SUR_MOA": "MISE_A_DISPOSITION_MOA",
}
_MAINTAINED: Final = {
    "ERREUR_MOA_SUR_FOURNISSEUR": "A_ASSOCIER_FOURNISSEUR",
    "ERREUR_MOE_SUR_FOURNISSEUR": "A_ASSOCIER_FOURNISSEUR",
}


def _wrong(invoice: Invoice) -> str | None:
    """Whose error it is follows from who has deposited the piece."""
    by = cadres.of(invoice.header).by
    match invoice.status:
        case "MISE_A_DISPOSITION_MOE":
            return "ERREUR_FOURNISSEUR_SUR_MOE"
        case "MISE_A_DISPOSITION_MOA":
            return "ERREUR_MOE_SUR_MOA" if by == "MOE" else "ERREUR_FOURNISSEUR_SUR_MOA"
        case "A_ASSOCIER_FOURNISSEUR":
            return "ERREUR_MOA_SUR_FOURNISSEUR" if by == "MOA" else "ERREUR_MOE_SUR_FOURNISSEUR"
        case _:
            return None


def _wrong_recipient(case: Case) -> Applied:
    to_do = "Corrigez le SIRET du destinataire de la pièce, puis renvoyez."
    return Applied(invoice=case.after(), entry=case.entry(reasons=(said(case, "WRONG", "Erreur d'adressage", to_do),)))


def _correct(case: Case) -> Applied | tuple[Fault, ...]:
    """Who was named by mistake loses sight of the piece; the other has it from now on."""
    works = case.invoice.works
    assert works is not None
    at_moe = case.target == "MISE_A_DISPOSITION_MOE"
    before = works.moe if at_moe else works.moa
    new = model.Party(siret=case.fields["siret"] or "", service=case.fields.get("service"))
    if before is not None and (before.siret, before.service) == (new.siret, new.service):
        return (
            Fault(
                field="siret",
                value=new.siret,
                rule="SAME_RECIPIENT",
                message=f"« {new.siret} » s'est dit étranger à cette pièce.",
                action="Indiquez un autre SIRET, d'après le marché.",
            ),
        )
    changed = msgspec.structs.replace(works, moe=new) if at_moe else msgspec.structs.replace(works, moa=new)
    role = "MOE" if at_moe else "MOA"
    old = None if before is None else before.siret
    return Applied(
        invoice=case.after(works=changed),
        entry=case.entry(changes=(FieldChange(role.lower(), old, new.siret),)),
        gone=() if old is None else (Gone(case.invoice.id, old, "MOE" if at_moe else "MOA"),),
    )


ACTIONS: Final = (
    Action(
        name="accept_piece",
        label="Accepter la pièce",
        target=by_status(_ACCEPTED),
        who=("MOE", "MOA"),
        do=plain,
    ),
    Action(
        name="wrong_recipient",
        label="Signaler une erreur de destinataire",
        target=_wrong,
        who=("MOE", "MOA", "F"),
        do=_wrong_recipient,
    ),
    Action(
        name="correct_recipient",
        label="Corriger le destinataire de la pièce",
        target=by_status(_CORRECTED),
        who=("F", "MOE"),
        fields=(
            Field(name="siret", label="SIRET du bon destinataire", check=siret("siret"), required=True),
            optional("service", "Code service", MAX_SERVICE_CODE),
        ),
        do=_correct,
    ),
    Action(
        name="maintain_supplier",
        label="Maintenir l'entreprise désignée",
        target=by_status(_MAINTAINED),
        who=("MOE", "MOA"),
        do=plain,
    ),
)
