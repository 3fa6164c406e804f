"""Short-lived signed links to what belongs to one document: whoever has one may look, nobody else.

A service that knows who asks gives a link; the service that owns what it opens asks nobody again. The signature binds
the purpose, the document, which part of it, to whom the link was given and the instant of expiry, with a key derived
from the secret of the tokens. A link opens while its holder may do what he might when it was given, by the opening
service's own copy of the rights: a right that is withdrawn ends the links that stood on it.
"""

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from fastapi import Depends, Query, Request

from services.common.auth import rights_pending
from services.common.identity import Identity, Pending
from services.common.principal import Holder
from services.common.web import Problem

LIFETIME_SECONDS: Final = 900
PREFIX: Final = "/api/v1/pages"
_STEP_SECONDS: Final = 300  # links given within five minutes are the same, so that a browser's cache serves them
_PAGES: Final = b"chorale/pages/2"
_ATTACHMENTS: Final = b"chorale/attachments/2"
_LATEST: Final = 253_402_300_799  # the last second of the year 9999
_holder = msgspec.json.Decoder(Holder)


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


class Presented(msgspec.Struct, frozen=True, kw_only=True):
    """What a request brings of a link: all of it as it came."""

    expires: str = ""
    holder: str = ""
    signature: str = ""

    @property
    def query(self) -> str:
        """As an address has it."""
        return f"expires={self.expires}&holder={self.holder}&signature={self.signature}"

    def __bool__(self) -> bool:
        return bool(self.expires or self.holder or self.signature)


def _presented(
    expires: Annotated[str, Query(description="Donné avec le lien")] = "",
    holder: Annotated[str, Query(description="Donné avec le lien : à qui il l'a été")] = "",
    signature: Annotated[str, Query(description="Donnée avec le lien")] = "",
) -> Presented:
    return Presented(expires=expires, holder=holder, signature=signature)


#: The link that a request came by, as a route takes it.
Link = Annotated[Presented, Depends(_presented)]


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A link that was signed here and is not over: good for ``seconds`` more, ``given`` then at the earliest."""

    seconds: int
    holder: Holder
    given: float


def make(secret: str, document: UUID, holder: Holder, *, now: float | None = None) -> PagesLink:
    """A link to the pages of a document, for the caller to give to ``holder``, who may see it."""
    expires = _expires(now)
    link = _made(secret, _PAGES, str(document), holder, expires)
    return PagesLink(
        template=address("{n}.png", document, link),
        index=address("index", document, link),
        expires_at=datetime.fromtimestamp(expires, UTC),
    )


def address(what: str, document: UUID, link: Presented) -> str:
    """The address that a link has for ``what``: ``index``, or ``{n}.png`` as a template."""
    return f"{PREFIX}/{document}/{what}?{link.query}"


def attachment(secret: str, invoice: UUID, file: UUID, holder: Holder, *, now: float | None = None) -> FileLink:
    """A link to one attachment of an invoice, for the caller to give to ``holder``, who may see the invoice."""
    expires = _expires(now)
    link = _made(secret, _ATTACHMENTS, f"{invoice}/{file}", holder, expires)
    path = f"/api/v1/deposits/{invoice}/attachments/{file}/content"
    return FileLink(href=f"{path}?{link.query}", expires_at=datetime.fromtimestamp(expires, UTC))


def check(secret: str, document: UUID, link: Presented, *, now: float | None = None) -> Opened:
    """The link to a document's pages, opened; :func:`still` has the last word.

    Raises a 403 problem for a link that was not given for this document, a 410 one for one that is over.
    """
    if not _signed(secret, _PAGES, str(document), link):
        raise Problem(
            403,
            "PAGES_LINK_REFUSED",
            "Lien refusé",
            "Ce lien n'ouvre pas les pages de ce document : reprenez celui du dépôt ou de la facture.",
        )
    return _opened(link, "PAGES_LINK_EXPIRED", now)


def check_attachment(secret: str, invoice: UUID, file: UUID, link: Presented, *, now: float | None = None) -> Opened:
    """The link to an attachment, opened; raises as :func:`check` does."""
    if not _signed(secret, _ATTACHMENTS, f"{invoice}/{file}", link):
        raise Problem(
            403,
            "ATTACHMENT_LINK_REFUSED",
            "Lien refusé",
            "Ce lien n'ouvre pas cette pièce jointe : reprenez celui de la facture.",
        )
    return _opened(link, "ATTACHMENT_LINK_EXPIRED", now)


async def still(request: Request, opened: Opened) -> None:
    """Raises a 403 problem when the holder may no longer do what he might, or his session is over; 503 while unknown.

    It is asked before anything is looked up, so that it says nothing of what there is.
    """
    access: Identity = request.app.state.access
    try:
        held = await access.holds(opened.holder, opened.given)
    except Pending as error:
        raise rights_pending() from error
    if not held:
        raise Problem(
            403,
            "LINK_WITHDRAWN",
            "Lien retiré",
            "Les droits avec lesquels ce lien a été donné ont changé, ou la session est finie : relisez le dépôt ou la "
            "facture, qui en donne un nouveau à qui peut encore les voir.",
        )


def _expires(now: float | None) -> int:
    until = int(time.time() if now is None else now) + LIFETIME_SECONDS
    return -(-until // _STEP_SECONDS) * _STEP_SECONDS


def _opened(link: Presented, code: str, now: float | None) -> Opened:
    instant = _instant(link.expires)
    left = instant - int(time.time() if now is None else now)
    if left <= 0:
        words = "Ce lien ne vaut plus : relisez le dépôt ou la facture, qui en donne un nouveau."
        raise Problem(410, code, "Lien expiré", words)
    # Links of five minutes are the same: this one was given no earlier than at their beginning.
    return Opened(seconds=left, holder=_read(link.holder), given=float(instant - LIFETIME_SECONDS - _STEP_SECONDS))


def _signed(secret: str, purpose: bytes, what: str, link: Presented) -> bool:
    instant = _instant(link.expires)
    expected = _signature(secret, purpose, what, link.holder, instant)
    return instant >= 0 and hmac.compare_digest(expected.encode(), link.signature.encode())


def _made(secret: str, purpose: bytes, what: str, holder: Holder, expires: int) -> Presented:
    told = base64.urlsafe_b64encode(msgspec.json.encode(holder)).decode().rstrip("=")
    signature = _signature(secret, purpose, what, told, expires)
    return Presented(expires=str(expires), holder=told, signature=signature)


def _read(told: str) -> Holder:
    """The holder of a link that was signed."""
    return _holder.decode(base64.urlsafe_b64decode(told + "=" * (-len(told) % 4)))


def _instant(text: str) -> int:
    """The seconds that a link says, in their one spelling; -1 for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        return -1
    return int(text) if str(int(text)) == text and int(text) <= _LATEST else -1


def _signature(secret: str, purpose: bytes, what: str, holder: str, expires: int) -> str:
    key = hmac.digest(secret.encode(), purpose, hashlib.sha256)
    signed = hmac.digest(key, f"{what}\n{holder}\n{expires}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")
