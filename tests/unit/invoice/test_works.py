"""Works pieces in their billing file: chains, what becomes of the piece before, the tacit procedure."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from invoice.cadres import CADRES
from invoice.lifecycle import STATUSES, Apply, decide
from invoice.lifecycle_table import POLICIES
from invoice.policies import Circuit, choose
from invoice.works import (
    CHAINS,
    MOE_DAYS,
    PIECES,
    TACIT_DAYS,
    Filed,
    FileMove,
    chains_of,
    clock_piece,
    expected,
    move_of,
)
from tests.unit.invoice.sample import codes

DAY = date(2026, 3, 2)
#: The status in which each reader has a piece and may be answered by the next.
TAKEN = {"MOE": "PRISE_EN_COMPTE_MOE", "MOA": "PRISE_EN_COMPTE_MOA", "F": "A_ASSOCIER_FOURNISSEUR"}
UNREAD = {"MOE": "MISE_A_DISPOSITION_MOE", "MOA": "MISE_A_DISPOSITION_MOA", "F": "DEPOSEE"}


def filed(id_: str, piece: str, status: str, previous: str | None = None, received_on: date | None = DAY) -> Filed:
    return Filed(id=id_, piece=piece, status=status, previous=previous, received_on=received_on)


def test_every_piece_of_the_data_is_a_cadre_that_is_deposited_by_the_same_and_read_by_the_same() -> None:
    works = {code: cadre for code, cadre in CADRES.items() if cadre.works}
    assert set(works) == set(PIECES)
    for code, piece in PIECES.items():
        cadre = works[code]
        assert (cadre.api, cadre.by, cadre.reader) == (piece.api, piece.by, piece.reader)
        assert bool(cadre.validators[1]) == bool(piece.validators)
        assert set(cadre.after) == {before for before, row in PIECES.items() if code in row.next}


@pytest.mark.parametrize("name", sorted(CHAINS))
def test_every_chain_can_be_walked_from_its_first_piece_to_the_financial_service(name: str) -> None:
    file: list[Filed] = []
    for number, piece in enumerate(CHAINS[name]):
        before = file[-1].id if file else None
        on = DAY + timedelta(days=20 * number)
        found = move_of(piece, file, before, on=on)
        assert found == FileMove(links=before), (name, piece)
        if before is not None:
            last = file[-1]
            circuit = choose(last.piece, 1 if PIECES[last.piece].validators else 0)
            assert isinstance(circuit, Circuit)
            assert isinstance(decide(last.status, "ASSOCIEE", "S", table=circuit.table), Apply)
            file[-1] = filed(last.id, last.piece, "ASSOCIEE", last.previous)
        status = TAKEN.get(PIECES[piece].reader, "MISE_A_DISPOSITION")
        file.append(filed(f"{number}", piece, status, before, on))
    assert PIECES[CHAINS[name][-1]].payable
    assert not any(PIECES[piece].payable for piece in CHAINS[name][:-1])


def test_a_file_says_what_may_come_next_and_whether_it_may_come_now() -> None:
    unread, read = filed("1", "A4", "MISE_A_DISPOSITION_MOE"), filed("2", "A4", "A_ASSOCIER_MOE")
    over, payable = filed("3", "A4", "ASSOCIEE"), filed("4", "A19", "MISE_A_DISPOSITION")
    found = [(each.after.id, each.piece, each.ready) for each in expected((unread, read, over, payable))]
    assert found == [("1", "A15", False), ("1", "A16", False), ("2", "A15", True), ("2", "A16", True)]


def test_every_piece_stands_in_a_chain_and_every_link_of_a_chain_is_a_next_piece() -> None:
    assert all(chains_of(piece) for piece in PIECES)
    for pieces in CHAINS.values():
        for before, after in pairwise(pieces):
            assert after in PIECES[before].next


@pytest.mark.parametrize(("piece", "after"), [(p, n) for p, row in PIECES.items() for n in row.next])
def test_a_piece_that_nobody_has_read_cannot_be_answered(piece: str, after: str) -> None:
    found = move_of(after, [filed("1", piece, UNREAD[PIECES[piece].reader])], "1", on=DAY + timedelta(days=60))
    if after in ("A23", "A24", "A25"):
        assert found == FileMove(links="1"), "a tacit account answers a silence"
    else:
        assert isinstance(found, tuple)
        assert codes(found) == ["PREVIOUS_NOT_TAKEN"]
        assert STATUSES[UNREAD[PIECES[piece].reader]].label_fr in found[0].message


@pytest.mark.parametrize("status", ["REFUSEE_MOE", "ASSOCIEE", "REMPLACEE_PAR_A22"])
def test_a_piece_that_is_refused_followed_or_replaced_cannot_be_answered(status: str) -> None:
    found = move_of("A15", [filed("1", "A4", status)], "1", on=DAY)
    assert isinstance(found, tuple)
    assert codes(found) == ["PREVIOUS_CLOSED"]


def test_a_piece_that_does_not_follow_is_told_what_it_follows() -> None:
    found = move_of("A19", [filed("1", "A4", "PRISE_EN_COMPTE_MOE")], "1", on=DAY)
    assert isinstance(found, tuple)
    assert codes(found) == ["PREVIOUS_WRONG"]
    assert "A5, A15" in found[0].message
    unknown = move_of("A19", [], "1", on=DAY)
    assert isinstance(unknown, tuple)
    assert codes(unknown) == ["PREVIOUS_UNKNOWN"]


def test_a22_replaces_what_was_left_without_an_answer_and_nothing_that_is_over() -> None:
    file = [
        filed("1", "A7", "ABSENCE_VALIDATION_MOE_DELAI_REGLEMENTAIRE"),
        filed("2", "A11", "MISE_A_DISPOSITION_MOE"),
        filed("3", "A14", "REFUSEE_MOE"),
        filed("4", "A17", "PRISE_EN_COMPTE_MOA", "1"),
        filed("5", "A19", "MISE_EN_PAIEMENT"),
        filed("6", "A4", "MISE_A_DISPOSITION_MOE"),
        filed("7", "A15", "MISE_A_DISPOSITION_MOA", "6"),
    ]
    assert move_of("A22", file, on=DAY) == FileMove(replaces=("1", "2", "4"))


@pytest.mark.parametrize("piece", ["A23", "A24", "A25"])
def test_a_tacit_account_waits_for_the_silence_of_the_contract(piece: str) -> None:
    file = [filed("1", "A22", "MISE_A_DISPOSITION_MOA", received_on=date(2026, 3, 2))]
    early = move_of(piece, file, "1", on=date(2026, 3, 12))
    assert isinstance(early, tuple)
    assert codes(early) == ["TACIT_TOO_EARLY"]
    assert "13 mars 2026" in (early[0].action or "")
    assert move_of(piece, file, "1", on=date(2026, 3, 13)) == FileMove(links="1")
    assert move_of(piece, file, "1", on=date(2026, 3, 5), tacit_days=2) == FileMove(links="1")
    unreceived = move_of(piece, [filed("1", "A22", "MISE_A_DISPOSITION_MOA", received_on=None)], "1", on=DAY)
    assert isinstance(unreceived, tuple)


def test_what_answered_a22_ends_the_silence() -> None:
    file = [filed("1", "A22", "ASSOCIEE"), filed("2", "A20", "A_ASSOCIER_FOURNISSEUR", "1")]
    found = move_of("A23", file, "1", on=date(2026, 6, 1))
    assert isinstance(found, tuple)
    assert codes(found) == ["PREVIOUS_CLOSED"]


def test_the_delay_of_a_payable_piece_began_with_the_first_that_the_moe_had() -> None:
    file = [
        filed("1", "A4", "ASSOCIEE"),
        filed("2", "A15", "ASSOCIEE", "1"),
        filed("3", "A19", "MISE_A_DISPOSITION", "2"),
        filed("4", "A6", "MISE_A_DISPOSITION"),
    ]
    assert clock_piece(file, "3") == "1"
    assert clock_piece(file, "4") is None
    assert clock_piece([filed("1", "A4", "ASSOCIEE", "2"), filed("2", "A15", "ASSOCIEE", "1")], "2") == "1"


def test_the_days_of_the_chains_are_those_of_the_reference() -> None:
    assert (MOE_DAYS, TACIT_DAYS) == (7, 10)


def test_every_reader_can_refuse_take_in_charge_or_say_that_he_is_not_the_one() -> None:
    for reader, who, wrong in (("MOE", "MOE", "ERREUR_FOURNISSEUR_SUR_MOE"), ("MOA", "MOA", "ERREUR_MOE_SUR_MOA")):
        table = POLICIES[f"reader_{reader}"]
        here = f"MISE_A_DISPOSITION_{reader}"
        assert set(table.allowed(here, who)) >= {f"PRISE_EN_COMPTE_{reader}", f"REFUSEE_{reader}", wrong}
        assert table.is_terminal(f"REFUSEE_{reader}"), "a refusal stops the circuit (chorus-pro.md 8.2)"
