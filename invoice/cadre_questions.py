"""The cadre in plain words: questions whose answers lead to one (data/cadre_questions.yaml)."""

from collections.abc import Mapping

import msgspec

from invoice import packaged


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One answer: it leads to the question ``next`` or to the ``cadre``, never both; ``hint`` is said with it."""

    text: str
    next: str | None = None
    cadre: str | None = None
    hint: str | None = None


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked."""

    text: str
    answers: tuple[Answer, ...]


class Questions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All questions by name, and the name of the one asked first."""

    first: str
    questions: Mapping[str, Question]


def _load() -> Questions:
    found: Questions = msgspec.convert(packaged.load("cadre_questions.yaml"), Questions)
    return found


QUESTIONS = _load()
