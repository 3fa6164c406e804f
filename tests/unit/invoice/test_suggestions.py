"""Suggestions: the nearest values that the directory takes, with a confidence, and never one that it would refuse."""

from typing import Any

import pytest

from invoice.addressing import Around
from invoice.directory import Engagement, Identifier, Parameters, Service, Structure
from invoice.findings import Suggestion
from invoice.suggestions import REASONS, Facts
from tests.unit.invoice.sample import (
    ALPES_MARITIMES,
    GERS,
    GERS_CLOSED,
    GERS_REGIE,
    GERS_WORKS,
    HAUTE_GARONNE,
    SUPPLIER,
    VALDEBLORE,
    made,
)
from tests.unit.invoice.suggestion_sample import DEMO, suggested

MINE = Identifier(type="SIRET", value=SUPPLIER, normalised=SUPPLIER)
THEIRS = Identifier(type="SIRET", value="00099901100018", normalised="00099901100018")


def engagement(number: str, **fields: Any) -> Engagement:
    return Engagement(**{"siret": HAUTE_GARONNE, "number": number, "supplier": MINE, **fields})


def first(suggestions: dict[str, list[Suggestion]], code: str) -> tuple[str, str]:
    best = suggestions[code][0]
    assert best.value in best.sentence.replace(" ", "") or best.value in best.sentence
    return best.value, best.why


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("22060001900017", "DIGIT_WRONG"),
        ("220 600 019 00061", "DIGITS_SWAPPED"),
        ("2206000190016", "DIGIT_MISSING"),
        ("220600019000166", "DIGIT_EXTRA"),
        ("22O6OOO19OOO16", "LETTER_FOR_DIGIT"),
        ("22160001900016", "DIGIT_WRONG"),
    ],
)
def test_a_siret_with_one_fault_suggests_the_structure_that_has_the_right_one(written: str, why: str) -> None:
    found = suggested(written)
    assert first(found, "DEST_SIRET_INVALID") == (ALPES_MARITIMES, why)
    assert found["DEST_SIRET_INVALID"][0].confidence >= 0.8
    assert "Budget Principal" in (found["DEST_SIRET_INVALID"][0].label or "")


def test_a_valid_siret_that_nobody_has_suggests_the_body_s_own_with_less_confidence() -> None:
    found = suggested("22060001900024")["DEST_INC"]
    assert found[0].value == ALPES_MARITIMES
    assert all(one.confidence < 0.7 for one in found)
    assert {one.value[:9] for one in found} == {"220600019"}


def test_a_siret_near_nothing_suggests_nothing() -> None:
    assert suggested("55208131766522") == {}
    assert suggested("abc") == {}


def test_a_closed_structure_or_a_works_client_is_never_suggested() -> None:
    wrong = GERS_CLOSED[:-1] + str((int(GERS_CLOSED[-1]) + 1) % 10)
    values = {one.value for found in suggested(wrong).values() for one in found}
    assert values
    assert not values & {GERS_CLOSED, GERS_WORKS}


def test_a_structure_of_a_suspended_tenant_is_never_suggested() -> None:
    suspended = Facts.of(DEMO.structures, suspended=("cd06",))
    assert suggested("22060001900017", suspended) == {}
    assert suggested("22310001700424", suspended) != {}


@pytest.mark.parametrize(
    ("written", "code", "why"),
    [
        ("DRITT", "DRIT", "CODE_NEAR"),
        ("DRT", "DRIT", "CODE_NEAR"),
        ("DIRT", "DRIT", "CODE_NEAR"),
        ("D.R.I.T", "DRIT", "CODE_SPELLING"),
        ("DRIT - routes", "DRIT", "CODE_WRITTEN"),
        ("Direction des finances", "DFACP", "LABEL_WRITTEN"),
        ("PARCAUTOMOBILE", "PARCAUTO", "CODE_ALIKE"),
    ],
)
def test_a_service_code_suggests_the_nearest_one(written: str, code: str, why: str) -> None:
    assert first(suggested(ALPES_MARITIMES, service_code=written), "SERVICE_UNKNOWN") == (code, why)


def test_a_service_code_near_nothing_suggests_nothing() -> None:
    assert suggested(ALPES_MARITIMES, service_code="une tout autre chose") == {}


def test_a_label_written_on_the_invoice_suggests_its_code() -> None:
    page = "Livraison : DIRECTION DES ROUTES ET INFRASTRUCTURES ROUTIÈRES, 06200 Nice"
    assert first(suggested(ALPES_MARITIMES, texts=(page,)), "SERVICE_REQUIRED") == ("DRIT", "LABEL_WRITTEN")
    assert suggested(ALPES_MARITIMES, texts=("rien de tel",)) == {}
    assert suggested("22060001901121", texts=("Parking gratuit",)) == {}


def test_a_closed_service_and_the_reserved_one_are_never_suggested() -> None:
    for written in ("TEST-FERMEE", "TEST-2018", "TEST-2091", "FACTURES_PUBLIQUE"):
        found = suggested(HAUTE_GARONNE, service_code=written, engagement="AP2020/1234")
        values = {one.value for one in found.get("SERVICE_UNCHECKED", [])}
        assert not values & {"TEST-FERME", "TEST-2019", "TEST-2090", "FACTURES_PUBLIQUES"}
    public = suggested(
        HAUTE_GARONNE, service_code="FACTURES_PUBLIQUE", engagement="AP2020/1234", supplier_is_public=True
    )
    assert first(public, "SERVICE_UNCHECKED") == ("FACTURES_PUBLIQUES", "CODE_NEAR")


def test_the_service_of_one_s_own_engagement_is_suggested_and_not_that_of_another_s() -> None:
    mine = Around(engagement=engagement("E1", siret=ALPES_MARITIMES, service_code="drit"))
    found = suggested(ALPES_MARITIMES, around=mine, engagement="E1")
    assert first(found, "SERVICE_REQUIRED") == ("DRIT", "ENGAGEMENT_SERVICE")
    other = Around(engagement=engagement("E1", siret=ALPES_MARITIMES, service_code="drit", supplier=THEIRS))
    assert suggested(ALPES_MARITIMES, around=other, engagement="E1") == {}


@pytest.mark.parametrize(
    ("written", "number", "why"),
    [
        ("cp2020/x123456/1", "CP2020/X123456/1", "SPELLING"),
        ("CP2020/X123456/1 livraison", "CP2020/X123456/1", "EXTRA_WORDS"),
        ("CP2020-X123456-1", "CP2020/X123456/1", "SEPARATOR"),
        ("2020/X123456/1", "CP2020/X123456/1", "PREFIX_MISSING"),
        ("CP2020X123456/1", "CP2020/X123456/1", "SEPARATOR_MISSING"),
        ("AP20201234", "AP2020/1234", "SEPARATOR_MISSING"),
        ("CP2O20/X123456/1", "CP2020/X123456/1", "CHARACTER"),
    ],
)
def test_an_engagement_of_nearly_the_right_shape_suggests_it(written: str, number: str, why: str) -> None:
    found = suggested(HAUTE_GARONNE, service_code="TEST-DSI", engagement=written, contract="19M001")
    assert first(found, "ENGAGEMENT_SPELLING" if why == "SPELLING" else "ENGAGEMENT_FORMAT") == (number, why)


def test_two_readings_of_one_number_share_the_doubt() -> None:
    found = suggested(HAUTE_GARONNE, service_code="TEST-DSI", engagement="CP2020X1234561")["ENGAGEMENT_FORMAT"]
    assert [one.value for one in found] == ["CP2020/X12345/61", "CP2020/X123456/1"]
    assert all(one.confidence < REASONS[one.why].confidence for one in found)


def test_a_market_number_is_suggested_in_the_body_s_shape() -> None:
    found = suggested(HAUTE_GARONNE, service_code="TEST-DSI", engagement="AP2020/1234", contract="marché 19m001")
    assert first(found, "MARKET_FORMAT") == ("19M001", "EXTRA_WORDS")


STATED = made(siret=HAUTE_GARONNE, engagements_stated=True, parameters=Parameters(engagement_required=True))
ORDERS = Facts.of(
    [STATED],
    engagements=(
        engagement("CP2020/X123456/1"),
        engagement("AP2021/7777"),
        engagement("CP2020/CLOSED1/1", open=False),
        engagement("CP2020/X123456/2", supplier=THEIRS),
    ),
)


@pytest.mark.parametrize(
    ("written", "number", "why"),
    [
        ("CP2020X1234561", "CP2020/X123456/1", "SPELLING"),
        ("2021/7777", "AP2021/7777", "PREFIX_MISSING"),
        ("AP2021/7778", "AP2021/7777", "NUMBER_NEAR"),
        ("something", "AP2021/7777", "OPEN_ENGAGEMENT"),
    ],
)
def test_one_s_own_open_engagements_are_suggested(written: str, number: str, why: str) -> None:
    found = suggested(HAUTE_GARONNE, ORDERS, around=Around(), engagement=written)
    assert first(found, "ENGAGEMENT_UNKNOWN") == (number, why)


def test_another_supplier_s_or_a_closed_engagement_is_never_suggested() -> None:
    for written in ("CP2020/X123456/2", "CP2020/X123456/3", "CP2020/CLOSED1/2", None):
        found = suggested(HAUTE_GARONNE, ORDERS, around=Around(), engagement=written)
        values = {one.value for each in found.values() for one in each}
        assert values <= {"CP2020/X123456/1", "AP2021/7777"}
    theirs = suggested(HAUTE_GARONNE, ORDERS, around=Around(), engagement="X", supplier=THEIRS.normalised)
    assert [one.value for one in theirs["ENGAGEMENT_UNKNOWN"]] == ["CP2020/X123456/2"]
    assert suggested(HAUTE_GARONNE, ORDERS, around=Around(), engagement="X", supplier=None) == {}


def test_the_budget_that_knows_the_reference_is_suggested() -> None:
    sibling = Structure(siret=GERS_REGIE, name="Régie", tenant="cd32", kind="budget_annexe")
    service = Service(siret=GERS_REGIE, code="REGIE", label="Régie")
    around = Around(siblings={GERS_REGIE: sibling}, services=(service,))
    found = suggested(GERS, Facts.of([made(), sibling]), around=around, service_code="REGIE")
    assert first(found, "DEST_OTHER_BUDGET") == (GERS_REGIE, "REFERENCE_ELSEWHERE")


def test_every_reason_has_a_confidence_and_a_sentence_that_says_the_value() -> None:
    for reason in REASONS.values():
        assert 0 < reason.confidence < 1
        assert "{value}" in reason.sentence


def test_what_passes_suggests_nothing() -> None:
    assert suggested(ALPES_MARITIMES, service_code="DRIT") == {}
    assert suggested(VALDEBLORE) == {}
