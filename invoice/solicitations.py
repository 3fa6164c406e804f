"""What a sollicitation may be about, who answers it and within how many days: ``data/solicitations.yaml``. Pure."""

from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Final, Literal

import msgspec
import yaml

#: Who answers.
Addressee = Literal["support", "body", "supplier"]
#: A third of the delay is left when whoever answers is reminded.
_REMINDED_AT: Final = 2 / 3


class Subcategory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the list. ``days``: within which an answer is due; ``invoice``: it must be about one."""

    label: str
    en: str
    to: Addressee
    days: int
    invoice: bool = False

    @property
    def reminded_after(self) -> float:
        """After how many days whoever answers is reminded."""
        return self.days * _REMINDED_AT


class Category(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A space of the platform, with what may be asked about it."""

    label: str
    en: str
    subcategories: dict[str, Subcategory]


CATEGORIES: Final[Mapping[str, Category]] = MappingProxyType(
    msgspec.convert(
        yaml.safe_load((resources.files("invoice") / "data" / "solicitations.yaml").read_text("utf-8")),
        dict[str, Category],
    )
)
#: When a question that was answered is closed by itself, unless somebody writes again.
CLOSED_AFTER_DAYS: Final = 30


def subcategory(category: str, name: str) -> Subcategory | None:
    """The line of this name, None where there is none."""
    found = CATEGORIES.get(category)
    return None if found is None else found.subcategories.get(name)


def label(category: str, name: str, language: Literal["fr", "en"] = "fr") -> str:
    """``Factures émises – Retard de paiement``; the codes as they are where a line was taken out since."""
    found, line = CATEGORIES.get(category), subcategory(category, name)
    if found is None or line is None:
        return f"{category} – {name}"
    return f"{found.en} – {line.en}" if language == "en" else f"{found.label} – {line.label}"
