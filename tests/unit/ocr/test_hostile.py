"""Pages made to keep a reader busy are read in bounded time."""

import time

import pytest

from services.ocr.fields import read_fields
from services.ocr.layout import Page, Word

SECONDS = 6.0


def grid(texts: list[str], across: int) -> Page:
    """Words in rows of so many, a page as large as they need."""
    words = []
    for at, text in enumerate(texts):
        x, y = 60.0 * (at % across), 12.0 * (at // across)
        words.append(Word(text, x, y, x + 5.0 * len(text), y + 10.0))
    return Page(1, 60.0 * across, 12.0 * (len(texts) // across + 1), words)


@pytest.mark.parametrize(
    ("texts", "across"),
    [
        (["o"] * 20_000, 200),
        (["Total", "HT", "1,00"] * 6_000, 3),
        (
            [word for at in range(4_000) for word in ("Total", "HT", f"{at},01", "TVA", f"{at},02", "TTC", f"{at},03")],
            7,
        ),
        (["20", "%", "100,00", "20,00"] * 4_000, 400),
        (["SIRET", "22060001900016"] * 8_000, 2),
        (["Date", "de", "facture"] * 6_000, 3),
        (["1", "2", "A", "-"] * 5_000, 2_000),
        (["FR76"] * 15_000, 1_000),
        (["Facture"] * 15_000, 1),
        (["Client", "SIRET"] * 8_000, 2),
    ],
)
def test_a_page_of_one_word_again_and_again_is_read_in_bounded_time(texts: list[str], across: int) -> None:
    started = time.process_time()
    read_fields([grid(texts, across)])
    assert time.process_time() - started < SECONDS
