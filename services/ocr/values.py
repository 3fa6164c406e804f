"""Values as they stand on a page, made canonical: amounts, dates, SIRETs, numbers. A text that only may be one is none.

Every reader looks at the start of a text that follows a keyword, over separators and fillers, and answers
:class:`Value` with offsets into that text, ``None`` (another kind of text), or a value with ``text == ""``: something
is there, but where it ends cannot be told.
"""

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from invoice import identifiers, money
from services.ocr.vocabulary import fold


class Value(NamedTuple):
    """``text`` is canonical; it was read from ``start`` to ``end`` of the text given."""

    text: str
    start: int
    end: int


AMOUNT = re.compile(
    r"(?<![\w.,/%-])(?P<open>\()?(?P<sign>[-−–+])?\s?(?:(?P<before>€|EUR)\s?)?(?P<sign2>[-−–])?"
    r"(?P<number>\d{1,3}(?:[ ']\d{3})+(?:[.,]\d{2})?|\d{1,3}(?:\.\d{3})+(?:,\d{2})?|\d{1,3}(?:,\d{3})+\.\d{2}"
    r"|\d+[.,]\d{2}|\d+)"
    r"(?P<trailing>-(?!\w))?(?:\s?(?P<after>€|EUR(?:OS?)?\b))?(?P<close>\))?(?![\w%°/]|[.,]\d|\s?%|-\w)",
    re.IGNORECASE,
)
_AMOUNT_FILLER = re.compile(
    r"(?:[\s:.=|>*]+|€|EUR(?:OS?)?\b|euros?\b|en\b|\((?:[a-zà-ÿ€'. ]*)\)"
    r"|\(?\s*(?:(?:à|a|au|taux|de|normal|réduit)\s+)*\d{1,2}(?:[.,]\d{1,2})?\s*%\s*\)?)",
    re.IGNORECASE,
)
_MONTHS = (
    "janv(?:ier)?|fevr?(?:ier)?|mars|avr(?:il)?|mai|juin|juil(?:let)?|aout"
    "|sept?(?:embre)?|oct(?:obre)?|nov(?:embre)?|dec(?:embre)?"
)
_DATE = re.compile(
    r"(?<![\w/.-])(?:(?P<d>\d{1,2})(?P<sep>[/.-])(?P<m>\d{1,2})(?P=sep)(?P<y>\d{4}|\d{2})"
    r"|(?P<iy>\d{4})(?P<isep>[-/.])(?P<im>\d{2})(?P=isep)(?P<id>\d{2})"
    r"|(?P<cy>20\d{2})(?P<cm>\d{2})(?P<cd>\d{2})"
    r"|(?P<sd>\d{1,2})(?P<ssep> / | - |\. | \. )(?P<sm>\d{1,2})(?P=ssep)(?P<sy>\d{4})"
    rf"|(?P<wd>\d{{1,2}})(?:er)?[ .,/-]{{1,2}}(?P<wm>{_MONTHS})\.?[ .,/-]{{1,2}}(?P<wy>\d{{4}}|\d{{2}}))"
    r"(?![\w/-]|[.]\d)"
)
_MONTH_NUMBERS = {
    name: number
    for number, name in enumerate(
        ("jan", "fev", "mar", "avr", "mai", "juin", "juil", "aou", "sep", "oct", "nov", "dec"), 1
    )
}
_SEPARATORS = re.compile(r"(?:[\s:.=|>#*–—]|-(?=\s)|n\s?°)*")
_SIRET = re.compile(
    r"(?<![\w.,-])\d{3}[ .]?\d{3}[ .]?\d{3}[ .]?(?:\d{5}|\d{3}[ .]\d{2}|\d{2}[ .]\d{3}|\d{4}[ .]\d)(?![\w]|[ .]\d{2,})"
)
_CHUNK = re.compile(r"\S+")
_GOES_ON = re.compile(r"^\s*(?:[/\\]|[-–—]\s*(?=\S*\d)|(?=[A-Z]{1,3}\b)|(?=[^\s,;|()]*\d))")
_STOPS = re.compile(r"^\s*(?:$|[,;|()·•]|(?:du|le|en|de|date|page|par|et)\b|[-–—]\s*(?:du|le|en|de)\b)", re.IGNORECASE)
_BEFORE_DAY = re.compile(
    r"\(?(?:[a-z][a-z' -]{1,40}, ?le )?(?:(?:en date )?du |le |au )?"
    r"(?:(?:(?:lun|mar|mercre|jeu|vendre|same)di|dimanche),? )?"
)
_ENDS_ON = re.compile(r"(?:\bsoit|\bau plus tard|\bau|\bavant|:|=|\(|,)\s*(?:le|au|du)?\s*$")
_YEAR = re.compile(r"(?:19|20)\d{2}")

_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-+_/]{0,19}")
_REFERENCE = re.compile(r"[A-Z0-9][A-Z0-9/_.\-]{2,49}")
_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-.]{0,99}")


def read_amount(text: str) -> Value | None:
    """The one amount at the start of ``text``; nothing else but its currency may follow before the end."""
    at = _skip(_AMOUNT_FILLER, text)
    match = AMOUNT.match(text, at)
    if match is None:
        return None
    found = amount_of(match)
    rest = text[match.end() :].strip(" .:|*")
    if found is None or rest.upper() not in ("", "€", "EUR", "EURO", "EUROS", "TTC", "HT"):
        return None
    return found


def amount_of(match: re.Match[str]) -> Value | None:
    """A match of :data:`AMOUNT` as a value: two decimals, or a currency sign beside a whole number."""
    number = match["number"].replace("'", " ")
    if number[-3:-2] not in (".", ",") and not (match["before"] or match["after"]):
        return None
    if "." in number and "," not in number and number[-3] != ".":
        number = number.replace(".", " ")
    try:
        amount = money.parse_amount(number)
    except money.InvalidAmount:
        return None
    minus = any(match[group] in ("-", "−", "–") for group in ("sign", "sign2", "trailing"))
    if minus or (match["open"] and match["close"]):
        amount = -amount
    start = match.start()
    while text_at(match.string, start) == " ":
        start += 1
    return Value(money.canonical(amount), start, match.end())


def text_at(text: str, index: int) -> str:
    """The character at ``index``, or nothing beyond the end."""
    return text[index : index + 1]


def read_date(text: str) -> Value | None:
    """The date at the start of ``text``, over separators and *du*, *le*."""
    folded = fold(text)
    at = _skip(_SEPARATORS, folded)
    prefix = _BEFORE_DAY.match(folded, at)
    if prefix is not None:
        at = prefix.end()
    match = _DATE.match(folded, at)
    return None if match is None else _date_value(match)


def read_due_date(text: str) -> Value | None:
    """The date at the start of ``text``, or the one that its sentence ends on (*30 jours, soit le 12/03/2026*)."""
    found = read_date(text)
    if found is not None:
        return found
    folded = fold(text)
    dates = list(_DATE.finditer(folded))
    if len(dates) != 1 or not _ENDS_ON.search(folded[: dates[0].start()]):
        return None
    return _date_value(dates[0])


def _date_value(match: re.Match[str]) -> Value | None:
    groups = match.groupdict()
    if groups["d"]:
        year, month, day = groups["y"], groups["m"], groups["d"]
    elif groups["sd"]:
        year, month, day = groups["sy"], groups["sm"], groups["sd"]
    elif groups["iy"]:
        year, month, day = groups["iy"], groups["im"], groups["id"]
    elif groups["cy"]:
        year, month, day = groups["cy"], groups["cm"], groups["cd"]
    else:
        year, day = groups["wy"], groups["wd"]
        month = str(next(number for name, number in _MONTH_NUMBERS.items() if groups["wm"].startswith(name)))
    full = int(year) + (2000 if len(year) == 2 else 0)
    try:
        found = date(full, int(month), int(day))
    except ValueError:
        return None
    return Value(found.isoformat(), match.start(), match.end()) if 2000 <= full <= 2099 else None


@lru_cache(maxsize=4_096)
def _valid_siret(digits: str) -> bool:
    return identifiers.is_siret(digits)


def read_siret(text: str) -> Value | None:
    """The SIRET at the start of ``text``: 14 digits, in groups or not, that pass the check of the SIRET."""
    at = _skip(_SEPARATORS, fold(text))
    match = _SIRET.match(text, at)
    if match is None:
        return None
    digits = match.group().replace(" ", "").replace(".", "")
    return Value(digits, match.start(), match.end()) if _valid_siret(digits) else None


def read_number(text: str) -> Value | None:
    """An invoice number: at most 20 letters, digits, ``- + _ /``, one digit at least."""
    return _read_chunk(text, _NUMBER)


def read_reference(text: str) -> Value | None:
    """An engagement or contract number: at most 50 capitals, digits, ``/ _ . -``, one digit at least."""
    return _read_chunk(text, _REFERENCE)


def read_service(text: str) -> Value | None:
    """A service code: one word with a digit or all in capitals, alone or before a dash or a bracket."""
    at = _skip(_SEPARATORS, fold(text))
    match = _CHUNK.match(text, at)
    if match is None:
        return None
    chunk = match.group().rstrip(".,;:)")
    rest = text[at + len(chunk) :]
    if not _SERVICE.fullmatch(chunk) or not (chunk.isupper() or any(c.isdigit() for c in chunk)) or _is_date(chunk):
        return None
    if rest.lstrip().startswith(":") and ":" not in text[:at]:
        return None  # the word belongs to the label
    if rest and not re.match(r"^\s*(?:$|[,;|()·•]|[-–—:]\s)", rest):
        return Value("", at, match.end())
    return Value(chunk, at, at + len(chunk))


def _read_chunk(text: str, shape: re.Pattern[str]) -> Value | None:
    at = _skip(_SEPARATORS, fold(text))
    match = _CHUNK.match(text, at)
    if match is None:
        return None
    chunk = match.group().rstrip(".,;:)")
    if chunk.endswith(("-", "/", "_")):
        return Value("", at, match.end())
    day = _DATE.match(fold(text), at)
    if not any(c.isdigit() for c in chunk) or _is_date(chunk) or (day is not None and not day["cy"]):
        return None
    end = at + len(chunk)
    rest = text[end:]
    if not shape.fullmatch(chunk) or (_GOES_ON.match(rest) and not _STOPS.match(rest)):
        return Value("", at, match.end())
    return Value(chunk, at, end)


def is_year(text: str) -> bool:
    """Whether a number is more likely the year of a sentence than an identifier."""
    return _YEAR.fullmatch(text) is not None


def _is_date(chunk: str) -> bool:
    return re.fullmatch(r"\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2})|\d{4}-\d{2}-\d{2}", chunk) is not None


def _skip(filler: re.Pattern[str], text: str) -> int:
    at = 0
    while (match := filler.match(text, at)) is not None and match.end() > at:
        at = match.end()
    return at


def skip_separators(text: str) -> int:
    """Where ``text`` starts after colons, dashes and *n°*."""
    return _skip(_SEPARATORS, fold(text))


def is_blank(text: str) -> bool:
    """Whether ``text`` holds nothing but separators, fillers and currency signs."""
    at = _skip(_AMOUNT_FILLER, text)
    return _skip(_SEPARATORS, fold(text[at:])) >= len(text) - at
