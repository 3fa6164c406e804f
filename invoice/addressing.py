"""Who receives an invoice: the addressing rules of a public structure and its services.

Each rule looks at one thing and answers with findings; the sentences and levels stand in ``data/findings.yaml``.
A demand that the body states (service, engagement, either) refuses; the shape of a number only warns
(decisions.md 21).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Literal, Self

import msgspec

from invoice import hints
from invoice.directory import Service, Structure, Tenant
from invoice.findings import Finding, refusals
from invoice.identifiers import InvalidIdentifier, is_state, normalise_code, parse_siret
from invoice.messages import finding, needs
from invoice.model import Cadre, InvoiceHeader
from invoice.money import show_date
from invoice.references import engagement_shape, market_shape

PUBLIC_INVOICES_SERVICE = "FACTURES_PUBLIQUES"
Outcome = Literal["routed", "unroutable"]


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """What an invoice says about its recipient, as written.

    ``supplier_is_public``: the supplier's own SIRET is a structure of the directory, so that it may use the
    service reserved for invoices between public structures.
    """

    recipient_siret: str
    service_code: str | None = None
    engagement: str | None = None
    contract: str | None = None
    cadre: Cadre = "A1_FACTURE_FOURNISSEUR"
    supplier_is_public: bool = False

    @classmethod
    def of(cls, header: InvoiceHeader, *, supplier_is_public: bool = False) -> Self:
        """The address of an invoice. References of spaces only count as not given."""
        return cls(
            recipient_siret=header.recipient_siret,
            service_code=_written(header.service_code),
            engagement=_written(header.engagement),
            contract=_written(header.contract),
            cadre=header.cadre,
            supplier_is_public=supplier_is_public,
        )


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Where an invoice goes, with every rule that was looked at.

    ``unroutable`` if and only if one finding is ``refuse``. ``structure`` is the one the directory holds, even if it
    may not receive; ``service`` the one found under the code. ``service_code`` is where the invoice goes: the
    service's own spelling, or the code as written when the body has not published its codes, or None.
    """

    outcome: Outcome
    findings: tuple[Finding, ...]
    structure: Structure | None = None
    service: Service | None = None
    service_code: str | None = None


class _Case(msgspec.Struct, frozen=True):
    address: Address
    structure: Structure
    services: Mapping[str, Service]
    service: Service | None
    on: date

    @property
    def name(self) -> str:
        return hints.display_name(self.structure)

    def codes(self, code: str) -> str:
        """The service codes to propose, where the sentences of ``code`` have a place for them."""
        if not needs(code, "codes"):
            return ""
        return hints.service_codes(
            self.services.values(),
            self.on,
            near=self.address.service_code,
            stated=self.structure.services_stated,
            hidden=() if self.address.supplier_is_public else (PUBLIC_INVOICES_SERVICE,),
        )


def index_services(services: Iterable[Service]) -> dict[str, Service]:
    """The services of one structure by their normalised code, as :func:`decide` wants them."""
    return {normalise_code(service.code): service for service in services}


def decide(
    address: Address,
    structure: Structure | None,
    services: Mapping[str, Service],
    on: date,
    *,
    tenant: Tenant | None = None,
) -> Decision:
    """Apply every addressing rule to one invoice.

    ``structure`` is what the directory holds under the recipient's SIRET and ``services`` its services by
    :func:`~invoice.identifiers.normalise_code`; ``on`` is the day (Europe/Paris) for which validity is asked.
    ``tenant`` is the structure's tenant where the caller knows it. Raises ValueError if ``structure`` has another
    SIRET than the address: the caller has mixed up two invoices.
    """
    found = tuple(_recipient(address, structure))
    if structure is None or refusals(found):
        return Decision(outcome="unroutable", findings=found)
    code = address.service_code
    service = None if code is None else services.get(normalise_code(code))
    case = _Case(address, structure, services, service, on)
    findings = (*found, *_tenant(case, tenant), *(f for rule in _RULES for f in rule(case)))
    outcome: Outcome = "unroutable" if refusals(findings) else "routed"
    return Decision(
        outcome=outcome, findings=findings, structure=structure, service=service, service_code=_service_code(case)
    )


def _recipient(address: Address, structure: Structure | None) -> Iterator[Finding]:
    """The SIRET is one (chorus-pro.md 4), is not the State's (decisions.md 24), is in the directory (check 3)."""
    value = address.recipient_siret
    try:
        siret = parse_siret(value)
    except InvalidIdentifier as error:
        yield finding("DEST_SIRET_INVALID", value=value, why=hints.why(error))
        return
    yield finding("DEST_SIRET_VALID", value=value, normalised=siret, siret=siret)
    if is_state(siret):
        yield finding("DEST_STATE", value=value, normalised=siret)
        return
    yield finding("DEST_LOCAL", value=value, normalised=siret)
    if structure is None:
        yield finding("DEST_INC", value=value, normalised=siret, siret=siret)
        return
    if structure.siret != siret:
        raise ValueError(f"structure {structure.siret} given for an invoice addressed to {siret}")
    yield finding("DEST_KNOWN", value=value, normalised=siret, siret=siret, name=hints.display_name(structure))


def _tenant(case: _Case, tenant: Tenant | None) -> Iterator[Finding]:
    if tenant is not None:
        yield finding(
            "TENANT_ACTIVE" if tenant.active else "TENANT_INACTIVE",
            value=case.structure.siret,
            tenant=tenant.name,
            name=case.name,
            siret=case.structure.siret,
        )


def _active(case: _Case) -> Iterator[Finding]:
    """Only an active SIRET can be addressed (chorus-pro.md 12.1)."""
    code = "DEST_ACTIVE" if case.structure.active else "DEST_INACTIVE"
    yield finding(code, value=case.structure.siret, name=case.name, siret=case.structure.siret)


def _cadre(case: _Case) -> Iterator[Finding]:
    """A structure that is a works client only receives works pieces (check 8); A1 and A2 are none."""
    code = "DEST_MOA_ONLY" if case.structure.parameters.moa_only else "DEST_ACCEPTS_CADRE"
    yield finding(code, value=case.address.cadre, name=case.name, siret=case.structure.siret)


def _service(case: _Case) -> Iterator[Finding]:
    """Required, known (check 5), reserved (check 9), active and valid on the day (chorus-pro.md 12.1)."""
    value = case.address.service_code
    if value is None:
        code = "SERVICE_REQUIRED" if case.structure.parameters.service_required else "SERVICE_NOT_REQUIRED"
        yield finding(code, name=case.name, siret=case.structure.siret, codes=case.codes(code))
        return
    if normalise_code(value) == PUBLIC_INVOICES_SERVICE:
        code = "SERVICE_RESERVED_ALLOWED" if case.address.supplier_is_public else "SERVICE_RESERVED"
        yield _about_service(case, code)
    if case.service is None:
        yield _about_service(case, _not_found(case))
        return
    yield _about_service(case, "SERVICE_KNOWN")
    yield _about_service(case, "SERVICE_ACTIVE" if case.service.active else "SERVICE_INACTIVE")
    yield _about_service(case, _validity(case.service, case.on))


def _not_found(case: _Case) -> str:
    """An unknown code refuses only where the body has published all its codes (decisions.md 23)."""
    if not case.structure.services_stated:
        return "SERVICE_UNCHECKED"
    if not case.services and not case.structure.parameters.service_required:
        return "SERVICE_NOT_EXPECTED"
    return "SERVICE_UNKNOWN"


def _validity(service: Service, on: date) -> str:
    if service.valid_from is not None and on < service.valid_from:
        return "SERVICE_NOT_YET_VALID"
    if service.valid_to is not None and on > service.valid_to:
        return "SERVICE_EXPIRED"
    return "SERVICE_VALID"


def _about_service(case: _Case, code: str) -> Finding:
    value = case.address.service_code or ""
    service = case.service
    bound = None if service is None else service.valid_from if code == "SERVICE_NOT_YET_VALID" else service.valid_to
    return finding(
        code,
        value=value,
        normalised=normalise_code(value),
        name=case.name,
        siret=case.structure.siret,
        label="" if service is None else service.label,
        codes=case.codes(code),
        date=show_date(case.on),
        bound="" if bound is None else show_date(bound),
    )


def _engagement(case: _Case) -> Iterator[Finding]:
    """Required by the structure or by the service (check 6); a market number stands in where the body says so."""
    address, parameters = case.address, case.structure.parameters
    by_service = case.service is not None and case.service.engagement_required
    if address.engagement is not None:
        yield finding("ENGAGEMENT_GIVEN", value=address.engagement)
        yield from engagement_shape(case.structure, address.engagement)
    elif not (parameters.engagement_required or by_service):
        yield finding("ENGAGEMENT_NOT_REQUIRED", name=case.name)
    elif parameters.market_replaces_engagement and address.contract is not None:
        yield finding("MARKET_REPLACES_ENGAGEMENT", value=address.contract, name=case.name)
    else:
        who = f"{case.name} ({case.structure.siret})"
        if case.service is not None and not parameters.engagement_required:
            who = f"Le service « {case.service.code} » de {who}"
        forms = hints.number_forms(case.structure.engagement_formats)
        yield finding("ENGAGEMENT_REQUIRED", who=who, forms=forms)


def _service_or_engagement(case: _Case) -> Iterator[Finding]:
    """Some bodies ask for one of the two (check 7)."""
    address, parameters = case.address, case.structure.parameters
    if not parameters.service_or_engagement:
        return
    stand_in = parameters.market_replaces_engagement and address.contract is not None
    given = address.service_code is not None or address.engagement is not None or stand_in
    code = "SERVICE_OR_ENGAGEMENT_GIVEN" if given else "SERVICE_OR_ENGAGEMENT_REQUIRED"
    yield finding(code, name=case.name, siret=case.structure.siret, codes=case.codes(code))


def _market(case: _Case) -> Iterator[Finding]:
    """The market number has a level per structure, as data (decisions.md 21)."""
    contract = case.address.contract
    if contract is not None:
        yield finding("MARKET_GIVEN", value=contract)
        yield from market_shape(case.structure, contract)
        return
    code = _MARKET_MISSING[case.structure.parameters.market_required]
    forms = hints.number_forms(case.structure.market_formats)
    yield finding(code, name=case.name, siret=case.structure.siret, forms=forms)


def _service_code(case: _Case) -> str | None:
    if case.service is not None:
        return case.service.code
    return None if case.structure.services_stated else case.address.service_code


def _written(text: str | None) -> str | None:
    return text if text and text.strip() else None


_MARKET_MISSING = {"off": "MARKET_NOT_REQUIRED", "warn": "MARKET_EXPECTED", "refuse": "MARKET_REQUIRED"}
_RULES: tuple[Callable[[_Case], Iterator[Finding]], ...] = (
    _active,
    _cadre,
    _service,
    _engagement,
    _service_or_engagement,
    _market,
)
