"""INSEE's file of establishments, in each of its forms; and the kinds of proofs."""

import gzip
import zipfile
from datetime import date
from pathlib import Path

import pytest
from pyarrow import Table, parquet

from invoice.structure_identifiers import SCHEMES
from services.portal import proof_kinds, sirene
from services.portal.sirene import NotThatFile, batches, row_of

LINE = {
    "siren": "732829320",
    "nic": "00074",
    "siret": "73282932000074",
    "etatAdministratifEtablissement": "A",
    "denominationUsuelleEtablissement": "",
    "enseigne1Etablissement": "MENUISERIE DU PORT",
    "complementAdresseEtablissement": "BAT B",
    "numeroVoieEtablissement": "12",
    "indiceRepetitionEtablissement": "B",
    "typeVoieEtablissement": "RUE",
    "libelleVoieEtablissement": "DES LILAS",
    "codePostalEtablissement": "06000",
    "libelleCommuneEtablissement": "NICE",
}
ROW = ("73282932000074", "MENUISERIE DU PORT", "12 B RUE DES LILAS", "BAT B", "06000", "NICE", True)


def csv_of(*lines: dict[str, str], delimiter: str = ",") -> str:
    names = list(LINE)
    return "\n".join([delimiter.join(names), *(delimiter.join(line[name] for name in names) for line in lines)]) + "\n"


def test_a_line_becomes_a_name_and_an_address() -> None:
    assert row_of(LINE) == ROW


def test_what_a_person_withholds_stays_empty() -> None:
    found = row_of(
        {
            **LINE,
            "libelleVoieEtablissement": "[ND]",
            "enseigne1Etablissement": "[ND]",
            "numeroVoieEtablissement": "[ND]",
        }
    )
    assert found is not None
    assert found[1:3] == (None, "B RUE")


def test_the_legal_units_name_goes_first_where_it_was_joined() -> None:
    found = row_of({**LINE, "denominationUniteLegale": "MENUISERIE SARL"})
    assert found is not None
    assert found[1] == "MENUISERIE SARL"
    person = row_of(
        {**LINE, "enseigne1Etablissement": "", "nomUniteLegale": "ROUX", "prenomUsuelUniteLegale": "CAMILLE"}
    )
    assert person is not None
    assert person[1] == "CAMILLE ROUX"


def test_a_line_without_a_good_siret_is_passed_over() -> None:
    assert row_of({**LINE, "siret": "73282932000075"}) is None
    assert row_of({**LINE, "siret": ""}) is None


def test_a_siret_that_a_spreadsheet_has_cut_gets_its_zeros_back() -> None:
    found = row_of({**LINE, "siret": "543210900014"})
    assert found is not None
    assert found[0] == "00543210900014"


@pytest.mark.parametrize("form", ["csv", "semicolons", "gz", "zip", "parquet"])
def test_each_form_of_the_file_gives_the_same_rows(tmp_path: Path, form: str) -> None:
    closed = {**LINE, "siret": "44306184100047", "etatAdministratifEtablissement": "F"}
    text = csv_of(LINE, closed, delimiter=";" if form == "semicolons" else ",")
    path = tmp_path / {"semicolons": "f.csv", "gz": "f.csv.gz"}.get(form, f"f.{form}")
    if form == "gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("StockEtablissement_utf8.csv", text)
    elif form == "parquet":
        parquet.write_table(Table.from_pylist([LINE, closed]), path)
    else:
        path.write_text(text, encoding="utf-8-sig")
    rows = [row for batch in batches(path) for row in batch]
    assert rows == [ROW, ("44306184100047", *ROW[1:6], False)]


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(NotThatFile, match="siret"):
        list(batches(path))


def test_rows_come_some_thousands_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sirene, "BATCH", 2)
    path = tmp_path / "f.csv"
    path.write_text(csv_of(*[LINE] * 5))
    assert [len(batch) for batch in batches(path)] == [2, 2, 1]


def test_each_type_of_identifier_has_a_paper_that_proves_it() -> None:
    for kind in SCHEMES:
        assert proof_kinds.kinds_for(kind), kind


@pytest.mark.parametrize(
    ("kind", "dated", "trouble"),
    [
        ("KBIS", None, "DATE_MISSING"),
        ("KBIS", date(2026, 3, 3), "DATE_AHEAD"),
        ("KBIS", date(2025, 11, 29), "PROOF_TOO_OLD"),
        ("KBIS", date(2025, 12, 2), None),
        ("IDENTITY", None, None),
    ],
)
def test_a_paper_is_no_older_than_three_months(kind: str, dated: date | None, trouble: str | None) -> None:
    assert proof_kinds.trouble(proof_kinds.KINDS[kind], dated, date(2026, 3, 2)) == trouble


def test_the_docs_have_the_table_of_papers() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "structures.md").read_text("utf-8")
    assert f"<!-- proofs -->\n{proof_kinds.table()}\n<!-- /proofs -->" in page, "python -m services.portal.proof_kinds"
