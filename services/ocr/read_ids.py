"""Identifiers of companies and accounts as they stand on a page: SIREN, French VAT number, IBAN. Pure.

The readers look at the start of a text, over separators; the finders anywhere in it. A value is canonical; whether it
passes its own check is told apart, for a number that the page announces may be misprinted.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from stdnum import iban as iban_check
from stdnum.fr import siren as siren_check
from stdnum.fr import tva as vat_check

from services.ocr import values
from services.ocr.values import Value

_SIREN = re.compile(r"(?<![\w.,-])(?:[A-Z] )?(\d{3}[ .]?\d{3}[ .]?\d{3})(?!\w|[ .]?\d|,\d)")
_LOOSE_SIRET = re.compile(r"(?<![\w.,-])\d{3}[ .]?\d{3}[ .]?\d{3}[ .]?(?:\d{5}|\d{3}[ .]\d{2}|\d{2}[ .]\d{3})(?!\w)")
_VAT = re.compile(r"(?<![A-Za-z0-9])FR[ .-]?[0-9A-HJ-NP-Z]{2}[ .-]?\d{3}[ .-]?\d{3}[ .-]?\d{3}(?![A-Za-z0-9]|[ .]\d)")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[ ]?\d{2}(?:[ ]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
TOWN = 40  # characters: how much may stand between *RCS* and the number
_NOISE = str.maketrans("", "", " .-")


def read_siren(text: str) -> Value | None:
    """The nine digits at the start of ``text``, in groups or not; their check is not asked."""
    at = values.skip_separators(text)
    match = _SIREN.match(text, at)
    return None if match is None else Value(match.group(1).translate(_NOISE), match.start(1), match.end(1))


def read_registration(text: str) -> Value | None:
    """The nine digits after *RCS*, over the town and its letter (*RCS Toulouse B 123 456 789*)."""
    match = _SIREN.search(text)
    if match is None or match.start(1) > TOWN or any(c.isdigit() for c in text[: match.start(1)]):
        return None
    return Value(match.group(1).translate(_NOISE), match.start(1), match.end(1))


def last_siren(text: str) -> Value | None:
    """The nine digits that ``text`` ends on."""
    found = list(_SIREN.finditer(text))
    if not found or text[found[-1].end() :].strip(" -–:,"):
        return None
    return Value(found[-1].group(1).translate(_NOISE), found[-1].start(1), found[-1].end(1))


def read_misprinted_siret(text: str) -> Value | None:
    """The first nine of fourteen digits in the form of a SIRET, whatever its check says."""
    match = _LOOSE_SIRET.match(text, values.skip_separators(text))
    if match is None:
        return None
    end = match.start() + nine_digits(match.group())
    return Value(text[match.start() : end].translate(_NOISE), match.start(), end)


def read_vat(text: str) -> Value | None:
    """The French VAT number at the start of ``text``; its key is not asked."""
    match = _VAT.match(text, values.skip_separators(text))
    return None if match is None else _vat(match)


def find_vats(text: str) -> Iterator[Value]:
    """Every French VAT number in ``text`` whose key holds."""
    if "FR" in text:
        for match in _VAT.finditer(text):
            found = _vat(match)
            if is_vat(found.text):
                yield found


def _vat(match: re.Match[str]) -> Value:
    return Value(match.group().translate(_NOISE), match.start(), match.end())


def find_ibans(text: str) -> Iterator[Value]:
    """Every IBAN in ``text`` whose two digits hold (mod 97). What follows it on the line is left out."""
    for match in _IBAN.finditer(text):
        found = _shortest_iban(match)
        if found is not None:
            yield found


def _shortest_iban(match: re.Match[str]) -> Value | None:
    """The match up to the length of its country's IBANs."""
    shown = match.group()
    compact = shown.replace(" ", "")
    for end in range(15, len(compact) + 1):
        if _is_iban(compact[:end]):
            stop, seen = 0, 0
            while seen < end:
                seen += shown[stop] != " "
                stop += 1
            if stop == len(shown) or not shown[stop].isalnum():
                return Value(compact[:end], match.start(), match.start() + stop)
    return None


@lru_cache(maxsize=4_096)
def _is_iban(text: str) -> bool:
    return bool(iban_check.is_valid(text))


@lru_cache(maxsize=4_096)
def is_siren(digits: str) -> bool:
    """Whether nine digits pass the check of the SIREN."""
    return bool(siren_check.is_valid(digits))


@lru_cache(maxsize=4_096)
def is_vat(number: str) -> bool:
    """Whether the key of a French VAT number (``FR`` first) holds for its SIREN."""
    return bool(vat_check.is_valid(number))


def nine_digits(raw: str) -> int:
    """Where the ninth digit of ``raw`` ends: the SIREN inside a SIRET."""
    seen = 0
    for at, character in enumerate(raw):
        seen += character.isdigit()
        if seen == 9:
            return at + 1
    return len(raw)


def last_nine(raw: str) -> int:
    """Where the last nine digits of ``raw`` begin: the SIREN inside a VAT number."""
    seen = 0
    for at in range(len(raw) - 1, -1, -1):
        seen += raw[at].isdigit()
        if seen == 9:
            return at
    return 0
