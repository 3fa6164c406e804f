"""People in front of the demo's portal: they sign up, are invited, sign in, by the API and the links of their mails."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from threading import Lock
from typing import Any, Final, Self

import httpx
import pyotp

from deploy.demo.people import PASSWORD, Person
from deploy.local import Stack
from deploy.servers.errors import StackError
from deploy.servers.workspace import ROOT

A: Final = "/api/v1/accounts"
PATIENCE: Final = 60.0
REASON: Final = "Mise en route"
_WORD = re.compile(r"[?&]token=([^\s&]+)")
_BROWSER: Final = {"Sec-Fetch-Site": "same-origin", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}


def good(answer: httpx.Response) -> Any:
    """What it answers. Raises :class:`StackError` where it is no success."""
    if not answer.is_success:
        raise StackError(
            f"La démonstration n'a pas pu être préparée : {answer.request.method} {answer.request.url.path} répond "
            f"{answer.status_code} {answer.text[:300]}"
        )
    with suppress(ValueError):
        return answer.json()
    return None


def codes(secret: str) -> Iterator[str]:
    """One-time codes until one is taken: each serves once, those of now may be used up: then the next is waited for."""
    made, began = pyotp.TOTP(secret), int(time.time())
    for step in range(4):
        at = began + step * made.interval
        while time.time() < at - made.interval:  # that of the next half minute is taken too
            time.sleep(0.2)
        yield made.at(at)


class Desk:
    """The portal as browsers reach it, and the inbox of the stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._lock = Lock()
        self._open = ExitStack()
        self._browsers: dict[str, httpx.Client] = {}
        self._inbox: dict[str, list[str]] = {}
        self._after = 0

    def browser(self, person: Person) -> httpx.Client:
        """His browser, the same each time, until the desk is closed."""
        if person.key not in self._browsers:
            made = httpx.Client(base_url=self.stack.url, headers=_BROWSER, timeout=30)
            self._browsers[person.key] = self._open.enter_context(made)
        return self._browsers[person.key]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def word(self, email: str, subject: str) -> str:
        """The word in the link of the newest mail to this address whose subject has these words, once it is there."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with self._lock:
                self._read()
                found_mails = list(reversed(self._inbox.get(email, [])))
            for said in found_mails:
                first, _, text = said.partition("\n")
                found = _WORD.search(text)
                if subject in first and found:
                    return found[1]
            time.sleep(0.1)
        raise StackError(f"Aucun courriel « {subject} » n'est arrivé pour {email} en {PATIENCE:.0f} s.")

    def _read(self) -> None:
        page = httpx.get(
            f"{self.stack.smtp.url}/api/messages", params={"after": self._after, "limit": 200, "bodies": 1}, timeout=10
        ).json()
        for mail in page:
            self._after = max(self._after, mail["id"])
            for address in mail["to"]:
                self._inbox.setdefault(address, []).append(f"{mail['subject']}\n{mail['text']}")

    def activate(self, browser: httpx.Client, word: str) -> None:
        """Set the password behind a link; the browser is signed in then."""
        good(browser.post(f"{A}/links", json={"token": word, "password": PASSWORD}))

    def entered(self, browser: httpx.Client, email: str) -> bool:
        """Whether a start that was cut has opened the account, without a second factor; then it is signed in."""
        answer = browser.post(f"{A}/sessions", json={"email": email, "password": PASSWORD})
        return answer.is_success and answer.json()["state"] == "signed_in"

    def sign_in(self, browser: httpx.Client, email: str, totp: str | None) -> None:
        """Sign in, with the code of this moment where there is a second factor."""
        first = good(browser.post(f"{A}/sessions", json={"email": email, "password": PASSWORD}))
        if first["state"] == "second_factor" and totp is not None:
            for code in codes(totp):
                answer = browser.post(f"{A}/sessions/second", json={"ticket": first["ticket"], "totp": code})
                if answer.is_success:
                    return
            good(answer)

    def subject(self, browser: httpx.Client) -> str:
        """Who has signed in."""
        return str(good(browser.get(f"{A}/me"))["subject"])

    def signed_in(self, browser: httpx.Client) -> bool:
        """Whether somebody has signed in with it."""
        return "chorale" in browser.cookies

    def bearer(self, browser: httpx.Client) -> dict[str, str]:
        """What opens the APIs to who has signed in, with the rights of this moment."""
        token = good(browser.post(f"{A}/sessions/token"))["access_token"]
        return {"Authorization": f"Bearer {token}", "X-Chorale-Reason": REASON}

    def factor(self, browser: httpx.Client) -> str:
        """Set up one-time passwords; returns their secret."""
        secret = str(good(browser.post(f"{A}/me/totp"))["secret"])
        good(browser.post(f"{A}/me/totp/confirmation", json={"code": pyotp.TOTP(secret).now()}))
        return secret

    def operator(self, person: Person) -> str:
        """Make the operator, as the operations manual says; returns the word of his link."""
        env = {**self.stack.workspace.environment(), **self.stack.environment("portal"), "CHORALE_PORT": "1"}
        command = [sys.executable, "-m", "services.portal", "operator", "add", "--print"]
        done = subprocess.run(
            [*command, "--email", person.email, "--name", person.name],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        found = _WORD.search(done.stdout)
        if done.returncode or found is None:
            raise StackError(f"L'exploitant de la démonstration n'a pas pu être créé : {done.stderr.strip()[-300:]}")
        return found[1]
