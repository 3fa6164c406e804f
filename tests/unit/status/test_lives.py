"""Whole lives in memory: who acts, what the platform does right after, who sees the invoice."""

from datetime import date

import pytest

from invoice.lifecycle import AlreadyApplied
from invoice.model import Party, Works
from invoice.policies import Policy
from services.status.action import Past, Wanted
from services.status.actions import repeated
from services.status.domain import answer
from services.status.model import Body
from services.status.plan import act, status_changed
from tests.unit.status import samples
from tests.unit.status.lives import IDENTITY, Life, available, deposit
from tests.unit.status.samples import NOON, accepted, event, routed

V1, V2, OTHER = "99900001100018", "99900002900010", "55208131766522"
NO = {"motif": "ST_CT_NON_DECLAR", "comment": "Ce sous-traitant n'est pas déclaré."}


class Cause:
    id = IDENTITY
    traceparent = None


def asked(life: Life) -> tuple[int, str]:
    """The attempt that routing was asked for at last."""
    [request] = [step.asks for step in life.applied[-1].steps if step.asks is not None]
    return request.attempt, request.purpose


def test_a_subcontractors_invoice_is_routed_once_its_validator_agrees_and_the_delay_runs_from_his_agreement() -> None:
    life = Life(deposit("A9", V1))
    assert life.statuses == ["A_VALIDER_1"]
    [supplier, validator] = life.applied[-1].parties
    assert (supplier.role, validator.role, validator.structure, validator.rank) == ("FOURNISSEUR", "VALIDATEUR", V1, 1)
    assert life.refused("validate", "D").why == "not_yours"
    life.later(days=3).do("validate", "V1")
    assert life.statuses == ["A_VALIDER_1", "VALIDEE_1", "DEPOSEE"]
    assert asked(life) == (2, "recycled")
    told = act(life.applied[-1], Cause()).told
    assert [type(one.data).__name__ for one in told] == ["StatusChanged", "StatusChanged", "RoutingRequested"]
    assert [one.index for one in told] == [0, 1, 1]
    life.later(days=1).take(routed(2))
    life.take(accepted(4, at=life.now))
    assert life.invoice.delay is not None
    assert (life.invoice.delay.source, life.invoice.delay.started_on) == ("agreement", date(2026, 3, 5))


def test_a_silent_validator_has_agreed_after_his_days_and_the_second_has_his_own() -> None:
    life = Life(deposit("A9", V1, V2)).later(days=15, hours=12)
    life.platform("ABSENCE_VALIDATION_1_HORS_DELAI")
    assert life.statuses[-2:] == ["ABSENCE_VALIDATION_1_HORS_DELAI", "A_VALIDER_2"]
    assert life.invoice.status_at == life.now
    [second] = [party for step in life.applied[-1].steps for party in step.parties]
    assert (second.structure, second.rank, second.since) == (V2, 2, 3)
    life.do("validate", "V2")
    assert life.statuses[-1] == "DEPOSEE"
    assert asked(life) == (2, "recycled")


def test_a_refused_a9_is_final_and_a_refused_s3_is_handed_to_the_buyer_with_the_refusal() -> None:
    final = Life(deposit("A9", V1))
    final.do("refuse", "V1", **NO)
    assert final.statuses[-1] == "REFUSEE_1"
    assert final.applied[-1].last.attempt == 1
    handed = Life(deposit("S3", V1))
    [reason] = handed.do("refuse", "V1", **NO).entry.reasons
    assert handed.statuses[-2:] == ["REFUSEE_1", "DEPOSEE"]
    assert "transmise à l'acheteur" in (reason.action or "")
    assert handed.invoice.attempt == 2
    goes_on = {samples.BODY: Body(policy=Policy(refused_a9_goes_on=True))}
    policy = Life(deposit("A9", V1), bodies=goes_on)
    policy.do("refuse", "V1", **NO)
    assert policy.statuses[-1] == "DEPOSEE"


def test_an_approval_under_s3_says_something() -> None:
    life = Life(deposit("S3", V1))
    assert [fault.rule for fault in life.refused("validate", "V1").faults] == ["COMMENT_TOO_SHORT"]
    life.do("validate", "V1", comment="Travaux conformes.")


@pytest.mark.parametrize(("rank", "actor", "by"), [(1, "V1", "F"), (2, "V2", "F"), (2, "V2", "V1")])
def test_a_wrong_validator_is_corrected_by_whom_it_falls_to_and_sees_nothing_any_more(
    rank: int, actor: str, by: str
) -> None:
    life = Life(deposit("A9", V1, V2))
    if rank == 2:
        life.do("validate", "V1")
    life.do("wrong_validator", actor, motif="ERR_VALIDEUR")
    assert life.refused("correct_validator", by, fields={"validator_siret": (V1, V2)[rank - 1]}).faults[0].rule == (
        "VALIDATOR_WRONG"
    )
    done = life.do("correct_validator", by, fields={"validator_siret": OTHER})
    assert life.invoice.status == f"A_VALIDER_{rank}"
    assert life.invoice.validators[rank - 1].siret == OTHER
    assert [(gone.structure, gone.role) for gone in done.gone] == [((V1, V2)[rank - 1], "VALIDATEUR")]
    assert [(party.structure, party.rank) for party in done.parties] == [(OTHER, rank)]


@pytest.mark.parametrize("given", [V1, samples.BODY, samples.SUPPLIER])
def test_a_wrong_validator_is_not_replaced_by_a_party_of_the_invoice(given: str) -> None:
    life = Life(deposit("A9", V1, V2))
    life.do("validate", "V1")
    life.do("wrong_validator", "V2", motif="ERR_VALIDEUR")
    refused = life.refused("correct_validator", "F", fields={"validator_siret": given})
    assert [fault.rule for fault in refused.faults] == ["VALIDATOR_WRONG"]


def test_what_is_quoted_to_the_other_side_is_no_fact_of_the_history() -> None:
    life = available()
    done = life.do("reject", motif="DOUBLON", comment="Voyez avec Agnès Brun.")
    assert "Agnès" not in str(done.entry.reasons)
    assert "Le destinataire écrit : « Voyez avec Agnès Brun. »" in status_changed(done).reasons[0].message


def test_who_withdraws_in_time_is_not_caught_up_by_routing() -> None:
    life = Life(deposit())
    assert life.refused("withdraw", "F").faults[0].rule == "COMMENT_TOO_SHORT"
    life.do("withdraw", "F", comment="Envoyée deux fois.")
    for late in (routed(), samples.unroutable()):
        assert isinstance(answer(life.invoice, event(late, IDENTITY), NOON), AlreadyApplied)
    refused = available().refused("withdraw", "F", comment="Trop tard, dommage.")
    assert "Demandez au destinataire de la rejeter" in refused.message


def test_a_light_act_is_history_and_makes_nobodys_version_stale() -> None:
    life = available()
    version = life.invoice.version
    for action, actor, given in (
        ("download", "D", {}),
        ("internal_note", "D", {"comment": "Vu."}),
        ("assign", "D", {"fields": {"assignee": "Agnès"}}),
        ("comment", "F", {"comment": "Bonjour ?"}),
    ):
        done = life.do(action, actor, **given)
        assert done.entry.visibility == ("all" if actor == "F" else "body")
    assert life.invoice.version == version
    assert life.invoice.assigned_to == "Agnès"
    assert all("Agnès" not in str(change) for entry in life.entries for change in entry.changes)


def test_a_works_piece_goes_to_the_moe_and_a_wrong_one_loses_sight_of_it() -> None:
    works = Works(file=str(IDENTITY), moe=Party(siret=V1), moa=Party(siret=samples.BODY))
    life = Life(deposit("A4", works=works))
    assert life.statuses == ["DEPOSEE", "MISE_A_DISPOSITION_MOE"]
    roles = [(party.role, party.structure) for step in life.applied[-1].steps for party in step.parties]
    assert roles == [("FOURNISSEUR", samples.SUPPLIER), ("MOE", V1)]
    assert not any(step.asks for step in life.applied[-1].steps)
    assert life.clock.proof == "moe"
    life.do("wrong_recipient", "MOE", motif="DEST_ERR")
    done = life.do("correct_recipient", "F", fields={"siret": V2})
    assert [gone.structure for gone in done.gone] == [V1]
    assert [party.structure for party in done.parties] == [V2]
    life.later(days=8).platform("ABSENCE_VALIDATION_MOE_DELAI_REGLEMENTAIRE")
    life.do("take_in_charge", "MOE")
    amount = life.refused("refuse", "MOE", motif="MONTANT_ERR", comment="Le montant est faux.")
    assert [fault.rule for fault in amount.faults] == ["MOTIF_NOT_OFFERED"]
    life.do("accept_piece", "MOE")
    assert life.platform("ASSOCIEE").entry.actor == "S"
    assert life.statuses[-1] == "ASSOCIEE"


def test_a_piece_that_its_moe_deposits_is_his_from_the_beginning_and_the_moas_once_he_has_it() -> None:
    works = Works(file=str(IDENTITY), previous=None, moe=Party(siret=V1), moa=Party(siret=OTHER))
    life = Life(deposit("A15", works=works))
    assert life.entries[0].actor == "MOE"
    parties = [(party.role, party.since) for step in life.applied[-1].steps for party in step.parties]
    assert parties == [("FOURNISSEUR", 1), ("MOE", 1), ("MOA", 2)]
    assert life.statuses[-1] == "MISE_A_DISPOSITION_MOA"


def test_a_deposit_whose_validators_do_not_fit_its_cadre_is_refused_in_words() -> None:
    found = answer(None, event(deposit("A9"), IDENTITY), NOON)
    assert "valid" in getattr(found, "message", "")


def test_what_is_said_again_is_already_so_and_another_mandate_number_is_not() -> None:
    life = available()
    life.do("mandate", fields={"mandate_number": "M-1"})
    past = Past(entries=tuple(life.entries))

    def again(action: str, actor: str = "D", **fields: str) -> bool:
        return repeated(life.invoice, Wanted(action=action, fields=fields), [actor], past)

    assert again("mandate", mandate_number=" M-1 ")
    assert not again("mandate", mandate_number="M-2")
    assert not again("mandate", "F", mandate_number="M-1")
    assert not again("hand_to_comptable")
    assert not again("comment")
