"""A message in words: text and HTML from the same facts, in the reader's language. Pure; rendered when it is sent."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from importlib import resources
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import msgspec
from jinja2 import DictLoader, Environment, StrictUndefined, Template, meta

from invoice import packaged
from invoice.identifiers import show_siret
from invoice.lifecycle import STATUSES
from invoice.money import show_amount, show_date
from invoice.sandbox import MARK
from services.notify.domain import Facts, Language, paris_day
from services.notify.matrix import Audience

_TEMPLATES = resources.files("services.notify").joinpath("templates")
_NAMES = ("letter.txt", "letter.html", "digest.txt", "digest.html")
_LOADER = DictLoader({name: _TEMPLATES.joinpath(name).read_text("utf-8") for name in _NAMES})
TEXT: Final = Environment(
    loader=_LOADER, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
)
HTML: Final = Environment(
    loader=_LOADER, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=True
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_MAX_VALUE = 500
_MAX_PARAGRAPHS, _MAX_PARAGRAPH = 60, 2_000
_FILES: Final[dict[Language, str]] = {"fr": "letters.yaml", "en": "letters.en.yaml"}
_MONTHS = (
    "January,February,March,April,May,June,July,August,September,October,November,December".split(",")  # noqa: SIM905
)


class Letter(msgspec.Struct, frozen=True):
    """What the reader gets. The subject is one line."""

    subject: str
    text: str
    html: str


class Words(msgspec.Struct, frozen=True):
    """The words of one message. A mail that carries several has no act, link and place of its own."""

    subject: Template
    title: Template
    happened: Template
    act: Template
    link: str = ""
    place: str = ""


def names_in(kind: str, audience: Audience) -> set[str]:
    """The values that the words of a message use, in any language. Raises ``KeyError`` for one that has no words."""
    return {name for table in _NAMES_IN.values() for name in table[f"{kind}/{audience}"]}


def _used(row: Mapping[str, str]) -> frozenset[str]:
    parts = (row.get(key, "") for key in ("subject", "title", "happened", "act"))
    return frozenset().union(*(meta.find_undeclared_variables(TEXT.parse(part)) for part in parts))


def _load(name: str) -> tuple[dict[str, Words], dict[str, str]]:
    rows: dict[str, dict[str, str]] = packaged.parse(_TEMPLATES.joinpath(name).read_text("utf-8"))
    layout = rows.pop("layout")
    found = {}
    for kind, row in rows.items():
        templated = {key: TEXT.from_string(row.get(key, "")) for key in ("subject", "title", "happened", "act")}
        found[kind] = Words(**templated, link=row.get("link", ""), place=row.get("place", ""))
    return found, layout


def _names(file: str) -> dict[str, frozenset[str]]:
    rows: dict[str, dict[str, str]] = packaged.parse(_TEMPLATES.joinpath(file).read_text("utf-8"))
    return {kind: _used(row) for kind, row in rows.items() if kind != "layout"}


_NAMES_IN: Final = {language: _names(file) for language, file in _FILES.items()}
_LOADED = {language: _load(name) for language, name in _FILES.items()}
LETTERS: Final[Mapping[Language, Mapping[str, Words]]] = {name: found[0] for name, found in _LOADED.items()}
#: The words that all letters share.
LAYOUT: Final[Mapping[Language, Mapping[str, str]]] = {name: found[1] for name, found in _LOADED.items()}
_text, _html = TEXT.get_template("letter.txt"), HTML.get_template("letter.html")


def render(
    kind: str,
    audience: Audience,
    facts: Facts,
    subject: str | UUID,
    public_url: str | None,
    *,
    language: Language = "fr",
    unsubscribe: str | None = None,
    url: str | None = None,
) -> Letter:
    """The letter of one message. ``subject`` is the invoice's or the deposit's id, for the link and as a reference.

    Without ``public_url`` there is no link: a mail never points to a page that is not served. ``url`` is a link that
    is served in any case. ``unsubscribe`` is the link of what is optional.

    Raises ``KeyError`` for a kind and audience that have no words.
    """
    words, layout = LETTERS[language][f"{kind}/{audience}"], LAYOUT[language]
    shown = values(facts, language, subject)
    table = _table(facts, shown, language)
    happened = words.happened.render({**shown, **_paragraphs(facts)}).split("\n")
    whole: dict[str, Any] = {
        "language": language,
        "sandbox": MARK if facts.sandbox else "",
        "words": layout,
        "title": words.title.render(shown),
        "happened": [one_line(paragraph, _MAX_PARAGRAPH) for paragraph in happened[:_MAX_PARAGRAPHS]],
        "act": words.act.render(shown),
        "link": words.link,
        "url": url or link(public_url, words.place, page_of(facts, subject)),
        "reference": str(subject),
        "facts": table,
        "width": max((len(name) for name, _ in table), default=0),
        "reasons": [
            {
                "message": one_line(reason.message),
                "action": one_line(reason.action or ""),
                "suggestions": [one_line(found.sentence) for found in reason.suggestions],
            }
            for reason in facts.reasons
        ],
        "unsubscribe": unsubscribe,
    }
    return Letter(
        subject=titled(words.subject.render(shown), sandbox=facts.sandbox),
        text=_text.render(whole),
        html=_html.render(whole),
    )


def said(
    kind: str, audience: Audience, facts: Facts, subject: str | UUID, language: Language = "fr"
) -> tuple[str, list[str], str, str | None, str]:
    """What a message says, for a page: title, paragraphs, what is to be done, the path of its page, that link's words.

    A link that opens something by itself is not among it. Raises ``KeyError`` for a kind that has no words, and
    ``jinja2.UndefinedError`` where words of it have been erased.
    """
    words = LETTERS[language][f"{kind}/{audience}"]
    shown = values(facts, language, subject)
    happened = words.happened.render({**shown, **_paragraphs(facts)}).split("\n")
    text = [one_line(paragraph, _MAX_PARAGRAPH) for paragraph in happened[:_MAX_PARAGRAPHS]]
    path = link("", words.place, page_of(facts, subject)) if words.place and facts.link is None else None
    return titled(words.title.render(shown), sandbox=facts.sandbox), text, words.act.render(shown), path, words.link


def titled(subject: str, *, sandbox: bool) -> str:
    """The subject as one line, a trial's with its mark first."""
    return one_line(f"[{MARK}] {subject}" if sandbox else subject)[:200]


def link(public_url: str | None, place: str, subject: str | UUID) -> str | None:
    """The page of a message, where there are pages."""
    if public_url is None:
        return None
    return f"{public_url}/{place}/{quote(str(subject), safe='')}" if place in _WITH_ID else f"{public_url}/{place}"


#: Places in which a page is found by an id.
_WITH_ID: Final = frozenset({"factures", "depots", "flux", "sollicitations"})


def page_of(facts: Facts, subject: str | UUID) -> str | UUID:
    """What the page of a message is found by: that of a sollicitation is not its invoice's."""
    return facts.values.get("solicitation", subject)


def values(facts: Facts, language: Language, subject: str | UUID = "") -> dict[str, str]:
    """Every value in words, on one line. Names that a kind does not have are empty, never missing.

    ``report`` is where the report of the flow ``subject`` is, for programs and for people without pages.
    """
    counts = {count.outcome: str(count.invoices) for count in facts.counts}
    recipient = facts.recipient_name or (show_siret(facts.recipient_siret) if facts.recipient_siret else "")
    found = {
        "number": facts.number or "",
        "file": facts.file_name or "",
        "day": show_day(paris_day(facts.at), language),
        "amount": "" if facts.payable is None else show_money(facts.payable, facts.currency, language),
        "supplier": show_siret(facts.supplier_siret) if facts.supplier_siret else "",
        "recipient": recipient,
        "days": "" if facts.days is None else str(facts.days),
        "due": "" if facts.due_on is None else show_day(facts.due_on, language),
        "about": facts.about or "",
        "heading": facts.heading or "",
        "heading_en": facts.heading_en or "",
        "words": facts.words or "",
        "words_en": facts.words_en or "",
        **facts.values,
        "rejected": counts.get("rejected", ""),
        "to_verify": counts.get("to_verify", ""),
        "report": LAYOUT[language]["report"].replace("{{ flow }}", str(subject)),
    }
    return {name: one_line(value) for name, value in found.items()}


def _paragraphs(facts: Facts) -> dict[str, str]:
    """An announcement keeps its paragraphs; whatever else a line break could do is taken out line by line."""
    return {"words": facts.words or "", "words_en": facts.words_en or ""}


def show_day(day: date, language: Language) -> str:
    """``22/11/2026`` or ``22 November 2026``."""
    return show_date(day) if language == "fr" else f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def show_money(amount: Decimal, currency: str, language: Language) -> str:
    """``1 234,50 €`` or ``EUR 1,234.50``."""
    return show_amount(amount, currency) if language == "fr" else f"{currency} {amount:,.2f}"


def _table(facts: Facts, shown: Mapping[str, str], language: Language) -> list[tuple[str, str]]:
    names = LAYOUT[language]
    siret = f" (SIRET {show_siret(facts.recipient_siret)})" if facts.recipient_siret and facts.recipient_name else ""
    service = " – ".join(part for part in (facts.service_code, facts.service_label) if part)
    rows = [
        (names["invoice"], shown["number"]),
        (names["date"], show_day(facts.issue_date, language) if facts.issue_date else ""),
        (names["payable"], shown["amount"]),
        (names["supplier"], f"SIRET {shown['supplier']}" if shown["supplier"] else ""),
        (names["recipient"], shown["recipient"] + siret),
        (names["service"], one_line(service)),
        (names["document"], shown["file"]),
    ]
    return [(name, value) for name, value in [*rows, *show_figures(facts, language)] if value]


def show_figures(facts: Facts, language: Language) -> list[tuple[str, str]]:
    """The lines of a recap (the status, how many invoices entered it and what they come to), and those of a flow."""
    found = [(LAYOUT[language][count.outcome], str(count.invoices)) for count in facts.counts]
    for figure in facts.figures:
        label = STATUSES[figure.status].label_fr if figure.status in STATUSES else figure.status
        said = LAYOUT[language]["figure"].replace("{{ invoices }}", str(figure.invoices))
        found.append((label, said.replace("{{ payable }}", show_money(figure.payable, "EUR", language))))
    return found


def one_line(text: str, at_most: int = _MAX_VALUE) -> str:
    """A value without line breaks or control characters: it can neither forge a header nor break the layout."""
    line = _CONTROLS.sub(" ", text).strip()
    return line if len(line) <= at_most else line[: at_most - 1] + "…"
