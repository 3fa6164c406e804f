"""A link stands on the rights of whom it was given to: what is withdrawn ends it, whatever else it opens."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from fastapi import Request

from contracts.events import Grant, Payload
from deploy.database import ServiceDsns
from services.common import access as access_module
from services.common import account_replica, clock, links
from services.common.access import Access
from services.common.db import Pool, migrate, open_pool
from services.common.links import Opened
from services.common.principal import Holder
from services.common.web import Problem
from tests.accounts import SUPPLIER, TOWN, Signer, account, revoked

SECRET = "a-secret-for-the-tests-of-links-only-0"
SUPPLIES = Grant(role="FOURNISSEUR", structure=SUPPLIER)
READS = Grant(role="LECTURE", structure=TOWN)


class World:
    """The copy of the rights of one service, and who asks it."""

    def __init__(self, pool: Pool, access: Access) -> None:
        self.pool, self.access, self.signer = pool, access, Signer()
        self._request = cast(Request, SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(access=access))))

    async def know(self, *entries: Payload) -> None:
        """Into the copy; the listener would say so."""
        async with self.pool.acquire() as connection, connection.transaction():
            await account_replica.apply(connection, "ocr", entries)
        self.access._forget_everything()

    async def given(self, subject: str, *, now: float | None = None, **claims: Any) -> Opened:
        """A link that is given to somebody, and opened."""
        principal = await self.access.principal(self.signer.token(subject, **claims))
        return self.link(principal.holder, now)

    def link(self, holder: Holder, now: float | None = None) -> Opened:
        """A link of a holder's, as a request brings it."""
        query = links.make(SECRET, UUID(int=7), holder, now=now).index.partition("?")[2]
        shown = links.Presented(**dict(part.split("=", 1) for part in query.split("&")))
        return links.check(SECRET, UUID(int=7), shown, now=now)

    async def refused(self, opened: Opened) -> str:
        """The code that a link is answered with; nothing for one that opens."""
        try:
            await links.still(self._request, opened)
        except Problem as problem:
            return problem.code
        return ""


@pytest.fixture
async def world(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    own = dsns["ocr"].worker
    await migrate(own, "ocr", "services.ocr")
    pool = await open_pool(own, "ocr")
    found = World(pool, Access(pool, own, "ocr"))
    await found.know(found.signer.entry(), account("reader", 1, SUPPLIES, READS))
    yield found
    await pool.close()


@pytest.mark.parametrize(
    "change",
    [
        account("reader", 2, READS),
        account("reader", 2),
        account("reader", 2, SUPPLIES, READS, state="locked"),
        account("reader", 2, state="closed"),
        account(
            "reader", 2, SUPPLIES, READS, sessions_from=clock.now() + timedelta(hours=1)
        ),  # read long before it runs
        revoked("reader"),
    ],
    ids=["a right withdrawn", "all withdrawn", "account locked", "account closed", "all sessions closed", "signed out"],
)
async def test_what_is_withdrawn_ends_the_link(world: World, change: Payload) -> None:
    link = await world.given("reader")
    assert await world.refused(link) == ""
    await world.know(change)
    assert await world.refused(link) == "LINK_WITHDRAWN"


async def test_what_changes_nothing_of_the_rights_leaves_the_link(world: World) -> None:
    link = await world.given("reader")
    await world.know(account("reader", 2, READS, SUPPLIES, writes_each_day=5))
    assert await world.refused(link) == ""
    await world.know(revoked("reader", "another session of his"))
    assert await world.refused(link) == ""


async def test_links_given_after_all_sessions_were_closed_open(world: World) -> None:
    """Also within the five minutes in which links are the same: the token names the version that closed them."""
    await world.know(account("reader", 2, SUPPLIES, sessions_from=clock.now() + timedelta(seconds=1)))
    assert await world.refused(await world.given("reader", ver=2)) == ""


async def test_a_right_that_ends_by_its_date_ends_the_link_with_it(world: World) -> None:
    dated = Grant(role="LECTURE", structure=SUPPLIER, until=clock.now() + timedelta(seconds=4))
    await world.know(account("factor", 1, dated))
    link = await world.given("factor")
    assert await world.refused(link) == ""
    while clock.now() < dated.until:  # type: ignore[operator]
        assert await world.refused(link) in ("", "LINK_WITHDRAWN")
    assert await world.refused(link) == "LINK_WITHDRAWN"


async def test_software_that_lost_a_scope_has_no_link_left(world: World) -> None:
    scopes = ("invoices.read", "deposits.read")
    await world.know(account("software", 1, SUPPLIES, kind="software", scopes=scopes))
    link = await world.given("software", scope="invoices.read")
    await world.know(account("software", 2, SUPPLIES, kind="software", scopes=("invoices.read",)))
    assert await world.refused(link) == ""
    await world.know(account("software", 3, SUPPLIES, kind="software", scopes=("deposits.read",)))
    assert await world.refused(link) == "LINK_WITHDRAWN"


async def test_a_link_that_is_newer_than_the_copy_waits_for_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another service gave it by rights that have not come here yet."""
    monkeypatch.setattr(access_module, "PENDING_SECONDS", 0.1)
    known = (await world.access.principal(world.signer.token("reader"))).holder
    newer = world.link(Holder(known.subject, known.session, 2, known.rights))
    assert await world.refused(newer) == "RIGHTS_PENDING"
    assert await world.refused(world.link(Holder("not known here", "s", 1, known.rights))) == "RIGHTS_PENDING"
    await world.know(account("reader", 2, SUPPLIES, READS))
    assert await world.refused(newer) == ""


async def test_links_of_development_tokens_open_where_such_tokens_are_taken_alone(
    world: World, dsns: Mapping[str, ServiceDsns]
) -> None:
    link = world.link(Holder("developer"))
    assert await world.refused(link) == "LINK_WITHDRAWN"
    taking = Access(world.pool, dsns["ocr"].worker, "ocr", development_secret=SECRET)
    assert await taking.holds(link.holder, link.given)
