"""Texts that are nearly the one written: one digit of a SIRET wrong, one sign of a code, one slash of a number.

Every function tries a bounded number of texts, whatever it is given.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from invoice.directory import NumberFormat
from invoice.identifiers import is_siret, normalise, normalise_code
from invoice.references import MAX_REFERENCE, fits

MAX_SEPARATORS = 2
MAX_TWICE_PARTED = 25  # signs of a number in which two separators may be missing
_LOOKS_LIKE = str.maketrans({"O": "0", "o": "0", "Q": "0", "I": "1", "l": "1", "|": "1", "S": "5", "B": "8", "Z": "2"})
_SIGNS = re.compile(r"[^0-9A-Z]")
_BETWEEN = re.compile(r"[-_./\\,:;|]")
_LETTERS = re.compile(r"[A-Za-z]+")
_ALIKE = {"O": "0", "0": "O", "I": "1", "1": "I", "S": "5", "5": "S", "B": "8", "8": "B", "Z": "2", "2": "Z"}


def sirets(text: str) -> Mapping[str, str]:
    """Valid SIRETs that are nearly the text, each with why: at most some dozens.

    ``LETTER_FOR_DIGIT``, ``DIGITS_SWAPPED``, ``DIGIT_WRONG``, ``DIGIT_MISSING`` or ``DIGIT_EXTRA``. Whether a structure
    has one of them is for the caller to ask.
    """
    written = normalise(text[:60])
    digits = "".join(c for c in written.translate(_LOOKS_LIKE) if c.isascii() and c.isdigit())
    found: dict[str, str] = {}
    if len(digits) in (13, 14, 15):
        for candidate, why in _siret_variants(digits):
            if candidate != written and candidate not in found and is_siret(candidate):
                found[candidate] = why
    return found


def _siret_variants(digits: str) -> Iterator[tuple[str, str]]:
    if len(digits) == 14:
        yield digits, "LETTER_FOR_DIGIT"
        for at in range(13):
            yield digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :], "DIGITS_SWAPPED"
        for at in range(14):
            for digit in "0123456789":
                yield digits[:at] + digit + digits[at + 1 :], "DIGIT_WRONG"
    elif len(digits) == 13:
        for at in range(14):
            for digit in "0123456789":
                yield digits[:at] + digit + digits[at:], "DIGIT_MISSING"
    else:
        for at in range(15):
            yield digits[:at] + digits[at + 1 :], "DIGIT_EXTRA"


def bare(text: str) -> str:
    """Letters and digits only, upper case: what two spellings of one code have in common."""
    return _SIGNS.sub("", normalise_code(text))


def folded(text: str) -> str:
    """Words in small letters without accents or signs, one space before, between and after."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return f" {' '.join(kept.split())} "


def numbers(formats: Sequence[NumberFormat], text: str) -> Mapping[str, str]:
    """Numbers of one of the shapes that are nearly the text, each with why: those of the first reason that gives any.

    ``SPELLING``, ``EXTRA_WORDS``, ``SEPARATOR``, ``PREFIX_MISSING``, ``SEPARATOR_MISSING`` or ``CHARACTER``.
    """
    found: dict[str, str] = {}
    for candidate, why in _number_variants(formats, text[: 4 * MAX_REFERENCE]):
        if found and why != next(iter(found.values())):
            break
        if candidate != text and candidate not in found and fits(formats, candidate):
            found[candidate] = why
    return found


def _number_variants(formats: Sequence[NumberFormat], text: str) -> Iterator[tuple[str, str]]:
    key = normalise_code(text)[:MAX_REFERENCE]
    yield key, "SPELLING"
    for word in text.split()[:10]:
        yield normalise_code(word), "EXTRA_WORDS"
    examples = [sample for form in formats for sample in (*form.examples, form.mask)]
    separators = sorted({sign for sample in examples for sign in _BETWEEN.findall(sample)})[:MAX_SEPARATORS]
    for separator in separators:
        yield _BETWEEN.sub(lambda _, sign=separator: sign, key), "SEPARATOR"  # type: ignore[misc]
    for prefix in sorted({m.group() for form in formats for s in form.examples if (m := _LETTERS.match(s))})[:8]:
        yield prefix + key, "PREFIX_MISSING"
        yield from ((prefix + separator + key, "PREFIX_MISSING") for separator in separators)
    for separator in separators:
        yield from ((key[:at] + separator + key[at:], "SEPARATOR_MISSING") for at in range(1, len(key)))
        for one, other in combinations(range(1, len(key)), 2) if len(key) <= MAX_TWICE_PARTED else ():
            yield key[:one] + separator + key[one:other] + separator + key[other:], "SEPARATOR_MISSING"
    for at, sign in enumerate(key):
        if sign in _ALIKE:
            yield key[:at] + _ALIKE[sign] + key[at + 1 :], "CHARACTER"
