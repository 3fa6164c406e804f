"""The webhook of the demo's supplier with a program: called on this machine, with a log of what was delivered."""

from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from deploy.demo.book import Book
from deploy.demo.desk import Desk, good
from deploy.demo.people import PEOPLE
from deploy.inbox import RECEIVER

API: Final = "/api/v1/webhooks"
OWNER: Final = "comptabilite"
_NAMED: Final = "Logiciel de facturation"
#: What has happened before the webhook was there is sent too.
_BACK: Final = timedelta(days=14)


def hook(desk: Desk, book: Book) -> None:
    """Make it, once, and ask for what has happened; the inbox has another address at each start."""
    person = next(each for each in PEOPLE if each.key == OWNER)
    browser = desk.browser(person)
    if not desk.signed_in(browser):
        desk.sign_in(browser, person.email, book.kept.accounts[OWNER].totp)
    headers, url = desk.bearer(browser), f"{desk.stack.smtp.url}{RECEIVER}"
    known = [each for each in good(browser.get(API, headers=headers)) if each["description"] == _NAMED]
    if not known:
        _make(browser, headers, url)
    for each in known:
        if each["url"].endswith(RECEIVER) and each["url"] != url:
            kept = {name: each[name] for name in ("types", "statuses", "structures", "services", "description")}
            state = "paused" if each["state"] == "paused" else "active"
            good(browser.patch(f"{API}/{each['id']}", json={**kept, "url": url, "state": state}, headers=headers))


def _make(browser: httpx.Client, headers: dict[str, str], url: str) -> None:
    made = good(browser.post(API, json={"url": url, "description": _NAMED}, headers=headers))
    since = {"since": (datetime.now(UTC) - _BACK).isoformat()}
    good(browser.post(f"{API}/{made['id']}/replay", json=since, headers=headers))
