"""What each addressing rule looks at. Codes, sentences and levels stand in ``data/rules.yaml`` and ``findings.yaml``.

The rules on engagements and budgets that the directory knows are in :mod:`invoice.engagement_rules`.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from invoice import cadres, hints
from invoice.address import PUBLIC_INVOICES_SERVICE, Address, Around, Case
from invoice.directory import RuleLevel, Service, Structure, Tenant
from invoice.engagement_rules import budget, known_engagement, service_elsewhere
from invoice.findings import Finding
from invoice.identifiers import InvalidIdentifier, is_state, normalise_code, parse_siret, siren_of
from invoice.messages import finding
from invoice.money import show_date
from invoice.references import engagement_shape, market_shape
from invoice.service_index import open_on

Rule = Callable[[Case], Iterator[Finding]]


def of_recipient(address: Address, structure: Structure | None, around: Around | None, on: date) -> Iterator[Finding]:
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
        yield _unknown(value, siret, around, on)
        return
    if structure.siret != siret:
        raise ValueError(f"structure {structure.siret} given for an invoice addressed to {siret}")
    yield finding("DEST_KNOWN", value=value, normalised=siret, siret=siret, name=hints.display_name(structure))


def _unknown(value: str, siret: str, around: Around | None, on: date) -> Finding:
    """A SIRET that nobody has published; where its SIREN is a known body's, it is a budget that is wrong."""
    siblings = {} if around is None else around.siblings
    budgets = [s for s in siblings.values() if open_on(s, on) and siren_of(s.siret) == siren_of(siret)]
    if not budgets:
        return finding("DEST_INC", value=value, normalised=siret, siret=siret)
    return finding(
        "DEST_NOT_A_BUDGET",
        value=value,
        normalised=siret,
        siret=siret,
        body=hints.body_name(budgets),
        budgets=hints.budgets(budgets),
    )


def of_tenant(case: Case, tenant: Tenant | None) -> Iterator[Finding]:
    """A suspended tenant receives nothing (chorus-pro.md 6, check 3). Not looked at where the tenant is not known."""
    if tenant is not None:
        yield finding(
            "TENANT_ACTIVE" if tenant.active else "TENANT_INACTIVE",
            value=case.structure.siret,
            tenant=tenant.name,
            name=case.name,
            siret=case.structure.siret,
        )


def _active(case: Case) -> Iterator[Finding]:
    """Only an active SIRET can be addressed (chorus-pro.md 12.1), within its days where it has any."""
    structure, bound = case.structure, None
    if not structure.active:
        code = "DEST_INACTIVE"
    elif structure.valid_from is not None and case.on < structure.valid_from:
        code, bound = "DEST_NOT_YET_OPEN", structure.valid_from
    elif structure.valid_to is not None and case.on > structure.valid_to:
        code, bound = "DEST_EXPIRED", structure.valid_to
    else:
        code = "DEST_ACTIVE"
    yield finding(code, value=structure.siret, name=case.name, siret=structure.siret, bound=_shown(bound))


def _cadre(case: Case) -> Iterator[Finding]:
    """A structure, or a service, that is a works client only receives works pieces (check 8)."""
    moa_only, who = case.structure.parameters.moa_only, case.name
    if case.service is not None and case.service.moa_only is not None:
        moa_only = case.service.moa_only
        who = f"Le service « {case.service.code} » de {who}"
    cadre = cadres.find(case.address.cadre)
    if cadre is not None and cadre.works:
        code = "DEST_ACCEPTS_WORKS"
    else:
        code = "DEST_MOA_ONLY" if moa_only else "DEST_ACCEPTS_CADRE"
    yield finding(code, value=case.address.cadre, name=who, siret=case.structure.siret)


def _service(case: Case) -> Iterator[Finding]:
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
        yield _not_found(case)
        return
    yield _about_service(case, "SERVICE_KNOWN")
    yield _about_service(case, "SERVICE_ACTIVE" if case.service.active else "SERVICE_INACTIVE")
    yield _about_service(case, _validity(case.service, case.on))


def _not_found(case: Case) -> Finding:
    """An unknown code refuses only where the body has published all its codes (decisions.md 23)."""
    if not case.structure.services_stated:
        return _about_service(case, "SERVICE_UNCHECKED")
    elsewhere = service_elsewhere(case)
    if elsewhere is not None:
        code = "SERVICE_OF_OTHER_STRUCTURE"
        return _about_service(case, code, other=hints.display_name(elsewhere), other_siret=elsewhere.siret)
    if not case.services and not case.structure.parameters.service_required:
        return _about_service(case, "SERVICE_NOT_EXPECTED")
    return _about_service(case, "SERVICE_UNKNOWN")


def _validity(service: Service, on: date) -> str:
    if service.valid_from is not None and on < service.valid_from:
        return "SERVICE_NOT_YET_VALID"
    if service.valid_to is not None and on > service.valid_to:
        return "SERVICE_EXPIRED"
    return "SERVICE_VALID"


def _about_service(case: Case, code: str, **words: str) -> Finding:
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
        bound=_shown(bound),
        **words,
    )


def _engagement(case: Case) -> Iterator[Finding]:
    """Required by the structure or by the service (check 6); a market number stands in where the body says so."""
    address, parameters = case.address, case.structure.parameters
    own = None if case.service is None else case.service.engagement_required
    required = parameters.engagement_required or bool(own)
    if address.engagement is not None:
        yield finding("ENGAGEMENT_GIVEN", value=address.engagement)
        yield from engagement_shape(case.structure, address.engagement)
    elif not required:
        yield finding("ENGAGEMENT_NOT_REQUIRED", name=case.name)
    elif _market_replaces(case) and address.contract is not None:
        yield finding("MARKET_REPLACES_ENGAGEMENT", value=address.contract, name=case.name)
    else:
        who = f"{case.name} ({case.structure.siret})"
        if case.service is not None and not parameters.engagement_required:
            who = f"Le service « {case.service.code} » de {who}"
        forms = hints.number_forms(case.structure.engagement_formats)
        yield finding("ENGAGEMENT_REQUIRED", who=who, forms=forms)


def _service_or_engagement(case: Case) -> Iterator[Finding]:
    """Some bodies ask for one of the two (check 7)."""
    address = case.address
    if not case.structure.parameters.service_or_engagement:
        return
    stand_in = _market_replaces(case) and address.contract is not None
    given = address.service_code is not None or address.engagement is not None or stand_in
    code = "SERVICE_OR_ENGAGEMENT_GIVEN" if given else "SERVICE_OR_ENGAGEMENT_REQUIRED"
    yield finding(code, name=case.name, siret=case.structure.siret, codes=case.codes(code))


def _market(case: Case) -> Iterator[Finding]:
    """The market number has a level per structure or service, as data (decisions.md 21)."""
    contract = case.address.contract
    if contract is not None:
        yield finding("MARKET_GIVEN", value=contract)
        yield from market_shape(case.structure, contract)
        return
    own = None if case.service is None else case.service.market_required
    code = _MARKET_MISSING[case.structure.parameters.market_required if own is None else own]
    forms = hints.number_forms(case.structure.market_formats)
    yield finding(code, name=case.name, siret=case.structure.siret, forms=forms)


def _market_replaces(case: Case) -> bool:
    own = None if case.service is None else case.service.market_replaces_engagement
    return case.structure.parameters.market_replaces_engagement if own is None else own


def _shown(day: date | None) -> str:
    return "" if day is None else show_date(day)


_MARKET_MISSING: Mapping[RuleLevel, str] = {
    "off": "MARKET_NOT_REQUIRED",
    "warn": "MARKET_EXPECTED",
    "refuse": "MARKET_REQUIRED",
}
IN_ORDER: tuple[Rule, ...] = (
    _active,
    _cadre,
    _service,
    _engagement,
    known_engagement,
    _service_or_engagement,
    _market,
    budget,
)
