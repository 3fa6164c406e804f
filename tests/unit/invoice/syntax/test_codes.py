"""Codes of the standards turned into the platform's own, row by row."""

from dataclasses import replace

import pytest

from invoice import packaged
from invoice.cadres import check_cadre
from invoice.syntax import codes, parse
from tests.unit.invoice.syntax.samples import PLAIN, cii, cpp, ubl

A1, A2 = "A1_FACTURE_FOURNISSEUR", "A2_FACTURE_FOURNISSEUR_DEJA_PAYEE"
A9, A12 = "A9_FACTURE_SOUSTRAITANT", "A12_FACTURE_COTRAITANT"
REFORM = {
    "B1": A1, "S1": A1, "M1": A1, "B2": A2, "S2": A2, "M2": A2, "S3": "S3", "B4": A1, "S4": A1, "M4": A1, "S6": "S6",
    "B7": A1, "S7": A1, "B8": A1, "S8": A1, "M8": A1, "B9": A1, "S9": A1, "M9": A1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "cadre"), [*REFORM.items(), ("A1", A1), ("A2", A2), ("A9", A9), ("A12", A12), (A1, A1)]
)
def test_each_cadre_has_its_api_value(code: str, cadre: str) -> None:
    assert codes.cadre(code) == cadre
    assert codes.cadre(code.lower()) == cadre


@pytest.mark.parametrize("code", ["S5", "A3", "A21"])
def test_forbidden_cadres_stay_as_written_and_are_refused_by_the_deposit(code: str) -> None:
    assert codes.cadre(code) == code
    assert [found.level for found in check_cadre(code)] == ["refuse"]


def test_works_cadres_have_the_api_values_of_the_lifecycle() -> None:
    for piece in packaged.load("lifecycle.yaml")["works"]["pieces"]:
        assert codes.cadre(piece["code"]) == piece["api"]


@pytest.mark.parametrize(
    "process", ["urn:fdc:peppol.eu:2017:poacc:billing:01:1.0", "Invoicing on purchase order", "1", "S", "A26", "", "B3"]
)
def test_a_process_that_is_no_cadre_gives_none(process: str) -> None:
    assert codes.cadre(process) is None


@pytest.mark.parametrize("code", ["A1", "A9", "A12", "A3", "A21", "A4", "A22"])
def test_chorus_pro_s_formats_carry_the_cadre_in_their_own_place(code: str) -> None:
    for data in (ubl(PLAIN, chorus=code), cii(PLAIN, chorus=code), cpp(PLAIN, cadre=code)):
        (found,) = parse(data)
        datum = found.datum("cadre")
        assert datum is not None
        assert (datum.value, datum.raw, found.profile) == (codes.cadre(code), code, "chorus-pro")


@pytest.mark.parametrize("process", ["S1", "S3", "S5", "B2", "M9"])
def test_the_reform_s_cadre_is_bt_23(process: str) -> None:
    facts = replace(PLAIN, process=process)
    for data in (ubl(facts), cii(facts)):
        (found,) = parse(data)
        datum = found.datum("cadre")
        assert datum is not None
        assert (datum.value, datum.raw, datum.term) == (codes.cadre(process), process, "BT-23")
        assert found.process == process


def test_payment_modes_are_those_of_the_platform() -> None:
    modes = packaged.load("keywords.yaml")["fields"]["payment_mode"]["check"].split()
    assert set(codes.PAYMENT_MODES.values()) == set(modes)


@pytest.mark.parametrize(
    ("code", "mode"),
    [
        ("10", "ESPECE"), ("20", "CHEQUE"), ("30", "VIREMENT"), ("58", "VIREMENT"), ("49", "PRELEVEMENT"),
        ("59", "PRELEVEMENT"), ("48", "AUTRE"), ("REPORT", "REPORT"),
    ],
)  # fmt: skip
def test_each_means_of_payment_has_its_mode(code: str, mode: str) -> None:
    (found,) = parse(cii(replace(PLAIN, means=code)))
    datum = found.datum("payment_mode")
    assert datum is not None
    assert (datum.value, datum.raw) == (mode, code)


@pytest.mark.parametrize(
    ("rows", "exemption", "due", "regime"),
    [
        ((("S", "20.00", "10.00", "2.00"),), None, "5", "TVA_SUR_DEBIT"),
        ((("S", "20.00", "10.00", "2.00"),), None, "72", "TVA_SUR_ENCAISSEMENT"),
        ((("S", "20.00", "10.00", "2.00"),), None, "29", None),
        ((("S", "20.00", "10.00", "2.00"),), None, None, None),
        ((("AE", "0.00", "10.00", "0.00"),), "VATEX-EU-AE", None, "AUTOLIQUIDATION"),
        ((("E", "0.00", "10.00", "0.00"),), "VATEX-FR-FRANCHISE", None, "FRANCHISE"),
        ((("E", "0.00", "10.00", "0.00"),), "VATEX-EU-132", None, "EXONERATION"),
        ((("E", "0.00", "10.00", "0.00"), ("AE", "0.00", "5.00", "0.00")), None, None, None),
        ((("S", "20.00", "10.00", "2.00"), ("E", "0.00", "5.00", "0.00")), None, "5", "TVA_SUR_DEBIT"),
        ((("O", "0.00", "10.00", "0.00"),), "VATEX-EU-O", None, None),
    ],
)
def test_the_vat_regime_is_what_the_breakdown_or_the_tax_point_says(
    rows: tuple[tuple[str, str, str, str], ...], exemption: str | None, due: str | None, regime: str | None
) -> None:
    facts = replace(PLAIN, rows=rows, exemption=exemption, due_code=due)
    (found,) = parse(cii(facts))
    datum = found.datum("vat_regime")
    assert (datum and datum.value) == regime
    if due in (None, "5", "72"):
        (found,) = parse(ubl(facts))
        datum = found.datum("vat_regime")
        assert (datum and datum.value) == regime


@pytest.mark.parametrize(
    ("words", "regime"),
    [
        ("TVA DEBIT", "TVA_SUR_DEBIT"), ("TVA \n DÉBIT", "TVA_SUR_DEBIT"), ("TVA ENCAISSEMENT", "TVA_SUR_ENCAISSEMENT"),
        ("TVA_SUR_ENCAISSEMENT", "TVA_SUR_ENCAISSEMENT"), ("exonération", "EXONERATION"), ("SANS_TVA", "FRANCHISE"),
        ("TVA", None), ("", None),
    ],
)  # fmt: skip
def test_chorus_pro_s_words_for_the_regime(words: str, regime: str | None) -> None:
    assert codes.regime_of_words(words) == regime
