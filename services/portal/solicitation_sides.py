"""Who stands on which side of a sollicitation: what he is to the invoice, or where he works."""

from collections.abc import Mapping
from typing import Any, Final

from services.common.principal import (
    AGENT,
    COMPTABLE,
    DEPOSANT,
    FINANCE,
    FOURNISSEUR,
    GESTIONNAIRE,
    MOA,
    MOE,
    OPERATEUR,
    TENANT_ADMIN,
    VALIDATEUR,
    Principal,
)
from services.portal.solicitation import Place, Solicitation

#: Held at a body, these act for the whole of it.
_BODY: Final = (GESTIONNAIRE, COMPTABLE, FINANCE)
_AT: Final = {"supplier": FOURNISSEUR, "validator": VALIDATEUR, "moe": MOE, "moa": MOA}


def acts_for(principal: Principal, place: Place) -> bool:
    """Whether he may write in the name of this side. Row-level security has said already that he may see it."""
    match place.kind:
        case "support":
            return OPERATEUR in principal.roles
        case "body":
            return (
                place.structure in principal.bodies_as(*_BODY)
                or f"{place.structure}/{place.service}" in principal.services_as(AGENT, *_BODY)
                or place.tenant in principal.tenants_as(TENANT_ADMIN)
            )
        case "person":
            return False
        case kind:
            return place.structure in principal.structures_as(_AT[kind])


def asks(principal: Principal, found: Solicitation) -> bool:
    """Whether he may write on the side that asked."""
    if found.author != principal.subject:
        return acts_for(principal, found.asking)
    if found.asker == "supplier":
        return found.asker_structure in principal.structures_as(FOURNISSEUR, DEPOSANT)
    return found.asker == "person" or acts_for(principal, found.asking)


def answers(principal: Principal, found: Solicitation) -> bool:
    """Whether he may write on the side that answers."""
    return acts_for(principal, found.asked)


def towards(principal: Principal, invoice: Mapping[str, Any], tenant: str | None) -> Place | None:
    """What somebody is to an invoice that he sees; ``invoice`` as its own service showed it to him.

    None for an operator, who acts for nobody. ``tenant``: of the body that has it.
    """
    supplier, recipient = invoice["supplier_siret"], invoice["recipient"]
    if supplier in principal.structures_as(FOURNISSEUR, DEPOSANT):
        return Place(kind="supplier", structure=supplier)
    body = Place(kind="body", structure=recipient["siret"], service=recipient["service_code"], tenant=tenant)
    if acts_for(principal, body):
        return body
    for validator in invoice.get("validators") or ():
        if validator["siret"] in principal.structures_as(VALIDATEUR):
            return Place(kind="validator", structure=validator["siret"])
    works = invoice.get("works") or {}
    for place in (_company("moe", works.get("moe")), _company("moa", works.get("moa"))):
        if place is not None and acts_for(principal, place):
            return place
    return None


def _company(kind: Any, company: Mapping[str, Any] | None) -> Place | None:
    return None if company is None else Place(kind=kind, structure=company["siret"])


def places_of(principal: Principal) -> list[Place]:
    """In whose name somebody may ask what is about no invoice: his suppliers, his bodies, his services."""
    suppliers = [Place(kind="supplier", structure=key) for key in principal.structures_as(FOURNISSEUR, DEPOSANT)]
    public = set(principal.bodies_as(*_BODY))
    bodies = [Place(kind="body", structure=key) for key in principal.bodies_as(*_BODY)]
    services = [
        Place(kind="body", structure=siret, service=code)
        for siret, _, code in (address.partition("/") for address in principal.services_as(AGENT))
        if siret not in public
    ]
    return [place for place in suppliers if place.structure not in public] + bodies + services
