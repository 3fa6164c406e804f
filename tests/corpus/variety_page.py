"""How the head of the first page is composed: where supplier, recipient, title and references stand."""

from collections.abc import Callable
from typing import Final

from tests.corpus.variety_bill import Bill
from tests.corpus.variety_head import (
    LEFT,
    MIDDLE,
    RIGHT,
    TOP,
    delivery,
    place_references,
    recipient,
    supplier,
    title,
)
from tests.corpus.variety_sheet import HEIGHT, Sheet

FULL: Final = RIGHT - LEFT
HALF: Final = FULL / 2 - 12


def _classic(sheet: Sheet, bill: Bill) -> float:
    low = supplier(sheet, bill, LEFT, TOP, HALF)
    other = recipient(sheet, bill, MIDDLE + 20, TOP - 60, HALF - 10)
    y = delivery(sheet, bill, LEFT, min(low, other) - 6, FULL)
    y = title(sheet, bill, LEFT, y - 12, FULL)
    return place_references(sheet, bill, LEFT, y, FULL)


def _swiss(sheet: Sheet, bill: Bill) -> float:
    low = recipient(sheet, bill, LEFT, TOP - 40, HALF)
    other = supplier(sheet, bill, MIDDLE + 20, TOP, HALF - 10)
    y = title(sheet, bill, LEFT, min(low, other) - 16, FULL)
    y = place_references(sheet, bill, LEFT, y, FULL)
    return delivery(sheet, bill, LEFT, y - 4, FULL)


def _centre(sheet: Sheet, bill: Bill) -> float:
    y = supplier(sheet, bill, LEFT + 100, TOP, FULL - 200, centre=True)
    y = title(sheet, bill, LEFT, y - 14, FULL, centre=True)
    low = recipient(sheet, bill, LEFT, y - 6, HALF)
    other = delivery(sheet, bill, MIDDLE + 20, y - 6, HALF - 10)
    return place_references(sheet, bill, LEFT, min(low, other) - 10, FULL)


def _three_columns(sheet: Sheet, bill: Bill) -> float:
    third = FULL / 3
    y = title(sheet, bill, LEFT, TOP, FULL)
    low = min(
        supplier(sheet, bill, LEFT, y, third - 12),
        recipient(sheet, bill, LEFT + third, y, third - 12),
        place_references(sheet, bill, LEFT + 2 * third, y, third),
    )
    return delivery(sheet, bill, LEFT, low - 6, FULL)


def _two_columns(sheet: Sheet, bill: Bill) -> float:
    y = supplier(sheet, bill, LEFT, TOP, HALF)
    y = title(sheet, bill, LEFT, y - 8, HALF)
    low = place_references(sheet, bill, LEFT, y, HALF)
    other = recipient(sheet, bill, MIDDLE + 20, TOP, HALF - 10)
    other = delivery(sheet, bill, MIDDLE + 20, other - 14, HALF - 10)
    return min(low, other)


def _boxes(sheet: Sheet, bill: Bill) -> float:
    low = supplier(sheet, bill, LEFT, TOP, HALF)
    sheet.frame(MIDDLE + 14, TOP - 36, HALF - 2, 54)
    other = title(sheet, bill, MIDDLE + 22, TOP, HALF - 16)
    y = min(low, other, TOP - 44) - 10
    left = recipient(sheet, bill, LEFT + 6, y - 8, HALF - 10)
    right = delivery(sheet, bill, MIDDLE + 20, y - 8, HALF - 10)
    return place_references(sheet, bill, LEFT, min(left, right) - 16, FULL)


def _sidebar(sheet: Sheet, bill: Bill) -> float:
    """A narrow column at the left edge holds supplier and references; the rest stands beside it."""
    y = supplier(sheet, bill, LEFT - 14, TOP, 138)
    place_references(sheet, bill, LEFT - 14, y - 10, 138)
    sheet.frame(LEFT - 22, 60, 154, HEIGHT - 100)
    y = title(sheet, bill, LEFT + 160, TOP, FULL - 160)
    y = recipient(sheet, bill, LEFT + 160, y - 6, 240)
    return delivery(sheet, bill, LEFT + 160, y - 6, 260)


def _letter(sheet: Sheet, bill: Bill) -> float:
    low = supplier(sheet, bill, LEFT, TOP, HALF)
    other = recipient(sheet, bill, MIDDLE + 20, TOP - 40, HALF - 10)
    y = title(sheet, bill, LEFT, min(low, other) - 14, FULL)
    y = place_references(sheet, bill, LEFT, y, FULL)
    for line in ("Madame, Monsieur,", "Nous vous prions de trouver ci-après le détail des prestations réalisées."):
        sheet.text(LEFT, y - 4, line, most=FULL)
        y -= sheet.step
    return delivery(sheet, bill, LEFT, y - 6, FULL)


def _refs_below(sheet: Sheet, bill: Bill) -> float:
    """The references stand under the lines: see ``variety.make``."""
    low = supplier(sheet, bill, LEFT, TOP, HALF)
    other = recipient(sheet, bill, MIDDLE + 20, TOP - 30, HALF - 10)
    y = title(sheet, bill, LEFT, min(low, other) - 14, FULL)
    return delivery(sheet, bill, LEFT, y, FULL)


def _summary(sheet: Sheet, bill: Bill) -> float:
    """As utilities do: the amount due in large type at the top, before any table."""
    low = supplier(sheet, bill, LEFT, TOP, HALF)
    other = recipient(sheet, bill, MIDDLE + 20, TOP - 70, HALF - 10)
    y = title(sheet, bill, LEFT, min(low, other) - 14, HALF)
    style = sheet.style
    amount = bill.sign * bill.payable
    sheet.frame(MIDDLE + 20, y + 2, HALF - 10, sheet.step * 3)
    sheet.text(MIDDLE + 28, y + sheet.step * 1.8, sheet.label(payable_label(sheet, bill)), most=HALF - 26)
    figure = style.amount(amount)
    sheet.text(MIDDLE + 28, y + sheet.step * 0.5, figure, bold=True, size=style.size * 1.5, most=HALF - 26)
    sheet.show("payable", f"{amount:.2f}", style.amount(amount))
    y = place_references(sheet, bill, LEFT, y - 6, FULL)
    return delivery(sheet, bill, LEFT, y - 6, FULL)


def payable_label(sheet: Sheet, bill: Bill) -> str:
    return sheet.style.words["credit_payable" if bill.credit else "payable"]


HEADS: Final[dict[str, Callable[[Sheet, Bill], float]]] = {
    "classic": _classic,
    "swiss": _swiss,
    "centre": _centre,
    "three_columns": _three_columns,
    "two_columns": _two_columns,
    "boxes": _boxes,
    "sidebar": _sidebar,
    "letter": _letter,
    "refs_below": _refs_below,
    "summary": _summary,
}
