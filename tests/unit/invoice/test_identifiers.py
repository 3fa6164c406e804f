"""Identifiers: any usual spelling in, one canonical text out, or a coded refusal."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from invoice.identifiers import (
    InvalidIdentifier,
    is_siret,
    is_state,
    normalise,
    normalise_code,
    parse_invoice_number,
    parse_siret,
    show_siret,
    siren_of,
)
from tests.unit.invoice.sample import pure

digits = st.text("0123456789", min_size=8, max_size=8)
nics = st.text("0123456789", min_size=4, max_size=4)
separators = st.sampled_from(["", " ", "\u00a0", "\u202f", "\u2009", ".", "-", "\u2011", "\u200b", " - "])


def made_siret(eight: str, four: str) -> str:
    siren = eight + luhn.calc_check_digit(eight)
    return siren + four + luhn.calc_check_digit(siren + four)


@pure
@given(digits.filter(lambda d: d != "35600000"), nics, st.lists(separators, min_size=15, max_size=15))
def test_a_siret_is_read_whatever_stands_between_its_digits(eight: str, four: str, between: list[str]) -> None:
    siret = made_siret(eight, four)
    written = "".join(space + digit for space, digit in zip(between, [*siret, ""], strict=True))
    assert parse_siret(written) == siret
    assert parse_siret(show_siret(siret)) == siret
    assert siren_of(siret) == eight + luhn.calc_check_digit(eight)


@pure
@given(digits.filter(lambda d: d != "35600000"), nics, st.integers(0, 13), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(eight: str, four: str, place: int, shift: int) -> None:
    siret = made_siret(eight, four)
    wrong = siret[:place] + str((int(siret[place]) + shift) % 10) + siret[place + 1 :]
    assert not is_siret(wrong)


@pure
@given(st.text())
def test_any_text_is_a_siret_or_a_coded_refusal_that_quotes_it(text: str) -> None:
    if is_siret(text):
        assert parse_siret(text) == normalise(text)
        return
    with pytest.raises(InvalidIdentifier, match=r"SIRET_(LENGTH|CHECKSUM)") as caught:
        parse_siret(text)
    assert caught.value.value == text


@pytest.mark.parametrize(
    ("siret", "holds"),
    [
        ("35600000000048", True),  # the seat keeps the Luhn rule
        ("35600000049837", True),  # an office: its digits sum to 45, Luhn would refuse it
        ("35600000001004", False),  # Luhn would accept it, but its digits sum to 19
    ],
)
def test_la_poste_offices_use_the_multiple_of_five(siret: str, holds: bool) -> None:
    assert is_siret(siret) is holds


def test_the_example_of_the_guide_with_spaces_is_read() -> None:
    assert parse_siret("223 100 017 00423") == "22310001700423"


@pytest.mark.parametrize(
    ("parse", "text", "code"),
    [
        (parse_siret, "2231000170042", "SIRET_LENGTH"),
        (parse_siret, "", "SIRET_LENGTH"),
        (parse_siret, "22310001700424", "SIRET_CHECKSUM"),
        (parse_siret, "٢٢٣١٠٠٠١٧٠٠٤٢٣", "SIRET_LENGTH"),
        (parse_invoice_number, "   ", "NUMBER_EMPTY"),
        (parse_invoice_number, "F" * 21, "NUMBER_TOO_LONG"),
        (parse_invoice_number, "F 12", "NUMBER_CHARACTERS"),
        (parse_invoice_number, "F#12", "NUMBER_CHARACTERS"),
        (parse_invoice_number, "FÉ12", "NUMBER_CHARACTERS"),
        (parse_invoice_number, "F\n12", "NUMBER_CHARACTERS"),
    ],
)
def test_what_is_none_is_refused_with_its_code(parse: Callable[[str], str], text: str, code: str) -> None:
    with pytest.raises(InvalidIdentifier) as caught:
        parse(text)
    assert caught.value.code == code


@pytest.mark.parametrize("number", ["1", "F-2026/11_0042+A", "A" * 20, " 2026-7 "])
def test_an_invoice_number_of_the_allowed_signs_is_kept_as_written(number: str) -> None:
    assert parse_invoice_number(number) == number.strip()


@pure
@given(st.text(max_size=40))
def test_a_code_normalised_twice_is_the_same(text: str) -> None:
    once = normalise_code(text)
    assert normalise_code(once) == once
    assert not any(character.isspace() for character in once)


@pytest.mark.parametrize("written", ["cp2020/x123456/1", "CP2020 / X123456 / 1", "CP2020/\u00a0X123456/1\u202f"])
def test_an_engagement_is_the_same_in_any_case_and_with_any_space(written: str) -> None:
    assert normalise_code(written) == "CP2020/X123456/1"


def test_codes_that_differ_by_a_sign_stay_different() -> None:
    assert len({normalise_code(code) for code in ("A-B", "AB", "A.B", "A_B")}) == 4
    assert normalise_code("TEST\u2011DSI") == normalise_code("test-dsi")


def test_the_state_is_known_by_its_siren() -> None:
    assert is_state(parse_siret("110 002 011 00044"))
    assert not is_state("22310001700423")
