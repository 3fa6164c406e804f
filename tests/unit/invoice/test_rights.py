"""A right is a role at a place; what is held elsewhere counts for nothing."""

import re
from pathlib import Path

import pytest

from contracts.events import Grant
from invoice import rights, rights_page
from invoice.rights import ACTIONS, ROLES, allows, opened_by, roles_for, somewhere

A, B, TOWN = "10000000900015", "30000000700037", "20000000800026"


def test_who_supplies_here_and_keeps_accounts_there_keeps_none_here() -> None:
    held = (Grant(role="FOURNISSEUR", structure=A), Grant(role="COMPTABLE", structure=TOWN, tenant="demo"))
    assert allows(held, "invoice.act_as_comptable", structure=TOWN, tenant="demo")
    assert not allows(held, "invoice.act_as_comptable", structure=A)
    assert not allows(held, "deposit.create", structure=TOWN)
    assert allows(held, "deposit.create", structure=A)


def test_a_manager_of_a_supplier_is_no_manager_of_a_body_though_the_siret_is_the_same() -> None:
    as_supplier = (Grant(role="GESTIONNAIRE", structure=TOWN),)
    assert not allows(as_supplier, "invoice.act_as_body", structure=TOWN)
    assert allows(as_supplier, "membership.decide", structure=TOWN)
    assert not allows(as_supplier, "membership.decide", structure=TOWN, tenant="demo")


def test_an_agent_reaches_his_service_alone_and_a_manager_each_of_them() -> None:
    agent = (Grant(role="AGENT", structure=TOWN, service="VOIRIE", tenant="demo"),)
    manager = (Grant(role="GESTIONNAIRE", structure=TOWN, tenant="demo"),)
    for held, service, expected in (
        (agent, "VOIRIE", True),
        (agent, "ACHATS", False),
        (agent, None, False),
        (manager, "ACHATS", True),
        (manager, None, True),
    ):
        assert allows(held, "invoice.act_as_body", structure=TOWN, service=service, tenant="demo") is expected


def test_an_administrator_reaches_his_tenant_and_an_operator_acts_for_nobody() -> None:
    admin, operator = (Grant(role="TENANT_ADMIN", tenant="demo"),), (Grant(role="OPERATEUR"),)
    assert allows(admin, "directory.change", tenant="demo")
    assert not allows(admin, "directory.change", tenant="cd06")
    assert not allows(admin, "directory.change")
    assert allows(operator, "directory.change", tenant="cd06")
    assert allows(operator, "invoice.read", structure=TOWN)
    assert not any(allows(operator, action, structure=TOWN, own=True) for action in ACTIONS if ".act_as_" in action)


def test_who_is_not_verified_deposits_and_sees_only_what_is_his_own() -> None:
    held = (Grant(role="DEPOSANT", structure=A),)
    assert allows(held, "deposit.create", structure=A)
    assert not allows(held, "invoice.read", structure=A)
    assert allows(held, "invoice.read", structure=A, own=True)
    assert not allows(held, "deposit.create", structure=B)


@pytest.mark.parametrize("action", [code for code, action in ACTIONS.items() if not action.reads])
def test_who_only_reads_changes_nothing(action: str) -> None:
    held = (Grant(role="LECTURE", structure=A), Grant(role="LECTURE", structure=TOWN, tenant="demo"))
    assert not allows(held, action, structure=TOWN, tenant="demo")
    assert not allows(held, action, structure=A)


@pytest.mark.parametrize("action", ACTIONS)
def test_without_a_right_nothing_but_ones_own_is_allowed(action: str) -> None:
    assert not allows((), action, structure=A, service="X", tenant="demo")
    assert allows((), action, own=True) is ACTIONS[action].anybody
    assert somewhere((), action) is ACTIONS[action].anybody


def test_a_role_reaches_no_further_than_the_places_where_it_can_be_held() -> None:
    fitting = {
        "own": {"structure", "body", "service"},
        "structure": {"structure", "body", "service"},
        "body": {"body"},
        "service": {"service"},
        "tenant": {"tenant"},
        "platform": {"platform"},
    }
    for code, action in ACTIONS.items():
        for role, reach in action.by.items():
            assert fitting[reach] & set(ROLES[role].at), (code, role)
    assert set(ROLES) == {role for code in ACTIONS for role in roles_for(code)}


def test_an_action_that_is_not_in_the_table_is_a_bug_of_the_caller() -> None:
    with pytest.raises(KeyError):
        allows((), "invoice.burn")


def test_a_scope_that_reads_opens_nothing_that_writes() -> None:
    assert opened_by("GET", "/api/v1/invoices/1") == ("invoices.read", "invoices.write")
    assert opened_by("POST", "/api/v1/invoices/1/actions") == ("invoices.write",)
    assert opened_by("POST", "/api/v1/accounts/sessions") == ()
    assert opened_by("GET", "/api/v1") == ()
    assert opened_by("GET", "/health/ready") == ()
    assert opened_by("GET", "//api/v1/invoices") == ()


def test_the_page_is_the_table() -> None:
    assert (Path(rights.__file__).parents[1] / "docs/rights.md").read_text() == rights_page.render()


def test_every_action_that_a_service_asks_for_is_in_the_table() -> None:
    sources = sorted((Path(rights.__file__).parents[1] / "services").rglob("*.py"))
    asked = {
        (path.name, action)
        for path in sources
        for action in re.findall(r'\b(?:require|allows)\([\w. ]+, "([\w.]+)"', path.read_text())
    }
    assert len(asked) > 5
    assert {action for _, action in asked} <= set(ACTIONS)
