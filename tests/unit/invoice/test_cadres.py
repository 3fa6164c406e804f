"""Cadres de facturation: every row of the table, everybody who may be missing, and whose piece each is."""

from typing import Any

import pytest

from invoice import cadres, packaged
from invoice.cadres import CADRES, Cadre, Depositor, Given, check_given, check_parties, find, issuer
from invoice.model import Party
from tests.unit.invoice.cadre_sample import (
    ALL,
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


def said(code: str, given: Given, who: Depositor | None = None, **changes: Any) -> list[str]:
    return names(check_parties(header(code, **changes), given, who or depositor(code)))


# ---------------------------------------------------------------- the table
def test_every_cadre_that_chorus_pro_names_is_there_and_no_other() -> None:
    works = {4, 5, 6, 7, 8, 10, 11, *range(13, 21), 22, 23, 24, 25}
    assert set(CADRES) == {"A1", "A2", "A9", "A12", "S3", "S6", *(f"A{n}" for n in works)}


@pytest.mark.parametrize("piece", packaged.load("lifecycle.yaml")["works"]["pieces"], ids=lambda piece: piece["code"])
def test_a_works_piece_is_what_the_lifecycle_says(piece: dict[str, Any]) -> None:
    cadre = CADRES[piece["code"]]
    assert (cadre.api, cadre.by, cadre.reader) == (piece["api"], piece["by"], piece["reader"])
    assert (cadre.validators[0] > 0) == bool(piece["validators"])
    named = {piece["by"], piece["reader"], *piece.get("copy_to", ())}
    assert (cadre.moe == "required", cadre.moa == "required") == ("MOE" in named, "MOA" in named)
    pieces = packaged.load("lifecycle.yaml")["works"]["pieces"]
    assert set(cadre.after) == {other["code"] for other in pieces if piece["code"] in other["next"]}
    assert cadre.routed_at_once == piece["payable"]


def test_the_cadres_with_validators_are_those_of_the_lifecycle() -> None:
    policies = packaged.load("lifecycle.yaml")["policies"]
    validated = {*policies["validated"]["cadres"], *policies["validated"]["bt23"], *policies["validated_s3"]["bt23"]}
    assert {code for code in ALL if CADRES[code].validators[0] and not CADRES[code].works} == validated
    assert {code for code in ALL if CADRES[code].validators[1] == 2} == {"A9", "S3", "A10", "A11"}
    simple = policies["simple"]
    assert {twin for code in ("A1", "A2") for twin in CADRES[code].bt23} == set(simple["bt23"])


def test_only_a_request_for_direct_payment_takes_no_number() -> None:
    assert [code for code in ALL if CADRES[code].unnumbered] == ["S3"]


@pytest.mark.parametrize("code", ALL)
def test_a_cadre_is_found_by_every_spelling_and_named_in_french(code: str) -> None:
    cadre = CADRES[code]
    spellings = (code, code.lower(), f" {code} ", cadre.api, *cadre.bt23)
    assert {find(spelling) for spelling in spellings} == {cadre}
    assert cadre.label
    assert cadre.source.startswith("chorus-pro.md 8.")
    assert cadres.check_cadre(code) == ()


@pytest.mark.parametrize(
    ("code", "expected", "words"),
    [
        ("A3", "CADRE_NOT_SERVED", "frais de justice"), ("A3_MEMOIRE_JUSTICE", "CADRE_NOT_SERVED", "frais de justice"),
        ("a21_DEMANDE_REMBOURSEMENT_TIC", "CADRE_NOT_SERVED", "carburants"), ("S5", "CADRE_FORBIDDEN", "interdit"),
        ("A99", "CADRE_UNKNOWN", "A99"), ("A1_AUTRE", "CADRE_UNKNOWN", "A1_AUTRE"), ("", "CADRE_UNKNOWN", "«  »"),
    ],
)  # fmt: skip
def test_what_is_no_cadre_of_ours_is_refused_in_those_words(code: str, expected: str, words: str) -> None:
    (found,) = cadres.check_cadre(code)
    assert (found.code, found.level) == (expected, "refuse")
    assert words in found.message


# ---------------------------------------------------------------- who must be named
@pytest.mark.parametrize("code", ALL)
def test_with_everybody_demanded_nothing_is_said(code: str) -> None:
    assert check_given(complete(code)) == ()
    assert said(code, complete(code)) == []


MISSING = [
    (code, field, expected)
    for code in ALL
    for field, expected, needed in (
        ("validators", "VALIDATOR_MISSING", CADRES[code].validators[0] > 0),
        ("moe", "MOE_MISSING", CADRES[code].moe == "required"),
        ("moa", "MOA_MISSING", CADRES[code].moa == "required"),
        ("previous_piece", "PREVIOUS_MISSING", bool(CADRES[code].after)),
    )
    if needed
]


@pytest.mark.parametrize(("code", "field", "expected"), MISSING)
def test_each_party_that_is_missing_is_told_at_the_door_and_when_read(code: str, field: str, expected: str) -> None:
    given = complete(code, **{field: () if field == "validators" else None})
    assert names(check_given(given)) == [expected]
    assert said(code, given) == [expected]


@pytest.mark.parametrize("code", [code for code in ALL if not CADRES[code].validators[1]])
def test_a_validator_that_nobody_asks_for_is_refused_not_passed_over(code: str) -> None:
    assert said(code, complete(code, validators=(Party(siret=FIRST),))) == ["VALIDATOR_NOT_EXPECTED"]


@pytest.mark.parametrize("code", [code for code in ALL if CADRES[code].validators[1]])
def test_two_validators_are_taken_where_two_may_be_asked(code: str) -> None:
    given = complete(code, validators=(Party(siret=FIRST), Party(siret=SECOND, service="TRAVAUX")))
    assert said(code, given) == ([] if CADRES[code].validators[1] == 2 else ["VALIDATOR_TOO_MANY"])


@pytest.mark.parametrize("code", [code for code in ALL if not CADRES[code].works])
def test_a_works_party_or_file_is_refused_under_a_cadre_that_is_no_works_piece(code: str) -> None:
    given = complete(code, **FULL, works_file=FILE, previous_piece=EARLIER)
    assert [found.field for found in check_given(given)] == ["moe_siret", "moa_siret", "works_file", "previous_piece"]
    assert {*names(check_given(given))} == {"WORKS_NOT_EXPECTED"}


@pytest.mark.parametrize("code", [code for code in WORKS if not CADRES[code].after])
def test_a_piece_that_opens_a_chain_follows_none(code: str) -> None:
    assert said(code, complete(code, previous_piece=EARLIER)) == ["PREVIOUS_NOT_EXPECTED"]


# ---------------------------------------------------------------- whose piece it is
@pytest.mark.parametrize("code", ALL)
def test_a_piece_is_deposited_under_the_role_of_him_whose_piece_it_is(code: str) -> None:
    for role in ("FOURNISSEUR", "MOE", "MOA", "DESTINATAIRE", "VALIDATEUR"):
        who = Depositor(structures=depositor(code).structures, roles=(role,))
        assert said(code, complete(code), who) == ([] if role == cadres.ROLES[CADRES[code].by] else ["CADRE_ROLE"])


@pytest.mark.parametrize("code", [code for code in WORKS if CADRES[code].by != "F"])
def test_nobody_deposits_a_piece_of_a_moe_or_moa_that_is_none_of_his_structures(code: str) -> None:
    by = CADRES[code].by
    who = Depositor(structures=(SUPPLIER, SECOND), roles=("FOURNISSEUR", "MOE", "MOA"))
    assert said(code, complete(code), who) == [f"DEPOSITOR_NOT_{by}"]
    assert names(cadres.check_depositor(CADRES[code], complete(code), who)) == [f"DEPOSITOR_NOT_{by}"]


def test_nobody_validates_his_own_invoice_and_the_recipient_is_no_validator() -> None:
    for siret, expected in ((SUPPLIER, "VALIDATOR_IS_SUPPLIER"), (RECIPIENT, "VALIDATOR_IS_RECIPIENT")):
        assert said("A9", complete("A9", validators=(Party(siret=siret),))) == [expected]
        found = check_parties(
            header("A9"), complete("A9", validators=(Party(siret=FIRST), Party(siret=siret))), depositor("A9")
        )
        assert [(each.code, each.field) for each in found] == [(expected, "validator_2_siret")]


def test_two_validators_are_two_structures() -> None:
    twice = (Party(siret=FIRST, service="A"), Party(siret=f"{FIRST[:3]} {FIRST[3:]}", service="B"))
    (found,) = check_given(complete("A9", validators=twice))
    assert (found.code, found.field) == ("VALIDATOR_TWICE", "validator_2_siret")


def test_nobody_supervises_his_own_works() -> None:
    assert said("A4", complete("A4", moe=Party(siret=SUPPLIER))) == ["MOE_IS_SUPPLIER"]


def test_one_body_may_be_recipient_works_client_and_supervisor() -> None:
    assert said("A22", complete("A22", moe=Party(siret=RECIPIENT), moa=Party(siret=RECIPIENT, service="BAT"))) == []


@pytest.mark.parametrize("code", ALL)
def test_a_number_belongs_to_him_who_deposits(code: str) -> None:
    expected = {"F": SUPPLIER, "MOE": MOE, "MOA": MOA}[CADRES[code].by]
    assert issuer(header(code), complete(code)) == expected


def test_a_cadre_that_no_table_has_counts_as_a_plain_invoice() -> None:
    plain: Cadre = cadres.of(header(frame="Z9"))
    assert plain.code == "A1"
