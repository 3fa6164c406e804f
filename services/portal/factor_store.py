"""Second factors: one-time passwords (RFC 6238), recovery codes, passkeys (WebAuthn)."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec
import pyotp
from cryptography.fernet import Fernet, InvalidToken

from services.common.db import Connection

_CODES: Final = 10
#: Letters and digits that nobody mistakes for another.
_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
STEP: Final = 30
Factor = Literal["totp", "passkey", "recovery"]


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of a person's device."""

    id: bytes
    subject: str
    public_key: bytes
    sign_count: int
    name: str
    synced: bool
    made_at: datetime
    last_used_at: datetime | None


async def factors_of(connection: Connection, subject: str) -> list[Factor]:
    """What is asked for after the password; empty: nothing is."""
    row = await connection.fetchrow(
        "select exists (select from totp where subject = $1 and confirmed_at is not null) as totp,"
        " exists (select from passkey where subject = $1) as passkey,"
        " exists (select from recovery_code where subject = $1 and used_at is null) as recovery",
        subject,
    )
    assert row is not None
    found: list[Factor] = []
    if row["totp"]:
        found.append("totp")
    if row["passkey"]:
        found.append("passkey")
    if found and row["recovery"]:
        found.append("recovery")
    return found


async def ask_totp(connection: Connection, wrap: Fernet, subject: str, now: datetime) -> str | None:
    """A new secret that waits to be confirmed; None where one is in use."""
    secret = pyotp.random_base32(32)
    done = await connection.fetchval(
        "insert into totp (subject, wrapped, asked_at) values ($1, $2, $3) on conflict (subject) do update"
        " set wrapped = $2, asked_at = $3 where totp.confirmed_at is null returning true",
        subject,
        wrap.encrypt(secret.encode()),
        now,
    )
    return secret if done else None


async def check_totp(
    connection: Connection, wrap: Fernet, subject: str, code: str, now: datetime, *, confirm: bool = False
) -> bool:
    """Whether the code is that of this half minute, the one before or the one after, and was not used before."""
    row = await connection.fetchrow(
        "select wrapped, last_step from totp where subject = $1 and (confirmed_at is null) = $2 for update",
        subject,
        confirm,
    )
    if row is None:
        return False
    try:
        secret = wrap.decrypt(row["wrapped"]).decode()
    except InvalidToken:
        return False
    made, step = pyotp.TOTP(secret), int(now.timestamp()) // STEP
    given = "".join(code.split()).encode("utf-8", "replace")
    right = [n for n in (step - 1, step, step + 1) if secrets.compare_digest(made.at(n * STEP).encode(), given)]
    fresh = [n for n in right if n > row["last_step"]]
    if not fresh:
        return False
    await connection.execute(
        "update totp set last_step = $2, confirmed_at = coalesce(confirmed_at, $3) where subject = $1",
        subject,
        max(fresh),
        now,
    )
    return True


async def end_totp(connection: Connection, subject: str) -> bool:
    """No one-time passwords any more."""
    return await connection.fetchval("delete from totp where subject = $1 returning true", subject) is True


async def new_codes(connection: Connection, subject: str) -> list[str]:
    """Ten recovery codes, shown once; those before are worth nothing."""
    codes = ["-".join(_word() for _ in range(4)) for _ in range(_CODES)]
    await connection.execute("delete from recovery_code where subject = $1", subject)
    await connection.executemany(
        "insert into recovery_code (subject, digest) values ($1, $2)", [(subject, _digest(code)) for code in codes]
    )
    return codes


async def use_code(connection: Connection, subject: str, code: str, now: datetime) -> bool:
    """Whether it is one of them that has not served; it has now."""
    found = await connection.fetchval(
        "update recovery_code set used_at = $3 where subject = $1 and digest = $2 and used_at is null returning true",
        subject,
        _digest(code),
        now,
    )
    return found is True


async def codes_left(connection: Connection, subject: str) -> int:
    """How many recovery codes can still be used."""
    found: int = await connection.fetchval(
        "select count(*) from recovery_code where subject = $1 and used_at is null", subject
    )
    return found


async def drop_codes_alone(connection: Connection, subject: str) -> None:
    """Recovery codes without a factor to recover from mean nothing."""
    if not await factors_of(connection, subject):
        await connection.execute("delete from recovery_code where subject = $1", subject)


async def passkeys(connection: Connection, subject: str) -> list[Passkey]:
    """A person's passkeys, the oldest first."""
    rows = await connection.fetch(
        "select id, subject, public_key, sign_count, name, synced, made_at, last_used_at from passkey"
        " where subject = $1 order by made_at, id",
        subject,
    )
    return [Passkey(**dict(row)) for row in rows]


async def passkey(connection: Connection, identity: bytes) -> Passkey | None:
    """A passkey by its own id, locked."""
    row = await connection.fetchrow(
        "select id, subject, public_key, sign_count, name, synced, made_at, last_used_at from passkey"
        " where id = $1 for update",
        identity,
    )
    return None if row is None else Passkey(**dict(row))


async def add_passkey(
    connection: Connection,
    subject: str,
    identity: bytes,
    public_key: bytes,
    sign_count: int,
    name: str,
    synced: bool,
    now: datetime,
) -> bool:
    """Keep a passkey; False where it is kept already."""
    done = await connection.fetchval(
        "insert into passkey (id, subject, public_key, sign_count, name, synced, made_at)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing returning true",
        identity,
        subject,
        public_key,
        sign_count,
        name,
        synced,
        now,
    )
    return done is True


async def used_passkey(connection: Connection, identity: bytes, sign_count: int, now: datetime) -> None:
    """It has signed."""
    await connection.execute(
        "update passkey set sign_count = $2, last_used_at = $3 where id = $1", identity, sign_count, now
    )


async def drop_passkey(connection: Connection, subject: str, identity: bytes) -> bool:
    """Forget one; whether it was there."""
    done = await connection.fetchval(
        "delete from passkey where id = $1 and subject = $2 returning true", identity, subject
    )
    return done is True


def _word() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(4))


def _digest(code: str) -> bytes:
    plain = "".join(character for character in code.lower() if character.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "replace")).digest()


def shown(names: Sequence[Factor]) -> str:
    """The factors in words."""
    words = {"totp": "le code de votre application", "passkey": "votre clé d'accès", "recovery": "un code de secours"}
    return " ou ".join(words[name] for name in names)
