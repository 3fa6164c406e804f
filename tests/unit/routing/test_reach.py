"""Who may change which entries of the directory."""

import msgspec
import pytest

from invoice.directory import Contact, Parameters, RuleOverride
from services.routing.reach import EVERYTHING, Reach, managed_alike
from tests.unit.routing.samples import FILE, STRUCTURE, TENANT, TOWN

MANAGER = Reach(frozenset(), frozenset({(TOWN, STRUCTURE.tenant)}))


def test_a_manager_decides_which_references_are_mandatory_and_whom_to_ask() -> None:
    asked = Parameters(service_required=False, engagement_required=True, market_required="warn")
    changed = msgspec.structs.replace(STRUCTURE, parameters=asked, contact=Contact(name="Bureau des factures"))
    assert managed_alike(STRUCTURE, changed)
    assert MANAGER.refuses(STRUCTURE, changed) is None
    assert MANAGER.refuses(FILE.services[0], FILE.services[0]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Autre"},
        {"kind": "region"},
        {"tenant": "cd98"},
        {"active": False},
        {"payment_days": 15},
        {"levels": (RuleOverride(code="SERVICE_INC", level="warn"),)},
        {"parameters": msgspec.structs.replace(STRUCTURE.parameters, moa=True)},
    ],
)
def test_the_rest_of_a_structure_is_the_administrators(change: dict[str, object]) -> None:
    after = msgspec.structs.replace(STRUCTURE, **change)
    refusal = MANAGER.refuses(STRUCTURE, after)
    assert refusal is not None
    assert refusal.rule == "MANAGER_RESERVED"
    assert EVERYTHING.refuses(STRUCTURE, after) is None


def test_a_body_that_has_gone_to_another_tenant_is_not_its_former_managers() -> None:
    moved = msgspec.structs.replace(STRUCTURE, tenant="cd98")
    refusal = MANAGER.refuses(moved, moved)
    assert refusal is not None
    assert refusal.rule == "TENANT_FOREIGN"
    assert MANAGER.places() == ([], True, [f"{TOWN}/{STRUCTURE.tenant}"])


def test_nobody_but_the_operator_changes_a_tenant() -> None:
    for reach in (MANAGER, Reach(frozenset({TENANT.id}))):
        refusal = reach.refuses(TENANT, TENANT)
        assert refusal is not None
        assert refusal.rule == "TENANT_RESERVED"
