"""One platform and one browser for all browser tests of a process."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from services.portal.pages.words import Language
from tests.browser import chromium, every_form, firefox
from tests.browser.people import furnish
from tests.browser.visit import Scheme, Visit
from tests.browser.world import Platform, platform

Opens = Callable[..., Visit]


@pytest.fixture(scope="session")
def world() -> Iterator[Platform]:
    """The platform, with people."""
    with platform() as running:
        furnish(running)
        yield running


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    """What drives the browsers."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(driver: Playwright) -> Iterator[Browser]:
    """Debian's Chromium."""
    program = chromium.find()
    assert program is not None, chromium.ASK
    opened = driver.chromium.launch(executable_path=program, args=chromium.arguments())
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def fox(driver: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Debian's Firefox."""
    assert firefox.find() is not None, firefox.ASK
    program = firefox.wrapped(tmp_path_factory.mktemp("firefox"))
    opened = driver.firefox.launch(channel="moz-firefox", executable_path=program)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def look(world: Platform, browser: Browser) -> Iterator[Opens]:
    """One browser for each person, width, scheme and language, for looking at many pages and changing nothing."""
    opened: dict[tuple[str | None, int, Scheme, Language], Visit] = {}

    def find(who: str | None, width: int, scheme: Scheme, language: Language = "fr") -> Visit:
        key = (who, width, scheme, language)
        if key not in opened:
            cookies = [world.cookie(who)] if who else []
            own = Visit(browser, world.url, width=width, scheme=scheme, cookies=cookies, language=language)
            opened[key] = own.forgetful()
        return opened[key]

    yield find
    for each in opened.values():
        each.context.close()


@pytest.fixture
def visit(world: Platform, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Opens]:
    """Opens browsers of a person: ``visit("claire", width=360)``; None is nobody."""
    opened: list[Visit] = []
    failed = request.session.testsfailed
    yield from _visits(world, browser, opened)
    if request.session.testsfailed == failed:
        promised = every_form.promised(request.path.stem, request.function.__name__)
        assert every_form.unsent(promised, (path for each in opened for path in each.sent)) == []


@pytest.fixture
def fox_visit(world: Platform, fox: Browser) -> Iterator[Opens]:
    """The same in Firefox."""
    yield from _visits(world, fox, [])


def _visits(world: Platform, browser: Browser, opened: list[Visit]) -> Iterator[Opens]:
    def make(who: str | None = None, **more: Any) -> Visit:
        cookies = [world.cookie(who)] if who else []
        opened.append(Visit(browser, world.url, cookies=cookies, **more))
        return opened[-1]

    yield make
    for each in opened:
        each.context.close()
