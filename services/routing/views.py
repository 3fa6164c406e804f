"""What the directory's API answers: shapes, and how they are made of entries."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from invoice.addressing import PUBLIC_INVOICES_SERVICE
from invoice.directory import Contact, NumberFormat, Service, Structure
from invoice.hints import display_name
from invoice.identifiers import normalise_code
from invoice.kinds import KINDS, payment_days
from invoice.service_index import open_on
from services.routing.domain import Body
from services.routing.search import Hit


class FormOut(BaseModel):
    """The shape of a number: ``regex`` is anchored and only warns; ``mask`` and ``examples`` are for people."""

    regex: str
    mask: str = Field(examples=["CP2020/X123456/1"])
    examples: list[str] = Field(examples=[["AP2020/1234"]])


class ContactOut(BaseModel):
    """Whom the public may ask."""

    name: str | None = Field(None, examples=["Service facturier"])
    email: str | None = Field(None, examples=["factures@departement.example"])
    telephone: str | None = None
    hours: str | None = Field(None, examples=["9 h – 12 h, du lundi au vendredi"])


class DemandsOut(BaseModel):
    """What the structure asks for. ``market``: off, warn (expected) or refuse (required)."""

    service_required: bool
    engagement_required: bool
    service_or_engagement: bool
    market: Literal["off", "warn", "refuse"]
    market_replaces_engagement: bool
    works: bool = Field(description="La structure reçoit aussi des pièces de marchés de travaux")
    works_only: bool = Field(description="La structure ne reçoit que des pièces de marchés de travaux")
    engagement_formats: list[FormOut]
    market_formats: list[FormOut]


class ServiceOut(BaseModel):
    """A service. ``open_today``: it can be addressed today (Paris); ``reserved``: to public structures only."""

    code: str = Field(examples=["DRH"])
    label: str = Field(examples=["Direction des ressources humaines"])
    open_today: bool
    reserved: bool
    engagement_required: bool
    valid_from: date | None
    valid_to: date | None
    contact: ContactOut | None = None


class StructureOut(BaseModel):
    """A public structure as a form needs it. ``version`` is that of the directory the answer was read from."""

    siret: str = Field(examples=["22060001900016"])
    name: str = Field(examples=["Département des Alpes-Maritimes – Budget Principal"])
    kind: str = Field(examples=["budget_principal"])
    kind_label: str = Field(examples=["Budget principal"])
    tenant: str = Field(examples=["cd06"])
    tenant_name: str = Field(examples=["Département des Alpes-Maritimes"])
    active: bool
    town: str | None
    postal_code: str | None
    valid_from: date | None
    valid_to: date | None
    payment_days: int = Field(description="Délai de paiement en jours", examples=[30])
    payment_status_reported: bool | None
    demands: DemandsOut
    services_stated: bool = Field(description="Faux : la structure n'a pas publié ses codes de service")
    services: list[ServiceOut]
    contact: ContactOut | None
    version: int = Field(examples=[1204])


class FoundService(BaseModel):
    """A service that the search names."""

    code: str = Field(examples=["DRH"])
    label: str = Field(examples=["Direction des ressources humaines"])


class StructureLine(BaseModel):
    """A structure in a list, with up to three of its services where the search names them."""

    siret: str = Field(examples=["22060001900016"])
    name: str = Field(examples=["Département des Alpes-Maritimes – Budget Principal"])
    kind: str = Field(examples=["budget_principal"])
    town: str | None = Field(examples=["Nice"])
    postal_code: str | None = Field(examples=["06000"])
    tenant: str = Field(examples=["cd06"])
    active: bool
    services: list[FoundService]


class FieldOut(BaseModel):
    """A field that differs; ``null`` stands for the field's default."""

    field: str = Field(examples=["label"])
    before: Any = Field(examples=["Voirie"])
    after: Any = Field(examples=["Voirie et réseaux"])


class ChangeOut(BaseModel):
    """What a line of an import changes."""

    line: int = Field(examples=[12])
    key: str = Field(examples=["service:22060001900016/DRH"])
    change: Literal["added", "changed"]
    fields: list[FieldOut]


class ManagersOut(BaseModel):
    """What becomes of the managers to notify that the file names; whoever it does not name any more goes."""

    structures: int = Field(examples=[1])
    managers: int = Field(examples=[2])
    added: int = Field(examples=[1])
    removed: int = Field(examples=[0])


class ImportOut(BaseModel):
    """What an import did, or would do when ``dry_run``; ``changes`` holds the first two hundred."""

    added: int
    changed: int
    unchanged: int
    version: int
    dry_run: bool
    changes: list[ChangeOut]
    managers: Annotated[ManagersOut | None, Field(description="Absent quand le fichier n'en nomme aucun")] = None


class EngagementOut(BaseModel):
    """An open engagement of the supplier who asks."""

    structure: str = Field(examples=["22060001900016"])
    number: str = Field(examples=["CP2020/X123456/1"])
    service_code: str | None
    remaining: Annotated[str | None, Field(description="Montant restant en euros", examples=["1234.50"])]


class VersionOut(BaseModel):
    """A change of an entry: who and when."""

    version: int
    key: str
    replaces: int | None
    deleted: bool
    changed_by: str
    changed_at: str
    entry: Any


def line_out(hit: Hit) -> StructureLine:
    """A hit of the search."""
    entry = hit.structure
    return StructureLine(
        siret=entry.siret,
        name=display_name(entry),
        kind=entry.kind,
        town=entry.town,
        postal_code=entry.postal_code,
        tenant=entry.tenant,
        active=entry.active,
        services=[FoundService(code=service.code, label=service.label) for service in hit.services],
    )


def structure_out(body: Body, version: int, on: date) -> StructureOut:
    """A structure with its services and demands."""
    entry = body.structure
    return StructureOut(
        siret=entry.siret,
        name=display_name(entry),
        kind=entry.kind,
        kind_label=kind_label(entry),
        tenant=entry.tenant,
        tenant_name=body.tenant.name,
        active=open_on(entry, on) and body.tenant.active,
        town=entry.town,
        postal_code=entry.postal_code,
        valid_from=entry.valid_from,
        valid_to=entry.valid_to,
        payment_days=payment_days(entry),
        payment_status_reported=entry.parameters.payment_status_reported,
        demands=_demands(entry),
        services_stated=entry.services_stated,
        services=[service_out(service, entry, on) for _, service in sorted(body.services.items())],
        contact=contact_out(entry.contact),
        version=version,
    )


def kind_label(structure: Structure) -> str:
    """The kind in French."""
    kind = KINDS.get(structure.kind)
    return structure.kind if kind is None else kind.label


def _demands(entry: Structure) -> DemandsOut:
    asked = entry.parameters
    return DemandsOut(
        service_required=asked.service_required,
        engagement_required=asked.engagement_required,
        service_or_engagement=asked.service_or_engagement,
        market=asked.market_required,
        market_replaces_engagement=asked.market_replaces_engagement,
        works=asked.moa or asked.moa_only,
        works_only=asked.moa_only,
        engagement_formats=forms_out(entry.engagement_formats),
        market_formats=forms_out(entry.market_formats),
    )


def forms_out(formats: Sequence[NumberFormat]) -> list[FormOut]:
    """Shapes of numbers."""
    return [FormOut(regex=form.regex, mask=form.mask, examples=list(form.examples)) for form in formats]


def service_out(service: Service, of: Structure, on: date) -> ServiceOut:
    """A service; what it does not say itself is as its structure says."""
    own = service.engagement_required
    return ServiceOut(
        code=service.code,
        label=service.label,
        open_today=open_on(service, on),
        reserved=normalise_code(service.code) == PUBLIC_INVOICES_SERVICE,
        engagement_required=of.parameters.engagement_required if own is None else own,
        valid_from=service.valid_from,
        valid_to=service.valid_to,
        contact=contact_out(service.contact),
    )


def contact_out(contact: Contact | None) -> ContactOut | None:
    """A public contact."""
    if contact is None:
        return None
    return ContactOut(name=contact.name, email=contact.email, telephone=contact.telephone, hours=contact.hours)
