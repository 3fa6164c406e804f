"""Accounts in PostgreSQL."""

from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

import asyncpg
import msgspec

from services.common.db import Connection
from services.portal import emails

State = Literal["pending", "active", "locked", "closed"]
_COLUMNS = "subject, email, name, language, state, password_hash, created_at, activated_at, closed_at"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account that has not been erased."""

    subject: str
    email: str
    name: str
    language: Literal["fr", "en"]
    state: State
    password_hash: str | None
    created_at: datetime
    activated_at: datetime | None
    closed_at: datetime | None

    @property
    def words(self) -> tuple[str, str]:
        """What a password may not be made of alone."""
        return self.email, self.name


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The structure that was named at sign-up."""

    identifier_type: str
    identifier: str
    structure_name: str
    address: dict[str, Any]
    proof_kind: str | None
    proof_reference: str | None


async def of(connection: Connection, subject: str, *, lock: bool = False) -> Account | None:
    """The account of this subject."""
    return await _one(connection, "subject = $1 and erased_at is null" + (" for update" if lock else ""), subject)


async def by_email(connection: Connection, email: str) -> Account | None:
    """The account that has this login."""
    return await _one(connection, "email_key = $1", emails.key(email))


async def make(connection: Connection, email: str, name: str, language: str, state: State, now: datetime) -> str:
    """A new account; returns its subject."""
    subject = f"person:{uuid4()}"
    await connection.execute(
        "insert into account (subject, email, email_key, name, language, state, created_at, activated_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, case when $6 = 'active' then $7::timestamptz end)",
        subject,
        email,
        emails.key(email),
        name,
        language,
        state,
        now,
    )
    return subject


async def claim(connection: Connection, subject: str, found: Claim, normalised: str, now: datetime) -> None:
    """Keep what was said of the structure, in place of what was said before."""
    await connection.execute(
        "insert into account_claim (subject, identifier_type, identifier, normalised, structure_name, address,"
        " proof_kind, proof_reference, claimed_at) values ($1, $2, $3, $4, $5, $6::text::jsonb, $7, $8, $9)"
        " on conflict (subject) do update set identifier_type = $2, identifier = $3, normalised = $4,"
        " structure_name = $5, address = excluded.address, proof_kind = $7, proof_reference = $8, claimed_at = $9"
        " where account_claim.done_at is null",
        subject,
        found.identifier_type,
        found.identifier,
        normalised,
        found.structure_name,
        msgspec.json.encode(found.address).decode(),
        found.proof_kind,
        found.proof_reference,
        now,
    )


async def claimed(connection: Connection, subject: str) -> Claim | None:
    """What was said of the structure and has not been acted on."""
    row = await connection.fetchrow(
        "select identifier_type, identifier, structure_name, address::text, proof_kind, proof_reference"
        " from account_claim where subject = $1 and done_at is null",
        subject,
    )
    return None if row is None else Claim(**{**dict(row), "address": msgspec.json.decode(row["address"])})


async def set_password(connection: Connection, subject: str, password_hash: str, now: datetime) -> None:
    """A new password; tokens made before are refused."""
    await connection.execute(
        "update account set password_hash = $2, password_at = $3, sessions_from = $3 where subject = $1",
        subject,
        password_hash,
        now,
    )


async def rehash(connection: Connection, subject: str, before: str, password_hash: str) -> None:
    """The same password at the cost of today."""
    await connection.execute(
        "update account set password_hash = $3 where subject = $1 and password_hash = $2",
        subject,
        before,
        password_hash,
    )


async def activate(connection: Connection, subject: str, now: datetime) -> None:
    """The account is open."""
    await connection.execute(
        "update account set state = 'active', activated_at = coalesce(activated_at, $2) where subject = $1"
        " and state = 'pending'",
        subject,
        now,
    )


async def rename(connection: Connection, subject: str, name: str | None, language: str | None) -> None:
    """Another name or language."""
    await connection.execute(
        "update account set name = coalesce($2, name), language = coalesce($3, language) where subject = $1",
        subject,
        name,
        language,
    )


async def set_email(connection: Connection, subject: str, email: str) -> bool:
    """Another login; False where an account has it by now."""
    try:
        async with connection.transaction():
            await connection.execute(
                "update account set email = $2, email_key = $3 where subject = $1", subject, email, emails.key(email)
            )
    except asyncpg.UniqueViolationError:
        return False
    return True


async def close(connection: Connection, subject: str, now: datetime) -> None:
    """The account is closed; its data stay until their term."""
    await connection.execute(
        "update account set state = 'closed', closed_at = $2, sessions_from = $2"
        " where subject = $1 and state <> 'closed'",
        subject,
        now,
    )


async def reopen(connection: Connection, subject: str) -> bool:
    """The account is open again; whether it was closed and still there, and its erasure not asked for yet."""
    found: bool | None = await connection.fetchval(
        "update account set state = 'active', closed_at = null where subject = $1 and state = 'closed'"
        " and erased_at is null and not exists (select from person_request r where r.subject = account.subject"
        " and r.done_at is null) returning true",
        subject,
    )
    return found is True


async def _one(connection: Connection, where: str, value: str) -> Account | None:
    row = await connection.fetchrow(f"select {_COLUMNS} from account where {where}", value)
    return None if row is None else Account(**dict(row))
