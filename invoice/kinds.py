"""Kinds of public structures and their payment delays: ``data/kinds.yaml``."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from invoice import packaged
from invoice.directory import Structure

DEFAULT_DAYS = 30
PRINCIPAL = "budget_principal"
ANNEXES = frozenset(("budget_annexe", "budget"))


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind: its French label and the legal payment delay in days."""

    label: str
    days: int


KINDS: Mapping[str, Kind] = MappingProxyType(msgspec.convert(packaged.load("kinds.yaml"), dict[str, Kind]))


def payment_days(structure: Structure) -> int:
    """The payment delay of a structure in days: its kind's, or its own where that is shorter (L2192-10)."""
    kind = KINDS.get(structure.kind)
    days = DEFAULT_DAYS if kind is None else kind.days
    return days if structure.payment_days is None else min(days, structure.payment_days)
