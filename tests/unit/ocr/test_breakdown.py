"""VAT by rate: whatever the shape of the table, base × rate makes the tax and the rows make the totals."""

import pytest

from tests.unit.ocr.pages import Text, column, lines, read, sure, unsure

TOTALS = ("Total HT 300,00", "Total TVA 45,50", "Total TTC 345,50")
BOTH = "20.00 200.00 40.00; 5.50 100.00 5.50"


def row(y: float, *cells: str) -> list[Text]:
    return [(60.0 + 110 * at, y, cell) for at, cell in enumerate(cells) if cell]


@pytest.mark.parametrize(
    "table",
    [
        (("Taux", "Base HT", "Montant TVA"), ("20,00 %", "200,00", "40,00"), ("5,50 %", "100,00", "5,50")),
        (("Base", "Taux", "TVA", "TTC"), ("200,00", "20,00", "40,00", "240,00"), ("100,00", "5,50", "5,50", "105,50")),
        (("TVA à 20 %", "sur 200,00", "40,00"), ("TVA à 5,5 %", "sur 100,00", "5,50")),
        (("Taux TVA", "5,5 %", "20 %"), ("Base", "100,00", "200,00"), ("Montant TVA", "5,50", "40,00")),
        (("Détail TVA", "Taux", "Base"), ("S", "20,00%", "200,00", "40,00"), ("S", "5,50%", "100,00", "5,50")),
    ],
)
def test_a_table_of_rates_is_read_in_every_shape(table: tuple[tuple[str, ...], ...]) -> None:
    placed = [text for at, cells in enumerate(table) for text in row(400 - 14 * at, *cells)]
    assert sure([*placed, *column(*TOTALS, top=300)])["vat_breakdown"] == BOTH


def test_rows_that_do_not_make_the_totals_are_not_given() -> None:
    placed = [*row(400, "Taux", "Base HT", "Montant TVA"), *row(386, "20,00 %", "200,00", "40,00")]
    assert "vat_breakdown" not in read([*placed, *column(*TOTALS, top=300)])


def test_a_rate_without_amounts_is_left_out() -> None:
    placed = [
        *row(400, "Taux", "Base HT", "Montant TVA"),
        *row(386, "20,00 %", "100,00", "20,00"),
        *row(372, "10,00 %", "0,00", "0,00"),
    ]
    totals = column("Total HT 100,00", "Total TVA 20,00", "Total TTC 120,00", top=300)
    assert sure([*placed, *totals])["vat_breakdown"] == "20.00 100.00 20.00"


def test_one_rate_for_the_whole_invoice_is_its_breakdown() -> None:
    assert lines("Total HT 100,00", "TVA 10 % 10,00", "Total TTC 110,00")["vat_breakdown"] == "10.00 100.00 10.00"


def test_a_percentage_that_is_no_rate_of_vat_makes_no_breakdown() -> None:
    texts = ("Remise 20 %", "Total HT 100,00", "Total TVA 20,00", "Total TTC 120,00")
    assert "vat_breakdown" not in read(column(*texts))


def test_several_rates_without_their_bases_make_no_breakdown() -> None:
    assert "vat_breakdown" not in read(
        column("Total HT 300,00", "TVA 20 % 40,00", "TVA 5,5 % 5,50", "Total TTC 345,50")
    )


def test_a_breakdown_of_unsure_totals_is_unsure() -> None:
    texts = ("Total HT 100,00", "Total HT 150,00", "TVA 20 % 20,00", "Total TTC 120,00")
    assert "vat_breakdown" not in lines(*texts)
    assert unsure(*texts)["vat_breakdown"] == "20.00 100.00 20.00"


def test_the_rows_of_rates_tell_totals_that_nothing_announces() -> None:
    placed = [
        *row(400, "Taux", "Base HT", "Montant TVA"),
        *row(386, "20,00 %", "200,00", "40,00"),
        *row(372, "5,50 %", "100,00", "5,50"),
    ]
    values = sure([*placed, *column("Total TTC 345,50", top=300)])
    assert (values["total_excl_tax"], values["tax"]) == ("300.00", "45.50")
