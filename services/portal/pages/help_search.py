"""The search in the help: accents, case, plural and order of words do not count.

What is searched is made once for each language: the documents part by part, every status, motif and refusal code. A
query that no entry answers with all of its words is answered with those that have most of them.
"""

import re
import unicodedata
from functools import cache
from typing import Final, Literal

import msgspec
from markupsafe import Markup, escape

from services.portal.pages import help_codes, help_names, help_texts
from services.portal.pages.words import Language

Kind = Literal["page", "question", "status", "motif", "code"]
MOST: Final = 30
LONGEST: Final = 200
_EXCERPT: Final = 220
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
_WEIGHT: Final[dict[str, int]] = {"question": 14, "page": 9, "status": 5, "motif": 3, "code": 0}
#: Words that nearly every sentence has, without accents.
_SMALL: Final = frozenset(
    (
        *("au", "aux", "avec", "ai", "ce", "ces", "cette", "comment", "dans", "de", "des", "du", "elle", "en", "est"),
        *("et", "etre", "faire", "fait", "il", "la", "le", "les", "leur", "ma", "mes", "mon", "ne", "on", "ou", "par"),
        *("pas", "plus", "pour", "pourquoi", "qu", "que", "quel", "quelle", "quels", "qui", "quoi", "sa", "se", "ses"),
        *("si", "sont", "sur", "un", "une", "vos", "votre", "vous", "a", "c", "d", "i", "j", "l", "m", "n", "s", "t"),
        *("y", "an", "and", "can", "do", "does", "for", "from", "how", "in", "is", "it", "must", "my", "of", "or"),
        *("the", "to", "what", "when", "why"),
    )
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What can be found. ``title`` and ``text`` as they are read, ``head`` and ``body`` as they are compared."""

    kind: Kind
    path: str
    above: str
    title: str
    text: str
    head: str
    body: str
    language: Language


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: the words that were asked for are marked in the excerpt."""

    kind: Kind
    path: str
    above: str
    title: str
    excerpt: Markup
    language: Language


def fold(text: str) -> str:
    """Without accents and case: ``Œuvre à payer`` → ``oeuvre a payer``."""
    return "".join(_folded(letter) for letter in text)


def _folded(letter: str) -> str:
    if letter.isascii():
        return letter.lower()
    if letter in "œŒ":
        return "oe"
    if letter in "’ʼ":
        return "'"
    return "".join(each for each in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(each)).lower()


def asked(query: str) -> tuple[str, ...]:
    """The words of a query that count; all of them where none else would be left."""
    found = dict.fromkeys(_WORD.findall(fold(query[:LONGEST])))
    telling = [word for word in found if word not in _SMALL]
    return tuple(_singular(word) for word in telling or found)[:12]


def _singular(word: str) -> str:
    """``avoirs`` finds ``avoir``; a code is left as it is."""
    return word[:-1] if len(word) > 3 and word[-1] in "sx" and word.isalpha() else word


def search(query: str, language: Language) -> list[Hit]:
    """What answers a query, the best first."""
    words = asked(query)
    if not words:
        return []
    patterns = [re.compile(rf"(?<![a-z0-9]){re.escape(word)}") for word in words]
    phrase = " ".join(_WORD.findall(fold(query[:LONGEST])))
    scored: list[tuple[int, int, int, Entry]] = []
    for place, entry in enumerate(entries(language)):
        met, points = _points(entry, words, patterns, phrase)
        if met:
            scored.append((met, points, -place, entry))
    most = max((met for met, *_ in scored), default=0)
    if most < len(words) and most < (len(words) + 1) // 2:
        return []
    best = sorted((each for each in scored if each[0] == most), key=lambda each: each[:3], reverse=True)
    return [_hit(entry, patterns) for *_, entry in best[:MOST]]


def _points(entry: Entry, words: tuple[str, ...], patterns: list[re.Pattern[str]], phrase: str) -> tuple[int, int]:
    """How many of the words an entry has, and how well: what its title says counts most."""
    met = heads = bodies = 0
    for word, pattern in zip(words, patterns, strict=True):
        # To look for the letters first is what makes this quick: most entries have none of the words.
        head = word in entry.head and pattern.search(entry.head) is not None
        body = min(len(pattern.findall(entry.body)), 4) if word in entry.body else 0
        met += head or body > 0
        heads += head
        bodies += body
    exact = 40 if phrase == entry.head else 15 if phrase in entry.head else 0
    return met, exact + 10 * heads + bodies + _WEIGHT[entry.kind]


def _hit(entry: Entry, patterns: list[re.Pattern[str]]) -> Hit:
    return Hit(
        kind=entry.kind,
        path=entry.path,
        above=entry.above,
        title=entry.title,
        excerpt=excerpt(entry.text, patterns),
        language=entry.language,
    )


def excerpt(text: str, patterns: list[re.Pattern[str]]) -> Markup:
    """The part of a text around the first of the words, each of them marked up to its end."""
    folded, places = [], []
    for place, letter in enumerate(text):
        for each in _folded(letter):
            folded.append(each)
            places.append(place)
    plain = "".join(folded)
    spans = sorted(match.span() for pattern in patterns for match in pattern.finditer(plain))
    first = places[spans[0][0]] if spans else 0
    begin = max(0, first - _EXCERPT // 3)
    if begin:
        begin = text.find(" ", begin) + 1
    end = min(len(text), begin + _EXCERPT)
    if end < len(text):
        end = max(text.rfind(" ", begin, end), begin + 1)
    made, at = Markup("… ") if begin else Markup(""), begin
    for low, high in spans:
        start = places[low]
        stop = places[high - 1] + 1
        while stop < len(text) and text[stop].isalnum():
            stop += 1
        if at <= start and stop <= end:
            made += escape(text[at:start]) + Markup("<mark>") + escape(text[start:stop]) + Markup("</mark>")
            at = stop
    return made + escape(text[at:end]) + Markup(" …" if end < len(text) else "")


@cache
def entries(language: Language) -> tuple[Entry, ...]:
    """All that can be found in a language."""
    return (*_of_documents(language), *_of_statuses(language), *_of_motifs(language), *_of_codes())


def _entry(kind: Kind, path: str, above: str, title: str, text: str, language: Language, hidden: str = "") -> Entry:
    return Entry(
        kind=kind,
        path=path,
        above=above,
        title=title,
        text=text,
        head=" ".join(_WORD.findall(fold(title))),
        body=fold(f"{text} {above} {hidden}"),
        language=language,
    )


def _of_documents(language: Language) -> list[Entry]:
    found = []
    for document in help_texts.documents(language).values():
        path = f"/aide/{document.name}"
        found.append(_entry("page", path, "", document.title, document.lead, language, document.words))
        for part in document.parts:
            text = " ".join(help_texts.plain(said) for block in part.blocks for said in block.sentences)
            kind: Kind = "question" if document.name == "faq" else "page"
            found.append(_entry(kind, f"{path}#{part.id}", document.title, part.title, text, language))
    return found


def _of_statuses(language: Language) -> list[Entry]:
    found = []
    for group, statuses in help_codes.statuses():
        for each in statuses:
            label, text = help_names.status(each, language)
            hidden = f"{each.code} {each.label_fr} {group}"
            found.append(_entry("status", f"/aide/statuts#{each.code}", "", label, text, language, hidden))
    return found


def _of_motifs(language: Language) -> list[Entry]:
    found = []
    for _, motifs in help_codes.motifs_by_family():
        for each in motifs:
            after = " · ".join(status.label_fr for status in each.statuses)
            text = f"{each.code}{' · ' if after else ''}{after}"
            title = each.label if language == "fr" else f"{each.label} ({each.meaning_en})"
            found.append(_entry("motif", f"/aide/motifs#{each.code}", "", title, text, language))
    return found


def _of_codes() -> list[Entry]:
    """Refusals, which speak French in every language."""
    return [
        _entry("code", f"{help_codes.page_of(code)}#{code}", "", code, f"{each.message} {each.action}", "fr", each.rule)
        for code, each in help_codes.REFUSED.items()
    ]
