"""Rights lent, copied, given by invitation, and given up."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from tests.integration.portal_member_world import (
    SUPPLIER,
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


async def test_a_factor_is_invited_to_read_for_a_time_and_belongs_to_nothing(world: World) -> None:
    await world.verified("claire")
    roles = [{"role": "LECTURE", "until": at(30)}]
    given = {"email": "factor@bank.fr", "roles": roles}
    made = await world.good("claire", "POST", f"/structures/{SUPPLIER}/invitations", json=given)
    token = {"token": await world.link("factor@bank.fr")}
    await world.good("factor", "POST", "/invitations/accept", json=token)
    assert await world.grants("factor") == [("LECTURE", SUPPLIER)]
    assert await world.refused("other", "POST", "/invitations/accept", json=token) == (409, "ALREADY_DECIDED")
    members = (await world.good("claire", "GET", f"/structures/{SUPPLIER}/members"))["members"]
    assert [(m["subject"], m["side"]) for m in members] == [(person("claire"), "supplier"), (person("factor"), "guest")]
    listed = (await world.good("claire", "GET", f"/structures/{SUPPLIER}/invitations"))["invitations"]
    assert [(i["id"], i["state"], i["email"]) for i in listed] == [(made["id"], "accepted", None)]
    await world.good("claire", "DELETE", f"/structures/{SUPPLIER}/members/{person('factor')}")
    assert await world.grants("factor") == []


async def test_an_invitation_ends_when_it_is_cancelled_or_its_time_is_over(world: World) -> None:
    await world.verified("claire")
    path = f"/structures/{SUPPLIER}/invitations"
    first = await world.good("claire", "POST", path, json={"email": "a@b.fr"})
    cancelled = {"token": await world.link("a@b.fr")}
    await world.good("claire", "DELETE", f"{path}/{first['id']}")
    assert await world.refused("denis", "POST", "/invitations/accept", json=cancelled) == (409, "ALREADY_DECIDED")
    await world.good("claire", "POST", path, json={"email": "c@d.fr"})
    late = {"token": await world.link("c@d.fr")}
    await world.fire("invitation_expiry", timedelta(days=15))
    assert await world.refused("denis", "POST", "/invitations/accept", json=late) == (409, "ALREADY_DECIDED")
    assert await world.refused("denis", "POST", "/invitations/accept", json={"token": "x" * 40}) == (404, "NOT_FOUND")
    assert await world.refused("claire", "POST", path, json={"email": "nobody"}) == (422, "EMAIL_FORM")


async def test_rights_are_copied_and_management_is_not(world: World) -> None:
    await world.verified("claire", "denis")
    path = f"/structures/{SUPPLIER}/members"
    await world.good("claire", "PUT", f"{path}/{person('claire')}/roles", json={"roles": [{"role": "VALIDATEUR"}]})
    await world.good("claire", "POST", f"{path}/{person('denis')}/copy", json={"source": person("claire")})
    assert await world.grants("denis") == [("FOURNISSEUR", SUPPLIER), ("VALIDATEUR", SUPPLIER)]
    refused = await world.refused("claire", "POST", f"{path}/{person('denis')}/copy", json={"source": person("denis")})
    assert refused == (409, "NOTHING_TO_COPY")


async def test_the_last_principal_stays_until_another_is_named(world: World) -> None:
    await world.verified("claire", "denis")
    path = f"/structures/{SUPPLIER}"
    assert await world.refused("claire", "POST", f"{path}/leave") == (409, "LAST_PRINCIPAL")
    level = f"{path}/members/{person('claire')}/manager"
    assert await world.refused("claire", "PUT", level, json={"level": "secondaire"}) == (409, "LAST_PRINCIPAL")
    await world.good("claire", "PUT", f"{path}/members/{person('denis')}/manager", json={"level": "principal"})
    await world.good("claire", "POST", f"{path}/leave")
    assert await world.grants("claire") == []
    assert await world.refused("claire", "GET", path) == (404, "STRUCTURE_UNKNOWN")
    assert await world.grants("denis") == [("FOURNISSEUR", SUPPLIER), ("GESTIONNAIRE", SUPPLIER)]


async def test_a_secondary_manager_does_not_touch_the_managers(world: World) -> None:
    await world.verified("claire", "denis", "emma")
    path = f"/structures/{SUPPLIER}/members"
    await world.good("claire", "PUT", f"{path}/{person('denis')}/manager", json={"level": "secondaire"})
    assert await world.refused("denis", "DELETE", f"{path}/{person('claire')}") == (403, "MANAGER_REQUIRED")
    level = {"level": "principal"}
    refused = await world.refused("denis", "PUT", f"{path}/{person('denis')}/manager", json=level)
    assert refused == (403, "MANAGER_REQUIRED")
    invited = {"email": "a@b.fr", "manager": "principal"}
    refused = await world.refused("denis", "POST", f"/structures/{SUPPLIER}/invitations", json=invited)
    assert refused == (403, "MANAGER_REQUIRED")
    await world.good("denis", "DELETE", f"{path}/{person('emma')}")
    assert await world.grants("emma") == []


async def test_during_leave_another_has_the_rights_between_two_dates(world: World) -> None:
    await world.verified("claire", "denis")
    path = f"/structures/{SUPPLIER}/delegations"
    dates = {"since": at(-1), "until": at(7)}
    made = await world.good("claire", "POST", path, json={"receiver": person("denis"), **dates})
    assert await world.grants("denis") == [("FOURNISSEUR", SUPPLIER), ("GESTIONNAIRE", SUPPLIER)]
    await world.arrives("emma")
    await world.good("denis", "POST", f"/structures/{SUPPLIER}/members/{person('emma')}/vouch")
    lent = [g for g in (await world.published("denis"))[-1].grants if g.until is not None]
    assert [(g.role, g.since is not None) for g in lent] == [("GESTIONNAIRE", True)]
    await world.good("denis", "DELETE", f"{path}/{made['id']}")
    assert await world.grants("denis") == [("FOURNISSEUR", SUPPLIER)]
    assert "DELEGATION_GIVEN" in await world.letters("denis")


async def test_what_somebody_lends_ends_with_what_he_has(world: World) -> None:
    await world.verified("claire", "denis")
    await world.good(
        "claire", "PUT", f"/structures/{SUPPLIER}/members/{person('denis')}/manager", json={"level": "principal"}
    )
    dates = {"since": at(-1), "until": at(7)}
    path = f"/structures/{SUPPLIER}/delegations"
    await world.good("claire", "POST", path, json={"email": "stand@in.fr", **dates})
    await world.good("emma", "POST", "/invitations/accept", json={"token": await world.link("stand@in.fr")})
    assert await world.grants("emma") == [("FOURNISSEUR", SUPPLIER), ("GESTIONNAIRE", SUPPLIER)]
    await world.good("denis", "PUT", f"/structures/{SUPPLIER}/members/{person('claire')}/manager", json={"level": None})
    assert await world.grants("emma") == [("FOURNISSEUR", SUPPLIER)]
    await world.good("claire", "POST", f"/structures/{SUPPLIER}/leave")
    assert await world.grants("emma") == []


async def test_nobody_but_a_manager_lends_to_somebody_whom_nobody_answers_for(world: World) -> None:
    await world.verified("claire", "denis")
    await world.arrives("accomplice")
    given = {"receiver": person("accomplice"), "since": at(-1), "until": at(7)}
    path = f"/structures/{SUPPLIER}/delegations"
    assert await world.refused("denis", "POST", path, json=given) == (403, "MANAGER_REQUIRED")
    outside = {"email": "a@b.fr", "since": at(-1), "until": at(7)}
    assert await world.refused("denis", "POST", path, json=outside) == (403, "MANAGER_REQUIRED")
    await world.good("claire", "POST", path, json=given)
    assert ("FOURNISSEUR", SUPPLIER) in await world.grants("accomplice")


async def test_who_stands_in_keeps_nothing_beyond_his_time(world: World) -> None:
    await world.verified("claire", "denis", "emma")
    members = f"/structures/{SUPPLIER}/members"
    await world.good("claire", "PUT", f"{members}/{person('denis')}/manager", json={"level": "secondaire"})
    await world.arrives("felix")
    path, dates = f"/structures/{SUPPLIER}/delegations", {"since": at(-1), "until": at(7)}
    await world.good("denis", "POST", path, json={"receiver": person("felix"), **dates})
    assert ("GESTIONNAIRE", SUPPLIER) in await world.grants("felix")
    own, more = person("felix"), {"since": at(-1), "until": at(300)}
    for method, place, body in (
        ("POST", path, {"giver": person("denis"), "receiver": own, **more}),
        ("POST", path, {"giver": person("denis"), "receiver": person("emma"), **more}),
        ("POST", path, {"giver": person("emma"), "receiver": own, **more}),
        ("POST", f"{members}/{own}/vouch", None),
        ("PUT", f"{members}/{own}/roles", {"roles": [{"role": "VALIDATEUR"}]}),
        ("POST", f"{members}/{own}/copy", {"source": person("denis")}),
    ):
        refused = await world.refused("felix", method, place, json=body)
        assert refused in {(403, "DECIDES_FOR_ONESELF"), (409, "MEMBER_NOT_VERIFIED")}, (place, body, refused)
    await world.good("felix", "POST", f"/structures/{SUPPLIER}/invitations", json={"email": "felix@example.fr"})
    token = {"token": await world.link("felix@example.fr")}
    assert await world.refused("felix", "POST", "/invitations/accept", json=token) == (403, "DECIDES_FOR_ONESELF")


async def test_what_a_manager_invited_others_to_ends_with_his_management(world: World) -> None:
    await world.verified("claire", "denis")
    manager = f"/structures/{SUPPLIER}/members/{person('denis')}/manager"
    await world.good("claire", "PUT", manager, json={"level": "principal"})
    invited = {"email": "friend@example.fr", "manager": "principal"}
    await world.good("denis", "POST", f"/structures/{SUPPLIER}/invitations", json=invited)
    await world.good("claire", "DELETE", f"/structures/{SUPPLIER}/members/{person('denis')}")
    token = {"token": await world.link("friend@example.fr")}
    assert await world.refused("friend", "POST", "/invitations/accept", json=token) == (409, "ALREADY_DECIDED")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"since": at(2), "until": at(1)}, "DATES_ORDER"),
        ({"since": at(-3), "until": at(-1)}, "DATES_ORDER"),
        ({"since": at(1), "until": at(500)}, "DELEGATION_TOO_LONG"),
        ({"since": at(1), "until": at(2), "receiver": person("claire")}, "DELEGATION_TO_ONESELF"),
        ({"since": at(1), "until": at(2), "receiver": person("nobody")}, "NOT_FOUND"),
        ({"since": at(1), "until": at(2), "receiver": None}, "DELEGATION_ONE_OF"),
    ],
    ids=["order", "past", "long", "oneself", "stranger", "nobody"],
)
async def test_a_delegation_that_cannot_be_is_refused(world: World, more: dict[str, object], code: str) -> None:
    await world.verified("claire", "denis")
    given = {"receiver": person("denis"), **more}
    assert (await world.refused("claire", "POST", f"/structures/{SUPPLIER}/delegations", json=given))[1] == code
