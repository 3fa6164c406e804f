"""Every status × every actor: exactly these actions are possible, in every circuit, and all others say why not."""

from typing import Final

import msgspec
import pytest

from invoice.lifecycle import ACTORS, STATUSES
from services.status.action import Refused, Wanted
from services.status.actions import ACTIONS, perform, possible
from services.status.model import Invoice
from tests.unit.status.lives import Life, available, deposit
from tests.unit.status.samples import BODY, NOON

V1, V2 = "99900001100018", "99900002900010"
_EVERYWHERE: Final = {"comment", "download"}
_BODY: Final = {"assign", "internal_note"}
_MONEY: Final = {"put_in_payment", "partial_payment", "book"}
_DISAGREE: Final = {"admit_amount", "settle_amount"}
_TREATED: Final = {"return_for_recycling", "suspend", "reject", "transfer"}
_ON: Final = {"mandate", "hand_to_comptable"}
#: (status, actor) → what is possible beside what everybody may, in the simple circuit with the strict table.
SIMPLE: Final = {
    ("DEPOSEE", "F"): {"withdraw"},
    ("EN_COURS_ACHEMINEMENT", "F"): {"withdraw"},
    ("A_RECYCLER", "F"): {"recycle", "withdraw"},
    ("MISE_A_DISPOSITION", "D"): _TREATED | _ON | _MONEY | _BODY | _DISAGREE | {"take_in_charge", "service_done"},
    ("MISE_A_DISPOSITION", "C"): _MONEY,
    ("PRISE_EN_COMPTE_DESTINATAIRE", "D"): _TREATED | _ON | _MONEY | _BODY | _DISAGREE | {"service_done"},
    ("PRISE_EN_COMPTE_DESTINATAIRE", "C"): _MONEY,
    ("SUSPENDUE", "F"): {"complete", "acknowledge"},
    ("SUSPENDUE", "D"): {"lift_suspension", "reject", "transfer", "partial_payment"} | _BODY | _DISAGREE,
    ("SUSPENDUE", "C"): {"partial_payment"},
    ("COMPLETEE", "D"): _TREATED | _ON | _MONEY | _BODY | _DISAGREE | {"take_in_charge", "service_done"},
    ("COMPLETEE", "C"): _MONEY,
    ("SERVICE_FAIT", "D"): _TREATED | _ON | _MONEY | _BODY | _DISAGREE,
    ("SERVICE_FAIT", "C"): _MONEY,
    ("MANDATEE", "D"): {"reject", "transfer", "hand_to_comptable", "correct_mandate_number"}
    | _MONEY
    | _BODY
    | _DISAGREE,
    ("MANDATEE", "C"): _MONEY | {"refuse_mandate"},
    ("MISE_A_DISPOSITION_COMPTABLE", "D"): {"reject", "mandate", "correct_mandate_number"} | _MONEY | _BODY | _DISAGREE,
    ("MISE_A_DISPOSITION_COMPTABLE", "C"): _MONEY | {"refuse_mandate"},
    ("COMPTABILISEE", "D"): {"put_in_payment", "partial_payment", "correct_mandate_number"} | _BODY | _DISAGREE,
    ("COMPTABILISEE", "C"): {"put_in_payment", "partial_payment"},
    ("MISE_EN_PAIEMENT", "D"): {"settle_amount"},
    ("REJETEE", "F"): {"acknowledge", "close_rejection"},
}
VALIDATED: Final = SIMPLE | {
    ("A_VALIDER_1", "V1"): {"validate", "refuse", "wrong_validator"},
    ("A_VALIDER_1", "F"): {"withdraw"},
    ("ERREUR_FOURNISSEUR_SUR_VALIDEUR", "F"): {"correct_validator", "withdraw"},
}
TWO_VALIDATORS: Final = VALIDATED | {
    ("A_VALIDER_2", "V2"): {"validate", "refuse", "wrong_validator"},
    ("A_VALIDER_2", "F"): {"withdraw"},
    ("ERREUR_COTRAITANT_SUR_VALIDEUR", "F"): {"correct_validator", "withdraw"},
    ("ERREUR_COTRAITANT_SUR_VALIDEUR", "V1"): {"correct_validator"},
}
_SUPPLIERS: Final = {key: SIMPLE[key] for key in (("SUSPENDUE", "F"), ("REJETEE", "F"))}
_ANYWHERE: Final = {
    "acknowledge",
    "close_rejection",
    *_BODY,
    *_DISAGREE,
    "partial_payment",
    "transfer",
    "refuse_mandate",
}
_ANYWHERE.add("correct_mandate_number")
AT_MOE: Final = {
    ("MISE_A_DISPOSITION_MOE", "MOE"): {"take_in_charge", "refuse", "wrong_recipient"},
    ("ABSENCE_VALIDATION_MOE_DELAI_REGLEMENTAIRE", "MOE"): {"take_in_charge"},
    ("PRISE_EN_COMPTE_MOE", "MOE"): {"accept_piece", "refuse"},
    ("ERREUR_FOURNISSEUR_SUR_MOE", "F"): {"correct_recipient"},
}
AT_MOA: Final = {
    ("MISE_A_DISPOSITION_MOA", "MOA"): {"take_in_charge", "refuse", "wrong_recipient"},
    ("PRISE_EN_COMPTE_MOA", "MOA"): {"accept_piece", "refuse"},
    ("ERREUR_FOURNISSEUR_SUR_MOA", "F"): {"correct_recipient"},
    ("ERREUR_MOE_SUR_MOA", "MOE"): {"correct_recipient"},
}
AT_SUPPLIER: Final = {
    ("A_ASSOCIER_FOURNISSEUR", "F"): {"refuse", "wrong_recipient"},
    ("ERREUR_MOA_SUR_FOURNISSEUR", "MOA"): {"maintain_supplier"},
    ("ERREUR_MOE_SUR_FOURNISSEUR", "MOE"): {"maintain_supplier"},
}
CIRCUITS: Final = {
    "A1": (deposit("A1"), SIMPLE),
    "A2": (deposit("A2"), SIMPLE),
    "A9": (deposit("A9", V1), VALIDATED),
    "A12": (deposit("A12", V1), VALIDATED),
    "S3": (deposit("S3", V1), VALIDATED),
    "A9, two": (deposit("A9", V1, V2), TWO_VALIDATORS),
    "A4": (deposit("A4"), AT_MOE),
    "A5": (deposit("A5"), AT_MOA),
    "A20": (deposit("A20"), AT_SUPPLIER),
}


def in_status(cadre: str, status: str) -> Invoice:
    """An invoice of this circuit, in this status; one that a body has, or had, if the status comes after that."""
    held = STATUSES[status].group in ("treatment", "payment") or status == "REJETEE"
    back = status == "A_RECYCLER"
    return msgspec.structs.replace(
        Life(CIRCUITS[cadre][0]).invoice, status=status, available_structure=BODY if held and not back else None
    )


@pytest.mark.parametrize("cadre", CIRCUITS)
@pytest.mark.parametrize("actor", ACTORS)
def test_each_actor_may_do_in_each_status_what_the_table_says_and_nothing_else(cadre: str, actor: str) -> None:
    table = CIRCUITS[cadre][1]
    works = table in (AT_MOE, AT_MOA, AT_SUPPLIER)
    for number, status in enumerate(STATUSES):
        invoice = in_status(cadre, status)
        found = {one.name for one in possible(invoice, [actor])}
        everywhere = set() if actor == "S" else set(_EVERYWHERE)
        if actor == "C":
            everywhere |= {"internal_note"}
        if actor == "D":
            everywhere |= {"internal_note"}
        compared = found - _ANYWHERE if works else found
        wanted = table.get((status, actor), set())
        assert compared == (wanted | everywhere) - (_ANYWHERE if works else set()), (status, actor)
        for name in sorted(ACTIONS.keys() - found)[number % 7 :: 7]:  # over all statuses, every one of them
            refusal = perform(invoice, Wanted(action=name), [actor], "x", NOON)
            assert isinstance(refusal, Refused)
            assert refusal.why in ("not_yours", "not_now")
            assert {one.name for one in refusal.possible} == found
            assert refusal.message


def test_every_action_is_possible_to_somebody_somewhere() -> None:
    seen: set[str] = set()
    for cadre in CIRCUITS:
        for status in STATUSES:
            seen |= {one.name for one in possible(in_status(cadre, status), list(ACTORS))}
    assert ACTIONS.keys() - seen == {"return_to_treatment"}  # the lenient table's


def test_the_lenient_table_lets_the_body_post_its_statuses_in_any_order() -> None:
    life = available()
    life.do("mandate", fields={"mandate_number": "M-1"})
    assert life.refused("suspend", motif="AUTRE", comment="Il manque le bon.").why == "not_now"
    lenient = msgspec.structs.replace(
        life.invoice, policy=msgspec.structs.replace(life.invoice.policy, lifecycle="lenient")
    )
    names = {one.name for one in possible(lenient, ["D"])}
    assert {"suspend", "service_done", "return_to_treatment", "return_for_recycling"} <= names
