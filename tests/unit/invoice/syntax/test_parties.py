"""Who invoices whom, for which service, to be paid where: the resolving order of chorus-pro.md 19."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.unit.invoice.syntax.samples import PLAIN, Facts, cii, cpp, ubl
from tests.unit.invoice.syntax.test_contradictions import codes, datum, one

SIRET_2 = "00003200300022"


# ---------------------------------------------------------------- the resolving order of the parties


def test_the_recipient_is_bt_46_before_bt_47() -> None:
    found = one(ubl(replace(PLAIN, recipient_siren=SIRET_2)))  # another establishment of the same company
    assert (datum(found, "recipient_siret").value, datum(found, "recipient_siret").term) == ("00003200300014", "BT-46")
    assert datum(found, "recipient_siret").sure
    stranger = one(ubl(replace(PLAIN, recipient_siren="11000201100044")))
    assert not datum(stranger, "recipient_siret").sure
    assert codes(stranger) == ["DATA_SIREN_SIRET"]


@pytest.mark.parametrize("scheme", ["0002", "0009", "1", ""])
def test_a_siret_in_bt_47_counts_where_bt_46_has_none(scheme: str) -> None:
    # Historic Factur-X carries it there, whatever the scheme says.
    data = cii(replace(PLAIN, recipient_siret=None, recipient_siren=SIRET_2))
    data = data.replace(b'schemeID="0002">' + SIRET_2.encode(), f'schemeID="{scheme}">{SIRET_2}'.encode())
    found = one(data)
    assert (datum(found, "recipient_siret").value, datum(found, "recipient_siret").term) == (SIRET_2, "BT-47")
    assert found.datum("recipient_siren") is None


def test_chorus_schemes_come_last() -> None:
    data = ubl(replace(PLAIN, recipient_siret=None)).replace(
        b'<cac:AccountingCustomerParty><cac:Party>',
        b'<cac:AccountingCustomerParty><cac:Party><cac:PartyIdentification>'
        b'<cbc:ID schemeName="1">000 032 003 00022</cbc:ID></cac:PartyIdentification>',
    )  # fmt: skip
    assert datum(one(data), "recipient_siret").value == SIRET_2


@pytest.mark.parametrize("kind", ["2", "3", "4", "5", "6", "7"])
def test_the_other_kinds_of_identifier_are_no_siret(kind: str) -> None:
    data = ubl(PLAIN, chorus="A1").replace(
        b'schemeName="1">00099900300015', f'schemeName="{kind}">00099900300015'.encode()
    )
    assert one(data).datum("supplier_siret") is None


def test_a_siret_of_another_company_than_the_siren_is_unsure() -> None:
    found = one(cii(replace(PLAIN, recipient_siren="110002011")))
    assert not datum(found, "recipient_siret").sure
    assert not datum(found, "recipient_siren").sure
    assert [(w.code, w.field) for w in found.warnings] == [("DATA_SIREN_SIRET", "recipient_siret")]


def test_nine_digits_without_a_scheme_are_no_siren() -> None:
    # A Norwegian company has nine digits too.
    found = one(cii(PLAIN).replace(b'<ram:ID schemeID="0002">000032003', b"<ram:ID>000032003"))
    assert found.datum("recipient_siren") is None


def test_vat_numbers_have_no_spaces_and_tax_numbers_are_no_vat_numbers() -> None:
    found = one(cii(replace(PLAIN, supplier_vat="fr 40 303 265 045")))
    assert datum(found, "supplier_vat").value == "FR40303265045"
    found = one(cii(PLAIN).replace(b'schemeID="VA"', b'schemeID="FC"'))
    assert found.datum("supplier_vat") is None


# ---------------------------------------------------------------- service codes


@pytest.mark.parametrize("write", [ubl, cii])
def test_bt_46_comes_before_bt_10_and_a_difference_is_said(write: Callable[[Facts], bytes]) -> None:
    found = one(write(replace(PLAIN, reference="ROUTES")))
    assert (datum(found, "service_code").value, datum(found, "service_code").term) == ("DRH", "BT-46")
    (warning,) = found.warnings
    assert (warning.code, warning.level, warning.value) == ("SERVICE_CODES_DIFFER", "warn", "DRH")
    assert "« ROUTES » (BT-10)" in warning.message


@pytest.mark.parametrize("reference", ["DRH", "drh", " D RH "])
def test_the_same_code_in_both_places_is_one_code(reference: str) -> None:
    assert one(ubl(replace(PLAIN, reference=reference))).warnings == ()


def test_bt_10_alone_is_the_service_code() -> None:
    for data in (
        ubl(replace(PLAIN, service=None, reference="DRH")),
        cii(replace(PLAIN, service=None, reference="DRH")),
    ):
        assert (datum(one(data), "service_code").value, datum(one(data), "service_code").term) == ("DRH", "BT-10")


def test_a_contact_is_a_service_only_in_chorus_pro_s_own_flavour() -> None:
    contact = b"<cac:AccountingContact><cbc:ID>J. DUPONT</cbc:ID></cac:AccountingContact></cac:AccountingCustomerParty>"
    data = ubl(replace(PLAIN, service=None)).replace(b"</cac:AccountingCustomerParty>", contact)
    assert one(data).datum("service_code") is None


def test_peppol_s_na_is_no_order_number() -> None:
    data = ubl(replace(PLAIN, engagement="NA"))
    assert datum(one(data), "engagement").value == "NA"
    data = data.replace(b"<cbc:ID>NA</cbc:ID>", b"<cbc:ID>NA</cbc:ID><cbc:SalesOrderID>V1</cbc:SalesOrderID>")
    assert one(data).datum("engagement") is None


# ---------------------------------------------------------------- accounts, cadres, words that people write


def test_an_iban_with_a_wrong_key_is_unsure() -> None:
    found = one(cii(replace(PLAIN, iban="FR7630006000011234567890188")))
    assert not datum(found, "supplier_iban").sure
    assert codes(found) == ["DATA_IBAN_KEY"]


def test_an_iban_written_in_groups_is_one_number() -> None:
    for write in (ubl, cii):
        found = one(write(replace(PLAIN, iban="fr76 3000 6000 0112 3456 7890 189")))
        assert datum(found, "supplier_iban").value == found.payment_means[0].account == PLAIN.iban


def test_an_account_that_is_no_iban_is_shown_as_it_is() -> None:
    found = one(ubl(replace(PLAIN, iban="00123456")))
    assert (found.datum("supplier_iban"), found.warnings) == (None, ())
    assert found.payment_means[0].account == "00123456"


def test_a_means_of_payment_without_a_twin_is_left_out_and_said() -> None:
    found = one(ubl(replace(PLAIN, means="ZZZ")))
    assert found.datum("payment_mode") is None
    assert [(w.code, w.level, w.value) for w in found.warnings] == [("DATA_CODE_UNKNOWN", "info", "ZZZ")]


def test_two_cadres_that_differ_are_unsure() -> None:
    data = ubl(PLAIN, chorus="A2").replace(
        b"<cbc:ID>F2026-001</cbc:ID>", b"<cbc:ProfileID>S1</cbc:ProfileID><cbc:ID>F2026-001</cbc:ID>"
    )
    found = one(data)
    assert (datum(found, "cadre").raw, datum(found, "cadre").sure) == ("A2", False)
    assert codes(found) == ["CADRES_DIFFER"]


def test_a_supplier_outside_the_union_has_no_siret_in_a_flow() -> None:
    data = cpp(PLAIN).replace(b"<TypeIdentifiant>1</TypeIdentifiant>", b"<TypeIdentifiant>3</TypeIdentifiant>", 1)
    found = one(data)
    assert found.datum("supplier_siret") is None
    assert datum(found, "recipient_siret").value == PLAIN.recipient_siret
