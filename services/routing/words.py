"""Words of the directory's search: how text is split, and what a mistyped word may have meant. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations

import msgspec

from invoice.directory import Service, Structure
from invoice.hints import display_name
from invoice.kinds import KINDS
from services.routing.domain import search_text

_SPLIT = re.compile(r"[^a-z0-9]+")
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})
_EMPTY = frozenset(("a", "au", "aux", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "pour", "sur"))
_HEAD = 7  # letters of a word that are looked at for typing errors
_LONG = 8  # words of this length may hold two errors
_COMMON = 20  # a word in so many entries is meant as it is, not as the beginning of another
_SHORT = 4  # shorter words are taken as they are
_MOST_WORDS = 8
_MOST_LETTERS = 40

#: What those who look for a kind call it besides its label.
_ALSO_CALLED: Mapping[str, str] = {
    "commune": "mairie ville",
    "departement": "conseil départemental",
    "region": "conseil régional",
    "epci": "communauté communes agglomération métropole intercommunalité",
    "ccas": "cias",
    "hopital": "hôpital centre hospitalier",
    "oph": "hlm",
    "sdis": "sdis pompiers",
    "esms": "maison retraite",
}


def split(text: str) -> list[str]:
    """The words of a text, lower case and without accents, each once, in order; French filling words are left out."""
    found = [word[:_MOST_LETTERS] for word in _SPLIT.split(search_text(text).translate(_LIGATURES)) if word]
    return list(dict.fromkeys(word for word in found if word not in _EMPTY or len(found) == 1))


@lru_cache(maxsize=65_536)
def _said(text: str) -> tuple[str, ...]:
    return tuple(split(text))


def code_words(code: str) -> Iterable[str]:
    """A code's parts and the whole without separators: ``TEST-ACHATS`` is found by either."""
    parts = _said(code)
    return (*parts, "".join(parts)[:_MOST_LETTERS]) if len(parts) > 1 else parts


def structure_words(structure: Structure) -> str:
    """What a structure is found by, as words parted by spaces."""
    texts = (display_name(structure), structure.town or "", structure.postal_code or "", structure.budget_code or "")
    known = KINDS.get(structure.kind)
    kind = (known.label if known is not None else structure.kind, _ALSO_CALLED.get(structure.kind, ""))
    return " ".join(dict.fromkeys(word for text in (*texts, *kind) for word in _said(text)))


def service_words(service: Service) -> str:
    """What a service is found by, as words parted by spaces."""
    return " ".join(dict.fromkeys((*code_words(service.code), *_said(service.label))))


def correctable(word: str) -> bool:
    """Whether typing errors in a word are looked for: letters only, and enough of them."""
    return len(word) >= _SHORT and word.isalpha()


def variants(word: str) -> set[str]:
    """The beginning of a word, also without one and (long words) two of its letters.

    Two words that differ by that many errors there share a variant (symmetric deletion).
    """
    head = word[:_HEAD]
    found = {head}
    for left_out in range(1, 3 if len(word) >= _LONG else 2):
        for places in combinations(range(len(head)), left_out):
            found.add("".join(letter for place, letter in enumerate(head) if place not in places))
    return found


def distance(left: str, right: str, most: int) -> int:
    """Errors between two words: a letter too many, missing, wrong, or two neighbours swapped. ``most + 1`` if more."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]


class Known(msgspec.Struct, frozen=True):
    """A word of the directory that one of the query may stand for, and in how many entries it is."""

    asked: str
    word: str
    uses: int
    how: str  # "same", "begins" or "near"


def choose(asked: Sequence[str], known: Iterable[Known]) -> list[list[str]]:
    """For each word of the query what is searched in its place, likeliest first; the rarest word's list comes first.

    A word that the directory holds stands for itself and, the last one, for what it begins; one that it does not hold
    for the nearest ones. A word for which there is nothing is left out.
    """
    by_word: dict[str, list[Known]] = {word: [] for word in asked}
    for found in known:
        by_word[found.asked].append(found)
    chosen = [_chosen(word, candidates) for word, candidates in by_word.items()]
    ordered = sorted((found for found in chosen if found), key=lambda found: sum(one.uses for one in found))
    return [[one.word for one in found] for found in ordered]


def _chosen(word: str, candidates: Sequence[Known]) -> list[Known]:
    same = [found for found in candidates if found.how == "same"]
    begins = sorted((found for found in candidates if found.how == "begins"), key=lambda found: -found.uses)
    if same and same[0].uses >= _COMMON:
        return same
    if same or begins:
        return [*same, *begins]
    most = 2 if len(word) >= _LONG else 1
    letters = set(word)
    # An error brings or takes two letters at the most: most candidates need not be compared letter by letter.
    alike = [found for found in candidates if len(letters.symmetric_difference(found.word)) <= 2 * most]
    near = [(distance(word, found.word, most), found) for found in alike]
    close = sorted(((far, found) for far, found in near if far <= most), key=lambda one: (one[0], -one[1].uses))
    # What is one error away is meant rather than what is two away.
    return [found for far, found in close if far == close[0][0]][:12]


def queries(lists: Sequence[Sequence[str]]) -> Iterator[tuple[bool, str]]:
    """What is searched one after the other until there is enough: whether in own names only, and the tsquery.

    All words in a body's names; all with its services'; the rarest with any other; the rarest; all but the rarest.
    """
    if not lists:
        return
    yield True, every(lists)
    yield False, every(lists)
    if len(lists) > 2:
        yield False, f"{every(lists[:1])} & ({some(lists[1:])})"
    if len(lists) > 1:
        yield True, every(lists[:1])
        yield False, every(lists[:1])
        yield False, every(lists[1:])


def every(lists: Sequence[Sequence[str]]) -> str:
    """The tsquery that wants one of each list."""
    return " & ".join(f"({' | '.join(words)})" for words in lists)


def some(lists: Sequence[Sequence[str]]) -> str:
    """The tsquery that any of the words answers: what hits are ranked by."""
    return " | ".join(dict.fromkeys(word for words in lists for word in words))


def asked_words(text: str) -> list[str]:
    """The words of a query, at most eight, the longest kept."""
    words = split(text)
    if len(words) <= _MOST_WORDS:
        return words
    kept = set(sorted(words, key=len, reverse=True)[:_MOST_WORDS])
    return [word for word in words if word in kept]


def number_in(text: str) -> str | None:
    """The digits of a query that is a number (spaces, dots and hyphens between them), at least three of them."""
    digits = re.sub(r"[\s.\u00a0\u202f-]+", "", text)
    return digits if re.fullmatch(r"[0-9]{3,20}", digits) else None


def mistyped_sirets(digits: str) -> list[str]:
    """What 13 to 15 digits may have meant: one digit wrong, missing or too many, or two neighbours swapped."""
    if len(digits) == 14:
        wrong = {digits[:i] + d + digits[i + 1 :] for i in range(14) for d in "0123456789"}
        swapped = {digits[:i] + digits[i + 1] + digits[i] + digits[i + 2 :] for i in range(13)}
        return sorted((wrong | swapped) - {digits})
    if len(digits) == 13:
        return sorted({digits[:i] + d + digits[i:] for i in range(14) for d in "0123456789"})
    if len(digits) == 15:
        return sorted({digits[:i] + digits[i + 1 :] for i in range(15)})
    return []
