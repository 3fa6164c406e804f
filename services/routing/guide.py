"""How to invoice a tenant: what its directory says, put into words for a supplier. Pure but for the template file."""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import jinja2
from pydantic import BaseModel, Field

from invoice.addressing import PUBLIC_INVOICES_SERVICE
from invoice.directory import Service, Structure, Tenant
from invoice.hints import display_name
from invoice.identifiers import normalise_code
from invoice.kinds import payment_days
from invoice.service_index import open_on
from services.common import sandbox
from services.routing.links import deposit_link, qr_svg
from services.routing.views import ContactOut, FormOut, contact_out, forms_out, kind_label

PAGE = 20  # structures of a page
SERVICES = 200  # services that are listed of one structure
_PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class GuideService(BaseModel):
    """A service that can be invoiced today, and the link that opens a deposit for it."""

    code: str = Field(examples=["DRH"])
    label: str = Field(examples=["Direction des ressources humaines"])
    link: str


class GuideStructure(BaseModel):
    """A SIRET to invoice: what must be on the invoice, in words, with examples."""

    siret: str = Field(examples=["22060001900016"])
    name: str
    kind: str
    active: bool
    payment_days: int = Field(examples=[30])
    must: list[str] = Field(examples=[["Le code de service est obligatoire."]])
    engagement_formats: list[FormOut]
    market_formats: list[FormOut]
    services_stated: bool
    services: list[GuideService]
    more_services: int = Field(description="Services qui ne sont pas montrés ici")
    contact: ContactOut | None
    link: str


class GuideOut(BaseModel):
    """A page of the guide of a tenant."""

    tenant: str = Field(examples=["cd06"])
    name: str = Field(examples=["Département des Alpes-Maritimes"])
    logo: str | None
    active: bool
    sandbox: str | None = Field(default=None, description="La mention d'un bac à sable.")
    contacts: list[ContactOut]
    on_every_invoice: list[str]
    structures: list[GuideStructure]
    page: int
    pages: int
    date: date
    version: int


#: What every invoice carries, whoever receives it (chorus-pro.md 4 to 6).
ON_EVERY_INVOICE = (
    "Le SIRET du destinataire, 14 chiffres : chaque budget a le sien.",
    "Votre SIRET, ou votre identifiant si vous êtes établi hors de France.",
    "Le numéro de la facture, 20 caractères au plus, et sa date.",
    "Les montants hors taxe, de la TVA par taux, et toutes taxes comprises.",
    "La référence de la commande : numéro d'engagement ou de marché, quand elle vous a été donnée.",
)


def must(structure: Structure) -> list[str]:
    """What a structure asks for, a sentence each."""
    asked = structure.parameters
    said: list[str] = []
    if asked.service_or_engagement:
        said.append("Le code de service ou le numéro d'engagement est obligatoire : au moins l'un des deux.")
    if asked.service_required:
        said.append("Le code de service est obligatoire : il est sur le bon de commande et dans la liste ci-dessous.")
    if asked.engagement_required:
        stand_in = " Le numéro de marché peut en tenir lieu." if asked.market_replaces_engagement else ""
        said.append(f"Le numéro d'engagement est obligatoire.{stand_in}")
    if asked.market_required == "refuse":
        said.append("Le numéro de marché est obligatoire.")
    elif asked.market_required == "warn":
        said.append("Le numéro de marché est attendu, sans être exigé.")
    if asked.moa_only:
        said.append("Cette structure ne reçoit que des pièces de marchés de travaux.")
    if asked.payment_status_reported is False:
        said.append("La mise en paiement ne vous sera pas annoncée.")
    return said or ["Ni code de service ni numéro d'engagement ne sont exigés."]


def structure_guide(structure: Structure, services: Iterable[Service], page: str, on: date) -> GuideStructure:
    """A structure as the guide shows it. ``page`` is the address of the deposit page."""
    offered = [
        service
        for service in services
        if open_on(service, on) and normalise_code(service.code) != PUBLIC_INVOICES_SERVICE
    ]
    return GuideStructure(
        siret=structure.siret,
        name=display_name(structure),
        kind=kind_label(structure),
        active=open_on(structure, on),
        payment_days=payment_days(structure),
        must=must(structure),
        engagement_formats=forms_out(structure.engagement_formats),
        market_formats=forms_out(structure.market_formats),
        services_stated=structure.services_stated,
        services=[
            GuideService(code=service.code, label=service.label, link=deposit_link(page, structure.siret, service.code))
            for service in offered[:SERVICES]
        ],
        more_services=max(0, len(offered) - SERVICES),
        contact=contact_out(structure.contact),
        link=deposit_link(page, structure.siret),
    )


def tenant_guide(
    tenant: Tenant, structures: Sequence[GuideStructure], *, page: int, pages: int, on: date, version: int
) -> GuideOut:
    """One page of a tenant's guide."""
    return GuideOut(
        tenant=tenant.id,
        name=tenant.name,
        logo=tenant.logo,
        active=tenant.active,
        sandbox=sandbox.marked(tenant.sandbox),
        contacts=[found for contact in tenant.contacts if (found := contact_out(contact)) is not None],
        on_every_invoice=list(ON_EVERY_INVOICE),
        structures=list(structures),
        page=page,
        pages=pages,
        date=on,
        version=version,
    )


def html(guide: GuideOut) -> str:
    """The page as it is printed: self-contained but for a logo that stands elsewhere."""
    codes = {structure.siret: qr_svg(structure.link) for structure in guide.structures if structure.active}
    return _PAGES.get_template("guide.html").render(guide=guide, codes=codes)
