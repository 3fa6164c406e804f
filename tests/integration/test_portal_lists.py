"""Lists of structures and their people, page by page: whole, in one order, whatever comes in between."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from tests.integration.portal_member_world import SUPPLIER, World, at, open_world, person

_SIRETS = ["73282932000017", "73282932000025", "73282932000033", "73282932000041", "73282932000058"]
_PLACE = f"/structures/{SUPPLIER}"


@pytest.fixture
async def world(stack: Stack, portal_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    """An empty portal with an operator; claire is principal manager."""
    async with open_world(stack, portal_dsns) as found:
        await found.verified("claire")
        yield found


async def pages(world: World, who: str, path: str, name: str, limit: int = 2, **more: str) -> list[Any]:
    """Every row of a list, read page by page; it is what is there at once, too."""
    found: list[Any] = []
    asked: dict[str, Any] = {"limit": limit, **more}
    while True:
        answer = await world.good(who, "GET", path, params=asked)
        found += answer[name]
        if answer["next"] is None:
            break
        assert len(answer[name]) == limit
        asked["cursor"] = answer["next"]
    whole = await world.good(who, "GET", path, params=more)
    assert whole["next"] is None
    assert found == whole[name]
    return found


async def test_members_come_before_guests_and_nobody_twice(world: World) -> None:
    names = ["denis", "emma", "fanny", "gilles"]
    for name in names:
        await world.arrives(name)
    role = [{"role": "LECTURE", "until": at(30)}]
    for n in range(3):
        await world.good("claire", "POST", f"{_PLACE}/invitations", json={"email": f"g{n}@x.fr", "roles": role})
        token = {"token": await world.link(f"g{n}@x.fr")}
        await world.good(f"guest{n}", "POST", "/invitations/accept", json=token)
    found = await pages(world, "claire", f"{_PLACE}/members", "members")
    assert [each["subject"] for each in found[:5]] == [person(name) for name in ("claire", *names)]
    assert {each["subject"] for each in found[5:]} == {person(f"guest{n}") for n in range(3)}
    assert [each["side"] for each in found] == ["supplier"] * 5 + ["guest"] * 3
    assert [each["subject"] for each in await pages(world, "denis", f"{_PLACE}/members", "members")] == [
        person("denis")
    ]
    first = await world.good("claire", "GET", f"{_PLACE}/members", params={"limit": 3})
    await world.good("claire", "DELETE", f"{_PLACE}/members/{person('denis')}")
    await world.arrives("henri")
    rest = await world.good("claire", "GET", f"{_PLACE}/members", params={"cursor": first["next"]})
    seen = [each["subject"] for each in (*first["members"], *rest["members"])]
    assert seen[:6] == [person(name) for name in ("claire", *names, "henri")]
    assert len(set(seen)) == len(seen) == 9


async def test_requests_papers_invitations_delegations_and_structures_come_in_pages(world: World) -> None:
    for name in ("denis", "emma", "fanny", "gilles", "henri"):
        await world.good(name, "POST", f"{_PLACE}/requests", json={"message": name})
    asked = await pages(world, "claire", "/requests", "requests")
    assert [each["message"] for each in asked] == ["henri", "gilles", "fanny", "emma", "denis"]
    assert len(await pages(world, "claire", "/requests", "requests", state="asked")) == 5
    for siret in _SIRETS:
        await world.arrives("ines", siret)
        await world.sends_paper("ines", siret)
    papers = await pages(world, "operator", "/proofs", "proofs", state="submitted")
    assert [each["structure"] for each in papers] == _SIRETS
    for who in ("operator", "ines"):
        of_one = await pages(world, who, "/proofs", "proofs", structure=_SIRETS[1])
        assert [each["structure"] for each in of_one] == _SIRETS[1:2]
    owned = await pages(world, "ines", "/structures", "structures")
    assert [each["structure"] for each in owned] == _SIRETS
    for n in range(5):
        await world.good("claire", "POST", f"{_PLACE}/invitations", json={"email": f"i{n}@x.fr"})
    invited = await pages(world, "claire", f"{_PLACE}/invitations", "invitations")
    assert [each["email"] for each in invited] == [f"i{n}@x.fr" for n in (4, 3, 2, 1, 0)]
    for n in range(5):
        lent = {"email": f"d{n}@x.fr", "since": at(1), "until": at(2 + n)}
        await world.good("claire", "POST", f"{_PLACE}/delegations", json=lent)
    assert len({each["id"] for each in await pages(world, "claire", f"{_PLACE}/delegations", "delegations")}) == 5


async def test_rows_of_one_instant_are_all_there(world: World) -> None:
    for name in ("denis", "emma", "fanny", "gilles", "henri"):
        await world.good(name, "POST", f"{_PLACE}/requests", json={"message": name})
        await world.arrives(name)
    await world.pool.execute("update attachment_request set asked_at = '2026-03-02T09:30:00Z'")
    await world.pool.execute("update membership set since = '2026-03-02T09:30:00Z'")
    assert len(await pages(world, "claire", "/requests", "requests", limit=1)) == 5
    assert len(await pages(world, "claire", f"{_PLACE}/members", "members", limit=1)) == 6


@pytest.mark.parametrize(
    "path",
    ["/requests", "/proofs", "/structures", *(f"{_PLACE}/{n}" for n in ("members", "invitations", "delegations"))],
)
async def test_a_cursor_of_somewhere_else_is_refused_in_words(world: World, path: str) -> None:
    for cursor in ("x", "WyJhIl0", "é" * 10, "A" * 300):
        assert await world.refused("claire", "GET", path, params={"cursor": cursor}) == (422, "CURSOR_INVALID")
    assert (await world.refused("claire", "GET", path, params={"limit": 201}))[0] == 422
