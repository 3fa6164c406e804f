"""Cadres de facturation: every row of the table, everybody who may be missing, and whose piece each is."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from invoice import cadres, packaged
from invoice.cadre_files import Piece, check_file, check_works_client, parties_of, works_of
from invoice.cadre_form import FIELDS, read_form
from invoice.cadres import CADRES, Cadre, Depositor, Given, check_given, check_parties, find, issuer
from invoice.directory import Parameters, Structure
from invoice.findings import Finding
from invoice.model import InvoiceHeader, Party, Works

SUPPLIER, RECIPIENT = "73282932000074", "20002983300015"
FIRST, SECOND = "55208131766522", "35600000000048"
MOE, MOA = "22060001900016", "22310001700423"
EARLIER, FILE = "019e1c4e-0b7a-7c3e-9f00-3f1d2c4b5a69", "019e1c4e-0b7a-7c3e-9f00-000000000001"
ALL = sorted(CADRES, key=lambda code: (code[0], int(code[1:])))
WORKS = [code for code in ALL if CADRES[code].works]
FULL = {"moe": Party(siret=MOE), "moa": Party(siret=MOA)}


def header(code: str = "A1", **changes: Any) -> InvoiceHeader:
    given: dict[str, Any] = {
        "invoice_number": "F1",
        "issue_date": date(2026, 11, 3),
        "supplier_siret": SUPPLIER,
        "recipient_siret": RECIPIENT,
        "total_excl_tax": Decimal(100),
        "tax": Decimal(20),
        "total_incl_tax": Decimal(120),
        "payable": Decimal(120),
        "frame": None if code == "A1" else code,
        **changes,
    }
    return InvoiceHeader(**given)


def complete(code: str, **changes: Any) -> Given:
    """Everybody that a cadre demands, and nobody else."""
    cadre = CADRES[code]
    given: dict[str, Any] = {
        "cadre": code,
        "validators": tuple(Party(siret=siret) for siret in (FIRST, SECOND)[: cadre.validators[0]]),
        "moe": FULL["moe"] if cadre.moe == "required" else None,
        "moa": FULL["moa"] if cadre.moa == "required" else None,
        "previous_piece": EARLIER if cadre.after else None,
        **changes,
    }
    return Given(**given)


def depositor(code: str) -> Depositor:
    """The one whose piece it is."""
    by = CADRES[code].by
    return Depositor(structures=({"F": SUPPLIER, "MOE": MOE, "MOA": MOA}[by],), roles=(cadres.ROLES[by],))


def said(code: str, given: Given, who: Depositor | None = None, **changes: Any) -> list[str]:
    return names(check_parties(header(code, **changes), given, who or depositor(code)))


def names(findings: tuple[Finding, ...]) -> list[str]:
    return [found.code for found in findings]


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


def test_a_cadre_that_no_table_has_counts_as_a_plain_invoice() -> None:
    plain: Cadre = cadres.of(header(frame="Z9"))
    assert plain.code == "A1"


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
