"""Structures by their seven identifiers: how rights name one, its postal address, its bank references. No I/O."""

from typing import Final
from urllib.parse import quote
from uuid import UUID, uuid5

import msgspec
from stdnum import bic as bic_number
from stdnum import iban as iban_number
from stdnum.exceptions import ValidationError

from invoice import structure_identifiers
from invoice.directory import Identifier, IdentifierType
from invoice.identifiers import InvalidIdentifier, is_siret

#: Deterministic: two people who name the same structure at once make the same row.
_NAMESPACE: Final = UUID("6f1c1c52-6c0b-5d0a-9a53-2f0a2b6b7c10")
SIRET: Final = "SIRET"
PERSON: Final = "PARTICULIER"


class Postal(msgspec.Struct, frozen=True, kw_only=True):
    """A postal address. ``country`` is a code of ISO 3166."""

    street: str | None = None
    complement: str | None = None
    postal_code: str | None = None
    town: str | None = None
    country: str = "FR"


class Bank(msgspec.Struct, frozen=True, kw_only=True):
    """Bank references: canonical IBAN, BIC where it is given, and whose account it is."""

    iban: str
    bic: str | None = None
    holder: str | None = None


class InvalidBank(ValueError):
    """``code`` is stable (``IBAN_FORM``), ``field`` names the field."""

    def __init__(self, code: str, field: str) -> None:
        super().__init__(code)
        self.code = code
        self.field = field


def called(name: str, tenant: str | None) -> str:
    """A budget under the name of its body too, as suppliers know it: many are called "Budget principal"."""
    return f"{tenant} – {name}" if tenant and tenant not in name else name


def identifier(kind: IdentifierType, text: str) -> Identifier:
    """The identifier, checked as its type asks.

    Raises :class:`~invoice.identifiers.InvalidIdentifier`, also with ``IDENTIFIER_IS_A_SIRET`` where another type holds
    a SIRET: it would be taken for that company's.
    """
    found = structure_identifiers.identifier(kind, text)
    if kind != SIRET and is_siret(found.normalised):
        raise InvalidIdentifier("IDENTIFIER_IS_A_SIRET", kind.lower(), text)
    return found


def structure_id(found: Identifier) -> UUID:
    """The id of the structure that has this identifier."""
    return uuid5(_NAMESPACE, f"{found.type}/{found.normalised}")


def right_key(found: Identifier) -> str:
    """How rights name the structure: without comma or slash, which separate in scopes, and without a person's name."""
    if found.type == SIRET:
        return found.normalised
    if found.type == PERSON:
        return f"{PERSON}:{structure_id(found)}"
    return f"{found.type}:{quote(found.normalised, safe='')}"


def bank(iban: str, bic: str | None, holder: str | None) -> Bank:
    """Bank references with their keys checked. Raises :class:`InvalidBank`: ``IBAN_FORM``, ``BIC_FORM``."""
    try:
        number = iban_number.validate(iban)
    except ValidationError as error:
        raise InvalidBank("IBAN_FORM", "iban") from error
    try:
        code = bic_number.validate(bic) if bic and bic.strip() else None
    except ValidationError as error:
        raise InvalidBank("BIC_FORM", "bic") from error
    if code is not None and code[4:6] != number[:2] and number[:2] not in _SEVERAL.get(code[4:6], ()):
        raise InvalidBank("BIC_OTHER_COUNTRY", "bic")
    return Bank(iban=number, bic=code, holder=(holder or "").strip() or None)


#: Territories whose accounts are numbered as another country's (ISO 13616): French ones overseas, British islands.
_SEVERAL: Final = {
    **dict.fromkeys(("GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF", "NC", "PF", "WF", "TF"), ("FR",)),
    **dict.fromkeys(("GG", "JE", "IM"), ("GB",)),
}


def masked_iban(iban: str) -> str:
    """An IBAN as those see it who may not read it: its country and its last three characters."""
    return f"{iban[:2]}{'•' * (len(iban) - 5)}{iban[-3:]}"


def same_siren(one: str, other: str) -> bool:
    """Whether two right keys are SIRETs of one company."""
    return is_siret(one) and is_siret(other) and one[:9] == other[:9]
