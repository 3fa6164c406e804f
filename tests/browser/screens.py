"""A picture of every page at 360 and 1280 px, light and dark: ``python -m tests.browser.screens [WORD]``.

They are for eyes: each is looked at, and what a designer would not accept is mended.
"""

import sys
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from deploy.servers.workspace import ROOT
from tests.browser import chromium
from tests.browser.every_page import ROWS, Row
from tests.browser.people import furnish
from tests.browser.visit import SIZES, Scheme, Visit
from tests.browser.world import Platform, platform

FOLDER = ROOT / ".local" / "screens"


def main(arguments: list[str]) -> int:
    """Take them; ``WORD`` only those whose name has it."""
    program = chromium.find()
    if program is None:
        print(chromium.ASK, file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Lists of invoices come last: by then there are invoices to list.
    wanted = sorted(
        (row for row in ROWS if all(word in row.name for word in arguments)),
        key=lambda row: row.name.startswith("factures-"),
    )
    with platform() as running, sync_playwright() as playwright:
        furnish(running)
        browser = playwright.chromium.launch(executable_path=program, args=chromium.arguments())
        for row in wanted:
            take(browser, running, row)
        browser.close()
    print(f"{len(wanted) * 4} images : {FOLDER}")
    return 0


def take(browser: Browser, running: Platform, row: Row) -> None:
    """The four pictures of a page."""
    where, cookies = row.where(running), [running.cookie(row.who)] if row.who else []
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for scheme in schemes:
        for width in SIZES:
            how: dict[str, Any] = {"width": width, "scheme": scheme, "language": row.language}
            with Visit(browser, running.url, cookies=cookies, **how) as visit:
                row.look(running, visit, where if row.act is None else row.where(running))
                visit.page.screenshot(path=FOLDER / f"{row.name}-{width}-{scheme}.png", full_page=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
