"""Statuses, turns and what was done, in words: French as the services and their tables say it, other languages from
``help/statuses.yaml`` and ``help/story.yaml``."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from invoice import packaged
from invoice.lifecycle_table import STATUSES, Status
from services.portal.pages.words import Language, Words, spaced


@cache
def _english(name: str) -> Mapping[str, Any]:
    file = resources.files("services.portal.pages").joinpath("words", "en", "help", f"{name}.yaml")
    found: Mapping[str, Any] = packaged.parse(file.read_text("utf-8"))
    return found


def status(found: Status, language: Language) -> tuple[str, str]:
    """What a status is called, and what it means. Raises ``KeyError`` for one without words in this language."""
    if language == "fr":
        return spaced(found.label_fr), spaced(found.explain_fr)
    label, text = _english("statuses")[found.code]
    return label, text


def label(code: str, language: Language, said: str) -> str:
    """What a status is called in this language; as a service ``said`` it, where the tables have no such code."""
    found = STATUSES.get(code)
    return said if found is None else status(found, language)[0]


def explained(code: str, language: Language, said: str) -> str:
    """What a status means for the supplier of an invoice, as a service ``said`` it in French."""
    found = STATUSES.get(code)
    if found is None or language == "fr":
        return spaced(said)
    if said == found.explain_fr_no_effect:
        return str(_english("story")["no_effect"][code])
    return status(found, language)[1]


def turn(actor: str, language: Language, said: str) -> str:
    """Whose turn it is, as a service ``said`` it in French."""
    return spaced(said) if language == "fr" else _english("story")["turns"].get(actor, said)


def entry(found: Mapping[str, Any], t: Words) -> str:
    """What an entry of an invoice's history is called; as the service says it where there are no other words."""
    said = str(found["label"])
    if t.language == "fr":
        return spaced(said)
    story, notice, act = _english("story"), found["notice"], found["action"]
    if notice is not None:
        key, other = f"{notice['role']}_{notice['outcome']}", f"{notice['audience']}_{notice['outcome']}"
        return str(story["notices"].get(key) or story["notices"].get(other, said))
    if found["kind"] in ("action", "solicitation"):
        return t.get(f"acting.do_{act}") or story["acts"].get(act, said)
    return label(found["status_to"], t.language, said) if found["status_to"] is not None else str(story["delay"])
