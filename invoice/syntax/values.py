"""Texts of a data file made canonical. Each function raises Malformed with the rule that the text breaks.

The rules are those of XML Schema and EN 16931: a value that can be read in one way only is taken, any other is not.
"""

import re
from datetime import date
from decimal import Decimal

from invoice.identifiers import normalise

MAX_TEXT = 500  # a reference may be wrong, but it is not a page of text
_PLAIN = re.compile(r"-?(?:0|[1-9]\d{0,15})\.\d\d", re.ASCII)
# At most 28 digits, the precision of a Decimal: nothing is rounded on the way.
_DECIMAL = re.compile(r"[+-]?(?:\d{1,16}(?:\.\d{0,12})?|\.\d{1,12})", re.ASCII)
_ISO_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(?:T00:00(?::00(?:\.0{1,9})?)?)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_DAY_102 = re.compile(r"\d{8}", re.ASCII)
_IBAN = re.compile(r"[A-Z]{2}\d\d[A-Z0-9]{11,30}", re.ASCII)
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)
_VAT = re.compile(r"[A-Za-z]{2}[A-Za-z0-9.+*-]{2,18}", re.ASCII)


class Malformed(ValueError):
    """The text is none of what was asked for; ``rule`` says in French what it had to be.

    ``meant``: the canonical value, where the text breaks the rule and can still be read in one way only.
    """

    def __init__(self, rule: str, *, meant: str | None = None) -> None:
        super().__init__(rule)
        self.rule = rule
        self.meant = meant


def token(text: str) -> str:
    """The text without spaces around it, and one space for any run inside it."""
    found = text.strip()
    if len(found) > MAX_TEXT:
        raise Malformed(f"un texte de {MAX_TEXT} caractères au plus")
    return " ".join(found.split())


def number(text: str, places: int | None = None) -> Decimal:
    """A decimal of XML Schema (``1234.5``, no comma, no exponent), at most ``places`` decimals that are not zero."""
    stripped = text.strip()
    if not _DECIMAL.fullmatch(stripped):
        raise Malformed("un nombre écrit avec un point et sans espace, comme 1234.56")
    value = Decimal(stripped)
    exponent = value.normalize().as_tuple().exponent
    if places is not None and isinstance(exponent, int) and -exponent > places:
        raise Malformed(f"un nombre à {places} décimales au plus")
    return value


def amount(text: str) -> str:
    """An amount in canonical form: ``1234.50``."""
    if _PLAIN.fullmatch(text) and text != "-0.00":
        return text
    return show(number(text, 2))


def show(value: Decimal) -> str:
    """A number of at most two decimals, canonical."""
    return f"{value:.2f}" if value else "0.00"


def rate(text: str) -> Decimal:
    """A rate in per cent, from 0 to 100; a trailing ``%`` is not part of it."""
    value = number(text, 2)
    if not 0 <= value <= 100:
        raise Malformed("un taux de 0 à 100, en pour cent")
    return value


def iso_day(text: str) -> str:
    """A day of UBL: ``2026-11-22``, with or without a time zone; a time of day other than midnight is none."""
    match = _ISO_DAY.fullmatch(text.strip())
    if match is None:
        raise Malformed("une date AAAA-MM-JJ")
    return _real(match[1])


def cii_day(text: str, form: str | None) -> str:
    """A day of CII: ``20261122`` in format 102. Without a format, eight digits or an ISO day."""
    stripped = text.strip()
    if form in (None, "", "102") and _DAY_102.fullmatch(stripped):
        return _real(f"{stripped[:4]}-{stripped[4:6]}-{stripped[6:]}")
    meant = iso_day(stripped) if _ISO_DAY.fullmatch(stripped) else None
    if meant is not None and form in (None, ""):
        return meant
    raise Malformed("une date AAAAMMJJ (format 102)", meant=meant)


def _real(day: str) -> str:
    try:
        date.fromisoformat(day)
    except ValueError:
        raise Malformed("un jour qui existe au calendrier") from None
    return day


def currency(text: str) -> str:
    """A currency code of three letters, upper case. Whether it exists is asked later."""
    stripped = text.strip()
    if not _CURRENCY.fullmatch(stripped):
        raise Malformed("un code de devise à trois lettres, comme EUR")
    return stripped.upper()


def siret(text: str) -> str:
    """14 digits. Its key is checked later, with the other rules of the deposit."""
    return _digits(text, 14, "un SIRET de 14 chiffres")


def siren(text: str) -> str:
    """9 digits."""
    return _digits(text, 9, "un SIREN de 9 chiffres")


def _digits(text: str, length: int, rule: str) -> str:
    found = text if text.isdigit() else normalise(_short(text, rule))
    if len(found) != length or not (found.isascii() and found.isdigit()):
        raise Malformed(rule)
    return found


def vat(text: str) -> str:
    """A VAT number of any country, without spaces, upper case."""
    rule = "un numéro de TVA : code du pays puis numéro"
    found = "".join(_short(text, rule).split())
    if not _VAT.fullmatch(found):
        raise Malformed(rule)
    return found.upper()


def iban(text: str) -> str:
    """An IBAN without spaces, upper case; its shape only."""
    rule = "un IBAN : code du pays, clé, compte"
    found = "".join(_short(text, rule).split()).upper()
    if not text.isascii() or not _IBAN.fullmatch(found):
        raise Malformed(rule)
    return found


def _short(text: str, rule: str) -> str:
    """The text, unless it is far too long to be an identifier: what stands behind is never cut off in silence."""
    found = text.strip()
    if len(found) > MAX_TEXT:
        raise Malformed(rule)
    return found


def iban_holds(canonical: str) -> bool:
    """Whether the key of an IBAN fits the rest of it (ISO 7064, modulo 97)."""
    turned = canonical[4:] + canonical[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1
