"""Which events of the directory a service may leave aside: none that its part of a tenant hangs on."""

from datetime import UTC, datetime

import pytest

from contracts.events import Payload
from invoice.directory import Engagement, Entry, Service, Structure, Tenant
from services.common.tenants import not_about_structures, not_about_tenants
from services.routing.domain import published

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SIRET = "22060001900016"
TENANT = Tenant(id="cd06", name="Département")
STRUCTURE = Structure(siret=SIRET, name="Budget", tenant="cd06", kind="budget_principal")
SERVICE = Service(siret=SIRET, code="DRH", label="Ressources humaines")
ENGAGEMENT = Engagement(siret=SIRET, number="CP2020/X123456/1")


def said(entry: Entry, *, deleted: bool = False) -> Payload:
    return published(entry, 7, "agnès", AT, deleted=deleted)


@pytest.mark.parametrize(
    ("data", "of_structures", "of_tenants"),
    [
        (said(TENANT), False, False),
        (said(TENANT, deleted=True), False, False),
        (said(STRUCTURE), False, True),
        (said(STRUCTURE, deleted=True), False, False),
        (said(SERVICE), True, True),
        (said(SERVICE, deleted=True), True, True),
        (said(ENGAGEMENT), True, True),
    ],
)
def test_only_entries_without_use_are_left_aside(data: Payload, of_structures: bool, of_tenants: bool) -> None:
    assert not_about_structures(data) is of_structures
    assert not_about_tenants(data) is of_tenants
