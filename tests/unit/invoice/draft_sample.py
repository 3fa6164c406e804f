"""A good reading of an invoice, to be bent by each test."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from invoice.draft import Draft, complete
from invoice.findings import refusals
from tests.unit.invoice.sample import ALPES_MARITIMES, SUPPLIER, codes

OTHER = "00099901100018"
READ: Mapping[str, str] = {
    "invoice_number": "2026-0117",
    "issue_date": "2026-11-03",
    "supplier_siret": SUPPLIER,
    "recipient_siret": ALPES_MARITIMES,
    "total_excl_tax": "100.00",
    "tax": "20.00",
    "total_incl_tax": "120.00",
}
MANDATORY = tuple(READ)


@dataclass(frozen=True)
class Field:
    """A read field as a reader would hand it over."""

    name: str
    value: str
    confidence: Literal["sure", "unsure"] = "sure"


def read(unsure: tuple[str, ...] = (), /, **values: str | None) -> list[Field]:
    """The good reading with some values changed, added or (None) not read; some of them unsure."""
    merged = {**READ, **values}
    return [
        Field(name, value, "unsure" if name in unsure else "sure")
        for name, value in merged.items()
        if value is not None
    ]


def done(unsure: tuple[str, ...] = (), /, **values: str | None) -> Draft:
    """The good reading, bent, completed for a depositor of one structure."""
    return complete(read(unsure, **values), (SUPPLIER,))


def waits(draft: Draft) -> list[str]:
    """The codes for which a draft waits for a person."""
    assert draft.outcome == "to_check"
    assert draft.header is None
    assert refusals(draft.findings) == ()
    return codes(draft.findings, "warn")
