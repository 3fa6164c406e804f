"""Suggestions on whatever is written: the right value is looked for, each one suggested is taken, in bounded time."""

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice.addressing import Address, decide
from invoice.directory import NumberFormat, Service, Structure
from invoice.edits import MANY, next_to, one_edit
from invoice.findings import Suggestion
from invoice.identifiers import is_siret, normalise
from invoice.references import fits
from invoice.suggestions import Facts, can_be_suggested, sirets_to_ask, suggest
from tests.unit.invoice.sample import GERS, bend, made, pure, services_of, structure_of
from tests.unit.invoice.suggestion_sample import DEMO, KNOWN, suggested


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
