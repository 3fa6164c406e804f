"""The form of a cadre, and billing files: what people write wrong, which piece follows which, who is its party."""

from typing import Any

import msgspec
import pytest

from invoice.cadre_files import Piece, check_file, check_works_client, parties_of, works_of
from invoice.cadre_form import FIELDS, read_form
from invoice.cadres import CADRES, Depositor, Given
from invoice.directory import Parameters, Structure
from invoice.model import Party, Works
from tests.unit.invoice.cadre_sample import (
    EARLIER,
    FILE,
    FIRST,
    FULL,
    MOA,
    MOE,
    RECIPIENT,
    SECOND,
    SUPPLIER,
    WORKS,
    complete,
    depositor,
    header,
    names,
)


# ---------------------------------------------------------------- the form
def test_a_form_is_read_whatever_spaces_and_case_people_write() -> None:
    typed = {"cadre": " a15 ", "moe_siret": "220 600 019 00016", "moe_service": " ETUDES ", "moa_siret": MOA,
             "previous_piece": EARLIER.upper(), "validator_1_siret": "  "}  # fmt: skip
    given, wrong = read_form(typed)
    assert wrong == ()
    assert given == Given(
        cadre="A15", moe=Party(siret=MOE, service="ETUDES"), moa=Party(siret=MOA), previous_piece=EARLIER
    )


def test_an_empty_form_gives_nothing() -> None:
    assert read_form({}) == read_form(dict.fromkeys(FIELDS, " ")) == (Given(), ())


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({"validator_1_siret": "5520813176652"}, [("PARTY_SIRET_INVALID", "validator_1_siret")]),
        ({"validator_1_siret": "55208131766523"}, [("PARTY_SIRET_INVALID", "validator_1_siret")]),
        ({"moa_siret": "x" * 500}, [("PARTY_SIRET_INVALID", "moa_siret")]),
        ({"validator_2_siret": SECOND}, [("VALIDATOR_ORDER", "validator_1_siret")]),
        ({"moe_service": "ETUDES"}, [("PARTY_SERVICE_ALONE", "moe_service")]),
        ({"moe_siret": MOE, "moe_service": "E" * 101}, [("PARTY_SERVICE_INVALID", "moe_service")]),
        ({"moe_siret": MOE, "moe_service": "E\u202eF"}, [("PARTY_SERVICE_INVALID", "moe_service")]),
        ({"works_file": "marché 12"}, [("WORKS_FILE_INVALID", "works_file")]),
        ({"previous_piece": "{" + EARLIER + "}"}, [("PREVIOUS_INVALID", "previous_piece")]),
        ({"cadre": "A3"}, [("CADRE_NOT_SERVED", "cadre")]),
        ({"cadre": "A9"}, [("VALIDATOR_MISSING", "validator_1_siret")]),
        ({"cadre": "A4", "moa_siret": MOA}, [("MOE_MISSING", "moe_siret")]),
    ],
)
def test_what_is_wrong_in_a_form_is_told_by_field(typed: dict[str, str], expected: list[tuple[str, str]]) -> None:
    _, wrong = read_form(typed)
    assert [(found.code, found.field) for found in wrong] == expected
    assert all(found.action for found in wrong)


# ---------------------------------------------------------------- billing files
def piece(cadre: str = "A4", **changes: Any) -> Piece:
    given: dict[str, Any] = {
        "id": EARLIER,
        "cadre": cadre,
        "supplier": SUPPLIER,
        "file": FILE,
        "parties": frozenset((SUPPLIER, RECIPIENT, MOE, MOA)),
        **changes,
    }
    return Piece(**given)


def filed(code: str, before: Piece | None, who: Depositor | None = None, **changes: Any) -> list[str]:
    pieces = {} if before is None else {before.id: before}
    return names(check_file(header(code), complete(code, **changes), who or depositor(code), pieces))


@pytest.mark.parametrize("code", [code for code in WORKS if CADRES[code].after])
@pytest.mark.parametrize("before", WORKS)
def test_a_piece_follows_those_of_its_row_and_no_others(code: str, before: str) -> None:
    expected = [] if before in CADRES[code].after else ["PREVIOUS_WRONG"]
    assert filed(code, piece(before)) == expected


def test_a_piece_that_is_not_there_or_is_other_peoples_is_unknown_in_the_same_words() -> None:
    foreign = piece(parties=frozenset((FIRST, SECOND)))
    assert filed("A15", None) == filed("A15", foreign) == ["PREVIOUS_UNKNOWN"]
    messages = {
        check_file(header("A15"), complete("A15"), depositor("A15"), pieces)[0].message
        for pieces in ({}, {foreign.id: foreign})
    }
    assert len(messages) == 1


def test_the_piece_before_is_of_the_same_supplier_but_for_a_general_account() -> None:
    assert filed("A15", piece(supplier=FIRST)) == ["PREVIOUS_OTHER_SUPPLIER"]
    assert filed("A17", piece("A11", supplier=FIRST)) == []
    assert filed("A17", piece("A7", supplier=FIRST)) == ["PREVIOUS_OTHER_SUPPLIER"]


def test_a_piece_stays_in_the_file_of_the_piece_before_it() -> None:
    earlier = piece()
    own = "019e1c4e-0b7a-7c3e-9f00-00000000000f"
    works = works_of(header("A15"), complete("A15"), {earlier.id: earlier}, own)
    assert works == Works(file=FILE, previous=EARLIER, moe=FULL["moe"], moa=FULL["moa"])
    assert filed("A15", earlier, works_file=own) == ["WORKS_FILE_DIFFERS"]
    assert filed("A15", earlier, works_file=EARLIER) == []


def test_a_first_piece_opens_a_file_or_joins_one_that_its_depositor_is_in() -> None:
    own = "019e1c4e-0b7a-7c3e-9f00-00000000000f"
    opened = works_of(header("A4"), complete("A4"), {}, own)
    joined = works_of(header("A4"), complete("A4", works_file=EARLIER), {EARLIER: piece()}, own)
    assert (opened and opened.file, joined and joined.file) == (own, FILE)
    assert filed("A4", piece(), works_file=EARLIER) == []
    assert filed("A4", piece(parties=frozenset((FIRST,))), works_file=EARLIER) == ["WORKS_FILE_UNKNOWN"]
    assert works_of(header("A9"), complete("A9"), {}, own) is None


def test_everybody_on_a_piece_is_its_party() -> None:
    given = complete("A10", moa=FULL["moa"])
    assert parties_of(header("A10"), given) == {SUPPLIER, RECIPIENT, FIRST, MOE, MOA}


def test_a_works_client_that_the_directory_does_not_know_as_one_is_only_warned_of() -> None:
    body = Structure(siret=MOA, name="Budget principal", tenant="cd31", kind="budget_principal")
    declared = {"none": Parameters(), "too": Parameters(moa=True), "only": Parameters(moa_only=True)}
    told = {
        name: names(check_works_client(Party(siret=MOA), msgspec.structs.replace(body, parameters=parameters)))
        for name, parameters in declared.items()
    }
    assert told == {"none": ["MOA_NOT_DECLARED"], "too": [], "only": []}
    (found,) = check_works_client(Party(siret=MOA), None)
    assert (found.code, found.level) == ("MOA_UNKNOWN", "warn")
