"""The rules on what the directory knows under an invoice's references: engagements, and other budgets of the body.

They are looked at only where the caller has looked the references up, those on engagements only for a supplier who is
known to be the one. Nothing here says for whom an engagement is.
"""

from collections.abc import Iterator

from invoice import hints
from invoice.address import Case
from invoice.directory import Engagement, Structure
from invoice.findings import Finding
from invoice.identifiers import normalise_code, siren_of
from invoice.messages import finding
from invoice.service_index import open_on


def known_engagement(case: Case) -> Iterator[Finding]:
    """Known where the body has given all its engagements, open, this supplier's, of the service written."""
    value = case.address.engagement
    if value is None or case.around is None or not case.address.supplier:
        return
    engagement, words = case.around.engagement, {"name": case.name, "siret": case.structure.siret}
    key = normalise_code(value)
    if engagement is None:
        if case.structure.engagements_stated:
            forms = hints.number_forms(case.structure.engagement_formats)
            yield finding("ENGAGEMENT_UNKNOWN", value=value, normalised=key, forms=forms, **words)
        return
    for code in _codes(case, engagement):
        yield finding(code, value=value, normalised=key, service=case.address.service_code or "", **words)


def _codes(case: Case, engagement: Engagement) -> Iterator[str]:
    yield "ENGAGEMENT_KNOWN"
    theirs = is_of(engagement, case.address.supplier)
    if theirs is not None:
        yield "ENGAGEMENT_OF_SUPPLIER" if theirs else "ENGAGEMENT_OTHER_SUPPLIER"
    if theirs is False and "ENGAGEMENT_OTHER_SUPPLIER" not in case.levels:
        return  # refused: how another supplier's engagement stands is nobody else's business
    yield "ENGAGEMENT_OPEN" if engagement.open else "ENGAGEMENT_CLOSED"
    if engagement.service_code is not None and case.address.service_code is not None:
        same = normalise_code(engagement.service_code) == normalise_code(case.address.service_code)
        yield "ENGAGEMENT_SERVICE_AGREES" if same else "ENGAGEMENT_OTHER_SERVICE"


def is_of(engagement: Engagement, supplier: str | None) -> bool | None:
    """Whether an engagement is of a supplier, by SIREN: another establishment of the company may invoice it.

    None where it cannot be told: no supplier is known, or it has no SIRET.
    """
    theirs = engagement.supplier
    if theirs is None or theirs.type != "SIRET" or not supplier:
        return None
    return siren_of(theirs.normalised) == siren_of(supplier)


def service_elsewhere(case: Case) -> Structure | None:
    """The sibling that publishes the service code written, where the structure itself does not."""
    if case.around is None or case.service is not None:
        return None
    for service in case.around.services:
        sibling = case.around.siblings.get(service.siret)
        if _is_other(case, sibling) and open_on(service, case.on):
            return sibling
    return None


def _engagement_elsewhere(case: Case) -> Structure | None:
    """The sibling that has an open engagement of this very supplier under the number written."""
    if case.around is None or case.around.engagement is not None:
        return None
    for engagement in case.around.engagements:
        sibling = case.around.siblings.get(engagement.siret)
        if _is_other(case, sibling) and engagement.open and is_of(engagement, case.address.supplier):
            return sibling
    return None


def _is_other(case: Case, sibling: Structure | None) -> bool:
    """Whether this is another structure than the one addressed, that could be addressed in its place."""
    return sibling is not None and sibling.siret != case.structure.siret and open_on(sibling, case.on)


def budget(case: Case) -> Iterator[Finding]:
    """The references are of the budget addressed, not of the principal's where an annexe is written, or the reverse."""
    if case.around is None:
        return
    other, what = service_elsewhere(case), f"le code service « {case.address.service_code} »"
    if other is None:
        other, what = _engagement_elsewhere(case), f"l'engagement « {case.address.engagement} »"
    siret = case.structure.siret
    if other is not None:
        yield finding(
            "DEST_OTHER_BUDGET",
            value=siret,
            name=case.name,
            siret=siret,
            what=what,
            other=hints.display_name(other),
            other_siret=other.siret,
        )
    elif case.service is not None or case.around.engagement is not None:
        yield finding("DEST_BUDGET_AGREES", value=siret, name=case.name)
