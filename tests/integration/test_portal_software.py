"""Software of a structure: its two secrets, its tokens, its end."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contracts.events import AccountPublished, SessionRevoked
from deploy.local import Stack
from services.common.deliver import transaction
from services.common.timers import Timer, Timers
from services.portal import software_notices
from tests.integration.portal_software_world import (
    OPERATOR,
    SOFTWARE,
    SUPPLIER,
    World,
    manager,
    open_world,
    renewed,
)
from tests.servers import fresh_database

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one(stack: Stack) -> AsyncIterator[World]:
    async with fresh_database(stack, "portal") as dsns, open_world(stack, dsns) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="module")
async def world(one: World) -> World:
    return await renewed(one)


async def test_software_gets_tokens_with_its_secret_as_soon_as_it_is_made(world: World) -> None:
    made = await world.made(scopes=["deposits.write", "invoices.read"])
    shown = await world.secret(made["client_id"])
    answer = await world.token(made["client_id"], shown["client_secret"], scope="deposits.write")
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["token_type"], said["expires_in"], said["scope"]) == ("Bearer", 600, "deposits.write")
    assert answer.headers["cache-control"] == "no-store"
    key = (await world.client.get("/api/v1/oauth/jwks")).json()["keys"][0]
    raw = base64.urlsafe_b64decode(key["x"] + "=")
    claims = jwt.decode(
        said["access_token"], Ed25519PublicKey.from_public_bytes(raw), algorithms=["EdDSA"], audience="chorale"
    )
    assert jwt.get_unverified_header(said["access_token"])["kid"] == key["kid"]
    assert (claims["sub"], claims["sid"], claims["kind"]) == (made["subject"], shown["id"], "software")
    [published] = [e.data for e in await world.sent() if isinstance(e.data, AccountPublished)]
    assert claims["ver"] == published.version
    assert (published.kind, published.state) == ("software", "active")
    assert [(g.role, g.structure, g.tenant) for g in published.grants] == [("FOURNISSEUR", SUPPLIER, None)]
    seen = (await world.ask("GET", f"{SOFTWARE}/{made['client_id']}", manager())).json()
    assert seen["last_used_at"] == seen["secrets"][0]["last_used_at"] is not None
    assert shown["client_secret"] not in json.dumps(seen)


async def test_what_is_asked_for_twice_is_made_once_and_the_last_secret_shown_opens(world: World) -> None:
    key = {"Idempotency-Key": "pressed-twice"}
    given = {"structure": SUPPLIER, "name": "ERP", "roles": ["FOURNISSEUR"], "scopes": ["deposits.write"]}
    made = [await world.ask("POST", SOFTWARE, manager(), json=given, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    ids = {answer.json()["client_id"] for answer in made}
    other = await world.ask("POST", SOFTWARE, manager(), json={**given, "name": "CRM"}, headers=key)
    assert len(ids) == 1
    assert other.json()["client_id"] not in ids
    [client] = ids
    place = f"{SOFTWARE}/{client}/secrets"
    first, second = [(await world.ask("POST", place, manager(), json={}, headers=key)).json() for _ in range(2)]
    assert first["id"] == second["id"]
    assert (await world.token(client, first["client_secret"])).status_code == 401
    assert (await world.token(client, second["client_secret"])).status_code == 200
    held = (await world.ask("GET", f"{SOFTWARE}/{client}", manager())).json()["secrets"]
    assert [secret["hint"] for secret in held] == [second["client_secret"][-4:]]
    # It is used now: whoever asks again has it, and gets another one beside it.
    third = (await world.ask("POST", place, manager(), json={}, headers=key)).json()
    assert third["id"] != first["id"]
    assert (await world.token(client, second["client_secret"])).status_code == 200


async def test_two_secrets_live_at_a_time_and_a_third_waits_until_one_is_revoked(world: World) -> None:
    made = await world.made()
    one, two = [await world.secret(made["client_id"]) for _ in range(2)]
    for shown in (one, two):
        assert (await world.token(made["client_id"], shown["client_secret"])).status_code == 200
    full = await world.ask("POST", f"{SOFTWARE}/{made['client_id']}/secrets", manager(), json={})
    assert (full.status_code, full.json()["code"]) == (409, "SECRETS_TOO_MANY")
    gone = await world.ask("DELETE", f"{SOFTWARE}/{made['client_id']}/secrets/{one['id']}", manager())
    assert gone.status_code == 204
    refused = await world.token(made["client_id"], one["client_secret"])
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert (await world.token(made["client_id"], two["client_secret"])).status_code == 200
    [over] = [e.data for e in await world.sent() if isinstance(e.data, SessionRevoked)]
    assert (over.session, over.subject) == (one["id"], made["subject"])
    assert over.expires_at > datetime.now(UTC) + timedelta(seconds=590)
    await world.secret(made["client_id"])
    both = await asyncio.gather(*(_revoke(world, made["client_id"], two["id"]) for _ in range(2)))
    assert both == [204, 204]
    assert len([e for e in await world.sent() if isinstance(e.data, SessionRevoked)]) == 2


async def _revoke(world: World, client: str, secret: str) -> int:
    return (await world.ask("DELETE", f"{SOFTWARE}/{client}/secrets/{secret}", manager())).status_code


async def test_secrets_made_at_once_are_two_at_the_most(world: World) -> None:
    made = await world.made()
    path = f"{SOFTWARE}/{made['client_id']}/secrets"
    answers = await asyncio.gather(*(world.ask("POST", path, manager(), json={}) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409, 409]


async def test_a_revoked_account_is_closed_everywhere_and_opens_nothing(world: World) -> None:
    made = await world.made()
    shown = await world.secret(made["client_id"])
    assert (await world.ask("DELETE", f"{SOFTWARE}/{made['client_id']}", manager())).status_code == 204
    assert (await world.token(made["client_id"], shown["client_secret"])).status_code == 401
    last = [e.data for e in await world.sent() if isinstance(e.data, AccountPublished)][-1]
    assert (last.state, last.grants, last.scopes) == ("closed", (), ())
    again = await world.ask("POST", f"{SOFTWARE}/{made['client_id']}/secrets", manager(), json={})
    assert again.json()["code"] == "SOFTWARE_REVOKED"
    changed = await world.ask("PATCH", f"{SOFTWARE}/{made['client_id']}", manager(), json={"name": "B"})
    assert changed.json()["code"] == "SOFTWARE_REVOKED"
    timers = await world.pool.fetchval("select count(*) from timer where cancelled_at is null and fired_at is null")
    assert timers == 0


async def test_the_audit_trail_refuses_every_change_but_the_end_of_its_term(world: World) -> None:
    await world.made()
    for statement in ("update audit_entry set actor = 'x'", "delete from audit_entry", "truncate audit_entry"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await world.pool.execute(statement)
    await world.pool.execute(
        "insert into audit_entry (at, actor, action) values (now() - interval '6 years', 'old', 'person.erased')"
    )
    await world.pool.execute("delete from audit_entry where at < now() - interval '5 years'")
    assert not await world.pool.fetchval("select exists (select from audit_entry where actor = 'old')")


async def test_the_end_of_a_secret_is_announced_three_times_and_once_each(world: World) -> None:
    await world.account("person:11111111-1111-4111-8111-111111111111", "claire@menuiserie.example")
    await world.manages("person:11111111-1111-4111-8111-111111111111", SUPPLIER)
    made = await world.made()
    shown = await world.secret(made["client_id"], days=100)
    ends = datetime.fromisoformat(shown["expires_at"])
    instant = [ends]

    async def fire(tx: object, due: list[Timer]) -> None:
        await software_notices.fire(tx, due, world.parts.mailing)  # type: ignore[arg-type]

    work = Timers(world.pool, "portal", fire, clock=lambda: instant[0])  # type: ignore[arg-type]
    said = []
    for days in (31, 30, 7, 1):
        instant[0] = ends - timedelta(days=days) + timedelta(minutes=1)
        await asyncio.gather(work.fire(), work.fire())
        said.append(await world.pool.fetchval("select count(*) from errand where kind = 'letter'"))
    assert said == [0, 1, 2, 3]
    rows = await world.pool.fetch("select data::text as data from errand order by made_at, id")
    assert all(f"…{shown['client_secret'][-4:]}" in row["data"] for row in rows)
    assert all(shown["client_secret"] not in row["data"] for row in rows)
    other = await world.secret(made["client_id"], days=100)
    assert (await _revoke(world, made["client_id"], other["id"])) == 204
    instant[0] += timedelta(days=200)
    await work.fire()
    assert await world.pool.fetchval("select count(*) from errand where kind = 'letter'") == 3


async def test_the_list_says_who_made_each_secret_and_whether_he_manages_still(world: World) -> None:
    denis = manager(subject=f"person:{UUID(int=7)}")
    await world.account(denis.subject, "denis@menuiserie.example")
    await world.pool.execute("update account set name = 'Denis Roux'")
    await world.manages(denis.subject, SUPPLIER)
    made = await world.made(denis)
    await world.secret(made["client_id"], denis)

    async def shown() -> list[tuple[str, bool]]:
        [one] = (await world.ask("GET", SOFTWARE, OPERATOR)).json()["software"]
        assert one == (await world.ask("GET", f"{SOFTWARE}/{made['client_id']}", OPERATOR)).json()
        return [(each["made_by_name"], each["made_by_manages"]) for each in (one, *one["secrets"])]

    assert await shown() == [("Denis Roux", True)] * 2
    await world.pool.execute("update membership set manager = null")
    assert await shown() == [("Denis Roux", False)] * 2
    await world.pool.execute("update membership set manager = 'secondaire', left_at = now()")
    assert await shown() == [("Denis Roux", False)] * 2


async def test_an_ended_secret_opens_nothing(world: World) -> None:
    made = await world.made()
    shown = await world.secret(made["client_id"], days=1)
    await world.pool.execute("update software_secret set expires_at = now() - interval '1 second'")
    assert (await world.token(made["client_id"], shown["client_secret"])).status_code == 401
    seen = (await world.ask("GET", f"{SOFTWARE}/{made['client_id']}", manager())).json()
    assert [secret["state"] for secret in seen["secrets"]] == ["expired"]


async def test_the_token_endpoint_answers_every_error_in_the_words_of_the_rfc(world: World) -> None:
    made = await world.made()
    shown = await world.secret(made["client_id"])
    client, secret = made["client_id"], shown["client_secret"]
    post = world.client.post
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    path = "/api/v1/oauth/token"
    assert (await post(path, data=form)).status_code == 200
    cases = [
        (await post(path, json=form), 400, "invalid_request"),
        (await post(path, data={**form, "grant_type": "password"}), 400, "unsupported_grant_type"),
        (await post(path, data={"client_id": client, "client_secret": secret}), 400, "invalid_request"),
        (await post(path, data=form, auth=(client, secret)), 400, "invalid_request"),
        (await post(path, data={**form, "scope": "deposits.write invoices.write"}), 400, "invalid_scope"),
        (await post(path, data={**form, "scope": "deposits.write  deposits.write"}), 400, "invalid_scope"),
        (await post(path, data={**form, "client_secret": "wrong"}), 401, "invalid_client"),
        (await post(path, data={**form, "client_id": str(UUID(int=3))}), 401, "invalid_client"),
        (await post(path, data={**form, "client_id": "x\x00"}), 401, "invalid_client"),
        (await post(path, data={"grant_type": "client_credentials"}), 401, "invalid_client"),
        (await post(path, data={"grant_type": "client_credentials"}, headers={"Authorization": "Bearer x"}), 401,
         "invalid_client"),
        (await post(path, content=b"grant_type=client_credentials&grant_type=client_credentials",
                    headers={"Content-Type": "application/x-www-form-urlencoded"}), 400, "invalid_request"),
        (await post(path, content=b"a" * 9000, headers={"Content-Type": "application/x-www-form-urlencoded"}), 400,
         "invalid_request"),
    ]  # fmt: skip
    for number, (answer, status, error) in enumerate(cases):
        assert (answer.status_code, answer.json()["error"]) == (status, error), number
        assert answer.headers["cache-control"] == "no-store"
        assert ("www-authenticate" in answer.headers) == (status == 401)
    described = (await world.client.get("/.well-known/oauth-authorization-server")).json()
    assert described["issuer"] == "https://factures.example"
    assert described["token_endpoint"] == f"https://factures.example{path}"
    assert described["grant_types_supported"] == ["client_credentials"]


async def test_a_client_that_takes_too_many_tokens_is_told_when_to_come_again(world: World) -> None:
    made = await world.made()
    shown = await world.secret(made["client_id"])
    await world.pool.execute("insert into token_window values ($1, now(), 60)", made["subject"])
    answer = await world.token(made["client_id"], shown["client_secret"])
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60
    await world.pool.execute("update token_window set started_at = now() - interval '61 seconds'")
    assert (await world.token(made["client_id"], shown["client_secret"])).status_code == 200


async def test_what_no_database_and_no_calendar_holds_is_refused_in_words(world: World) -> None:
    audit, usage = "/api/v1/accounts/audit", "/api/v1/accounts/usage"
    made = await world.made()
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", audit, {"params": {"actor": "a\x00"}}),
        ("GET", audit, {"params": {"since": "0001-01-01T00:00:00+14:00"}}),
        ("GET", usage, {"params": {"tenant": "a\x00"}}),
        ("GET", usage, {"params": {"first": "0001-01-01"}}),
        ("GET", SOFTWARE, {"params": {"structure": "a\x00"}}),
        ("POST", SOFTWARE, {"json": {"structure": "a\x00", "name": "X", "roles": ["LECTURE"], "scopes": ["x"]}}),
        ("PATCH", f"{SOFTWARE}/{made['client_id']}", {"json": {"name": "a\r\nb"}}),
        ("PATCH", f"{SOFTWARE}/{made['client_id']}", {"json": {"services": ["a\x00"]}}),
    ]
    for method, path, more in cases:
        answer = await world.ask(method, path, OPERATOR, **more)
        assert (answer.status_code, answer.json()["code"]) == (422, "REQUEST_INVALID"), (path, more)
    assert (await world.ask("GET", usage, OPERATOR, params={"last": "0001-01-01"})).status_code == 200


async def test_no_secret_is_readable_by_the_role_of_the_api(world: World) -> None:
    made = await world.made()
    await world.secret(made["client_id"])
    for statement in ("select digest from software_secret", "update software set revoked_at = null"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.parts.api_pool.execute(statement)
    assert await world.parts.api_pool.fetch("select id from software") == []
    async with transaction(world.parts.api_pool, "portal", scope={"subject": "x"}) as tx:
        assert await tx.conn.fetch("select id from software_secret") == []
