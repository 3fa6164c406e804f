"""The fields of one invoice, settled one by one from the elements found; what contradicts itself is said."""

from collections.abc import Callable, Sequence

from lxml.etree import _Element

from invoice.findings import Finding
from invoice.labels import FIELD_LABELS
from invoice.messages import finding
from invoice.reading import FIELD_NAMES
from invoice.syntax import values
from invoice.syntax.model import Datum
from invoice.syntax.tree import Found, path_of
from invoice.syntax.values import Malformed

Convert = Callable[[str], str]
MAX_RAW = 200
MAX_WARNINGS = 100  # a file that is wrong everywhere is told so once, not a million times
_MAX_SHOWN = 80
# EN 16931 allows several of these: the first is given, unsure, and that is no fault of the file.
_MANY = frozenset({"due_date", "payment_mode", "supplier_iban", "preceding_invoice"})
# Left out, each of these would be taken for « none » or for a default; so a text that cannot be read is given, unsure.
_KEPT_UNREAD = frozenset({"currency", "service_code", "engagement", "contract"})


class Header:
    """The data of one invoice while they are put together. ``found`` has the elements by key."""

    def __init__(self, found: Found) -> None:
        self.found = found
        self.warnings: list[Finding] = []
        self._said: set[tuple[str, str | None]] = set()
        self._data: dict[str, Datum] = {}

    def fields(self) -> tuple[Datum, ...]:
        """The data in the order of FIELD_NAMES."""
        data = self._data
        return tuple([data[name] for name in FIELD_NAMES if name in data])

    def value(self, name: str) -> str | None:
        """The canonical value of a field that has been settled, or None."""
        datum = self._data.get(name)
        return None if datum is None else datum.value

    def set(self, name: str, value: str, term: str, raw: str, *, sure: bool = True) -> None:
        """Settle a field."""
        raw = raw.strip()[:MAX_RAW]
        self._data[name] = Datum(name=name, value=value, term=term, raw=raw, sure=sure)

    def doubt(self, name: str) -> None:
        """The field is not sure any more."""
        datum = self._data.get(name)
        if datum is not None and datum.sure:
            self.set(name, datum.value, datum.term, datum.raw, sure=False)

    def warn(self, code: str, *, field: str | None = None, value: str | None = None, **words: str) -> None:
        """Keep a finding; beyond the first hundred, only the first of its kind about a field."""
        if self._enough(code, field):
            return
        self._said.add((code, field))
        short = None if value is None else _shown(value)
        self.warnings.append(finding(code, field=field, value=short, **words))

    def _enough(self, code: str, field: str | None) -> bool:
        return len(self.warnings) >= MAX_WARNINGS and (code, field) in self._said

    def take(self, name: str, term: str, elements: Sequence[_Element], convert: Convert) -> None:
        """Settle a field from its elements, of which EN 16931 allows one.

        The first that has a value counts; another value, or one that cannot be read, makes it unsure. A text that
        breaks a rule and can be read all the same is given, unsure.
        """
        if elements:
            self.each(name, term, elements, lambda _: convert)

    def each(self, name: str, term: str, elements: Sequence[_Element], how: Callable[[_Element], Convert]) -> None:
        """The same where each element has a conversion of its own, given by ``how``."""
        first: str | None = None
        raw, sure = "", True
        for element in elements:
            text = element.text
            nested = len(element) > 0
            if not nested and (text is None or not text.strip()):
                continue
            text = text or ""
            try:
                if nested:
                    raise Malformed("un texte, sans balise à l'intérieur")
                value: str | None = how(element)(text)
            except Malformed as error:
                self.malformed(name, element, text, error.rule)
                value = error.meant or _unread(name, text)
                sure = False
            if first is None:
                first, raw = value, text
            elif value is not None and value != first and sure:
                self._several(name, element, (first, value))
                sure = False
        if first is not None:
            self.set(name, first, term, raw, sure=sure)

    def money(self, name: str, term: str, elements: Sequence[_Element]) -> None:
        """Settle an amount; one in another currency than the invoice's is unsure."""
        self.take(name, term, elements, values.amount)
        currency = self.value("currency")
        for element in elements:
            written = currency_of(element)
            if written and currency and written != currency and name in self._data:
                self.warn("DATA_CURRENCY", field=name, value=written, label=label(name), currency=currency)
                self.doubt(name)
                return

    def malformed(self, name: str, element: _Element, text: str, rule: str) -> None:
        """Name an element whose text cannot be taken: the element, the value, the rule."""
        if self._enough("DATA_MALFORMED", name):
            return
        place = {"element": path_of(element), "line": str(element.sourceline or 0)}
        self.warn("DATA_MALFORMED", field=name, value=text, label=label(name), rule=rule, **place)

    def _several(self, name: str, element: _Element, both: Sequence[str]) -> None:
        shown = ", ".join(f"« {_shown(value)} »" for value in both)
        place = {"element": path_of(element), "line": str(element.sourceline or 0)}
        code = "DATA_ONE_OF_MANY" if name in _MANY else "DATA_SEVERAL"
        self.warn(code, field=name, label=label(name), values=shown, **place)


def _shown(value: str) -> str:
    """A value as it may stand in a sentence: short, on one line, nothing invisible."""
    return "".join(character if character.isprintable() else " " for character in value.strip()[:_MAX_SHOWN])


def _unread(name: str, text: str) -> str | None:
    return " ".join(text[:MAX_RAW].split()) or None if name in _KEPT_UNREAD else None


def currency_of(amount: _Element) -> str:
    """The currency that an amount names, or nothing."""
    return (amount.get("currencyID") or "").strip().upper()[:10]


def label(name: str) -> str:
    """The French name of a field."""
    return FIELD_LABELS[name]
