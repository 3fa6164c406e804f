"""The amounts in a text. Pure."""

import re
from functools import lru_cache

from services.ocr import values
from services.ocr.scan import LONG
from services.ocr.values import Value

_FIGURE = re.compile(r"\d[.,]\d\d|\d\s?(?:€|[Ee][Uu][Rr])|(?:€|[Ee][Uu][Rr])\s?\d")


def amounts_in(text: str, start: int = 0, stop: int | None = None) -> tuple[Value, ...]:
    """Every amount that stands in a part of a text. Asked again and again for the same few cells."""
    end = len(text) if stop is None else stop
    return _amounts_in(text, start, end) if len(text) <= LONG else _amounts_in.__wrapped__(text, start, end)


@lru_cache(maxsize=4_096)
def _amounts_in(text: str, start: int, end: int) -> tuple[Value, ...]:
    if _FIGURE.search(text, start, end) is None:
        return ()
    found = (values.amount_of(match) for match in values.AMOUNT.finditer(text, start, end))
    return tuple(value for value in found if value is not None)
