"""Structures by their identifiers, and bank references."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice.directory import IdentifierType
from invoice.identifiers import InvalidIdentifier
from services.portal.structure import InvalidBank, bank, called, identifier, masked_iban, right_key, same_siren

IBAN = "FR7630006000011234567890189"
_EXAMPLES: list[tuple[IdentifierType, str]] = [
    ("SIRET", "732 829 320 00074"),
    ("UE_HORS_FRANCE", "DE 136 695 976"),
    ("HORS_UE", "US Acme, Inc / West"),
    ("RIDET", "0123456789"),
    ("TAHITI", "012345678"),
    ("AUTRE", "22060001900016,73282932000074"),
    ("PARTICULIER", "185057512345DUPONT JEAN"),
]


@pytest.mark.parametrize(("kind", "text"), _EXAMPLES)
def test_each_of_the_seven_identifiers_has_a_key_that_separates_nothing(kind: IdentifierType, text: str) -> None:
    key = right_key(identifier(kind, text))
    assert "," not in key
    assert "/" not in key
    assert (kind == "SIRET") == (":" not in key)


def test_a_budget_is_called_with_its_body() -> None:
    assert called("Budget principal", "Département de l'Exemple") == "Département de l'Exemple – Budget principal"
    assert called("Département de l'Exemple", "Département de l'Exemple") == "Département de l'Exemple"
    assert called("Budget principal", None) == "Budget principal"


def test_a_private_persons_key_does_not_name_him() -> None:
    key = right_key(identifier("PARTICULIER", "185057512345DUPONT JEAN"))
    assert "DUPONT" not in key
    assert key == right_key(identifier("PARTICULIER", "185057512345dupont jean"))


def test_two_types_with_the_same_text_are_two_structures() -> None:
    assert right_key(identifier("RIDET", "012345678")) != right_key(identifier("TAHITI", "012345678"))


def test_another_type_cannot_hold_a_siret() -> None:
    with pytest.raises(InvalidIdentifier) as caught:
        identifier("AUTRE", "73282932000074")
    assert caught.value.code == "IDENTIFIER_IS_A_SIRET"


@given(st.text(min_size=1, max_size=60))
def test_no_text_makes_a_key_that_separates_or_is_a_siret(text: str) -> None:
    try:
        key = right_key(identifier("AUTRE", text))
    except InvalidIdentifier:
        return
    assert key.startswith("AUTRE:")
    assert not {",", "/", "\0"} & set(key)


def test_an_iban_is_canonical_and_shown_masked() -> None:
    found = bank("fr76 3000 6000 0112 3456 7890 189", "AGRIFRPP", "Menuiserie")
    assert (found.iban, found.bic, found.holder) == (IBAN, "AGRIFRPP", "Menuiserie")
    assert masked_iban(IBAN) == "FR" + "•" * 22 + "189"


@pytest.mark.parametrize(
    ("iban", "bic", "code"),
    [
        ("FR7630006000011234567890188", None, "IBAN_FORM"),
        ("FR76", None, "IBAN_FORM"),
        (IBAN, "AGRI", "BIC_FORM"),
        (IBAN, "DEUTDEFF", "BIC_OTHER_COUNTRY"),
    ],
)
def test_bank_references_that_cannot_be_are_refused(iban: str, bic: str | None, code: str) -> None:
    with pytest.raises(InvalidBank) as caught:
        bank(iban, bic, None)
    assert caught.value.code == code


def test_a_bank_overseas_numbers_its_accounts_as_french() -> None:
    assert bank(IBAN, "CRCMNCNN", None).bic == "CRCMNCNN"


def test_establishments_of_one_company_share_their_siren() -> None:
    assert same_siren("73282932000074", "73282932000082") is True
    assert same_siren("73282932000074", "44306184100047") is False
    assert same_siren("RIDET:0123456789", "RIDET:0123456789") is False
