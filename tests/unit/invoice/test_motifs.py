"""Motifs and comments: which are offered, which are asked for, what is said when they are wrong."""

import pytest

from invoice.lifecycle import STATUSES, Apply, Forbidden, Words, decide
from invoice.lifecycle_table import POLICIES
from invoice.motifs import MOTIFS, canonical, fault, offered

ENOUGH = "Il manque le bon de livraison."


def listed(status: str, **choice: object) -> list[str]:
    return [motif.code for motif in offered(status, **choice)]  # type: ignore[arg-type]


def suspend(**words: object) -> object:
    return decide("MISE_A_DISPOSITION", "SUSPENDUE", "D", words=Words(**words))  # type: ignore[arg-type]


def test_every_status_that_asks_for_a_motif_offers_some_and_no_other_does() -> None:
    asked = {t.target for table in POLICIES.values() for t in table.transitions if t.motif != "none"}
    assert {status for status in STATUSES if offered(status)} == asked
    for status in asked:
        assert len(listed(status)) == len(set(listed(status)))


def test_a_tenant_may_hide_motifs_and_what_is_left_is_offered() -> None:
    assert "REF_ERR" in listed("SUSPENDUE")
    assert listed("SUSPENDUE", hidden=("REF_ERR",)) == [code for code in listed("SUSPENDUE") if code != "REF_ERR"]


def test_a_works_piece_is_never_refused_for_its_amount_by_its_reader() -> None:
    for status in ("REFUSEE_MOE", "REFUSEE_MOA"):
        assert not {"MONTANT_ERR", "MONTANTTOTAL_ERR"} & set(listed(status))
        assert set(listed(status)) < set(listed("REJETEE"))
    assert "MONTANT_ERR" in listed("REFUSEE_FOURNISSEUR")


def test_a_co_contractors_s6_is_refused_for_one_of_three_reasons() -> None:
    assert listed("REFUSEE_1", cadre="S6") == ["DEST_ERR", "ROUTAGE_ERR", "CODE_ROUTAGE_ERR"]
    assert "AUT_MOTIF_ERR_VALIDEUR" in listed("REFUSEE_1", cadre="A12")


def test_a_wrong_validator_has_its_own_motif() -> None:
    assert listed("ERREUR_FOURNISSEUR_SUR_VALIDEUR") == listed("ERREUR_COTRAITANT_SUR_VALIDEUR") == ["ERR_VALIDEUR"]


def test_the_name_of_the_message_lists_is_stored_under_the_official_code() -> None:
    assert canonical("CMD_ERR") == "CMD_EJ_ERR"
    assert isinstance(suspend(motif="CMD_ERR", comment=ENOUGH), Apply)


@pytest.mark.parametrize(
    ("words", "reason", "said"),
    [
        ({"comment": ENOUGH}, "MOTIF_REQUIRED", "Motifs possibles"),
        ({"motif": "NOPE", "comment": ENOUGH}, "MOTIF_UNKNOWN", "NOPE"),
        ({"motif": "DOUBLON", "comment": ENOUGH}, "MOTIF_NOT_OFFERED", "Il va avec : « Rejetée »"),
        ({"motif": "REF_ERR", "comment": ENOUGH, "hidden": ("REF_ERR",)}, "MOTIF_HIDDEN", "n'est pas utilisé"),
        ({"motif": "JUSTIF_ABS"}, "COMMENT_REQUIRED", "au moins 10 caractères"),
        ({"motif": "JUSTIF_ABS", "comment": "  trop peu "}, "COMMENT_TOO_SHORT", "en a 8"),
        ({"motif": "JUSTIF_ABS", "comment": "x" * 2001}, "COMMENT_TOO_LONG", "2000 au plus"),
    ],
)
def test_wrong_words_are_refused_with_what_would_be_right(words: dict[str, object], reason: str, said: str) -> None:
    answer = suspend(**words)
    assert isinstance(answer, Forbidden)
    assert answer.reason == reason
    assert said in answer.message
    assert "SUSPENDUE" in answer.allowed, "the move itself stays possible"
    assert answer.turn == "D"


def test_right_words_and_a_platform_without_words_are_let_through() -> None:
    assert isinstance(suspend(motif="JUSTIF_ABS", comment=ENOUGH), Apply)
    assert isinstance(decide("MISE_A_DISPOSITION", "SUSPENDUE", "D"), Apply)
    assert isinstance(suspend(motif="JUSTIF_ABS", comment="x" * 2000), Apply)
    assert isinstance(suspend(motif="JUSTIF_ABS", comment="dix lettre"), Apply)


def test_a_motif_may_be_left_out_on_a_return_for_recycling_but_not_the_comment() -> None:
    back = ("MISE_A_DISPOSITION", "A_RECYCLER", "D")
    assert isinstance(decide(*back, words=Words(comment=ENOUGH)), Apply)
    refused = decide(*back, words=Words(motif="SE_ERR"))
    assert isinstance(refused, Forbidden)
    assert refused.reason == "COMMENT_REQUIRED"


def test_a_withdrawal_says_why() -> None:
    refused = decide("DEPOSEE", "ABANDONNEE", "F", words=Words())
    assert isinstance(refused, Forbidden)
    assert refused.reason == "COMMENT_REQUIRED"


def test_every_row_that_asks_for_a_motif_takes_every_motif_that_is_offered() -> None:
    for table in POLICIES.values():
        for row in table.transitions:
            for motif in offered(row.target):
                assert fault(row.target, row.motif, row.comment, Words(motif=motif.code, comment=ENOUGH)) is None
            if row.motif == "none":
                wrong = fault(row.target, row.motif, row.comment, Words(motif="AUTRE", comment=ENOUGH))
                assert wrong is not None
                assert wrong[0] == "MOTIF_NOT_OFFERED"


def test_every_motif_has_a_label_and_a_meaning() -> None:
    assert all(motif.label_fr and motif.meaning_en for motif in MOTIFS.values())
