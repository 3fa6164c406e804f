"""The seven identifiers by which a structure is known (chorus-pro.md 4), each with its exact check.

python-stdnum checks what it knows: SIRET and the VAT numbers of the Union. The others have a form and a length.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec
from stdnum.eu import vat
from stdnum.exceptions import InvalidChecksum, ValidationError

from invoice import packaged
from invoice.directory import Identifier, IdentifierType
from invoice.identifiers import InvalidIdentifier, normalise, parse_siret

MAX_FOREIGN = 18
MAX_PERSON = 80
MAX_OTHER = 80
NAME_PART = 16

_COUNTRIES: frozenset[str] = frozenset(packaged.load("countries.yaml"))
# Greece writes its VAT numbers EL; XI is Northern Ireland, whose goods follow the Union's rules.
_UNION = frozenset(state.upper() for state in vat.MEMBER_STATES) - {"XI"} | {"EL", "GR"}
_ISLANDS = re.compile(r"[0-9A-Z]{9,10}")
# Sex, year and month of birth, place of birth (2A and 2B are Corsica); then surname and first name, 35 each.
_PERSON = re.compile(r"[12]\d{2}(?:0[1-9]|1[0-2])(?:\d{2}|2[AB])\d{3}\S.*", re.ASCII)


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """How a type is written elsewhere: number in Chorus Pro's EDI, code of ISO 6523 where it has one."""

    edi: int
    iso6523: str | None
    label: str


SCHEMES: Mapping[IdentifierType, Scheme] = MappingProxyType(
    {
        "SIRET": Scheme(edi=1, iso6523="0009", label="SIRET"),
        "UE_HORS_FRANCE": Scheme(edi=2, iso6523="0223", label="Numéro de TVA de l'Union européenne, hors France"),
        "HORS_UE": Scheme(edi=3, iso6523="0227", label="Code du pays et début du nom, hors Union européenne"),
        "RIDET": Scheme(edi=4, iso6523="0228", label="RIDET (Nouvelle-Calédonie)"),
        "TAHITI": Scheme(edi=5, iso6523="0229", label="Numéro TAHITI (Polynésie française)"),
        "AUTRE": Scheme(edi=6, iso6523=None, label="En cours d'immatriculation"),
        "PARTICULIER": Scheme(edi=7, iso6523="0226", label="Particulier"),
    }
)


def parse(kind: IdentifierType, text: str) -> str:
    """The canonical text of an identifier.

    Raises :class:`~invoice.identifiers.InvalidIdentifier`: ``SIRET_LENGTH``, ``SIRET_CHECKSUM``, ``EU_VAT_FORM``,
    ``EU_VAT_CHECKSUM``, ``EU_VAT_FRENCH``, ``FOREIGN_FORM``, ``FOREIGN_COUNTRY``, ``RIDET_FORM``, ``TAHITI_FORM``,
    ``OTHER_FORM`` or ``PERSON_FORM``.
    """
    return _PARSERS[kind](text)


def identifier(kind: IdentifierType, text: str) -> Identifier:
    """The identifier, as written and as compared. Raises like :func:`parse`."""
    return Identifier(type=kind, value=text, normalised=parse(kind, text))


def _eu_vat(text: str) -> str:
    number = normalise(text).upper()
    if number.startswith("FR"):
        raise InvalidIdentifier("EU_VAT_FRENCH", "eu_vat", text)
    if len(number) > MAX_FOREIGN or not number.isascii():
        raise InvalidIdentifier("EU_VAT_FORM", "eu_vat", text)
    try:
        return vat.validate(number)
    except InvalidChecksum as error:
        raise InvalidIdentifier("EU_VAT_CHECKSUM", "eu_vat", text) from error
    except ValidationError as error:
        raise InvalidIdentifier("EU_VAT_FORM", "eu_vat", text) from error


def _foreign(text: str) -> str:
    """Country code and the first 16 characters of the name; a longer name is cut, which is the rule, not a fault."""
    value = _words(text)
    country, name = value[:2], value[2:].lstrip()
    if not name or not value.isprintable():
        raise InvalidIdentifier("FOREIGN_FORM", "foreign", text)
    if country not in _COUNTRIES or country in _UNION:
        raise InvalidIdentifier("FOREIGN_COUNTRY", "foreign", text)
    return country + name[:NAME_PART].rstrip()


def _islands(code: str, kind: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        number = normalise(text).upper()
        if not _ISLANDS.fullmatch(number):
            raise InvalidIdentifier(code, kind, text)
        return number

    return check


def _other(text: str) -> str:
    value = _words(text)
    if not value or len(value) > MAX_OTHER or not value.isprintable():
        raise InvalidIdentifier("OTHER_FORM", "other", text)
    return value


def _person(text: str) -> str:
    """Surname and first name may be filled up with spaces to 35 each: those between them stay."""
    value = text.strip().upper()
    if len(value) > MAX_PERSON or not value.isprintable() or not _PERSON.fullmatch(value):
        raise InvalidIdentifier("PERSON_FORM", "person", text)
    return value


def _words(text: str) -> str:
    return " ".join(text.split()).upper()


_PARSERS: Mapping[str, Callable[[str], str]] = {
    "SIRET": parse_siret,
    "UE_HORS_FRANCE": _eu_vat,
    "HORS_UE": _foreign,
    "RIDET": _islands("RIDET_FORM", "ridet"),
    "TAHITI": _islands("TAHITI_FORM", "tahiti"),
    "AUTRE": _other,
    "PARTICULIER": _person,
}
