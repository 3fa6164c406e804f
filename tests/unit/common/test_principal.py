"""Rights are held at places: what is held elsewhere counts for nothing."""

from typing import Any

import pytest

from contracts.events import Grant
from invoice.rights import ACTIONS, ROLES
from services.common.principal import Principal, of_grants

A, B, TOWN, SCHOOL = "10000000900015", "30000000700037", "20000000800026", "20000000800034"


def settings(principal: Principal) -> dict[str, str]:
    """The scope without what is empty."""
    return {name: value for name, value in principal.scope().items() if value}


def test_who_supplies_here_and_keeps_accounts_there_does_each_there_alone() -> None:
    held = of_grants("s", [Grant(role="FOURNISSEUR", structure=A), Grant(role="COMPTABLE", structure=TOWN, tenant="t")])
    assert held.structures_as("COMPTABLE") == held.bodies_as("COMPTABLE") == (TOWN,)
    assert held.structures_as("FOURNISSEUR") == (A,)
    assert held.roles == ("FOURNISSEUR", "COMPTABLE")
    scope = settings(held)
    assert (scope["supplier_structures"], scope["deposit_structures"], scope["recipient_structures"]) == (A, A, TOWN)
    assert not {"validator_structures", "moe_structures", "moa_structures", "admin_tenants"} & set(scope)


def test_an_agent_has_his_service_and_not_the_structure() -> None:
    held = of_grants("s", [Grant(role="AGENT", structure=TOWN, service="VOIRIE", tenant="t")])
    assert held.services == held.services_as("AGENT") == (f"{TOWN}/VOIRIE",)
    assert held.structures == held.structures_as("AGENT") == ()
    scope = settings(held)
    assert not any(TOWN in value.split(",") for value in scope.values())
    assert (scope["services"], scope["roles"], scope["tenants"]) == (f"{TOWN}/VOIRIE", "AGENT", "t")


def test_reading_is_the_suppliers_side_or_the_bodys_by_where_it_is_held() -> None:
    factor = of_grants("s", [Grant(role="LECTURE", structure=A)])
    assert settings(factor)["supplier_structures"] == A
    assert not {"deposit_structures", "recipient_structures"} & set(settings(factor))
    auditor = of_grants("s", [Grant(role="LECTURE", structure=TOWN, tenant="t")])
    assert settings(auditor)["recipient_structures"] == TOWN
    assert "supplier_structures" not in settings(auditor)


def test_who_is_not_verified_may_deposit_but_reads_nothing_of_the_structure() -> None:
    held = settings(of_grants("s", [Grant(role="DEPOSANT", structure=A), Grant(role="FOURNISSEUR", structure=B)]))
    assert held["deposit_structures"] == f"{B},{A}"
    assert held["supplier_structures"] == B


def test_a_public_body_that_supplies_too_is_managed_on_each_side_apart() -> None:
    as_supplier = of_grants(
        "s", [Grant(role="GESTIONNAIRE", structure=TOWN), Grant(role="FOURNISSEUR", structure=TOWN)]
    )
    assert "recipient_structures" not in settings(as_supplier)
    assert as_supplier.structures_as("GESTIONNAIRE") == (TOWN,)
    assert as_supplier.bodies_as("GESTIONNAIRE") == ()


def test_guests_and_administrators_have_their_own_settings() -> None:
    held = of_grants(
        "s",
        [
            Grant(role="VALIDATEUR", structure=A),
            Grant(role="MOE", structure=B),
            Grant(role="MOA", structure=TOWN, tenant="t"),
            Grant(role="TENANT_ADMIN", tenant="u"),
        ],
    )
    scope = settings(held)
    assert (scope["validator_structures"], scope["moe_structures"], scope["moa_structures"]) == (A, B, TOWN)
    assert scope["admin_tenants"] == "u"
    assert scope["tenants"] == "t,u"
    assert "recipient_structures" not in scope


def test_a_subject_without_rights_has_nothing() -> None:
    assert settings(of_grants("s", [])) == {"subject": "s"}
    assert of_grants("s", []).held == ()


def test_a_development_token_holds_every_role_at_every_place() -> None:
    held = Principal(subject="s", structures=(TOWN, SCHOOL), roles=("GESTIONNAIRE", "COMPTABLE"), tenants=("t",))
    assert held.structures_as("COMPTABLE") == held.bodies_as("GESTIONNAIRE") == (TOWN, SCHOOL)
    assert settings(held)["recipient_structures"] == f"{TOWN},{SCHOOL}"
    assert settings(held)["supplier_structures"] == f"{TOWN},{SCHOOL}"
    assert held.tenants_as("TENANT_ADMIN") == ()


def test_a_development_token_without_a_role_is_a_suppliers_and_without_a_tenant_no_bodys() -> None:
    supplier = Principal(subject="s", structures=(A,))
    assert supplier.structures_as("FOURNISSEUR") == (A,)
    assert "recipient_structures" not in settings(Principal(subject="s", structures=(A,), roles=("COMPTABLE",)))


def test_a_development_token_is_its_services_agent_and_an_administrator_of_its_tenants_alone_where_it_says_so() -> None:
    agent = Principal(subject="s", services=(f"{TOWN}/VOIRIE",), tenants=("t",))
    assert agent.services_as("AGENT") == (f"{TOWN}/VOIRIE",)
    admin = Principal(subject="s", roles=("TENANT_ADMIN",), tenants=("t", "u"))
    assert settings(admin)["admin_tenants"] == "t,u"
    assert Principal(subject="s", roles=("OPERATEUR",)).held == (Grant(role="OPERATEUR"),)


@pytest.mark.parametrize("grants", [(), (Grant(role="FOURNISSEUR", structure=A),)])
def test_a_scope_can_be_changed_without_changing_the_principals(grants: tuple[Grant, ...]) -> None:
    held = of_grants("s", grants)
    held.scope()["subject"] = "somebody else"
    assert held.scope()["subject"] == "s"


PLACES: dict[str, dict[str, Any]] = {
    "structure": {"structure": A},
    "body": {"structure": TOWN, "tenant": "t"},
    "service": {"structure": TOWN, "service": "VOIRIE", "tenant": "t"},
    "tenant": {"tenant": "t"},
    "platform": {},
}


@pytest.mark.parametrize(("role", "at"), [(role, place) for role, row in ROLES.items() for place in row.at])
def test_row_level_security_is_given_what_the_table_of_rights_says(role: str, at: str) -> None:
    scope = of_grants("s", [Grant(role=role, **PLACES[at])]).scope()

    def lists(value: str, *names: str) -> bool:
        return any(value in scope[name].split(",") for name in names)

    reach = ACTIONS["invoice.read"].by.get(role)
    guest = role in ("VALIDATEUR", "MOE", "MOA")
    if at in ("structure", "body"):
        place = PLACES[at]["structure"]
        guests = ("validator_structures", "moe_structures", "moa_structures")
        assert lists(place, *guests) is guest
        # Whose invoices are read as their issuer's, and as their recipient's.
        assert lists(place, "supplier_structures") is (at == "structure" and reach == "structure" and not guest)
        assert lists(place, "recipient_structures") is (at == "body" and reach in ("body", "structure") and not guest)
        deposits = role in ACTIONS["deposit.create"].by
        assert lists(place, "deposit_structures", *guests[1:]) is deposits
    elif at == "service":
        place = f"{TOWN}/VOIRIE"
        assert not any(lists(TOWN, name) for name in scope)
        assert lists(place, "recipient_services") is (reach == "service")
        assert lists(place, "guest_services") is (guest or reach == "service")
    elif at == "tenant":
        assert lists("t", "admin_tenants") is (reach == "tenant")
    else:
        assert lists(role, "roles")
