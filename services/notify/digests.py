"""A mail that carries several messages: each invoice named, what happened, the one act expected. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from invoice.sandbox import MARK
from services.notify.domain import Facts, Language, paris_day
from services.notify.letters import (
    HTML,
    LAYOUT,
    LETTERS,
    TEXT,
    Letter,
    link,
    one_line,
    page_of,
    show_day,
    show_figures,
    titled,
    values,
)
from services.notify.matrix import Audience

_text, _html = TEXT.get_template("digest.txt"), HTML.get_template("digest.html")
_REASONS_AT_MOST = 3


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One of the messages that a mail carries. ``url`` is a link that is served in any case."""

    kind: str
    audience: Audience
    subject: str
    facts: Facts
    url: str | None = None


def render_many(
    carrier: str,
    parts: Sequence[Part],
    at: datetime,
    public_url: str | None,
    *,
    language: Language = "fr",
    unsubscribe: str | None = None,
) -> Letter:
    """The letter of a carrier (GATHERED, FLOOD, DAILY, WEEKLY). A digest shows the last of what became of an invoice.

    Raises ``KeyError`` for a kind that has no words, ``ValueError`` without parts.
    """
    if not parts:
        raise ValueError("a carrier carries something")
    shown = list(parts)
    if carrier in ("DAILY", "WEEKLY"):
        shown = list({part.subject: part for part in parts}.values())
    names = [_name(part) for part in shown]
    words = LETTERS[language][carrier]
    told = {
        "count": str(len(shown)),
        "first": names[0],
        "last": names[-1],
        "day": show_day(paris_day(at), language),
    }
    whole: dict[str, Any] = {
        "language": language,
        "sandbox": MARK if any(part.facts.sandbox for part in shown) else "",
        "words": LAYOUT[language],
        "title": words.title.render(told),
        "happened": words.happened.render(told),
        "groups": _groups(shown, public_url, language),
        "unsubscribe": unsubscribe,
    }
    subject = words.subject.render(told) if len(shown) > 1 else _alone(shown[0], language)
    subject = titled(subject, sandbox=all(part.facts.sandbox for part in shown))
    return Letter(subject=subject, text=_text.render(whole), html=_html.render(whole))


def _alone(part: Part, language: Language) -> str:
    return LETTERS[language][f"{part.kind}/{part.audience}"].subject.render(values(part.facts, language, part.subject))


def _name(part: Part) -> str:
    facts = part.facts
    said = facts.values.get("reference") or facts.number or facts.file_name or facts.heading
    return one_line(said or part.subject)


def _groups(parts: Sequence[Part], public_url: str | None, language: Language) -> list[dict[str, Any]]:
    """The parts by what happened and what is to be done, in the order of their first."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for part in parts:
        words = LETTERS[language][f"{part.kind}/{part.audience}"]
        told = values(part.facts, language, part.subject)
        key = (words.title.render(told), words.act.render(told))
        other = told["supplier"] if part.audience in ("body", "administrator", "validator") else told["recipient"]
        said = " – ".join(
            filter(None, (MARK if part.facts.sandbox else "", _name(part), told["amount"], other, told["day"]))
        )
        found.setdefault(key, []).append(
            {
                "text": said,
                "url": part.url or link(public_url, words.place, page_of(part.facts, part.subject)),
                "reasons": _details(part.facts, language),
            }
        )
    return [{"title": title, "act": act, "lines": lines} for (title, act), lines in found.items()]


def _details(facts: Facts, language: Language) -> list[str]:
    """What a line alone would not say: reasons, an announcement's words, a recap's figures."""
    words = (facts.words_en if language == "en" else None) or facts.words or ""
    found = [f"{reason.message} {reason.action or ''}" for reason in facts.reasons[:_REASONS_AT_MOST]]
    found += [paragraph for paragraph in words.split("\n") if paragraph.strip()]
    found += [f"{name} : {said}" for name, said in show_figures(facts, language)]
    return [one_line(line, 2_000) for line in found]
