"""Statuses in words: French as the program's own table has them, other languages from ``help/statuses.yaml``."""

from collections.abc import Mapping
from functools import cache
from importlib import resources

import yaml

from invoice.lifecycle_table import STATUSES, Status
from services.portal.pages.words import Language, spaced


@cache
def _english() -> Mapping[str, list[str]]:
    file = resources.files("services.portal.pages").joinpath("words", "en", "help", "statuses.yaml")
    found: Mapping[str, list[str]] = yaml.safe_load(file.read_text("utf-8"))
    return found


def status(found: Status, language: Language) -> tuple[str, str]:
    """What a status is called, and what it means. Raises ``KeyError`` for one without words in this language."""
    if language == "fr":
        return spaced(found.label_fr), spaced(found.explain_fr)
    label, text = _english()[found.code]
    return label, text


def label(code: str, language: Language, said: str) -> str:
    """What a status is called in this language; as a service ``said`` it, where the tables have no such code."""
    found = STATUSES.get(code)
    return said if found is None else status(found, language)[0]
