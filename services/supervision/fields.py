"""Whether a field was read as the accepted invoice has it. Pure; values are compared by digest and never kept."""

import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from invoice.identifiers import normalise, normalise_code

Outcome = Literal["kept", "changed", "missed"]
#: The fields that stand on a page and that an invoice is accepted with.
FIELDS: Final = (
    "invoice_number",
    "issue_date",
    "supplier_siret",
    "recipient_siret",
    "total_excl_tax",
    "tax",
    "total_incl_tax",
    "payable",
    "service_code",
    "engagement",
    "contract",
)
_AMOUNTS: Final = frozenset(("total_excl_tax", "tax", "total_incl_tax", "payable"))
_CODES: Final = frozenset(("service_code", "engagement", "contract"))
#: What follows from the others where the page does not say it: reading nothing there is no fault of the reader.
_DERIVED: Final = frozenset(("payable", "tax", "total_excl_tax"))


def digests(values: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Eight bytes of each value in its one form; the first value of a name counts."""
    found: dict[str, str] = {}
    for name, value in values:
        if name in FIELDS and name not in found:
            text = f"{name}\0{_plain(name, value)}".encode("utf-8", "replace")
            found[name] = hashlib.blake2b(text, digest_size=8).hexdigest()
    return found


def _plain(name: str, value: str) -> str:
    if name in _AMOUNTS:
        try:
            return str(Decimal(value).normalize())
        except InvalidOperation:
            return value
    if name in _CODES:
        return normalise_code(value)
    return normalise(value) if name.endswith("_siret") else value.strip()


def judge(read: Mapping[str, str], given: Mapping[str, str]) -> dict[str, Outcome]:
    """By field: ``kept`` as it was read, ``changed`` (or emptied) by a person, ``missed`` by the reader.

    A field that neither has does not count.
    """
    found: dict[str, Outcome] = {}
    for name in FIELDS:
        if name in read:
            found[name] = "kept" if read[name] == given.get(name) else "changed"
        elif name in given and name not in _DERIVED:
            found[name] = "missed"
    return found
