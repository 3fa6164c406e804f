"""Announcements on a real database: who may say what, how much, and whose comes first."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.portal import announcement, announcement_api
from tests.integration.portal_member_world import BODY, TENANT, World, at, open_world, person

A = "/api/v1/announcements"


@pytest.fixture
async def world(stack: Stack, portal_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with open_world(stack, portal_dsns) as found:
        announcement_api.add_routes(found.client._transport.app, found.parts)  # type: ignore[attr-defined]
        await found.office("admin", "TENANT_ADMIN", TENANT)
        yield found


def said(title: str, **more: Any) -> dict[str, Any]:
    given = {"kind": "news", "title": title, "body": "Un mot.", "shown_from": at(-1), "shown_until": at(1)}
    return {**given, "tenant": TENANT, **more}


async def ask(world: World, who: str, method: str, path: str = "", **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {person(who)}", **more.pop("headers", {})}
    return await world.client.request(method, f"{A}{path}", headers=headers, **more)


async def test_only_operators_announce_a_maintenance_and_theirs_comes_first(world: World) -> None:
    night = {"kind": "maintenance", "starts_at": "2000-01-01T00:00:00Z"}
    refused = await ask(world, "admin", "POST", json=said("Piège", **night))
    assert (refused.status_code, refused.json()["code"]) == (422, "KIND_OF_OPERATORS")
    closing = said("Un code ferme", kind="code_closing", structure=BODY, starts_at="2000-01-01T00:00:00Z")
    made = (await ask(world, "admin", "POST", json=closing)).json()
    changed = await ask(world, "admin", "PUT", f"/{made['id']}", json={**said("Piège", **night), "version": 1})
    assert changed.json()["code"] == "KIND_OF_OPERATORS"
    assert (await ask(world, "operator", "POST", json=said("Nouveauté", tenant=None))).is_success
    shown = (await ask(world, "stranger", "GET")).json()["announcements"]
    assert [(each["title"], each["tenant_name"]) for each in shown] == [
        ("Nouveauté", None),
        ("Un code ferme", "Alpes-Maritimes"),
    ]


async def test_a_tenant_says_only_so_much_at_a_time(world: World) -> None:
    made = [(await ask(world, "admin", "POST", json=said(f"Mot {n}"))).json() for n in range(announcement.EACH_TENANT)]
    more = await ask(world, "admin", "POST", json=said("Encore"))
    assert (more.status_code, more.json()["code"]) == (409, "ANNOUNCEMENTS_MANY")
    assert (await ask(world, "operator", "POST", json=said("De l'exploitant"))).is_success
    for each in made[:2]:
        assert (await ask(world, "admin", "DELETE", f"/{each['id']}")).is_success
    assert (await ask(world, "admin", "POST", json=said("Encore"))).is_success


async def test_the_same_key_says_it_once_and_other_words_under_it_are_refused(world: World) -> None:
    key, given = {"Idempotency-Key": "one-announcement"}, said("Une fois")
    first = (await ask(world, "admin", "POST", json=given, headers=key)).json()
    changed = await ask(world, "admin", "PUT", f"/{first['id']}", json={**given, "title": "Autrement", "version": 1})
    assert changed.is_success
    again = await ask(world, "admin", "POST", json=given, headers=key)
    assert (again.status_code, again.json()["id"], again.json()["title"]) == (201, first["id"], "Autrement")
    other = await ask(world, "admin", "POST", json={**given, "title": "Deux fois"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
