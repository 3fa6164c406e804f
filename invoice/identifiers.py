"""Identifiers as people write them, made canonical: SIRET, invoice number, codes.

Every parser returns the canonical text or raises :class:`InvalidIdentifier`; none of them guesses a digit.
"""

import re
import unicodedata
from functools import lru_cache

from stdnum.fr import siret

MAX_INVOICE_NUMBER = 20
# The same few SIRETs come again and again on the path of every invoice.
_siret_holds = lru_cache(maxsize=8192)(siret.is_valid)
_INVOICE_NUMBER = re.compile(r"[A-Za-z0-9+_/-]+")
_NOISE = re.compile(r"[\s.\u00ad\u200b\u200c\u200d\u2060\ufeff\u2010-\u2015\u2212-]+")
_SPACES = re.compile(r"[\s\u00ad\u200b\u200c\u200d\u2060\ufeff]+")
_HYPHENS = re.compile(r"[\u2010-\u2015\u2212]")

# Every State service is invoiced under one SIRET of this SIREN; this platform does not serve it (decisions.md 24).
STATE_SIREN = "110002011"


class InvalidIdentifier(ValueError):
    """The text is not an identifier of this kind.

    ``code`` is stable (``SIRET_CHECKSUM``) and stands in ``data/findings.yaml``; ``value`` is the text as written.
    """

    def __init__(self, code: str, kind: str, value: str) -> None:
        super().__init__(f"{code}: {value!r} is not a valid {kind}")
        self.code = code
        self.kind = kind
        self.value = value


def normalise(text: str) -> str:
    """Take out what people put between digits: spaces of any width, dots, hyphens."""
    return _NOISE.sub("", text)


@lru_cache(maxsize=32_768)
def normalise_code(text: str) -> str:
    """Comparison key of a service code, engagement or contract: upper case, no space of any kind.

    ``cp2020/x123456/1`` and ``CP2020 / X123456 / 1`` are the same number. Hyphens, dots and slashes stay: they
    tell codes apart, but every hyphen that a PDF may carry counts as ``-``. The text as written is what is stored
    and shown.
    """
    return unicodedata.normalize("NFC", _HYPHENS.sub("-", _SPACES.sub("", text)).upper())


def parse_siret(text: str) -> str:
    """The 14 digits of a SIRET (chorus-pro.md 4): Luhn on 14 and on the SIREN.

    Establishments of La Poste other than its seat use « sum of digits is a multiple of 5 » instead.
    Raises InvalidIdentifier with ``SIRET_LENGTH`` (not 14 digits) or ``SIRET_CHECKSUM``.
    """
    number = normalise(text)
    if not _digits(number, 14):
        raise InvalidIdentifier("SIRET_LENGTH", "siret", text)
    if not _siret_holds(number):
        raise InvalidIdentifier("SIRET_CHECKSUM", "siret", text)
    return number


def parse_invoice_number(text: str) -> str:
    """An invoice number (chorus-pro.md 5): 1 to 20 letters, digits, ``-`` ``+`` ``_`` ``/``; kept as written.

    Raises InvalidIdentifier ``NUMBER_EMPTY``, ``NUMBER_TOO_LONG`` or ``NUMBER_CHARACTERS``.
    """
    number = text.strip()
    if not number:
        raise InvalidIdentifier("NUMBER_EMPTY", "invoice_number", text)
    if len(number) > MAX_INVOICE_NUMBER:
        raise InvalidIdentifier("NUMBER_TOO_LONG", "invoice_number", text)
    if not _INVOICE_NUMBER.fullmatch(number):
        raise InvalidIdentifier("NUMBER_CHARACTERS", "invoice_number", text)
    return number


def is_siret(text: str) -> bool:
    """Whether ``text`` is a SIRET, written in any usual way."""
    try:
        parse_siret(text)
    except InvalidIdentifier:
        return False
    return True


def siren_of(siret_number: str) -> str:
    """The SIREN of a canonical SIRET."""
    return siret_number[:9]


def siren_of_vat(number: str) -> str:
    """The SIREN inside a French VAT number; empty where there is none, as in a foreign one."""
    return number[4:] if number.startswith("FR") and len(number) == 13 else ""


def is_state(siret_number: str) -> bool:
    """Whether a canonical SIRET is the State's own, the single recipient of all State services."""
    return siren_of(siret_number) == STATE_SIREN


def show_siret(siret_number: str) -> str:
    """A canonical SIRET in the groups people read: ``220 600 019 00016``."""
    return f"{siret_number[:3]} {siret_number[3:6]} {siret_number[6:9]} {siret_number[9:]}"


def _digits(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isdigit()
