"""Who receives an invoice: the addressing rules of a public structure and its services, applied.

The rules stand as a table in ``data/rules.yaml``, their sentences and levels in ``data/findings.yaml``, what each looks
at in :mod:`invoice.addressing_rules`. A demand that the body states (service, engagement, either) refuses; the shape of
a number only warns; a body may set another level where the table lets it (decisions.md 21).
"""

from collections.abc import Mapping
from datetime import date
from typing import Literal

import msgspec

from invoice.address import PUBLIC_INVOICES_SERVICE, Address, Around, Case
from invoice.addressing_rules import IN_ORDER, of_recipient, of_tenant
from invoice.directory import Service, Structure, Tenant
from invoice.findings import Finding, Level, refusals
from invoice.identifiers import normalise_code
from invoice.rules_table import Outcome, levels, outcomes
from invoice.service_index import index_services

__all__ = ["PUBLIC_INVOICES_SERVICE", "Address", "Around", "Decision", "decide", "index_services"]

Verdict = Literal["routed", "unroutable"]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Where an invoice goes, with every rule that was looked at.

    ``unroutable`` if and only if one finding is ``refuse``. ``structure`` is the one the directory holds, even if it
    may not receive; ``service`` the one found under the code. ``service_code`` is where the invoice goes: the
    service's own spelling, or the code as written when the body has not published its codes, or None.
    """

    outcome: Verdict
    findings: tuple[Finding, ...]
    structure: Structure | None = None
    service: Service | None = None
    service_code: str | None = None

    @property
    def rules(self) -> tuple[Outcome, ...]:
        """Every rule of the table with its outcome. The findings alone tell it, so it is there a year later too."""
        return outcomes(self.findings)


def decide(
    address: Address,
    structure: Structure | None,
    services: Mapping[str, Service],
    on: date,
    *,
    tenant: Tenant | None = None,
    around: Around | None = None,
) -> Decision:
    """Apply every addressing rule to one invoice.

    ``structure`` is what the directory holds under the recipient's SIRET and ``services`` its services, made by
    :func:`index_services`; ``on`` is the day (Europe/Paris) for which validity is asked.
    ``tenant`` is the structure's tenant where the caller knows it; ``around`` what the directory knows under the
    references written, without which the rules on known engagements and other budgets are not looked at. Raises
    ValueError if ``structure`` has another SIRET than the address: the caller has mixed up two invoices.
    """
    found = tuple(of_recipient(address, structure, around, on))
    if structure is None or refusals(found):
        return Decision(outcome="unroutable", findings=found)
    code = address.service_code
    service = None if code is None else services.get(normalise_code(code))
    chosen = levels(structure, tenant)
    case = Case(address, structure, services, service, on, around, chosen)
    findings = (*found, *of_tenant(case, tenant), *(f for rule in IN_ORDER for f in rule(case)))
    if chosen:
        findings = tuple(_at_level(finding, chosen) for finding in findings)
    return Decision(
        outcome="unroutable" if refusals(findings) else "routed",
        findings=findings,
        structure=structure,
        service=service,
        service_code=_service_code(case),
    )


def _at_level(finding: Finding, chosen: Mapping[str, Level]) -> Finding:
    level = chosen.get(finding.code)
    return finding if level is None else msgspec.structs.replace(finding, level=level)


def _service_code(case: Case) -> str | None:
    if case.service is not None:
        return case.service.code
    return None if case.structure.services_stated else case.address.service_code
