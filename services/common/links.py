"""Short-lived signed links to the pages of one document: whoever has one may look, nobody else.

A service that knows who asks gives a link; the service that draws pages opens it without asking again. The signature
binds the purpose, the document and the instant of expiry, with a key derived from the secret of the tokens.
"""

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from services.common.web import Problem

LIFETIME_SECONDS: Final = 900
PREFIX: Final = "/api/v1/pages"
_STEP_SECONDS: Final = 300  # links given within five minutes are the same, so that a browser's cache serves them
_PURPOSE: Final = b"chorale/pages/1"
_LATEST: Final = 253_402_300_799  # the last second of the year 9999


class PagesLink(msgspec.Struct, frozen=True, kw_only=True):
    """``template`` is the address of a page, whose number from 1 takes the place of ``{n}``; ``index`` that of the
    list of pages with their sizes. Both work until ``expires_at``.
    """

    template: str
    index: str
    expires_at: datetime


def make(secret: str, document: UUID, *, now: float | None = None) -> PagesLink:
    """A link to the pages of a document, for the caller to give to somebody who may see it."""
    until = int(time.time() if now is None else now) + LIFETIME_SECONDS
    expires = -(-until // _STEP_SECONDS) * _STEP_SECONDS
    signature = _signature(secret, document, expires)
    return PagesLink(
        template=address("{n}.png", document, str(expires), signature),
        index=address("index", document, str(expires), signature),
        expires_at=datetime.fromtimestamp(expires, UTC),
    )


def address(what: str, document: UUID, expires: str, signature: str) -> str:
    """The address that a link has for ``what``: ``index``, or ``{n}.png`` as a template."""
    return f"{PREFIX}/{document}/{what}?expires={expires}&signature={signature}"


def check(secret: str, document: UUID, expires: str, signature: str, *, now: float | None = None) -> int:
    """The seconds for which the link still works.

    Raises a 403 problem for a link that was not given for this document, a 410 one for one that is over.
    """
    instant = _instant(expires)
    expected = _signature(secret, document, instant)
    if instant < 0 or not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Problem(
            403,
            "PAGES_LINK_REFUSED",
            "Lien refusé",
            "Ce lien n'ouvre pas les pages de ce document : reprenez celui du dépôt ou de la facture.",
        )
    left = instant - int(time.time() if now is None else now)
    if left <= 0:
        raise Problem(
            410,
            "PAGES_LINK_EXPIRED",
            "Lien expiré",
            "Ce lien ne vaut plus : relisez le dépôt ou la facture, qui en donne un nouveau.",
        )
    return left


def _instant(text: str) -> int:
    """The seconds that a link says, in their one spelling; -1 for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        return -1
    return int(text) if str(int(text)) == text and int(text) <= _LATEST else -1


def _signature(secret: str, document: UUID, expires: int) -> str:
    key = hmac.digest(secret.encode(), _PURPOSE, hashlib.sha256)
    signed = hmac.digest(key, f"{document}\n{expires}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")
