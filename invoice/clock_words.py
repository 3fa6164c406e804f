"""The words of the payment delay, ``data/clock.yaml``: how a step of its story is said."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from invoice import packaged
from invoice.clock_shapes import ClockEvent, Step, paris_day
from invoice.money import show_amount, show_date

Word = date | Decimal | int | None


class Phrase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row: what happened, the article, whether the rule is the law's or ours, what it does to the delay."""

    label: str
    article: str
    rule: Literal["law", "ours"]
    text: str


_DATA: Final[dict[str, Any]] = packaged.load("clock.yaml")
PHRASES: Final = msgspec.convert(_DATA["steps"], dict[str, Phrase])
REMARKS: Final[Mapping[str, str]] = _DATA["remarks"]


def step(event: ClockEvent, code: str, words: Mapping[str, Word], due_on: date | None, currency: str) -> Step:
    """A line of the story. ``words`` fill the places of the sentences; ``{day}`` is the event's legal day.

    ``{end}`` and ``{to}`` say when the delay ends, or that it is interrupted, as a part of a sentence.
    """
    phrase, day = PHRASES[code], paris_day(event.at)
    said = {name: _shown(value, currency) for name, value in ({"day": day} | dict(words)).items()}
    said["end"] = " ; il est interrompu" if due_on is None else f" ; il prend fin le {show_date(due_on)}"
    said["to"] = "" if due_on is None else f" jusqu'au {show_date(due_on)}"
    return Step(
        entry=event.entry,
        at=event.at,
        day=day,
        code=code,
        label=phrase.label.format_map(said),
        article=phrase.article,
        ours=phrase.rule == "ours",
        text=phrase.text.format_map(said),
        due_on=due_on,
    )


def _shown(value: Word, currency: str) -> str:
    if isinstance(value, Decimal):
        return show_amount(value, currency)
    if isinstance(value, date):
        return show_date(value)
    return "—" if value is None else str(value)
