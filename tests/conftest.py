"""Fixtures for real servers. A test that asks for none of them starts none."""

from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
from hypothesis import HealthCheck, settings

from deploy.database import ServiceDsns
from deploy.local import Stack
from tests.servers import NewTopic, fresh_database, fresh_topic

# On a machine that other processes share, a slow moment is no failure.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Kafka, PostgreSQL, S3 and the SMTP inbox, without services; whoever breaks a server mends it again."""
    with Stack() as running:
        yield running


@pytest.fixture
async def dsns(stack: Stack) -> AsyncIterator[Mapping[str, ServiceDsns]]:
    """A fresh database: ``dsns["status"].worker`` and ``.api``."""
    async with fresh_database(stack) as found:
        yield found


@pytest.fixture
def new_topic(stack: Stack) -> NewTopic:
    """``await new_topic("deposit", partitions=3)`` creates an empty topic and returns its unique name."""

    async def make(hint: str = "topic", partitions: int = 12) -> str:
        return await fresh_topic(stack, hint, partitions)

    return make
