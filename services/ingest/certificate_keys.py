"""The keys of certificates: kept wrapped in the database, made by command, published for ever."""

import base64
from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from services.common.db import Connection, Pool, lock_keys
from services.ingest.certificate import Key, key_id

#: What was submitted before there was any key is signed by the first.
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class KeysUnusable(Exception):
    """The private keys were wrapped by another secret: set CHORALE_CERTIFICATE_SECRET to the former one."""


class PublicKey(Key, frozen=True, kw_only=True):
    """A key as it is published."""

    id: str

    @property
    def pem(self) -> str:
        """As other programs read it."""
        der = bytes.fromhex("302a300506032b6570032100") + self.raw  # RFC 8410, SubjectPublicKeyInfo
        return load_der_public_key(der).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class Keys:
    """The keys of one platform; ``secret`` wraps them."""

    def __init__(self, pool: Pool, secret: str) -> None:
        self._pool = pool
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"chorale certificate keys").derive(
            secret.encode()
        )
        self._wrap = Fernet(base64.urlsafe_b64encode(derived))

    async def public(self) -> list[PublicKey]:
        """Every key there ever was, newest first."""
        async with self._pool.acquire() as connection:
            await self._first(connection)
            rows = await connection.fetch(
                "select id, public_key as raw, valid_from,"
                " lead(valid_from) over (order by valid_from) as valid_until from certificate_key"
                " order by valid_from desc"
            )
        return [PublicKey(**dict(row)) for row in rows]

    async def at(self, instant: datetime) -> tuple[str, Ed25519PrivateKey]:
        """The key that signs what was submitted then. Raises :class:`KeysUnusable`."""
        async with self._pool.acquire() as connection:
            await self._first(connection)
            row = await connection.fetchrow(
                "select id, wrapped_key from certificate_key where valid_from <= $1 order by valid_from desc limit 1",
                instant,
            )
        assert row is not None
        try:
            return row["id"], Ed25519PrivateKey.from_private_bytes(self._wrap.decrypt(row["wrapped_key"]))
        except InvalidToken as error:
            raise KeysUnusable from error

    async def rotate(self, now: datetime) -> str:
        """A new key, which signs what is submitted from now on; returns its name."""
        async with self._pool.acquire() as connection, connection.transaction():
            await lock_keys(connection, "ingest", ["certificate-keys"])
            await self._add(connection, _BEGINNING if not await self._any(connection) else now)
            name: str = await connection.fetchval("select id from certificate_key order by valid_from desc limit 1")
            return name

    async def _first(self, connection: Connection) -> None:
        if await self._any(connection):
            return
        async with connection.transaction():
            await lock_keys(connection, "ingest", ["certificate-keys"])
            if not await self._any(connection):
                await self._add(connection, _BEGINNING)

    async def _any(self, connection: Connection) -> bool:
        found: bool = await connection.fetchval("select exists (select from certificate_key)")
        return found

    async def _add(self, connection: Connection, valid_from: datetime) -> None:
        private = Ed25519PrivateKey.generate()
        raw = private.public_key().public_bytes_raw()
        await connection.execute(
            "insert into certificate_key (id, public_key, wrapped_key, valid_from) values ($1, $2, $3, $4)",
            key_id(raw),
            raw,
            self._wrap.encrypt(private.private_bytes_raw()),
            valid_from,
        )
