"""What is wrong while a page is looked at: a service that is stopped, one that fails."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from contracts.registry import ServiceName
from tests.browser import later
from tests.browser.world import Platform

Meanwhile = Callable[[Platform], AbstractContextManager[None]]
#: What the portal's own API may not read for a moment: nothing else asks for it.
_READ = "select on saved_search"
_ROLE = "chorale_portal_api"


def stopped(service: ServiceName) -> Meanwhile:
    """A service that nobody runs."""

    @contextmanager
    def meanwhile(platform: Platform) -> Iterator[None]:
        platform.stack.stop(service)
        try:
            yield
        finally:
            platform.stack.start(service)

    return meanwhile


@contextmanager
def failing(platform: Platform) -> Iterator[None]:
    """Kept searches cannot be read, by a right that the database has not: no error that anybody has foreseen."""
    later.run(platform, "portal", f"revoke {_READ} from {_ROLE}")
    try:
        yield
    finally:
        later.run(platform, "portal", f"grant {_READ} to {_ROLE}")
