"""The whole platform behind one address, once for the folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.registry import SERVICES
from deploy.demo.prepare import prepare
from deploy.local import Stack
from tests.e2e.client import OPEN


@pytest.fixture(scope="session")
def clock_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What moves the platform's time; not there: nothing."""
    return tmp_path_factory.mktemp("time") / "clock"


@pytest.fixture(scope="session")
def platform(clock_file: Path) -> Iterator[Stack]:
    """Servers, five services, Caddy, the demo directory. Their time is the real one until a test moves it."""
    settings = {"CHORALE_CLOCK_FILE": str(clock_file)}
    with Stack(services=SERVICES, gateway=True, supervise=True, settings=settings) as stack:
        prepare(stack)
        yield stack


@pytest.fixture(autouse=True)
def everybody_leaves() -> Iterator[None]:
    """Close the clients that a test opened."""
    yield
    while OPEN:
        OPEN.pop().close()
