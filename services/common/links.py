"""Short-lived signed links to what belongs to one document: whoever has one may look, nobody else.

A service that knows who asks gives a link; the service that owns what it opens does so without asking again. The
signature binds the purpose, the document, which part of it, and the instant of expiry, with a key derived from the
secret of the tokens.
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
_PAGES: Final = b"chorale/pages/1"
_ATTACHMENTS: Final = b"chorale/attachments/1"
_LATEST: Final = 253_402_300_799  # the last second of the year 9999


class PagesLink(msgspec.Struct, frozen=True, kw_only=True):
    """``template`` is the address of a page, whose number from 1 takes the place of ``{n}``; ``index`` that of the
    list of pages with their sizes. Both work until ``expires_at``.
    """

    template: str
    index: str
    expires_at: datetime


class FileLink(msgspec.Struct, frozen=True, kw_only=True):
    """The address of one file, which works without a token until ``expires_at``."""

    href: str
    expires_at: datetime


def make(secret: str, document: UUID, *, now: float | None = None) -> PagesLink:
    """A link to the pages of a document, for the caller to give to somebody who may see it."""
    expires = _expires(now)
    signature = _signature(secret, _PAGES, str(document), expires)
    return PagesLink(
        template=address("{n}.png", document, str(expires), signature),
        index=address("index", document, str(expires), signature),
        expires_at=datetime.fromtimestamp(expires, UTC),
    )


def address(what: str, document: UUID, expires: str, signature: str) -> str:
    """The address that a link has for ``what``: ``index``, or ``{n}.png`` as a template."""
    return f"{PREFIX}/{document}/{what}?expires={expires}&signature={signature}"


def attachment(secret: str, invoice: UUID, file: UUID, *, now: float | None = None) -> FileLink:
    """A link to one attachment of an invoice, for the caller to give to somebody who may see the invoice."""
    expires = _expires(now)
    signature = _signature(secret, _ATTACHMENTS, f"{invoice}/{file}", expires)
    path = f"/api/v1/deposits/{invoice}/attachments/{file}/content"
    return FileLink(
        href=f"{path}?expires={expires}&signature={signature}", expires_at=datetime.fromtimestamp(expires, UTC)
    )


def check(secret: str, document: UUID, expires: str, signature: str, *, now: float | None = None) -> int:
    """The seconds for which the link to a document's pages still works.

    Raises a 403 problem for a link that was not given for this document, a 410 one for one that is over.
    """
    instant = _instant(expires)
    if not _signed(secret, _PAGES, str(document), instant, signature):
        raise Problem(
            403,
            "PAGES_LINK_REFUSED",
            "Lien refusé",
            "Ce lien n'ouvre pas les pages de ce document : reprenez celui du dépôt ou de la facture.",
        )
    return _left(instant, "PAGES_LINK_EXPIRED", now)


def check_attachment(
    secret: str, invoice: UUID, file: UUID, expires: str, signature: str, *, now: float | None = None
) -> int:
    """The seconds for which the link to an attachment still works; raises as :func:`check` does."""
    instant = _instant(expires)
    if not _signed(secret, _ATTACHMENTS, f"{invoice}/{file}", instant, signature):
        raise Problem(
            403,
            "ATTACHMENT_LINK_REFUSED",
            "Lien refusé",
            "Ce lien n'ouvre pas cette pièce jointe : reprenez celui de la facture.",
        )
    return _left(instant, "ATTACHMENT_LINK_EXPIRED", now)


def _expires(now: float | None) -> int:
    until = int(time.time() if now is None else now) + LIFETIME_SECONDS
    return -(-until // _STEP_SECONDS) * _STEP_SECONDS


def _left(instant: int, code: str, now: float | None) -> int:
    left = instant - int(time.time() if now is None else now)
    if left <= 0:
        words = "Ce lien ne vaut plus : relisez le dépôt ou la facture, qui en donne un nouveau."
        raise Problem(410, code, "Lien expiré", words)
    return left


def _signed(secret: str, purpose: bytes, what: str, instant: int, signature: str) -> bool:
    expected = _signature(secret, purpose, what, instant)
    return instant >= 0 and hmac.compare_digest(expected.encode(), signature.encode())


def _instant(text: str) -> int:
    """The seconds that a link says, in their one spelling; -1 for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        return -1
    return int(text) if str(int(text)) == text and int(text) <= _LATEST else -1


def _signature(secret: str, purpose: bytes, what: str, expires: int) -> str:
    key = hmac.digest(secret.encode(), purpose, hashlib.sha256)
    signed = hmac.digest(key, f"{what}\n{expires}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")
