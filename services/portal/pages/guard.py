"""Forms belong to whoever was shown them: a hidden word bound to him, and the browser's word on its origin.

The word is a signature of who has signed in, or of a cookie of its own before sign-in, under a fresh mask each time:
pages are compressed, and what is the same on each could be guessed from their size. It lasts as long as the account,
not the session: a form that stays open over night is sent on by whoever signs in again as the same person.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

from fastapi import Request

from services.common.web import Problem as Refused
from services.portal.pages.problems import Problem, Shown
from services.portal.session_guard import same_site

FIELD: Final = "csrf"
_LENGTH: Final = 16
#: Beside the session's cookie, before there is one.
COOKIE: Final = "chorale-form"


def of_person(subject: str) -> str:
    """What the forms of somebody who has signed in are bound to."""
    return f"person {subject}"


def of_browser(cookie: str) -> str:
    """What forms are bound to before sign-in. A browser says its cookie as it likes: none makes it a person."""
    return f"browser {cookie}"


def of_session(session: object) -> str:
    """What holds for one session only, and not for the next person at the same browser."""
    return f"session {session}"


class Guard:
    """Makes and checks the words of forms."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.new(secret.encode(), b"chorale/portal/forms", hashlib.sha256).digest()

    def word(self, bound: str) -> str:
        """A word for a form shown to whoever has ``bound``."""
        mask = secrets.token_bytes(_LENGTH)
        hidden = bytes(a ^ b for a, b in zip(mask, self._mac(bound), strict=True))
        return base64.urlsafe_b64encode(mask + hidden).decode().rstrip("=")

    def right(self, word: str, bound: str | None) -> bool:
        """Whether a form with this word was shown to whoever has ``bound``."""
        try:
            raw = base64.urlsafe_b64decode(word.encode("ascii") + b"=" * (-len(word) % 4))
        except (binascii.Error, UnicodeError, ValueError):
            return False
        if len(raw) != 2 * _LENGTH or not bound:
            return False
        mac = bytes(a ^ b for a, b in zip(raw[:_LENGTH], raw[_LENGTH:], strict=True))
        return hmac.compare_digest(mac, self._mac(bound))

    def _mac(self, bound: str) -> bytes:
        return hmac.new(self._key, bound.encode("utf-8", "replace"), hashlib.sha256).digest()[:_LENGTH]


def demand(request: Request, guard: Guard, word: str, bound: str | None) -> None:
    """Raises ``Shown`` for a form that was not shown to this browser by a page of this platform."""
    try:
        same_site(request)
    except Refused as refused:
        raise Shown(Problem(status=403, code=refused.code)) from refused
    if not guard.right(word, bound):
        raise Shown(Problem(status=403, code="FORM_STALE"))
