"""The seven identifiers of a structure: the written form is kept, the normalised one compared, the rest refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice.directory import Identifier, IdentifierType
from invoice.hints import why
from invoice.identifiers import InvalidIdentifier
from invoice.structure_identifiers import SCHEMES, identifier, parse
from tests.unit.invoice.sample import pure


@pytest.mark.parametrize(
    ("kind", "written", "normalised"),
    [
        ("SIRET", "220 600 019 00016", "22060001900016"),
        ("UE_HORS_FRANCE", "de 136 695 976", "DE136695976"),
        ("UE_HORS_FRANCE", "BE 0776.091.951", "BE0776091951"),
        ("UE_HORS_FRANCE", "EL 094259216", "EL094259216"),
        ("HORS_UE", "US Acme Corp", "USACME CORP"),
        ("HORS_UE", "CHSociété des Grands Travaux", "CHSOCIÉTÉ DES GRAN"),
        ("RIDET", "0 034 567.001", "0034567001"),
        ("RIDET", "034567001", "034567001"),
        ("TAHITI", "a12345-001", "A12345001"),
        ("AUTRE", "  dossier  42 ", "DOSSIER 42"),
        ("PARTICULIER", "1850506088DUPONT JEAN", "1850506088DUPONT JEAN"),
        ("PARTICULIER", "285052a004Martin Léa", "285052A004MARTIN LÉA"),
    ],
)
def test_an_identifier_is_kept_as_written_and_compared_normalised(
    kind: IdentifierType, written: str, normalised: str
) -> None:
    assert identifier(kind, written) == Identifier(type=kind, value=written, normalised=normalised)


@pytest.mark.parametrize(
    ("kind", "written", "code"),
    [
        ("SIRET", "2206000190001", "SIRET_LENGTH"),
        ("SIRET", "22060001900017", "SIRET_CHECKSUM"),
        ("UE_HORS_FRANCE", "FR40303265045", "EU_VAT_FRENCH"),
        ("UE_HORS_FRANCE", "DE136695977", "EU_VAT_CHECKSUM"),
        ("UE_HORS_FRANCE", "US136695976", "EU_VAT_FORM"),
        ("UE_HORS_FRANCE", "DE1366959761234567890", "EU_VAT_FORM"),
        ("UE_HORS_FRANCE", "", "EU_VAT_FORM"),
        ("HORS_UE", "US", "FOREIGN_FORM"),
        ("HORS_UE", "", "FOREIGN_FORM"),
        ("HORS_UE", "ZZAcme", "FOREIGN_COUNTRY"),
        ("HORS_UE", "FRAcme", "FOREIGN_COUNTRY"),
        ("HORS_UE", "DEAcme", "FOREIGN_COUNTRY"),
        ("RIDET", "12345678", "RIDET_FORM"),
        ("RIDET", "12345678901", "RIDET_FORM"),
        ("TAHITI", "A1234500", "TAHITI_FORM"),
        ("TAHITI", "٠٠٣٤٥٦٧٠٠١", "TAHITI_FORM"),
        ("AUTRE", "   ", "OTHER_FORM"),
        ("AUTRE", "x" * 81, "OTHER_FORM"),
        ("PARTICULIER", "3850506088DUPONT JEAN", "PERSON_FORM"),
        ("PARTICULIER", "1851306088DUPONT JEAN", "PERSON_FORM"),
        ("PARTICULIER", "1850506088", "PERSON_FORM"),
        ("PARTICULIER", "1850506088" + "X" * 71, "PERSON_FORM"),
    ],
)
def test_what_is_none_is_refused_with_its_code_and_a_reason_in_words(
    kind: IdentifierType, written: str, code: str
) -> None:
    with pytest.raises(InvalidIdentifier) as caught:
        parse(kind, written)
    assert caught.value.code == code
    assert caught.value.value == written
    assert why(caught.value)


@pure
@given(st.sampled_from(list(SCHEMES)), st.text(max_size=90) | st.from_regex(r"[A-Z]{2}[0-9A-Z ]{5,14}", fullmatch=True))
def test_normalising_twice_changes_nothing_and_any_other_text_is_a_coded_refusal(
    kind: IdentifierType, text: str
) -> None:
    reasons = []
    once = text
    try:
        once = parse(kind, text)
    except InvalidIdentifier as error:
        reasons.append(why(error))
    assert all(reasons)
    assert reasons or parse(kind, once) == once


def test_every_type_has_its_numbers_in_the_other_formats() -> None:
    assert [scheme.edi for scheme in SCHEMES.values()] == [1, 2, 3, 4, 5, 6, 7]
    assert {kind: scheme.iso6523 for kind, scheme in SCHEMES.items()} == {
        "SIRET": "0009",
        "UE_HORS_FRANCE": "0223",
        "HORS_UE": "0227",
        "RIDET": "0228",
        "TAHITI": "0229",
        "AUTRE": None,
        "PARTICULIER": "0226",
    }
