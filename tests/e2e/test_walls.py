"""Every route of every service, attacked with everybody else's token, both ways; and every table, as the API's role."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from contracts.events import Grant
from contracts.registry import SERVICES
from deploy.demo.prepare import bearer
from deploy.local import Stack
from services.common.auth import Principal
from tests.accounts import Signer, account, publish
from tests.documents import RECIPIENT, InvoicePdf
from tests.e2e.client import Person, supplier, until
from tests.e2e.walls import BY_LINK, BY_MAIL, OWN, PUBLIC, Route, Side, body, refused_tokens, routes, strangers
from tests.e2e.walls_accounts import Accounts, accounts, holders
from tests.e2e.walls_tables import READ_BY_ALL, attack_table, tables

ADDRESSES = (("cd06", "22060001900016", "DRH", None), ("cd31", "22310001700423", "TEST-DSI", "CP2020/X123456/1"))
#: The services in which a side has something. The portal knows nothing of invoices: it has a test of its own.
GUARDED = tuple(name for name in SERVICES if name != "portal")
#: One address of each service that answers whoever has an account that it knows.
KNOWN_WHEN_ANSWERED = (
    "deposits",
    "pages/looks",
    "directory/engagements?structure=22060001900016",
    "invoices",
    "messages/looks",
    "supervision/reading",
)


@pytest.fixture(scope="module")
def sides(platform: Stack) -> tuple[Side, Side]:
    """One supplier's invoices at two départements, each deposited by a person of his own."""
    made = []
    for number, (tenant, siret, service, engagement) in enumerate(ADDRESSES):
        who = supplier(f"walled-{uuid4().hex[:10]}")
        person = Person(platform, who)
        written = f"WALL{uuid4().hex[:8].upper()}"
        document = InvoicePdf(
            number=written, recipient=replace(RECIPIENT, siret=siret), service_code=service, engagement=engagement
        )
        answer = person.deposit(document.render())
        identity = answer.json()["id"]
        deposit = person.decided(identity)
        assert deposit["state"] == "submitted", (number, deposit["findings"])
        until(lambda p=person, i=identity: p.invoice(i).json().get("payment_delay"))  # type: ignore[misc]
        until(lambda i=identity: _decided(platform, i))  # type: ignore[misc]
        until(lambda p=person, i=identity: _announced(platform, p, i))  # type: ignore[misc]
        made.append(Side(tenant, siret, service, who.subject, written, identity, str(uuid4())))
    return made[0], made[1]


def _decided(platform: Stack, invoice: str) -> bool:
    operator = bearer(platform, Principal(subject="op", roles=("OPERATEUR",)))
    url = f"{platform.base_url('routing')}/api/v1/directory/decisions/{invoice}"
    return httpx.get(url, headers=operator).status_code == httpx.codes.OK


def _announced(platform: Stack, person: Person, invoice: str) -> bool:
    """Every notice to the body is done and in the history: nothing moves any more."""
    operator = bearer(platform, Principal(subject="op", roles=("OPERATEUR",)))
    url = f"{platform.base_url('notify')}/api/v1/messages"
    messages = httpx.get(url, params={"invoice": invoice}, headers=operator).json()["messages"]
    notices = [one for one in messages if one["audience"] == "body"]
    written = [entry for entry in person.invoice(invoice).json()["history"] if entry["kind"] == "notice"]
    return all(one["done_at"] for one in notices) and len(written) >= len(notices) > 0


@pytest.fixture(scope="module")
def people(platform: Stack, sides: tuple[Side, Side]) -> tuple[Accounts, Accounts]:
    """Accounts that know neither side, as the portal would publish them, once every service has them."""
    first, second = sides
    made = accounts(first, second, Signer()), accounts(second, first, Signer())
    asyncio.run(publish(platform.kafka.bootstrap, [entry for each in made for entry in each.entries]))
    for each in made:
        token = each.strangers["another tenant's administrator"]
        for path in KNOWN_WHEN_ANSWERED:
            address = f"{platform.url}/api/v1/{path}"
            until(lambda a=address, t=token: httpx.get(a, headers={"Authorization": f"Bearer {t}"}).is_success)  # type: ignore[misc]
    return made


@pytest.fixture(scope="module")
def described(platform: Stack) -> list[Route]:
    """Every operation of the services that hold invoices, as they describe themselves."""
    with httpx.Client() as client:
        return [
            route
            for name in GUARDED
            for route in routes(name, client.get(f"{platform.base_url(name)}/openapi/{name}.json").json())
        ]


class Attack:
    """Requests under one header."""

    def __init__(self, platform: Stack, header: Mapping[str, str]) -> None:
        self._platform = platform
        self._client = httpx.Client(headers=dict(header), timeout=20)

    def __enter__(self) -> "Attack":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def send(self, route: Route, side: Side, identity: str) -> tuple[int, str]:
        """Status and text. A feed is read for a moment."""
        given: dict[str, Any] = body(route, side) if route.writes else {}
        url = self._platform.base_url(route.service) + route.address(side, identity)
        query = {**route.query(side), **({"invoice": identity} if "invoice" in route.query(side) else {})}
        if route.path.endswith("/events"):
            return self._listen(url, query)
        answer = self._client.request(route.method, url, params=query, **given)
        return answer.status_code, answer.text

    def _listen(self, url: str, query: Mapping[str, str]) -> tuple[int, str]:
        found, deadline = "", time.monotonic() + 1.0
        try:
            with self._client.stream("GET", url, params=query, timeout=0.5) as answer:
                for part in answer.iter_text():
                    found += part
                    if time.monotonic() > deadline:
                        break
        except httpx.ReadTimeout:
            pass
        return answer.status_code, found


def _plain(text: str, *, side: Side) -> str:
    """An answer without what differs from request to request: the trace, and the id that was asked for."""
    start, mark, rest = text.partition('"trace":"')
    text = start + mark + rest[32:] if mark else text
    return text.replace(side.invoice, "ID").replace(side.decoy, "ID")


@pytest.mark.parametrize("way", [0, 1], ids=["first-by-second", "second-by-first"])
def test_no_route_tells_a_stranger_anything_nor_whether_there_is_something(
    platform: Stack,
    sides: tuple[Side, Side],
    people: tuple[Accounts, Accounts],
    described: list[Route],
    way: int,
) -> None:
    side, other = sides[way], sides[1 - way]
    assert len(described) >= 20
    assert {route.name for route in described} >= PUBLIC | OWN | BY_LINK | BY_MAIL
    before = _state(platform, side)
    tokens = {who: bearer(platform, principal) for who, principal in strangers(side, other).items()}
    accounts_tried = list(people[way].strangers.items())[way::2]  # each way has its half of them
    tokens |= {who: {"Authorization": f"Bearer {token}"} for who, token in accounts_tried}
    for who, headers in tokens.items():
        with Attack(platform, headers) as attack:
            for route in described:
                status, text = attack.send(route, side, side.invoice)
                case = f"{who}: {route.name} answered {status}: {text[:300]}"
                assert not [mark for mark in side.marks if mark in text], case
                if route.name in PUBLIC:
                    continue
                assert status in (401, 403, 404) or (status < 300 and route.name in OWN) or _a_form(route, status), case
                never, said = attack.send(route, side, side.decoy)
                if route.name not in OWN:
                    assert (status, _plain(text, side=side)) == (never, _plain(said, side=side)), case
    assert _state(platform, side) == before


def _a_form(route: Route, status: int) -> bool:
    """A deposit of nobody's is his own; an import is refused line by line, in the words of any other foreign SIRET.

    Who has given no address of his own has no messages, nor anything to choose for them.
    """
    if status == 409:
        return route.path in ("/api/v1/messages/preferences", "/api/v1/messages/mine")
    return status == 422 and route.name in ("POST /api/v1/directory/import", "POST /api/v1/deposits")


def test_without_a_good_token_nothing_but_the_public_directory_answers(
    platform: Stack, sides: tuple[Side, Side], people: tuple[Accounts, Accounts], described: list[Route]
) -> None:
    side = sides[0]
    for what, header in {**refused_tokens(platform, side), **people[0].refused}.items():
        with Attack(platform, {} if header is None else {"Authorization": header}) as attack:
            for route in described:
                status, text = attack.send(route, side, side.invoice)
                if route.name in PUBLIC:
                    assert status == 200, (what, route.name, status)
                    assert not [mark for mark in side.marks if mark in text]
                else:
                    expected = 403 if route.name in BY_LINK else 404 if route.name in BY_MAIL else 401
                    assert status == expected, (what, route.name, status, text[:200])


def test_the_rightful_see_what_the_strangers_did_not(platform: Stack, sides: tuple[Side, Side]) -> None:
    """The attack above looks for what is really there."""
    for side, other in (sides, sides[::-1]):
        admin = Principal(subject="admin", roles=("TENANT_ADMIN",), tenants=(side.tenant,))
        with httpx.Client(headers=bearer(platform, admin)) as client:
            listed = client.get(f"{platform.base_url('status')}/api/v1/invoices", params={"limit": 200}).text
            assert side.number in listed
            assert other.number not in listed  # whom else the supplier serves
            assert client.get(f"{platform.base_url('status')}/api/v1/invoices/{side.invoice}").status_code == 200
            routing = f"{platform.base_url('routing')}/api/v1/directory"
            assert client.get(f"{routing}/decisions/{side.invoice}").status_code == 200
            managers = client.get(f"{platform.base_url('notify')}/api/v1/messages/managers").text
            assert side.body in managers
            assert other.body not in managers


async def test_no_table_shows_or_gives_a_strangers_row_to_the_apis_role(
    platform: Stack, sides: tuple[Side, Side]
) -> None:
    side, other = sides
    looked = 0
    for name in GUARDED:
        connection = await asyncpg.connect(platform.dsns[name].api, server_settings={"search_path": name})
        try:
            for table, secured, columns in await tables(connection, name):
                looked += 1
                if columns and not secured:
                    assert f"{name}.{table}" in READ_BY_ALL, f"{name}.{table}: neither a policy nor a reason"
                for who, principal in {**strangers(side, other), **holders(side, other)}.items():
                    await attack_table(connection, table, columns, principal.scope(), side, f"{who}: {name}.{table}")
            for schema in set(SERVICES) - {name}:
                assert not await connection.fetchval("select has_schema_privilege($1, 'usage')", schema)
        finally:
            await connection.close()
    assert looked > 40


def _state(platform: Stack, side: Side) -> list[str]:
    """What the rightful see of the side's things: an attack changes none of it. E-mails of before may still leave."""
    operator = Principal(subject="op", roles=("OPERATEUR",))
    with httpx.Client(headers=bearer(platform, operator)) as client:
        history = client.get(f"{platform.base_url('status')}/api/v1/invoices/{side.invoice}").json()["history"]
        return [
            [{**entry, "entry": None} for entry in history if entry["kind"] != "notice"],
            client.get(f"{platform.base_url('routing')}/api/v1/directory/structures/{side.body}").json()["name"],
            client.get(f"{platform.base_url('notify')}/api/v1/messages/managers", params={"siret": side.body}).text,
        ]


def test_a_link_to_pages_opens_the_document_it_was_given_for_and_no_other(
    platform: Stack, sides: tuple[Side, Side]
) -> None:
    """Who reads an invoice has links that need no token: they are good for that document alone."""
    for side, other in (sides, sides[::-1]):
        admin = Principal(subject="admin", roles=("TENANT_ADMIN",), tenants=(side.tenant,))
        url = f"{platform.base_url('status')}/api/v1/invoices/{side.invoice}"
        pages = httpx.get(url, headers=bearer(platform, admin)).json()["pages"]
        for link in (pages["index"], pages["template"].replace("{n}", "1")):
            assert httpx.get(f"{platform.base_url('ocr')}{link}").status_code == 200
            for identity in (other.invoice, side.decoy):
                moved = httpx.get(f"{platform.base_url('ocr')}{link.replace(side.invoice, identity)}")
                assert (moved.status_code, moved.json()["code"]) == (403, "PAGES_LINK_REFUSED"), moved.text


def test_a_link_ends_with_the_right_it_was_given_under(platform: Stack, sides: tuple[Side, Side]) -> None:
    """Given by one service, opened by another, withdrawn by a third's word to both."""
    side, signer, subject = sides[0], Signer(), f"leaver-{uuid4().hex[:8]}"
    entries = [signer.entry(), account(subject, 1, Grant(role="TENANT_ADMIN", tenant=side.tenant))]
    asyncio.run(publish(platform.kafka.bootstrap, entries))
    url = f"{platform.base_url('status')}/api/v1/invoices/{side.invoice}"
    header = {"Authorization": f"Bearer {signer.token(subject)}"}
    until(lambda: httpx.get(url, headers=header).is_success)
    link = f"{platform.base_url('ocr')}{httpx.get(url, headers=header).json()['pages']['index']}"
    assert httpx.get(link).status_code == 200
    asyncio.run(publish(platform.kafka.bootstrap, [account(subject, 2)]))
    until(lambda: httpx.get(link).status_code == 403)
    assert httpx.get(link).json()["code"] == "LINK_WITHDRAWN"
    until(lambda: httpx.get(url, headers=header).status_code == 404)
