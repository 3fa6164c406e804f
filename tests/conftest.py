"""Fixtures for real servers. A test that asks for none of them starts none."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
from hypothesis import HealthCheck, settings

from deploy.database import ServiceDsns
from deploy.local import Stack
from tests.integration.account_world import World, accounts_stack
from tests.servers import NewTopic, fresh_database, fresh_topic

# On a machine that other processes share, a slow moment is no failure.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Kafka, PostgreSQL, S3 and the SMTP inbox, without services; whoever breaks a server mends it again."""
    with Stack(synced=False) as running:
        yield running


@pytest.fixture(scope="session")
def accounts() -> Iterator[World]:
    """portal and notify as processes, for the many tests of accounts: each with people of its own."""
    with accounts_stack() as running:
        yield World(running)


@pytest.fixture
async def dsns(stack: Stack) -> AsyncIterator[Mapping[str, ServiceDsns]]:
    """A fresh database: ``dsns["status"].worker`` and ``.api``."""
    async with fresh_database(stack) as found:
        yield found


@pytest.fixture(scope="session")
def notify_dsns(stack: Stack) -> Iterator[Mapping[str, ServiceDsns]]:
    """One database for the many tests of notify: whoever opens its tables empties them first."""
    yield from _kept(stack)


@pytest.fixture(scope="session")
def portal_dsns(stack: Stack) -> Iterator[Mapping[str, ServiceDsns]]:
    """The same for the tests of structures and memberships."""
    yield from _kept(stack)


def _kept(stack: Stack) -> Iterator[Mapping[str, ServiceDsns]]:
    loop, database = asyncio.new_event_loop(), fresh_database(stack)
    try:
        yield loop.run_until_complete(database.__aenter__())
    finally:
        loop.run_until_complete(database.__aexit__(None, None, None))
        loop.close()


@pytest.fixture
def new_topic(stack: Stack) -> NewTopic:
    """``await new_topic("deposit", partitions=3)`` creates an empty topic and returns its unique name."""

    async def make(hint: str = "topic", partitions: int = 12) -> str:
        return await fresh_topic(stack, hint, partitions)

    return make
