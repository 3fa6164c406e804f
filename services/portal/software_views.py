"""Software accounts over HTTP: what is given and what is shown."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from invoice.rights import ROLES, SCOPES
from services.portal.software_domain import SECRET_DAYS
from services.portal.software_makers import Makers
from services.portal.software_store import Secret, Software


def _named(text: str) -> str:
    found = text.strip()
    if not found or not found.isprintable():
        raise ValueError("Donnez un nom d'une ligne, sans caractère de commande.")
    return found


def _known_role(role: str) -> str:
    if role not in ROLES:
        raise ValueError("Ce rôle n'existe pas : voir docs/rights.md.")
    return role


def _known_scope(scope: str) -> str:
    if scope not in SCOPES:
        raise ValueError(f"Cette portée n'existe pas. Portées : {', '.join(SCOPES)}.")
    return scope


#: Text that may stand in a database, a log and a header.
CLEAN = r"^[^\x00-\x1f\x7f-\x9f]*$"
Name = Annotated[str, Field(max_length=120, description="Nom du logiciel"), AfterValidator(_named)]
Roles = Annotated[list[Annotated[str, AfterValidator(_known_role)]], Field(min_length=1, max_length=10)]
Services = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=100, pattern=CLEAN)]],
    Field(max_length=200),
]
Scopes = Annotated[list[Annotated[str, AfterValidator(_known_scope)]], Field(min_length=1, max_length=20)]
Limit = Annotated[int, Field(gt=0, le=100_000_000)]


class NewSoftware(BaseModel):
    """What a new account is to be."""

    model_config = ConfigDict(extra="forbid")

    structure: Annotated[
        str, Field(min_length=1, max_length=100, pattern=CLEAN, description="SIRET (ou identifiant) de la structure")
    ]
    name: Name
    roles: Roles
    services: Services = []
    scopes: Scopes
    writes_each_minute: Limit | None = None
    writes_each_day: Limit | None = None


class SoftwareChange(BaseModel):
    """What is to change; a limit of null is the platform's again."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    roles: Roles | None = None
    services: Services | None = None
    scopes: Scopes | None = None
    writes_each_minute: Limit | None = None
    writes_each_day: Limit | None = None


class NewSecret(BaseModel):
    """How long the secret is to live."""

    model_config = ConfigDict(extra="forbid")

    days: Annotated[int, Field(gt=0, le=SECRET_DAYS, description="Durée de vie en jours")] = SECRET_DAYS


class SecretView(BaseModel):
    """A secret without its text."""

    id: UUID
    hint: str = Field(description="Les quatre derniers caractères")
    made_at: datetime
    made_by: str
    made_by_name: str
    made_by_manages: bool = Field(description="Si qui l'a fait, et l'a donc vu, gère encore la structure")
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    state: str = Field(description="active, expired ou revoked")

    @classmethod
    def of(cls, secret: Secret, structure: str, makers: Makers, now: datetime) -> "SecretView":
        """As it stands now."""
        state = "revoked" if secret.revoked_at else "active" if secret.expires_at > now else "expired"
        return cls(
            id=secret.id,
            hint=secret.hint,
            made_at=secret.made_at,
            made_by=secret.made_by,
            made_by_name=makers.name(secret.made_by),
            made_by_manages=makers.manages(structure, secret.made_by),
            expires_at=secret.expires_at,
            last_used_at=secret.last_used_at,
            revoked_at=secret.revoked_at,
            state=state,
        )


class ShownSecret(BaseModel):
    """The only time that the secret is shown."""

    id: UUID
    client_id: UUID
    client_secret: str
    expires_at: datetime


class SoftwareView(BaseModel):
    """An account: ``client_id`` is what it signs in with."""

    client_id: UUID
    subject: str
    structure: str
    tenant: str | None
    name: str
    roles: list[str]
    services: list[str]
    scopes: list[str]
    writes_each_minute: int = Field(description="La limite qui vaut : la sienne, ou celle de la plateforme")
    writes_each_day: int
    made_by: str
    made_by_name: str
    made_by_manages: bool = Field(description="Si qui l'a ouvert gère encore la structure")
    made_at: datetime
    changed_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    secrets: list[SecretView]

    @classmethod
    def of(
        cls, found: Software, held: list[Secret], limits: tuple[int, int], makers: Makers, now: datetime
    ) -> "SoftwareView":
        """As it stands now. ``limits`` are the platform's, ``makers`` who made it and its secrets."""
        return cls(
            client_id=found.id,
            subject=found.subject,
            structure=found.structure,
            tenant=found.tenant,
            name=found.name,
            roles=list(found.roles),
            services=list(found.services),
            scopes=list(found.scopes),
            writes_each_minute=found.writes_each_minute or limits[0],
            writes_each_day=found.writes_each_day or limits[1],
            made_by=found.made_by,
            made_by_name=makers.name(found.made_by),
            made_by_manages=makers.manages(found.structure, found.made_by),
            made_at=found.made_at,
            changed_at=found.changed_at,
            last_used_at=found.last_used_at,
            revoked_at=found.revoked_at,
            secrets=[SecretView.of(secret, found.structure, makers, now) for secret in held],
        )


class SoftwarePage(BaseModel):
    """Accounts, newest first; ``next`` goes on."""

    software: list[SoftwareView]
    next: str | None
