"""What the API says of structures."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from invoice.directory import IdentifierType
from invoice.identifiers import normalise
from services.portal.proof_kinds import ProofKind
from services.portal.structure import Bank, masked_iban
from services.portal.structure_store import Listed, Structure
from services.portal.structure_succession import Succession

_CLEAN = r"^[^\x00-\x1f\x7f-\x9f]*$"
Line = Annotated[str, Field(max_length=200, pattern=_CLEAN)]
StructureKey = Annotated[
    str,
    Path(
        max_length=400,
        pattern=_CLEAN,
        description="Le SIRET, ou la clé que la réponse donne à un autre identifiant",
        examples=["73282932000074"],
    ),
]


def key_of(text: str) -> str:
    """The key in a path: a SIRET may be written with spaces."""
    return text if ":" in text else normalise(text)


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AddressIn(_In):
    """A postal address. Fields left out are filled in from the SIRENE file, where there is one."""

    street: Line | None = None
    complement: Line | None = None
    postal_code: Annotated[str, Field(max_length=20, pattern=_CLEAN)] | None = None
    town: Line | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "FR"


class StructureIn(_In):
    """A structure to deposit for: one of the seven identifiers."""

    type: IdentifierType = "SIRET"
    identifier: str = Field(min_length=1, max_length=200, examples=["732 829 320 00074"])
    name: Line = ""
    address: AddressIn = AddressIn()


class StructureChange(_In):
    """Name and address as they are to be. ``version`` is the one that was read."""

    version: int
    name: Annotated[str, Field(min_length=1, max_length=200, pattern=_CLEAN)]
    address: AddressIn


class BankIn(_In):
    """Bank references."""

    iban: str = Field(max_length=50, examples=["FR76 3000 6000 0112 3456 7890 189"])
    bic: str | None = Field(default=None, max_length=20)
    holder: Line | None = None


class AddressView(BaseModel):
    """A postal address."""

    street: str | None
    complement: str | None
    postal_code: str | None
    town: str | None
    country: str


class BankView(BaseModel):
    """Bank references; ``masked`` where the caller may not read them whole."""

    iban: str
    bic: str | None
    holder: str | None
    masked: bool

    @classmethod
    def of(cls, bank: Bank, *, masked: bool) -> "BankView":
        """Whole, or no more than one needs to recognise them."""
        if masked:
            return cls(iban=masked_iban(bank.iban), bic=None, holder=None, masked=True)
        return cls(iban=bank.iban, bic=bank.bic, holder=bank.holder, masked=False)


class GrantView(BaseModel):
    """One right of the caller."""

    role: str
    service: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class SuccessionView(BaseModel):
    """A change of SIRET. ``old`` and ``new`` are keys."""

    id: UUID
    old: str
    new: str
    state: Literal["asked", "done", "refused"]
    asked_at: datetime
    decided_at: datetime | None
    reason: str | None

    @classmethod
    def of(cls, found: Succession, keys: dict[UUID, str]) -> "SuccessionView":
        """With the keys of both."""
        return cls.model_validate(
            {
                "id": found.id,
                "old": keys[found.old],
                "new": keys[found.new],
                "state": found.state,
                "asked_at": found.asked_at,
                "decided_at": found.decided_at,
                "reason": found.reason,
            }
        )


class SuccessionList(BaseModel):
    """Changes of SIRET that the caller may see."""

    successions: list[SuccessionView]


class StructureView(BaseModel):
    """A structure, and what the caller is there. ``prefilled``: fields that are still the SIRENE file's.

    ``may``: what the caller may do there, by the actions of docs/rights.md; ``tenant`` of a public body.
    """

    structure: str
    type: IdentifierType
    identifier: str
    name: str
    public: bool
    address: AddressView
    bank: BankView | None
    prefilled: list[str]
    version: int
    verified: bool
    manager: Literal["principal", "secondaire"] | None
    rights: list[GrantView]
    may: list[str] = []
    tenant: str | None = None
    successor: str | None
    predecessors: list[str]


class StructureList(BaseModel):
    """The caller's structures."""

    structures: list[StructureView]
    next: str | None = Field(default=None, description="À repasser en « cursor » ; absent à la dernière page")


class FoundView(BaseModel):
    """A structure that a search finds. ``registered``: people act for it here already; else it is INSEE's file's."""

    structure: str
    name: str
    town: str | None
    postal_code: str | None
    public: bool
    registered: bool
    to_do: str

    @classmethod
    def of(cls, found: Listed) -> "FoundView":
        """With what to do next, in words."""
        if found.public:
            todo = "Organisme public : déposez vos factures pour lui avec votre propre SIRET. Ses agents sont invités."
        elif found.registered:
            todo = "Demandez le rattachement à son gestionnaire, ou déposez un justificatif si elle n'en a pas."
        else:
            todo = "Ajoutez-la à votre compte : vous pourrez déposer pour elle aussitôt."
        return cls(
            structure=found.key,
            name=found.name,
            town=found.town,
            postal_code=found.postal_code,
            public=found.public,
            registered=found.registered,
            to_do=todo,
        )


class FoundList(BaseModel):
    """What a search finds; ``more``: there are others, ask more precisely."""

    structures: list[FoundView]
    more: bool


class PrefillView(BaseModel):
    """What the SIRENE file says of an establishment; ``known`` false: no file was loaded, or it is not in it."""

    siret: str
    known: bool
    closed: bool
    public: bool
    name: str | None
    street: str | None
    complement: str | None
    postal_code: str | None
    town: str | None


class SuccessorIn(_In):
    """The successor of a structure."""

    type: IdentifierType = "SIRET"
    identifier: str = Field(min_length=1, max_length=200)
    name: Line = ""
    address: AddressIn = AddressIn()


class ReasonIn(_In):
    """Why something is refused: the person reads it."""

    reason: Annotated[str, Field(min_length=10, max_length=1000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]


class ProofKindView(BaseModel):
    """A paper that proves something."""

    code: str
    label: str
    help: str
    identifiers: list[IdentifierType]
    days: int | None

    @classmethod
    def of(cls, code: str, kind: ProofKind) -> "ProofKindView":
        """From the table."""
        return cls(code=code, label=kind.label, help=kind.help, identifiers=list(kind.identifiers), days=kind.days)


def address_of(structure: Structure) -> AddressView:
    """Its address."""
    postal = structure.postal
    return AddressView(
        street=postal.street,
        complement=postal.complement,
        postal_code=postal.postal_code,
        town=postal.town,
        country=postal.country,
    )
