"""Nobody reaches another depositor's deposits: through the API, or as the API's database role."""

from collections.abc import AsyncIterator, Mapping
from uuid import UUID

import asyncpg
import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.db import scoped, set_scope
from tests.integration.ingest_world import World, open_world, supplier
from tests.unit.ingest.samples import directory_events

OTHER = supplier("supplier-2")


@pytest.fixture
async def world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with open_world(stack, dsns) as found:
        yield found


async def as_api(world: World, subject: str, statement: str) -> None:
    """Run a statement as the API's database role in the scope of a subject."""
    async with world.api_pool.acquire() as connection, connection.transaction():
        await set_scope(connection, {"subject": subject})
        await connection.execute(statement)


async def test_a_deposit_of_somebody_else_is_as_unknown_as_one_that_never_was(world: World) -> None:
    deposit = await world.deposit()
    for path in (f"/{deposit}", f"/{deposit}/document"):
        assert (await world.get(path)).status_code == 200
        stranger = await world.get(path, OTHER)
        never = await world.get(path.replace(str(deposit)[:8], "ffffffff"), OTHER)
        assert stranger.status_code == never.status_code == 404
        assert stranger.json()["code"] == never.json()["code"] == "DEPOSIT_UNKNOWN"
    assert (await world.get("", OTHER)).json()["deposits"] == []


async def test_headers_and_parameters_that_name_somebody_else_change_nothing(world: World) -> None:
    deposit = await world.deposit()
    forged = {"X-Subject": "supplier-1", "chorale.subject": "supplier-1", "X-Forwarded-User": "supplier-1"}
    answer = await world.client.get(
        f"/api/v1/deposits/{deposit}", headers={**world.headers(OTHER), **forged}, params={"subject": "supplier-1"}
    )
    assert answer.status_code == 404
    listed = await world.get("", OTHER, params={"depositor": "supplier-1", "cursor": "f" * 32})
    assert listed.json()["deposits"] == []


async def test_an_id_that_is_none_is_unknown(world: World) -> None:
    for path in ["/%27%20or%201=1", "/00000000-0000-0000-0000-000000000000", "/x"]:
        assert (await world.get(path)).status_code == 404


async def test_subjects_that_look_like_settings_or_sql_see_only_themselves(world: World) -> None:
    await world.deposit()
    for subject in ("supplier-1'", "%", "supplier-1 ", "SUPPLIER-1", "' or true --"):
        own = await world.deposit(principal=supplier(subject, contact="a@b.example"))
        assert [line["id"] for line in (await world.get("", supplier(subject))).json()["deposits"]] == [str(own)]


async def test_a_subject_that_does_not_fit_on_a_line_is_nobody(world: World) -> None:
    for subject in ("supplier-1\n", "supplier-1\x00", "supplier-1\u2028"):
        answer = await world.get("", supplier(subject))
        assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_INVALID")


async def test_the_api_role_sees_no_row_without_a_subject_and_none_of_another(world: World) -> None:
    await world.deposit()
    async with world.api_pool.acquire() as connection:
        assert await connection.fetchval("select count(*) from deposit") == 0
    for scope, count in (({"subject": ""}, 0), ({"subject": "supplier-2"}, 0), ({"subject": "supplier-1"}, 1)):
        async with scoped(world.api_pool, scope) as connection:
            assert await connection.fetchval("select count(*) from deposit") == count


async def test_a_scope_ends_with_its_transaction(world: World) -> None:
    await world.deposit()
    connection = await asyncpg.connect(
        world.settings.api_dsn.get_secret_value(), server_settings={"search_path": "ingest"}
    )
    try:
        async with connection.transaction():
            await set_scope(connection, {"subject": "supplier-1"})
            assert await connection.fetchval("select count(*) from deposit") == 1
        assert await connection.fetchval("select count(*) from deposit") == 0
    finally:
        await connection.close()


FORBIDDEN = (
    "update deposit set state = 'submitted'",
    "delete from deposit",
    "truncate deposit",
    "select * from number_taken",
    "insert into number_taken values ('1', 2025, 'x', gen_random_uuid())",
    "select * from directory_entry",
    "select * from outbox",
    "delete from outbox",
    "select * from timer",
    "update timer set fired_at = now()",
    "select * from dead_letter",
    "select * from processed_event",
    "select * from waiting_event",
    "alter table deposit disable row level security",
    "set role chorale_ingest",
    "create table mine (x int)",
)


async def test_the_api_role_may_do_nothing_else(world: World) -> None:
    await world.deposit()
    for statement in FORBIDDEN:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_api(world, "supplier-1", statement)
    assert await world.pool.fetchval("select count(*) from deposit where state = 'received'") == 1


@pytest.mark.parametrize(("depositor", "state"), [("supplier-1", "received"), ("supplier-2", "refused")])
async def test_the_api_role_adds_no_row_for_another_and_none_that_is_decided(
    world: World, depositor: str, state: str
) -> None:
    statement = (
        "insert into deposit (id, depositor, contact, structures, state, file_name, sha256, size, media_type, bucket,"
        f" object_key, received_at) values ('{UUID(int=1)}', '{depositor}', '', '{{}}', '{state}', '', '', 1, '', '',"
        " '', now())"
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await as_api(world, "supplier-2", statement)


async def test_other_services_roles_cannot_enter_the_schema(world: World, dsns: Mapping[str, ServiceDsns]) -> None:
    await world.take(*directory_events())
    for dsn in (dsns["routing"].worker, dsns["status"].api):
        connection = await asyncpg.connect(dsn)
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch("select * from ingest.deposit")
        finally:
            await connection.close()
