"""What companies are called on the pages of others: never as somebody calls them for whom nobody answers."""

from collections.abc import AsyncIterator, Mapping
from types import SimpleNamespace
from typing import cast

import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.portal.pages import invoices_names
from services.portal.pages.page import Page
from services.portal.pages.words import Words
from tests.integration.portal_member_world import BODY, SUPPLIER, World, open_world


@pytest.fixture
async def world(stack: Stack, portal_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    """An empty portal with a public body and an operator."""
    async with open_world(stack, portal_dsns) as found:
        yield found


async def test_a_company_is_called_as_insee_says_or_as_who_was_verified_there_says(world: World) -> None:
    page = cast(Page, SimpleNamespace(house=SimpleNamespace(parts=world.parts), t=Words("fr")))

    async def names() -> dict[str, str]:
        return await invoices_names.of_structures(page, (SUPPLIER, BODY, None))

    body = {BODY: "Département des Alpes-Maritimes"}
    assert await names() == body
    await world.good("mallory", "POST", "/structures", json={"identifier": SUPPLIER, "name": "EDF SA"})
    assert await names() == {**body, SUPPLIER: "EDF SA (nom non vérifié)"}
    await world.pool.execute(
        "insert into sirene_establishment (siret, name, active) values ($1, 'MENUISERIE DU PORT', true)", SUPPLIER
    )
    assert await names() == {**body, SUPPLIER: "MENUISERIE DU PORT"}
    await world.proves("mallory")
    assert await names() == {**body, SUPPLIER: "EDF SA"}
