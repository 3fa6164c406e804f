"""Values read on a document, taken one field at a time, with a finding for each that cannot be relied on."""

from collections.abc import Callable, Iterable
from typing import Literal, Protocol, TypeVar

import msgspec

from invoice.findings import Finding
from invoice.keywords import words
from invoice.labels import FIELD_LABELS
from invoice.messages import finding

T = TypeVar("T")
_SHOWN_KEYWORDS = 4
_SHOWN_VALUES = 4


#: Every field of a reading, in the order in which they are given. ``recipient_state`` stands on pages only, ``cadre``
#: in data files only.
FIELD_NAMES = (
    "invoice_number",
    "issue_date",
    "due_date",
    "type_code",
    "currency",
    "total_excl_tax",
    "tax",
    "total_incl_tax",
    "prepaid",
    "payable",
    "vat_breakdown",
    "vat_regime",
    "payment_mode",
    "supplier_siret",
    "supplier_siren",
    "supplier_vat",
    "recipient_siret",
    "recipient_siren",
    "recipient_vat",
    "recipient_state",
    "supplier_iban",
    "service_code",
    "engagement",
    "contract",
    "preceding_invoice",
    "cadre",
)
#: What only accompanies an invoice: a doubt about it holds nothing up.
ACCOMPANYING = frozenset({"due_date", "vat_regime", "payment_mode", "preceding_invoice", "supplier_iban"})


class ReadField(Protocol):
    """One value read on a page: ``value`` is canonical (ISO date, ``1234.56``, 14 digits).

    ``sure`` means that nothing on the page contradicts it.
    """

    @property
    def name(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def confidence(self) -> Literal["sure", "unsure"]: ...


class Reading:
    """The fields of one document by name. ``findings`` grows as fields are taken."""

    def __init__(self, fields: Iterable[ReadField]) -> None:
        self.findings: list[Finding] = []
        self._sure: dict[str, list[str]] = {}
        self._unsure: dict[str, list[str]] = {}
        for field in fields:
            side = self._sure if field.confidence == "sure" else self._unsure
            seen = side.setdefault(field.name, [])
            if field.value not in seen:
                seen.append(field.value)

    def sure(self, name: str) -> tuple[str, ...]:
        """The distinct values surely read under a name."""
        return tuple(self._sure.get(name, ()))

    def unsure(self, name: str) -> tuple[str, ...]:
        """The distinct values read under a name without certainty."""
        return tuple(self._unsure.get(name, ()))

    def is_read(self, name: str) -> bool:
        """Whether anything was read under a name."""
        return name in self._sure or name in self._unsure

    def take(self, name: str, parse: Callable[[str], T], *, mandatory: bool = True) -> T | None:
        """The one sure value of a field, parsed; None otherwise.

        A finding says why: several sure values, only unsure ones, none though ``mandatory``, or ``parse`` raised
        ValueError.
        """
        sure, unsure = self.sure(name), self.unsure(name)
        label = FIELD_LABELS[name]
        if len(sure) > 1:
            values = ", ".join(f"« {value} »" for value in sure[:_SHOWN_VALUES])
            self.add("FIELD_CONFLICT", field=name, label=label, values=values)
        elif sure:
            return self._parsed(name, sure[0], parse)
        elif unsure:
            self.add("FIELD_UNSURE", field=name, value=unsure[0], label=label, keywords=_keywords(name))
        elif mandatory:
            self.add("FIELD_MISSING", field=name, label=label, keywords=_keywords(name))
        return None

    def only_sure(self, name: str, parse: Callable[[str], T]) -> T | None:
        """The one sure value of a field that only accompanies the invoice, parsed; None otherwise, and no finding."""
        sure = self.sure(name)
        if len(sure) != 1:
            return None
        try:
            return parse(sure[0])
        except (ValueError, msgspec.ValidationError):
            return None

    def add(self, code: str, *, field: str | None = None, value: str | None = None, **text: str) -> None:
        """Keep a finding. It may stop the draft (``warn``) but never refuses it."""
        found = finding(code, field=field, value=value, **text)
        self.findings.append(msgspec.structs.replace(found, level="warn") if found.level == "refuse" else found)

    @property
    def needs_a_person(self) -> bool:
        """Whether a finding asks for a person's eye."""
        return any(found.level == "warn" for found in self.findings)

    def _parsed(self, name: str, value: str, parse: Callable[[str], T]) -> T | None:
        try:
            return parse(value)
        except ValueError:
            self.add("FIELD_MALFORMED", field=name, value=value, label=FIELD_LABELS[name])
            return None


def _keywords(name: str) -> str:
    shown = ", ".join(f"« {word} »" for word in words(name)[:_SHOWN_KEYWORDS])
    return f" Mots reconnus devant la valeur : {shown}." if shown else ""
