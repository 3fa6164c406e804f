"""What a list of invoices is asked for: the conditions stand in the address, in French forms, and go to the API."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec

from invoice.money import InvalidAmount, parse_amount
from services.portal.pages.format import PARIS
from services.portal.pages.forms import Form
from services.portal.pages.invoices_spaces import Space
from services.portal.pages.words import Words

PAGE: Final = 50
#: In the order of the page. ``cursor`` and ``sort`` are no conditions: a search is the same in another order.
CONDITIONS: Final = (
    "q",
    "status",
    "turn",
    "number",
    "supplier",
    "structure",
    "service",
    "engagement",
    "market",
    "amount_from",
    "amount_to",
    "issued_from",
    "issued_to",
    "deposited_from",
    "deposited_to",
    "due_from",
    "due_to",
    "due_within",
    "unchanged_days",
    "unchanged_under",
    "late",
)
_KNOWN: Final = (*CONDITIONS, "sort", "cursor")
_LONGEST: Final = 200
_OF_DAYS: Final = frozenset(f"{what}_{end}" for what in ("deposited", "issued", "due") for end in ("from", "to"))
_SIRETS: Final = frozenset(("supplier", "structure"))
_SHORT: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("due", "soon"): ("due_within", "5"),
    ("unchanged", "8"): ("unchanged_days", "8"),
}
#: Fields of the form by parameters of the API, where they are not the same.
NAMES: Final = {"since": "deposited_from", "until": "deposited_to"}


class Asked(msgspec.Struct, frozen=True):
    """A search: ``given`` as in the address, each name and value once, blanks left out."""

    given: tuple[tuple[str, str], ...]

    @property
    def query(self) -> str:
        """As it stands in the address, without the place in the list."""
        return urlencode([(name, value) for name, value in self.given if name != "cursor"])

    @property
    def conditions(self) -> int:
        """How many there are."""
        return sum(name in CONDITIONS for name, _ in self.given)

    def form(self) -> Form:
        """The form with these values."""
        values: dict[str, list[str]] = {}
        for name, value in self.given:
            values.setdefault(name, []).append(value)
        return Form(values)

    def at(self, cursor: str) -> str:
        """The address's query of the page that begins there."""
        return f"{self.query}&{urlencode({'cursor': cursor})}" if self.query else urlencode({"cursor": cursor})


def read(pairs: Iterable[tuple[str, str]]) -> Asked:
    """What an address asks for. What is unknown, blank or there twice is left out."""
    found: dict[tuple[str, str], None] = {}
    for name, value in pairs:
        name, value = _SHORT.get((name, value), (name, value.replace("\x00", "").strip()[:_LONGEST]))
        if name in _KNOWN and value and (name == "status" or not any(known == name for known, _ in found)):
            found[name, value] = None
    return Asked(tuple(found))


def of_query(query: str) -> Asked:
    """The same of a query that was kept."""
    return read(parse_qsl(query[:2000]))


def is_tidy(query: str) -> bool:
    """Whether an address says nothing but its search; a form that was sent empty leaves blanks in it."""
    pairs = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "fait"]
    return tuple(pairs) == read(pairs).given


def params(asked: Asked, space: Space | None, form: Form, t: Words) -> dict[str, Any]:
    """The parameters of the API. What cannot be read is said beside its field of ``form``, and left out."""
    found: dict[str, Any] = {}
    for name, value in asked.given:
        if name == "status":
            found.setdefault("status", []).append(value)
        elif name in _OF_DAYS:
            day = _day(name, value, form, t)
            if day is not None:
                found |= _within(name, day)
        elif name.startswith("amount_"):
            try:
                found[name] = str(parse_amount(value))
            except InvalidAmount:
                form.wrong(name, t("invoices.amount_wrong", value=value))
        else:
            found[name] = "true" if name == "late" else "".join(value.split()) if name in _SIRETS else value
    if space is not None:
        found["side"] = space.side
    return found


def _within(name: str, day: date) -> dict[str, str]:
    if name == "deposited_from":
        return {"since": midnight(day)}
    return {"until": midnight(day + timedelta(days=1))} if name == "deposited_to" else {name: day.isoformat()}


def midnight(day: date) -> str:
    """The instant at which a day begins in Paris."""
    return datetime.combine(day, time.min, PARIS).isoformat()


def _day(name: str, value: str, form: Form, t: Words) -> date | None:
    try:
        found = date.fromisoformat(value)
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year <= 2200:
        form.wrong(name, t("invoices.day_wrong", value=value))
        return None
    return found
