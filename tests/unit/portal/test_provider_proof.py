"""Whose account a provider opens may show there that it is he: the page that asks for a proof leads there and back."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import APIRouter

from services.portal.pages import account_proof
from services.portal.pages.call import Answer
from tests.unit.portal.page_world import World
from tests.unit.portal.samples import settings

ISSUER = "https://provider.example"
WAY = "/api/v1/accounts/sessions/provider/proof?then="


class Account:
    """Portal's own API: an account with ``me``, and its ``factors``."""

    def __init__(self, factors: dict[str, Any], **me: Any) -> None:
        self.factors, self.me = factors, me
        self.busy = None

    async def get(self, _: str, path: str, params: Any = None) -> Answer:
        return Answer(status=200, data=self.factors if path.endswith("/factors") else self.me)


class Proofs(World):
    """The page that asks for a proof."""

    def _add(self, router: APIRouter) -> None:
        account_proof.add_routes(router)


@pytest.fixture
async def world() -> AsyncIterator[Proofs]:
    made = Proofs()
    parts: Any = made.house.parts
    parts.settings = settings(oidc_issuer=ISSUER, oidc_label="ProConnect")
    async with made.http:
        yield made


@pytest.mark.parametrize(
    ("me", "asked", "form", "leads"),
    [
        ({"has_password": False, "providers": [ISSUER]}, "", False, True),
        ({"has_password": True, "providers": [ISSUER]}, "", True, True),
        ({"has_password": True, "providers": []}, "", True, False),
        ({"has_password": False, "providers": ["https://other.example"]}, "", True, False),
        ({"has_password": False, "providers": [ISSUER]}, "&facteur=1", True, False),
    ],
)
async def test_the_way_to_the_provider_stands_where_it_opens_the_account(
    world: Proofs, me: dict[str, Any], asked: str, form: bool, leads: bool
) -> None:
    service: Any = Account({"totp": bool(asked), "passkeys": []}, **me)
    world.service = service
    text = (await world.http.get(f"/compte/preuve?suite=/compte/adresse{asked}")).text
    assert ('action="/compte/preuve"' in text) is form
    assert (f'href="{WAY}/compte/adresse"' in text) is leads
    assert ('name="password"' in text) is (form and not asked)


async def test_a_button_without_a_page_of_its_own_is_pressed_again_where_it_stands(world: Proofs) -> None:
    service: Any = Account({"totp": False, "passkeys": []}, has_password=False, providers=[ISSUER])
    world.service = service
    text = (await world.http.get("/compte/preuve?suite=/compte/securite/cle/retrait")).text
    assert f'href="{WAY}/compte/securite"' in text
