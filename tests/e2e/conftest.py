"""The whole platform behind one address, once for the folder."""

from collections.abc import Iterator

import pytest

from contracts.registry import SERVICES
from deploy.demo.prepare import prepare
from deploy.local import Stack
from tests.e2e.client import OPEN


@pytest.fixture(scope="session")
def platform() -> Iterator[Stack]:
    """Servers, five services, Caddy, the demo directory."""
    with Stack(services=SERVICES, gateway=True, supervise=True) as stack:
        prepare(stack)
        yield stack


@pytest.fixture(autouse=True)
def everybody_leaves() -> Iterator[None]:
    """Close the clients that a test opened."""
    yield
    while OPEN:
        OPEN.pop().close()
