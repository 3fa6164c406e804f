"""The keys that sign access tokens: made by command or at the first start, kept wrapped, published before they sign.

A new key is published ``key_lead_seconds`` before the first token of it, so that every service has it by then; the one
before is published ``key_tail_seconds`` longer, until its last token has ended. So nobody sees a gap.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from contracts.events import SigningKeyPublished
from services.common import clock
from services.common.db import Connection, Pool
from services.common.deliver import Tx, transaction
from services.common.trace import RequestCause
from services.portal.publishing import emit

#: Held by whoever changes a key.
LOCK: Final = "signing-keys"
_SERVICE: Final = "portal"
_KEPT = (
    "select kid, public_key, signs_from, until, version from own_signing_key"
    " where until is null or until > $1 order by signs_from desc"
)


class KeysUnusable(Exception):
    """The private keys were wrapped by another secret: set CHORALE_ACCOUNT_SECRET to the former one."""


class PublicKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is published. ``until`` None: it signs until another does."""

    kid: str
    public_key: bytes
    signs_from: datetime
    until: datetime | None
    version: int


class SigningKey(msgspec.Struct, frozen=True):
    """What signs now."""

    kid: str
    private: Ed25519PrivateKey


class SigningKeys:
    """The keys of one platform; ``secret`` wraps them. What signs is looked up again after ``keep_seconds``."""

    def __init__(self, pool: Pool, secret: str, *, lead: timedelta, tail: timedelta, keep_seconds: float = 5.0) -> None:
        self._pool = pool
        self._wrap = wrapper(secret, "signing keys")
        self._lead, self._tail = lead, tail
        self._keep = timedelta(seconds=keep_seconds)
        self._known: tuple[datetime, SigningKey] | None = None

    async def ensure(self) -> None:
        """Make the first key, unless there is one."""
        async with transaction(self._pool, _SERVICE, keys=[LOCK]) as tx:
            if not await tx.conn.fetchval("select exists (select from own_signing_key)"):
                await self._add(tx, tx.now)

    async def current(self) -> SigningKey:
        """The key that signs now. Raises :class:`KeysUnusable`."""
        now = clock.now()
        if self._known is not None and now < self._known[0]:
            return self._known[1]
        row = await self._pool.fetchrow(
            "select kid, wrapped from own_signing_key where signs_from <= $1 order by signs_from desc limit 1", now
        )
        if row is None:
            raise KeysUnusable
        try:
            private = Ed25519PrivateKey.from_private_bytes(self._wrap.decrypt(row["wrapped"]))
        except InvalidToken as error:
            raise KeysUnusable from error
        self._known = (now + self._keep, SigningKey(row["kid"], private))
        return self._known[1]

    async def public(self, now: datetime) -> Sequence[PublicKey]:
        """Every key of which a token may still be taken, newest first."""
        return [PublicKey(**dict(row)) for row in await self._pool.fetch(_KEPT, now)]

    async def rotate(self) -> str:
        """Publish a new key, which signs after the lead, and the end of those before it; returns its name."""
        async with transaction(self._pool, _SERVICE, keys=[LOCK]) as tx:
            first = not await tx.conn.fetchval("select exists (select from own_signing_key)")
            signs_from = tx.now if first else tx.now + self._lead
            rows = await tx.conn.fetch(
                "update own_signing_key set until = $1, version = version + 1 where until is null"
                " returning kid, public_key, signs_from, until, version",
                signs_from + self._tail,
            )
            for row in rows:
                await publish(tx, published(PublicKey(**dict(row))))
            await tx.conn.execute("delete from own_signing_key where until < $1", tx.now - timedelta(days=90))
            return await self._add(tx, signs_from)

    async def _add(self, tx: Tx, signs_from: datetime) -> str:
        private = Ed25519PrivateKey.generate()
        raw = private.public_key().public_bytes_raw()
        kid = hashlib.sha256(raw).hexdigest()[:16]
        await tx.conn.execute(
            "insert into own_signing_key (kid, public_key, wrapped, made_at, signs_from) values ($1, $2, $3, $4, $5)",
            kid,
            raw,
            self._wrap.encrypt(private.private_bytes_raw()),
            tx.now,
            signs_from,
        )
        await publish(tx, published(PublicKey(kid=kid, public_key=raw, signs_from=signs_from, until=None, version=1)))
        return kid


def wrapper(secret: str, what: str) -> Fernet:
    """What encrypts at rest: each kind of secret by a key of its own."""
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"chorale portal {what}".encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))


def base64url(raw: bytes) -> str:
    """Base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


async def all_of(connection: Connection) -> list[PublicKey]:
    """Every key that is kept here, ended ones too."""
    rows = await connection.fetch("select kid, public_key, signs_from, until, version from own_signing_key")
    return [PublicKey(**dict(row)) for row in rows]


async def set_version(connection: Connection, kid: str, version: int) -> None:
    """The version that is published of it next."""
    await connection.execute("update own_signing_key set version = $2 where kid = $1", kid, version)


def published(key: PublicKey) -> SigningKeyPublished:
    """A key as the services read it."""
    return SigningKeyPublished(
        kid=key.kid,
        public_key=base64url(key.public_key),
        version=key.version,
        valid_from=key.signs_from,
        until=key.until,
    )


async def publish(tx: Tx, data: SigningKeyPublished) -> None:
    """Tell the services."""
    await emit(tx, data, key=f"key/{data.kid}", partition_key=data.kid, cause=RequestCause(uuid4()))
