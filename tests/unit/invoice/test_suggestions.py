"""Suggestions: the nearest values that the directory takes, with a confidence, and never one that it would refuse."""

import time
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice.addressing import Address, Around, decide
from invoice.directory import Engagement, Identifier, NumberFormat, Parameters, Service, Structure
from invoice.edits import MANY, next_to, one_edit
from invoice.findings import Suggestion
from invoice.identifiers import is_siret, normalise
from invoice.references import fits
from invoice.suggestions import REASONS, Facts, can_be_suggested, sirets_to_ask, suggest
from tests.unit.invoice.sample import (
    ALPES_MARITIMES,
    DAY,
    GERS,
    GERS_CLOSED,
    GERS_REGIE,
    GERS_WORKS,
    HAUTE_GARONNE,
    SUPPLIER,
    VALDEBLORE,
    bend,
    demo_directory,
    made,
    pure,
    services_of,
    structure_of,
)

DEMO = demo_directory()
MINE = Identifier(type="SIRET", value=SUPPLIER, normalised=SUPPLIER)
THEIRS = Identifier(type="SIRET", value="00099901100018", normalised="00099901100018")
KNOWN = Facts.of(DEMO.structures, {s.siret: services_of(s.siret) for s in DEMO.structures})


def engagement(number: str, **fields: Any) -> Engagement:
    return Engagement(**{"siret": HAUTE_GARONNE, "number": number, "supplier": MINE, **fields})


def suggested(
    siret: str, known: Facts = KNOWN, *, around: Around | None = None, texts: tuple[str, ...] = (), **written: Any
) -> dict[str, list[Suggestion]]:
    """What is suggested, by the code that failed."""
    address = Address(**{"recipient_siret": siret, "supplier": SUPPLIER, **written})
    recipient = normalise(siret)
    services = known.services(recipient)
    decision = decide(address, known.structure(recipient), services, DAY, around=around)
    found = suggest(address, decision.findings, DAY, known, around=around, texts=texts)
    assert [f.code for f in found] == [f.code for f in decision.findings]
    return {f.code: list(f.suggestions) for f in found if f.suggestions}


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


@pytest.mark.parametrize(
    ("one", "other", "near_by"),
    [
        ("DRIT", "DRIT", False),
        ("DRIT", "DRIX", True),
        ("DRIT", "DRI", True),
        ("DRIT", "RIT", True),
        ("DRIT", "DRITX", True),
        ("DRIT", "DIRT", True),
        ("DRIT", "DTIR", False),
        ("DRIT", "DR", False),
        ("", "A", True),
        ("", "", False),
    ],
)
def test_one_edit_is_one_sign_or_two_neighbours(one: str, other: str, near_by: bool) -> None:
    assert one_edit(one, other) is near_by
    assert one_edit(other, one) is near_by


code_texts = st.text("ABC01-/", max_size=8)


@pure
@given(code_texts, st.lists(code_texts, max_size=30))
def test_the_keys_next_to_a_text_are_the_same_among_few_and_among_many(wanted: str, keys: list[str]) -> None:
    few = dict.fromkeys(keys)
    many = {**few, **{f"FAR AWAY {number}": None for number in range(MANY + 1)}}
    assert next_to(wanted, few) == next_to(wanted, many) == sorted({key for key in keys if one_edit(wanted, key)})


@pure
@given(st.sampled_from([s.siret for s in DEMO.structures]), st.integers(0, 13), st.integers(1, 9), st.booleans())
def test_whatever_digit_is_wrong_the_right_siret_is_among_those_asked_for(
    siret: str, at: int, shift: int, spaced: bool
) -> None:
    wrong = siret[:at] + str((int(siret[at]) + shift) % 10) + siret[at + 1 :]
    written = f"{wrong[:3]} {wrong[3:6]} {wrong[6:9]} {wrong[9:]}" if spaced else wrong
    asked = sirets_to_ask(Address(recipient_siret=written))
    assert siret in asked
    assert all(is_siret(one) for one in asked[1:])
    assert len(asked) < 60


written_texts = st.none() | st.text(max_size=80) | st.sampled_from(["DRITT", "cp2020x1234561", "TEST-DSL", "19m01"])


@pure
@given(
    st.sampled_from([s.siret for s in DEMO.structures]) | st.text("0123456789 O", max_size=20),
    written_texts,
    written_texts,
    written_texts,
    st.booleans(),
    st.dates(date(2018, 1, 1), date(2030, 1, 1)),
)
def test_a_suggestion_is_always_one_that_the_directory_takes(
    siret: str, service: str | None, number: str | None, contract: str | None, public: bool, on: date
) -> None:
    header = bend(recipient_siret=siret, service_code=service, engagement=number, contract=contract)
    address = Address.of(header, supplier_is_public=public)
    recipient = normalise(siret)
    decision = decide(address, structure_of(recipient), services_of(recipient), on)
    for finding in suggest(address, decision.findings, on, KNOWN, texts=(service or "",)):
        assert len(finding.suggestions) <= 3
        assert not finding.suggestions or can_be_suggested(finding)
        for one in finding.suggestions:
            assert 0 < one.confidence < 1
            assert one.value != finding.value
            _assert_taken(address, one, on)


def _assert_taken(address: Address, one: Suggestion, on: date) -> None:
    """Decided with the value suggested, no rule about it fails."""
    siret = one.value if one.field == "recipient_siret" else normalise(address.recipient_siret)
    structure = structure_of(siret)
    assert structure is not None
    changed = Address(
        recipient_siret=siret,
        service_code=one.value if one.field == "service_code" else None,
        engagement=one.value if one.field == "engagement" else None,
        supplier_is_public=address.supplier_is_public,
    )
    if one.field == "contract":
        assert fits(structure.market_formats, one.value)
        return
    failing = {
        found.code
        for found in decide(changed, structure, services_of(siret), on).findings
        if found.level in ("warn", "refuse") and found.field == one.field
    }
    # The recipient's own state is not what a service or a number is suggested for.
    assert not {code for code in failing if not code.endswith("_REQUIRED")}


def test_suggestions_take_bounded_time_on_a_great_body() -> None:
    services = {f"S{n:06}": Service(siret=GERS, code=f"S{n:06}", label=f"Service numéro {n}") for n in range(20_000)}
    mask = NumberFormat(regex=r"[A-Z]+\d+/\d+/\d+", mask="A/B-C", examples=("AB1/2/3",))
    structure = made(engagement_formats=(mask,) * 5)
    siblings = [
        Structure(siret=f"000032003{n:05}", name=f"Budget {n}", tenant="cd32", kind="budget") for n in range(20_000)
    ]
    known = Facts.of([*siblings, structure], {GERS: services})
    began = time.process_time()
    suggested(GERS, known, service_code="X" * 5_000, engagement="AB1" * 500, texts=("y " * 500_000,) * 30)
    suggested("00003200399999", known)
    assert time.process_time() - began < 2.0
