"""Structures and their people: who comes, who answers for whom, who manages, who stands in, who leaves."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.portal import member_arrival
from tests.integration.portal_member_world import (
    BODY,
    OTHER,
    PDF,
    SUPPLIER,
    TENANT,
    World,
    at,
    open_world,
    person,
)


@pytest.fixture
async def world(stack: Stack, portal_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    """An empty portal with a public body and an operator."""
    async with open_world(stack, portal_dsns) as found:
        yield found


async def test_who_names_a_siret_deposits_for_it_until_a_paper_is_approved(world: World) -> None:
    await world.arrives("claire")
    assert await world.grants("claire") == [("DEPOSANT", SUPPLIER)]
    paper = await world.sends_paper("claire")
    assert await world.refused("claire", "POST", f"/proofs/{paper['id']}/approve") == (403, "MANAGER_REQUIRED")
    file = await world.ask("operator", "GET", f"/proofs/{paper['id']}/document")
    assert file.content == PDF
    assert (await world.ask("claire", "GET", f"/proofs/{paper['id']}/document")).content == PDF
    [looked] = await world.trail("proof.read")
    assert (looked["actor"], looked["about"], looked["structure"]) == (person("operator"), person("claire"), SUPPLIER)
    await world.good("operator", "POST", f"/proofs/{paper['id']}/approve")
    assert await world.grants("claire") == [("FOURNISSEUR", SUPPLIER), ("GESTIONNAIRE", SUPPLIER)]
    first, second = [entry.version for entry in await world.published("claire")]
    assert first < second
    assert "PROOF_APPROVED" in await world.letters("claire")
    seen = (await world.good("claire", "GET", "/structures"))["structures"]
    assert [(s["structure"], s["verified"], s["manager"]) for s in seen] == [(SUPPLIER, True, "principal")]


async def test_a_verified_manager_answers_for_another(world: World) -> None:
    await world.verified("claire")
    await world.arrives("denis")
    assert await world.refused("denis", "POST", f"/structures/{SUPPLIER}/members/{person('denis')}/vouch") == (
        403,
        "MANAGER_REQUIRED",
    )
    await world.good("claire", "POST", f"/structures/{SUPPLIER}/members/{person('denis')}/vouch")
    assert await world.grants("denis") == [("FOURNISSEUR", SUPPLIER)]
    assert [entry["about"] for entry in await world.trail("member.verified")] == [person("claire"), person("denis")]


async def test_a_supplier_who_asks_for_a_public_body_is_told_why_not_and_what_to_do(world: World) -> None:
    await world.arrives("claire")
    for path, body in (
        ("/structures", {"identifier": BODY}),
        (f"/structures/{BODY}/requests", {}),
        (f"/structures/{BODY}/requests", {"works_there": True}),
    ):
        answer = await world.ask("claire", "POST", path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "PUBLIC_BODY")
        assert "votre propre SIRET" in answer.json()["detail"]
        assert "invitation" in answer.json()["detail"]


async def test_a_request_is_approved_by_a_manager_with_roles(world: World) -> None:
    await world.verified("claire")
    made = await world.good("denis", "POST", f"/structures/{SUPPLIER}/requests", json={"message": "Je suis comptable."})
    assert await world.refused("denis", "POST", f"/structures/{SUPPLIER}/requests", json={}) == (409, "ALREADY_ASKED")
    waiting = (await world.good("claire", "GET", "/requests?state=asked"))["requests"]
    assert [(r["name"], r["email"]) for r in waiting] == [("Denis", "denis@example.fr")]
    roles = {"roles": [{"role": "VALIDATEUR"}]}
    assert await world.refused("stranger", "POST", f"/requests/{made['id']}/approve", json=roles) == (404, "NOT_FOUND")
    assert await world.refused("denis", "POST", f"/requests/{made['id']}/approve", json=roles) == (
        404,
        "STRUCTURE_UNKNOWN",
    )
    await world.good("claire", "POST", f"/requests/{made['id']}/approve", json=roles)
    assert await world.grants("denis") == [("FOURNISSEUR", SUPPLIER), ("VALIDATEUR", SUPPLIER)]
    assert await world.letters("denis") == ["RATTACHEMENT_ASKED", "RATTACHEMENT_GRANTED"]
    assert "RATTACHEMENT_TO_DECIDE" in await world.letters("claire")


async def test_a_refused_request_carries_its_reason(world: World) -> None:
    await world.verified("claire")
    made = await world.good("denis", "POST", f"/structures/{SUPPLIER}/requests", json={})
    assert await world.refused("claire", "POST", f"/requests/{made['id']}/refuse", json={"reason": "non"}) == (
        422,
        "REQUEST_INVALID",
    )
    reason = {"reason": "Vous ne travaillez plus chez nous."}
    await world.good("claire", "POST", f"/requests/{made['id']}/refuse", json=reason)
    mine = (await world.good("denis", "GET", "/requests"))["requests"]
    assert [(r["state"], r["reason"]) for r in mine] == [("refused", reason["reason"])]
    assert await world.grants("denis") == []
    assert (await world.letters("denis"))[-1] == "RATTACHEMENT_REFUSED"


async def test_a_request_that_nobody_answers_is_reminded_and_then_expires(world: World) -> None:
    await world.verified("claire")
    made = await world.good("denis", "POST", f"/structures/{SUPPLIER}/requests", json={})
    await world.fire("attachment_reminder", timedelta(days=22))
    assert "RATTACHEMENT_REMINDER" not in await world.letters("claire")
    await world.fire("attachment_reminder", timedelta(days=23, minutes=1))
    assert "RATTACHEMENT_REMINDER" in await world.letters("claire")
    await world.fire("attachment_expiry", timedelta(days=30, minutes=1))
    assert (await world.letters("denis"))[-1] == "RATTACHEMENT_EXPIRED"
    refused = await world.refused("claire", "POST", f"/requests/{made['id']}/approve", json={})
    assert refused == (409, "ALREADY_DECIDED")


async def test_a_structure_without_a_manager_sends_who_asks_to_his_paper(world: World) -> None:
    await world.arrives("claire")
    answer = await world.ask("denis", "POST", f"/structures/{SUPPLIER}/requests", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "NO_MANAGER_YET")
    assert "justificatif" in answer.json()["detail"]


async def test_at_a_body_without_a_manager_the_tenants_administrator_decides_and_then_no_longer(world: World) -> None:
    await world.office("admin", "TENANT_ADMIN", TENANT)
    first = await world.good("agent", "POST", f"/structures/{BODY}/requests", json={"works_there": True})
    assert "RATTACHEMENT_TO_DECIDE" in await world.letters("admin")
    await world.good("admin", "POST", f"/requests/{first['id']}/approve", json={})
    assert await world.grants("agent") == [("GESTIONNAIRE", BODY)]
    second = await world.good("clerk", "POST", f"/structures/{BODY}/requests", json={"works_there": True})
    roles = {"roles": [{"role": "AGENT", "service": "DRH"}]}
    refused = await world.refused("admin", "POST", f"/requests/{second['id']}/approve", json=roles)
    assert refused == (403, "MANAGER_REQUIRED")
    await world.good("agent", "POST", f"/requests/{second['id']}/approve", json=roles)
    assert await world.grants("clerk") == [("AGENT", f"{BODY}/DRH")]
    entry = (await world.published("clerk"))[-1].grants[0]
    assert entry.tenant == TENANT


async def test_nobody_deposits_for_the_whole_country(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member_arrival, "UNVERIFIED", 1)
    await world.arrives("claire")
    await world.arrives("claire")
    other = {"identifier": OTHER, "name": "Autre"}
    assert await world.refused("claire", "POST", "/structures", json=other) == (429, "TOO_MANY")
    await world.proves("claire")
    await world.good("claire", "POST", "/structures", json=other)


async def test_nobody_lets_himself_in(world: World) -> None:
    await world.office("admin", "TENANT_ADMIN", TENANT)
    asked = await world.good("admin", "POST", f"/structures/{BODY}/requests", json={"works_there": True})
    path = f"/requests/{asked['id']}/approve"
    assert await world.refused("admin", "POST", path, json={}) == (403, "DECIDES_FOR_ONESELF")
    await world.arrives("operator")
    paper = await world.sends_paper("operator")
    assert await world.refused("operator", "POST", f"/proofs/{paper['id']}/approve") == (403, "DECIDES_FOR_ONESELF")
    vouch = f"/structures/{SUPPLIER}/members/{person('operator')}/vouch"
    assert await world.refused("operator", "POST", vouch) == (403, "DECIDES_FOR_ONESELF")
    invited = {"email": "operator@example.fr", "manager": "principal"}
    await world.good("operator", "POST", f"/structures/{SUPPLIER}/invitations", json=invited)
    token = {"token": await world.link("operator@example.fr")}
    assert await world.refused("operator", "POST", "/invitations/accept", json=token) == (403, "DECIDES_FOR_ONESELF")


async def test_who_managed_a_supplier_does_not_manage_the_body_that_it_became(world: World) -> None:
    await world.verified("claire")
    await world.pool.execute(
        "insert into public_structure (siret, tenant, name, active, version, deleted)"
        " values ($1, $2, 'Régie', true, 1, false)",
        SUPPLIER,
        TENANT,
    )
    await world.office("admin", "TENANT_ADMIN", TENANT)
    path = f"/structures/{SUPPLIER}/invitations"
    for email, who in (("agent@example.fr", "agent"), ("claire@example.fr", "claire")):
        await world.good("admin", "POST", path, json={"email": email, "roles": [{"role": "FINANCE"}]})
        await world.good(who, "POST", "/invitations/accept", json={"token": await world.link(email)})
    assert ("GESTIONNAIRE", SUPPLIER) in await world.grants("agent")
    assert sorted(await world.grants("claire")) == [("FINANCE", SUPPLIER), ("FOURNISSEUR", SUPPLIER)]


async def test_roles_are_those_that_the_structure_may_give(world: World) -> None:
    await world.verified("claire", "denis")
    path = f"/structures/{SUPPLIER}/members/{person('denis')}/roles"

    async def trouble(**role: object) -> str:
        return (await world.refused("claire", "PUT", path, json={"roles": [role]}))[1]

    assert await trouble(role="COMPTABLE") == "ROLE_NOT_HERE"
    assert await trouble(role="AGENT", service="DRH") == "ROLE_NOT_HERE"
    assert await trouble(role="VALIDATEUR", service="DRH") == "SERVICE_WITH_AGENT"
    assert await trouble(role="LECTURE") == "UNTIL_MISSING"
    assert await trouble(role="MOE", until=at(-1)) == "DATES_ORDER"
    await world.good("claire", "PUT", path, json={"roles": [{"role": "MOE", "until": at(3)}]})
    assert await world.grants("denis") == [("FOURNISSEUR", SUPPLIER), ("MOE", SUPPLIER)]
    await world.good("claire", "PUT", path, json={"roles": []})
    assert await world.grants("denis") == [("FOURNISSEUR", SUPPLIER)]


async def test_an_agent_belongs_to_an_open_service_of_the_body(world: World) -> None:
    await world.office("admin", "TENANT_ADMIN", TENANT)
    await world.good(
        "admin", "POST", f"/structures/{BODY}/invitations", json={"email": "a@b.fr", "manager": "principal"}
    )
    token = {"token": await world.link("a@b.fr")}
    await world.good("boss", "POST", "/invitations/accept", json=token)
    path = f"/structures/{BODY}/members/{person('boss')}/roles"
    roles = [{"role": "AGENT", "service": "NEANT"}]
    assert await world.refused("boss", "PUT", path, json={"roles": roles}) == (422, "SERVICE_UNKNOWN")
    roles = [{"role": "AGENT", "service": "DRH"}, {"role": "AGENT", "service": "DSI"}, {"role": "FOURNISSEUR"}]
    await world.good("boss", "PUT", path, json={"roles": roles})
    assert await world.grants("boss") == [
        ("FOURNISSEUR", BODY),
        ("GESTIONNAIRE", BODY),
        ("AGENT", f"{BODY}/DRH"),
        ("AGENT", f"{BODY}/DSI"),
    ]


async def test_a_tenants_administrator_sees_a_body_at_which_nobody_is_yet(world: World) -> None:
    await world.office("admin", "TENANT_ADMIN", TENANT)
    await world.office("elsewhere", "TENANT_ADMIN", "cd31")
    assert (await world.good("admin", "GET", f"/structures/{BODY}/members"))["members"] == []
    assert await world.refused("elsewhere", "GET", f"/structures/{BODY}") == (404, "STRUCTURE_UNKNOWN")
    assert (await world.good("admin", "GET", f"/structures/{BODY}"))["public"] is True


async def test_one_person_acts_for_many_structures(world: World) -> None:
    await world.verified("claire")
    await world.arrives("claire", OTHER)
    await world.arrives("claire", OTHER)
    assert await world.grants("claire") == [
        ("DEPOSANT", OTHER),
        ("FOURNISSEUR", SUPPLIER),
        ("GESTIONNAIRE", SUPPLIER),
    ]
    assert len((await world.good("claire", "GET", "/structures"))["structures"]) == 2


async def test_an_administrator_of_a_tenant_is_named_by_the_operator_alone(world: World) -> None:
    await world.known("admin")
    path = f"/tenants/{TENANT}/administrators"
    assert await world.refused("admin", "PUT", f"{path}/{person('admin')}") == (403, "ROLE_REQUIRED")
    assert await world.refused("admin", "GET", path) == (404, "NOT_FOUND")
    await world.good("operator", "PUT", f"{path}/{person('admin')}")
    assert await world.grants("admin") == [("TENANT_ADMIN", TENANT)]
    assert [a["email"] for a in (await world.good("admin", "GET", path))["administrators"]] == ["admin@example.fr"]
    await world.good("operator", "DELETE", f"{path}/{person('admin')}")
    assert await world.grants("admin") == []
    assert await world.refused("operator", "PUT", f"/tenants/nowhere/administrators/{person('admin')}") == (
        404,
        "NOT_FOUND",
    )


async def test_every_change_of_rights_stands_in_the_trail(world: World) -> None:
    await world.verified("claire", "denis")
    await world.good(
        "claire", "PUT", f"/structures/{SUPPLIER}/members/{person('denis')}/roles", json={"roles": [{"role": "MOE"}]}
    )
    (entry,) = await world.trail("member.roles_given")
    assert (entry["actor"], entry["about"], entry["structure"]) == (person("claire"), person("denis"), SUPPLIER)
    assert entry["details"] == {"roles": ["MOE"]}
