"""How text is split for the search, and what a mistyped word may have meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice.directory import Service, Structure
from services.routing.words import (
    Known,
    asked_words,
    choose,
    distance,
    mistyped_sirets,
    number_in,
    queries,
    service_words,
    split,
    structure_words,
    variants,
)

_LETTERS = st.text("abcde", min_size=4, max_size=12)


def test_text_is_split_without_accents_ligatures_and_filling_words() -> None:
    assert split("Régie de l'Œuvre des ÉCOLES – Nice (06)") == ["regie", "oeuvre", "ecoles", "nice", "06"]
    assert split("la") == ["la"]
    assert split("'; drop table & | ! :* --") == ["drop", "table"]


def test_a_structure_is_found_by_its_names_place_and_kind() -> None:
    found = Structure(siret="1", name="Budget annexe", tenant="t", kind="ccas", town="Nice", postal_code="06000")
    assert {"budget", "annexe", "nice", "06000", "cias", "action", "sociale"} <= set(structure_words(found).split())


def test_a_code_is_found_by_its_parts_and_as_a_whole() -> None:
    assert service_words(Service(siret="1", code="TEST-ACHATS", label="Achats")) == "test achats testachats"


@given(_LETTERS, st.data())
def test_a_word_with_one_error_in_its_beginning_shares_a_variant(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, min(len(word), 6) - 1))
    wrong = data.draw(
        st.sampled_from(
            (
                word[:place] + word[place + 1 :],
                word[:place] + "x" + word[place + 1 :],
                word[:place] + "x" + word[place:],
            )
        )
    )
    assert distance(word, wrong, 1) <= 1
    assert variants(word) & variants(wrong)


@pytest.mark.parametrize(
    ("left", "right", "errors"),
    [
        ("voirie", "voirie", 0),
        ("voirie", "vorie", 1),
        ("voirie", "vioirie", 1),
        ("voirie", "viorie", 1),
        ("lyon", "lille", 2),
    ],
)
def test_a_swap_of_neighbours_is_one_error(left: str, right: str, errors: int) -> None:
    assert distance(left, right, 1) == errors


def test_a_known_word_stands_for_itself_and_an_unknown_one_for_the_nearest() -> None:
    known = [
        Known("nice", "nice", 400, "same"),
        Known("voirei", "voirie", 9, "near"),
        Known("voirei", "soiree", 99, "near"),
    ]
    assert choose(["nice", "voirei", "zzz"], known) == [["voirie"], ["nice"]]


def test_a_rare_word_also_stands_for_what_it_begins() -> None:
    known = [Known("port", "port", 3, "same"), Known("port", "portet", 30, "begins")]
    assert choose(["port"], known) == [["port", "portet"]]
    assert choose(["port"], [Known("port", "port", 300, "same"), known[1]]) == [["port"]]


def test_a_word_may_be_missing_but_the_rarest_goes_last() -> None:
    asked = [tsquery for _, tsquery in queries([["rare"], ["b"], ["c", "d"]])]
    assert asked == [
        "(rare) & (b) & (c | d)",
        "(rare) & (b) & (c | d)",
        "(rare) & (b | c | d)",
        "(rare)",
        "(rare)",
        "(b) & (c | d)",
    ]
    assert list(queries([])) == []


def test_numbers_are_read_with_what_people_put_between_digits() -> None:
    assert number_in("223 100 017 00423") == "22310001700423"
    assert number_in("06.000") == "06000"
    assert number_in("12") is None
    assert number_in("DRH 12") is None


def test_a_mistyped_siret_has_the_right_one_among_its_neighbours() -> None:
    right = "22310001700423"
    assert right in mistyped_sirets("22310001700432")
    assert right in mistyped_sirets("22310001700424")
    assert right in mistyped_sirets(right[:-1])
    assert right in mistyped_sirets(right[:3] + "7" + right[3:])
    assert mistyped_sirets("223") == []


def test_a_query_has_eight_words_at_the_most() -> None:
    assert len(asked_words(" ".join(f"mot{n}" for n in range(40)))) == 8
