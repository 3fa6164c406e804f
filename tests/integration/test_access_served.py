"""Who asks a service, over HTTP: which token it takes, what each refusal says, what software may ask for."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common import access
from services.common.access import Access
from services.common.auth import CurrentPrincipal, Principal, mint
from services.common.may import require
from services.common.web import create_app
from tests.accounts import Signer, account, revoked
from tests.integration.access_world import MANAGES, World, kept, opened

SECRET = "the secret of development tokens, long enough"


@pytest.fixture(scope="module")
def own(stack: Stack) -> Iterator[ServiceDsns]:
    """One migrated schema for all tests here."""
    yield from kept(stack)


@pytest.fixture
async def world(own: ServiceDsns) -> AsyncIterator[World]:
    async with opened(own) as found:
        yield found


@asynccontextmanager
async def served(found: access.Identity) -> AsyncIterator[httpx.AsyncClient]:
    """A service that says who asks."""

    async def fine() -> None:
        return None

    app = create_app("ocr", token_secret=SECRET, live=fine, ready=[], access=found)

    @app.get("/api/v1/invoices/who")
    async def who(principal: CurrentPrincipal) -> list[str]:
        return [principal.subject, *principal.roles]

    @app.post("/api/v1/invoices/who")
    async def act(principal: CurrentPrincipal, action: str) -> str:
        require(principal, action)
        return "done"

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_service_in_production_takes_no_development_token_whoever_signed_it(world: World) -> None:
    token = mint(SECRET, Principal(subject="s", roles=("OPERATEUR",)))
    async with served(world.access) as client:
        refused = await client.get("/api/v1/invoices/who", headers=bearer(token))
        assert (refused.status_code, refused.json()["code"]) == (401, "TOKEN_INVALID")
    both = Access(world.pool, world.dsn, "ocr", development_secret=SECRET)
    async with served(both) as client:
        taken = await client.get("/api/v1/invoices/who", headers=bearer(token))
        assert taken.json() == ["s", "OPERATEUR"]


async def test_every_refusal_has_the_same_words_and_what_is_on_its_way_says_when_to_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "PENDING_SECONDS", 0.1)
    await world.take(account("locked", 1, state="locked"), account("out", 1), revoked("out"))
    signer = world.signer
    bad = [signer.token("locked"), signer.token("out"), Signer().token("out"), signer.token("out", exp=1), "x", "a.b.c"]
    async with served(world.access) as client:
        answers = [await client.get("/api/v1/invoices/who", headers=bearer(token)) for token in bad]
        said = [{k: v for k, v in answer.json().items() if k != "trace"} for answer in answers]
        assert [answer.status_code for answer in answers] == [401] * len(bad)
        assert all(each == said[0] for each in said)
        later = await client.get("/api/v1/invoices/who", headers=bearer(signer.token("out", ver=9, sid="x")))
        assert (later.status_code, later.json()["code"], later.headers["retry-after"]) == (503, "RIGHTS_PENDING", "1")


async def test_software_asks_only_for_what_it_was_registered_for_and_a_token_may_ask_for_less(world: World) -> None:
    scopes = ("invoices.read", "invoices.write", "directory.read")
    await world.take(account("erp", 1, MANAGES, kind="software", scopes=scopes))
    whole, less = world.signer.token("erp"), world.signer.token("erp", scope="invoices.read messages.read")
    async with served(world.access) as client:
        for token, expected in ((whole, 200), (less, 403)):
            read = await client.get("/api/v1/invoices/who", headers=bearer(token))
            assert read.json() == ["erp", "GESTIONNAIRE"]
            acted = await client.post("/api/v1/invoices/who?action=invoice.act_as_body", headers=bearer(token))
            assert acted.status_code == expected
        assert acted.json()["code"] == "SCOPE_REQUIRED"
        beyond = await client.post("/api/v1/invoices/who?action=deposit.create", headers=bearer(whole))
        assert (beyond.status_code, beyond.json()["code"]) == (403, "RIGHT_MISSING")
    assert (await world.access.principal(less)).scopes == ("invoices.read",)
