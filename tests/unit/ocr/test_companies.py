"""SIRET, SIREN and VAT number of one company speak for each other; a company is one party at most."""

import pytest

from services.ocr.fields import read_fields
from services.ocr.known import Known
from services.ocr.text import read_pages
from tests.unit.ocr.pages import OTHER, RECIPIENT, SUPPLIER, Text, column, lines, pdf, read, sure

SIREN, VAT = SUPPLIER[:9], "FR66999000011"


def test_the_siren_is_read_alone_or_inside_the_siret_or_the_vat_number() -> None:
    assert lines(f"SIREN fournisseur : {SIREN}")["supplier_siren"] == SIREN
    assert lines(f"SIRET fournisseur : {SUPPLIER}")["supplier_siren"] == SIREN
    assert lines(f"N° TVA fournisseur : {VAT}")["supplier_siren"] == SIREN


def test_the_evidence_of_a_siren_inside_a_siret_is_its_nine_digits() -> None:
    field = read(column("SIRET client : 220 600 019 00016"))["recipient_siren"]
    assert (field.value, field.raw) == ("220600019", "220 600 019")


def test_nine_digits_behind_the_word_siret_are_a_siren() -> None:
    assert lines(f"SIRET client : {RECIPIENT[:9]}")["recipient_siren"] == RECIPIENT[:9]


@pytest.mark.parametrize("text", [VAT, "FR 66 999 000 011", "FR66 999000011", "FR-66-999.000.011"])
def test_a_vat_number_is_read_with_spaces_and_dots(text: str) -> None:
    assert lines(f"N° TVA fournisseur : {text}")["supplier_vat"] == VAT


def test_a_vat_number_whose_key_fails_stands_as_printed_and_asks_for_a_person() -> None:
    field = read(column("N° TVA client : FR12999000011"))["recipient_vat"]
    assert (field.value, field.confidence) == ("FR12999000011", "unsure")


def test_the_companys_mentions_make_all_its_numbers_the_suppliers() -> None:
    head = column(f"SIRET : {SUPPLIER}", f"SIRET client : {RECIPIENT}", x=320)
    foot: list[Text] = [(50, 40, "SARL au capital de 8 000 € - RCS Toulouse B 999 000 011")]
    values = sure([*head, *foot])
    assert (values["supplier_siret"], values["supplier_siren"]) == (SUPPLIER, SIREN)


def test_registration_is_read_before_or_after_its_word() -> None:
    for text in ("RCS Toulouse B 999 000 011", "999 000 011 RCS Toulouse", "R.C.S. Auch 999000011"):
        assert lines(f"SAS au capital de 8 000 € - {text}")["supplier_siren"] == SIREN, text


def test_the_buyers_vat_number_is_not_the_sellers() -> None:
    left = column("Émetteur", "Atelier Berthier", f"TVA intracommunautaire : {VAT}", x=50)
    right = column("Facturé à", "Département", "TVA intracommunautaire : FR14220600019", x=320)
    fields = read([*left, *right])
    assert fields["supplier_vat"].value == VAT
    assert fields["recipient_vat"].value == "FR14220600019"


def test_a_label_that_heads_its_own_column_says_nothing_of_the_next_one() -> None:
    left = column("Destinataire", "Département", "06200 Nice", x=50, top=720)
    right = column("Vendeur", "Atelier Berthier", "14 rue des Fabriques", f"SIRET {SUPPLIER}", x=320, top=750)
    assert sure([*left, *right])["supplier_siret"] == SUPPLIER


def test_an_unlabelled_window_that_begins_with_a_public_body_is_the_recipients() -> None:
    window = column("Mairie de Blagnac", "1 place des Arts", f"SIRET : {RECIPIENT}", x=320)
    assert sure(window)["recipient_siret"] == RECIPIENT
    under_other_words = column("Lieu des travaux", "Mairie de Blagnac", f"SIRET : {RECIPIENT}", x=320)
    assert "recipient_siret" not in read(under_other_words)


def test_the_directory_may_tell_the_recipient() -> None:
    page = column(f"SIRET : {SUPPLIER}", "", "", "", f"SIRET : {RECIPIENT}", x=320, top=600)
    pages = read_pages(pdf(page)).read
    assert "recipient_siret" not in {field.name for field in read_fields(pages)}
    fields = {field.name: field for field in read_fields(pages, known=Known({RECIPIENT: ()}))}
    assert fields["recipient_siret"].value == RECIPIENT
    assert fields["supplier_siret"].value == SUPPLIER


def test_other_values_of_a_kind_are_kept_as_candidates() -> None:
    field = read(column(f"SIRET client : {RECIPIENT}", "", "", "", "Livré à", "Annexe", f"SIRET : {OTHER}"))[
        "recipient_siret"
    ]
    assert [candidate.value for candidate in field.candidates] == [OTHER]
    assert field.score is not None
    assert 1 >= field.score > field.candidates[0].score > 0
