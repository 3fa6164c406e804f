"""The audit trail in words: names for subjects, and the details that say something to people. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from services.portal.pages.format import show_date, show_siret
from services.portal.pages.words import Words
from services.portal.proof_kinds import KINDS

#: Names in details: subjects, days, and what only the platform knows its own things by.
_SUBJECTS: Final = ("giver", "source", "invited_by")
_DAYS: Final = ("since", "until")
_OWN: Final = frozenset(("delegation", "invitation", "request", "proof", "announcement", "secret"))
_UNTIL: Final = " until "


def subjects(entries: Iterable[Mapping[str, Any]]) -> Iterator[str | None]:
    """Everybody whom these entries name."""
    for entry in entries:
        yield from (entry["actor"], entry["about"])
        yield from (entry["details"].get(name) for name in _SUBJECTS)


def details(given: Mapping[str, Any], t: Words, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """The details of an entry: words and values. A name without words is shown as it is written."""
    found = []
    for name, value in given.items():
        if name in _OWN or value is None or value == []:
            continue
        many = value if isinstance(value, list) else [value]
        shown = ", ".join(_said(name, str(each), t, names) for each in many)
        found.append((t.get(f"gestion.detail_{name}") or name, shown))
    return found


def _said(name: str, value: str, t: Words, names: Mapping[str, str]) -> str:
    if name in _SUBJECTS:
        return names.get(value, value)
    if name in _DAYS:
        return show_date(value)
    match name:
        case "roles":
            return _role(value, t)
        case "kind":
            return KINDS[value].label if value in KINDS else value
        case "successor":
            return str(show_siret(value))
        case "level":
            return t.get(f"people.level_{value}") or value
        case "how":
            return t.get(f"gestion.how_{value}") or value
        case "fields":
            return t.get(f"gestion.field_{value}") or value
        case "scopes":
            return t.get(f"software.scope_{value.replace('.', '_')}") or value
    return value


def _role(value: str, t: Words) -> str:
    """A role as the trail writes it: ``AGENT/DRH until 2026-12-31``."""
    held, _, until = value.partition(_UNTIL)
    role, _, service = held.partition("/")
    words = t.get(f"role.{role}") or role
    place = f"{words} ({service})" if service else words
    return f"{place} {t('structures.until', date=show_date(until))}" if until else place
