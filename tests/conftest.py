"""Fixtures for real servers. A test that asks for none of them starts none."""

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
import pytest
from httpx._transports import default as transports
from hypothesis import HealthCheck, settings

from contracts.registry import SERVICES
from deploy.database import ServiceDsns
from deploy.local import Stack
from tests.integration.account_world import World, accounts_stack
from tests.servers import NewTopic, fresh_database, fresh_topic
from tests.spread import pytest_collection_modifyitems, pytest_xdist_make_scheduler

# On a machine that other processes share, a slow moment is no failure.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")

_made = httpx.create_ssl_context
_for_all = functools.cache(_made)


def _context(verify: ssl.SSLContext | str | bool = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
    """httpx reads the certificates of the world for each client, in a fiftieth of a second of the processor: tests that
    ask again and again with clients of their own spend more on that than the services do on the answers."""
    return _for_all() if verify is True and cert is None and trust_env else _made(verify, cert, trust_env)


transports.create_ssl_context = _context  # type: ignore[attr-defined]

__all__ = ["pytest_collection_modifyitems", "pytest_xdist_make_scheduler"]  # hooks


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
async def dsns(stack: Stack, request: pytest.FixtureRequest) -> AsyncIterator[Mapping[str, ServiceDsns]]:
    """A fresh database: ``dsns["status"].worker`` and ``.api``.

    A module named after a service (``test_status_api``) finds the tables of this service in it, unless it has
    ``MIGRATED``: whose tables are there. Whoever needs others migrates them; what is there already costs nothing.
    """
    named = [name for name in SERVICES if request.module.__name__.rpartition(".")[2].startswith(f"test_{name}_")]
    async with fresh_database(stack, *getattr(request.module, "MIGRATED", named)) as found:
        yield found


@pytest.fixture(scope="session")
def notify_dsns(stack: Stack) -> Iterator[Mapping[str, ServiceDsns]]:
    """One database for the many tests of notify: whoever opens its tables empties them first."""
    yield from _kept(stack, "notify")


@pytest.fixture(scope="session")
def portal_dsns(stack: Stack) -> Iterator[Mapping[str, ServiceDsns]]:
    """The same for the tests of structures and memberships."""
    yield from _kept(stack, "portal")


def _kept(stack: Stack, migrated: str) -> Iterator[Mapping[str, ServiceDsns]]:
    loop, database = asyncio.new_event_loop(), fresh_database(stack, migrated)
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
