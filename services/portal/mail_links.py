"""The links of mails: one use, a bounded time, and nothing in the database that opens anything.

The word in a link is its id and a signature of it by the platform's secret. So a mail that is written again has the
same link, and whoever reads the table cannot follow one.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID, uuid4

import msgspec

from services.common.db import Connection

Purpose = Literal["activation", "reset", "email_old", "email_new", "provider", "reopen"]
#: What only somebody who is signed in, or whom a provider knows, may ask for: the latest replaces those before. What
#: anybody may ask for by the address alone ends no link that its owner has: all go to his inbox, and one ends them all.
_REPLACED: Final = frozenset({"email_old", "email_new", "provider"})
_MAC: Final = 16
PAGE: Final = "/lien"


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link that was found and has not been used nor has ended."""

    id: UUID
    subject: str
    purpose: Purpose
    data: Mapping[str, Any]


class Links:
    """Makes and reads links; ``secret`` signs them, ``public_url`` is where they lead."""

    def __init__(self, secret: str, public_url: str) -> None:
        self._key = hmac.new(secret.encode(), b"chorale/portal/links", hashlib.sha256).digest()
        self._public_url = public_url

    async def make(
        self,
        connection: Connection,
        subject: str,
        purpose: Purpose,
        *,
        now: datetime,
        lasts: timedelta,
        data: Mapping[str, Any] | None = None,
    ) -> UUID:
        """A new link. Those made before live on until their end or until one has served, but what is replaced."""
        made = uuid4()
        if purpose in _REPLACED:
            await connection.execute(
                "update mail_link set expires_at = $3 where subject = $1 and purpose = $2 and expires_at > $3",
                subject,
                purpose,
                now,
            )
        await connection.execute(
            "insert into mail_link (id, subject, purpose, data, made_at, expires_at)"
            " values ($1, $2, $3, $4::text::jsonb, $5, $6)",
            made,
            subject,
            purpose,
            msgspec.json.encode(data or {}).decode(),
            now,
            now + lasts,
        )
        return made

    def word(self, link: UUID) -> str:
        """What stands in the address."""
        return base64.urlsafe_b64encode(link.bytes + self._mac(link)).decode().rstrip("=")

    def url(self, link: UUID, page: str = PAGE) -> str:
        """The address in the mail."""
        return f"{self._public_url}{page}?token={self.word(link)}"

    def read(self, word: str) -> UUID | None:
        """The link that a word belongs to, None for one that was not made here."""
        try:
            raw = base64.urlsafe_b64decode(word.encode("ascii") + b"=" * (-len(word) % 4))
        except (binascii.Error, UnicodeError, ValueError):
            return None
        if len(raw) != 16 + _MAC:
            return None
        found = UUID(bytes=raw[:16])
        return found if hmac.compare_digest(raw[16:], self._mac(found)) else None

    async def look(self, connection: Connection, word: str, now: datetime, *, lock: bool = False) -> Link | None:
        """The link, if it can still be used; ``lock`` keeps others from using it meanwhile."""
        found = self.read(word)
        if found is None:
            return None
        row = await connection.fetchrow(
            "select id, subject, purpose, data from mail_link where id = $1 and used_at is null and expires_at > $2"
            + (" for update" if lock else ""),
            found,
            now,
        )
        if row is None:
            return None
        return Link(id=row["id"], subject=row["subject"], purpose=row["purpose"], data=msgspec.json.decode(row["data"]))

    def _mac(self, link: UUID) -> bytes:
        return hmac.new(self._key, link.bytes, hashlib.sha256).digest()[:_MAC]


async def end(connection: Connection, subject: str, now: datetime) -> None:
    """The links that an account was sent before its password or its address changed open nothing any more."""
    await connection.execute(
        "update mail_link set expires_at = $2 where subject = $1 and expires_at > $2 and used_at is null", subject, now
    )


async def use(connection: Connection, link: UUID, now: datetime) -> None:
    """The link has done its work."""
    await connection.execute("update mail_link set used_at = $2 where id = $1", link, now)
