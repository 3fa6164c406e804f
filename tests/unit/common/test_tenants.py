"""Which events of the directory a service may leave aside: none that its part of a tenant hangs on."""

from datetime import UTC, datetime

import pytest

from contracts.events import Payload
from invoice.directory import Engagement, Entry, Service, Structure, Tenant
from services.common.tenants import not_about_structures
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
    ("data", "aside"),
    [
        (said(TENANT), False),
        (said(TENANT, deleted=True), False),
        (said(STRUCTURE), False),
        (said(STRUCTURE, deleted=True), False),
        (said(SERVICE), True),
        (said(SERVICE, deleted=True), True),
        (said(ENGAGEMENT), True),
    ],
)
def test_only_entries_without_use_are_left_aside(data: Payload, aside: bool) -> None:
    assert not_about_structures(data) is aside
