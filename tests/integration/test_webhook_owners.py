"""What leaves by a webhook follows what its owner's account may see at the moment of sending, place by place."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from contracts.events import Grant, Payload
from deploy.database import ServiceDsns
from services.common import account_replica
from services.common.db import scoped
from services.common.principal import of_grants
from tests.accounts import account
from tests.integration.webhook_world import LIFE, URL, Receiver, Ways, life, receiver, ways
from tests.unit.notify.samples import BODY, SUPPLIER, refused
from tests.unit.status.samples import event

SUPPLIES = Grant(role="FOURNISSEUR", structure=SUPPLIER)
MANAGES = Grant(role="GESTIONNAIRE", structure=BODY, tenant="cd06")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiver(tmp_path_factory.mktemp("owners")) as running:
        yield running


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Ways]:
    async with ways(notify_dsns) as ready:
        yield ready


async def knows(found: Ways, *entries: Payload) -> None:
    async with found.pool.acquire() as connection, connection.transaction():
        await account_replica.apply(connection, "notify", entries)


async def owner(found: Ways, subject: str, *grants: Grant, **asked: Any) -> str:
    """Somebody with an account makes a webhook; its id."""
    await knows(found, account(subject, 1, *grants))
    made = await found.webhook(of_grants(subject, grants or (Grant(role="DEPOSANT"),), kid="k"), **asked)
    return str(made["id"])


def told(shared: Receiver, path: str) -> int:
    return len(shared.taken(path))


async def test_each_place_gives_its_own_side_and_no_other(found: Ways, shared: Receiver) -> None:
    elsewhere = "22310001700423"
    crossed = (
        Grant(role="FOURNISSEUR", structure=BODY),
        Grant(role="GESTIONNAIRE", structure=elsewhere, tenant="cd06"),
    )
    cases = {
        "supplier": ((SUPPLIES, Grant(role="COMPTABLE", structure=elsewhere, tenant="cd31")), len(LIFE)),
        "body": ((MANAGES, Grant(role="FOURNISSEUR", structure=elsewhere)), len(LIFE) - 1),
        "accounts": ((Grant(role="COMPTABLE", structure=BODY, tenant="cd06"),), len(LIFE) - 1),
        "crossed": (crossed, 0),
        "validator": ((Grant(role="VALIDATEUR", structure=SUPPLIER),), 0),
        "unverified": ((Grant(role="DEPOSANT", structure=SUPPLIER),), 0),
        "operator": ((Grant(role="OPERATEUR"),), 0),
        "nothing": ((), 0),
    }
    paths = {name: f"/ok/{name}-{uuid4().hex[:6]}" for name in cases}
    for name, (grants, _) in cases.items():
        await owner(found, f"{name}-{uuid4().hex[:6]}", *grants, url=shared.url(paths[name]))
    async with found.worker():
        await found.take(*life())
        await found.settled()
    assert {name: told(shared, path) for name, path in paths.items()} == {name: n for name, (_, n) in cases.items()}


async def test_a_right_withdrawn_before_the_delivery_stops_it_and_one_given_again_lets_the_next_go(
    found: Ways, shared: Receiver
) -> None:
    path, subject = f"/ok/{uuid4()}", f"o-{uuid4().hex[:6]}"
    await owner(found, subject, SUPPLIES, url=shared.url(path))
    await found.take(*life(statuses=LIFE[:2]))
    await knows(found, account(subject, 2))  # the act of an hour ago says otherwise: it does not count
    async with found.worker():
        await found.settled()
        assert (await found.states(), told(shared, path)) == ({"dropped": 2}, 0)
        await found.take(*life(statuses=LIFE[:1]))
        assert await found.states() == {"dropped": 2}
        await knows(found, account(subject, 3, SUPPLIES))
        await found.take(*life(statuses=LIFE[:1]))
        await found.settled()
    assert told(shared, path) == 1


async def test_a_closed_account_has_nothing_more_not_even_of_its_own_deposits(found: Ways, shared: Receiver) -> None:
    path, subject = f"/ok/{uuid4()}", f"o-{uuid4().hex[:6]}"
    await owner(found, subject, SUPPLIES, url=shared.url(path))
    async with found.worker():
        await found.take(event(refused(depositor=subject), uuid4()))
        await found.settled()
        await knows(found, account(subject, 2, SUPPLIES, state="closed"))
        await found.take(event(refused(depositor=subject), uuid4()), *life())
        await found.settled()
    assert told(shared, path) == 1


async def test_software_that_loses_the_scope_of_webhooks_has_nothing_more(found: Ways, shared: Receiver) -> None:
    path, subject = f"/ok/{uuid4()}", f"software:{uuid4()}"
    scoped_ = {"kind": "software", "scopes": ("messages.write",)}
    await knows(found, account(subject, 1, SUPPLIES, **scoped_))
    await found.webhook(of_grants(subject, [SUPPLIES], kid="k", **scoped_), url=shared.url(path))
    async with found.worker():
        await found.take(*life(statuses=LIFE[:1]))
        await found.settled()
        await knows(found, account(subject, 2, SUPPLIES, kind="software", scopes=("invoices.read",)))
        await found.take(*life(statuses=LIFE[:1]))
        await found.settled()
    assert told(shared, path) == 1


async def test_a_delegation_ends_on_its_instant_without_a_word_from_anybody(found: Ways, shared: Receiver) -> None:
    now = datetime.now(UTC)
    ending = Grant(role="LECTURE", structure=SUPPLIER, until=now + timedelta(seconds=8))
    coming = Grant(role="LECTURE", structure=SUPPLIER, since=now + timedelta(days=1))
    paths = [f"/ok/{uuid4()}", f"/ok/{uuid4()}"]
    for path, grant in zip(paths, (ending, coming), strict=True):
        subject = f"o-{uuid4().hex[:6]}"
        await knows(found, account(subject, 1, grant))
        await found.webhook(of_grants(subject, [SUPPLIES], kid="k"), url=shared.url(path))
    async with found.worker():
        await found.take(*life(statuses=LIFE[:1]))
        await found.settled()
        assert [told(shared, path) for path in paths] == [1, 0]
        await found.pool.execute(
            "select pg_sleep(greatest(0, extract(epoch from $1 - clock_timestamp())))", ending.until
        )
        await found.take(*life(statuses=LIFE[:1]))
        await found.settled()
    assert [told(shared, path) for path in paths] == [1, 0]


async def test_nobody_writes_himself_rights_into_the_row_of_an_owner(found: Ways, shared: Receiver) -> None:
    """As the API's role, whatever it says."""
    subject = f"o-{uuid4().hex[:6]}"
    await owner(found, subject, Grant(role="DEPOSANT", structure=SUPPLIER), url=shared.url("/ok/x"))
    async with found.api_pool.acquire() as connection, connection.transaction():
        await connection.execute("select set_config('chorale.subject', $1, true)", subject)
        await connection.execute(
            "update webhook_owner set account = false, supplies = array[$1], bodies = array['cd06/' || $2],"
            " administers = '{cd06}', structures = array[$1], roles = '{TENANT_ADMIN}', tenants = '{cd06}'",
            SUPPLIER,
            BODY,
        )
    row = await found.pool.fetchrow("select * from webhook_owner where subject = $1", subject)
    assert row is not None
    assert (row["account"], row["supplies"], row["bodies"], row["administers"], row["roles"]) == (True, [], [], [], [])


async def test_files_of_a_folder_are_read_for_as_long_as_the_right_lasts(found: Ways) -> None:
    subject = f"o-{uuid4().hex[:6]}"
    folder = uuid4()
    await knows(found, account(subject, 1, MANAGES))
    await found.pool.execute(
        "insert into webhook_owner (subject, structures, services, roles, tenants, contact, stated_at)"
        " values ($1, '{}', '{}', '{}', '{}', '', now())",
        subject,
    )
    await found.pool.execute(
        "insert into webhook (id, owner, kind, types, statuses, structures, services, state, created_at, changed_at,"
        " structure, format, rhythm) values ($1, $2, 'folder', '{}', '{}', '{}', '{}', 'active', now(), now(), $3,"
        " 'jsonl', 'daily')",
        folder,
        subject,
        BODY,
    )
    for grants, status in (((MANAGES,), 200), ((Grant(role="DEPOSANT", structure=BODY),), 404)):
        async with found.client(of_grants(subject, grants, kid="k")) as http:
            assert (await http.get(f"{URL}/{folder}/files")).status_code == status
    async with scoped(found.api_pool, of_grants("other", [MANAGES]).scope()) as api:
        assert await api.fetchval("select count(*) from webhook where id = $1", folder) == 0
