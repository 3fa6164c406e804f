"""Whose SIRET it is: by keyword, by block, by legal mentions, by elimination; otherwise nobody's."""

from tests.unit.ocr.pages import OTHER, RECIPIENT, SUPPLIER, Text, column, lines, read, sure


def test_a_recipient_keyword_tells_the_recipient() -> None:
    values = lines(f"SIRET : {SUPPLIER}", "", "", f"SIRET client : {RECIPIENT}")
    assert values["recipient_siret"] == RECIPIENT
    assert values["supplier_siret"] == SUPPLIER


def test_blocks_with_labels_tell_both_parties() -> None:
    left = column("Émetteur", "Atelier Berthier", "31000 Toulouse", f"SIRET : {SUPPLIER}", x=50)
    right = column("Destinataire", "Département", "06200 Nice", f"SIRET : {RECIPIENT}", x=320)
    values = sure([*left, *right])
    assert (values["supplier_siret"], values["recipient_siret"]) == (SUPPLIER, RECIPIENT)


def test_a_label_left_of_the_first_line_of_a_block_counts() -> None:
    block = column("Département", "06200 Nice", f"SIRET {RECIPIENT}", x=200)
    assert sure([(50.0, 780.0, "Client :"), *block])["recipient_siret"] == RECIPIENT


def test_a_gap_ends_a_block() -> None:
    values = read(column("Client", "Département", "", "", "", "", f"SIRET : {SUPPLIER}"))
    assert "recipient_siret" not in values
    assert values["supplier_siret"].confidence == "unsure"


def test_a_lone_siret_without_a_party_is_never_sure() -> None:
    fields = read(column(f"SIRET : {RECIPIENT}"))
    assert {name for name, field in fields.items() if field.confidence == "sure"} == set()


def test_digits_without_the_word_siret_are_nobodys() -> None:
    assert read(column(RECIPIENT, f"N° de commande interne {SUPPLIER}")) == {}


def test_the_companys_own_mentions_tell_the_supplier() -> None:
    footer: list[Text] = [(50, 40, f"SARL au capital de 50 000 € - RCS Toulouse 999 000 011 - SIRET {SUPPLIER}")]
    assert sure([*column(f"SIRET client {RECIPIENT}"), *footer])["supplier_siret"] == SUPPLIER


def test_delivery_factor_and_payee_are_neither_party() -> None:
    for label in ("Adresse de livraison", "Affactureur", "Bénéficiaire"):
        values = read(column(label, "Maison Untel", f"SIRET : {OTHER}"))
        assert "recipient_siret" not in values, label
        assert "supplier_siret" not in values, label


def test_two_recipients_leave_the_field_empty() -> None:
    assert "recipient_siret" not in read(column(f"SIRET client : {RECIPIENT}", f"SIRET client : {OTHER}"))


def test_two_sirets_of_nobody_leave_the_supplier_empty() -> None:
    texts = column(f"SIRET client : {RECIPIENT}", "", "", "", f"SIRET : {SUPPLIER}", "", "", "", f"SIRET : {OTHER}")
    assert "supplier_siret" not in read(texts)


def test_one_siret_for_both_parties_is_sure_of_neither() -> None:
    fields = read(column(f"SIRET fournisseur : {SUPPLIER}", f"SIRET client : {SUPPLIER}"))
    assert {fields["supplier_siret"].confidence, fields["recipient_siret"].confidence} == {"unsure"}


def test_a_client_number_heads_no_block() -> None:
    values = read(column("Client C0012", f"SIRET : {SUPPLIER}"))
    assert "recipient_siret" not in values


def test_a_siret_that_fails_its_check_is_not_read_and_its_siren_asks_for_a_person() -> None:
    fields = read(column("SIRET client : 22060001900017"))
    assert {name: (field.value, field.confidence) for name, field in fields.items()} == {
        "recipient_siren": ("220600019", "unsure")
    }


def test_a_ministry_counts_as_recipient_in_a_recipients_block_only() -> None:
    assert lines("Destinataire", "Ministère de l'Intérieur", "75008 Paris")["recipient_state"] == "Ministère"
    assert "recipient_state" not in lines("Agréé par le", "Ministère de l'Intérieur")
