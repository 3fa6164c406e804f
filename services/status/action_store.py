"""What an action reads and writes beside the invoice's own tables: who asks, and what was answered before."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from contracts.codec import codec
from invoice.model import InvoiceHeader
from services.common.auth import Principal
from services.common.db import Connection, Pool, scoped
from services.status import documents, store
from services.status.action import Past
from services.status.model import Applied
from services.status.rerouting import ADDRESS_FIELDS

_header = codec(InvoiceHeader)
_DAYS_KEPT = 30
#: Role of a party → the actors of ``lifecycle.yaml`` that its people act as; a validator's by his rank.
_ACTOR_OF = {"FOURNISSEUR": "F", "MOE": "MOE", "MOA": "MOA"}
_COMPTABLE = "COMPTABLE"
_FINANCE = "FINANCE"
_ACCOUNTS = frozenset((_COMPTABLE, _FINANCE))
#: With one of these beside it, who keeps the accounts also acts for the ordonnateur.
_ORDONNATEUR = frozenset(("DESTINATAIRE", "GESTIONNAIRE", "AGENT", "TENANT_ADMIN"))


class Standing(msgspec.Struct, frozen=True):
    """Where somebody stands before an invoice: ``sees`` it, had it before it ``left``, acts as ``actors``."""

    sees: bool
    left: bool
    actors: tuple[str, ...]


class Answered(msgspec.Struct, frozen=True):
    """What an earlier request under the same key asked for and was answered."""

    invoice: UUID
    digest: bytes
    answer: bytes


async def standing(api_pool: Pool, principal: Principal, invoice: UUID) -> Standing:
    """Read through row-level security, which alone decides. An operator sees every invoice and acts for nobody."""
    async with scoped(api_pool, principal.scope()) as connection:
        sees = await connection.fetchval("select exists (select from invoice where id = $1)", invoice)
    own = {**principal.scope(), "roles": ",".join(role for role in principal.roles if role != "OPERATEUR")}
    async with scoped(api_pool, own) as connection:
        rows = await connection.fetch(
            "select distinct role, rank, valid_until is null as current from invoice_party where invoice = $1"
            " order by role desc, rank",
            invoice,
        )
    actors = tuple(actor for row in rows if row["current"] for actor in _actors(row["role"], row["rank"], principal))
    return Standing(sees, bool(rows) and not actors, actors)


def _actors(role: str, rank: int | None, principal: Principal) -> tuple[str, ...]:
    """The comptable acts as such, and for the ordonnateur only where his token says so too.

    The body's finance software says what both of them did (decisions.md 10). Neither acts where the structure stands
    on another side, as supplier, validator or works client, unless the token says more.
    """
    if role != "DESTINATAIRE" and principal.roles and _ACCOUNTS.issuperset(principal.roles):
        return ()
    if role == "VALIDATEUR":
        return (f"V{rank}",)
    if role != "DESTINATAIRE":
        return (_ACTOR_OF[role],)
    if _FINANCE in principal.roles:
        return ("D", "C")
    if _COMPTABLE not in principal.roles:
        return ("D",)
    return ("C", "D") if _ORDONNATEUR.intersection(principal.roles) else ("C",)


def digest(invoice: UUID, body: bytes) -> bytes:
    """What makes two requests the same."""
    return hashlib.sha256(invoice.bytes + body).digest()


async def answered(connection: Connection, subject: str, key: str) -> Answered | None:
    """What this subject was answered under this key, if anything."""
    row = await connection.fetchrow(
        "select invoice, digest, answer::text from action_request where subject = $1 and key = $2", subject, key
    )
    return None if row is None else Answered(row["invoice"], row["digest"], row["answer"].encode())


async def keep_answer(
    connection: Connection, subject: str, key: str, invoice: UUID, asked: bytes, answer: bytes, now: datetime
) -> None:
    """Remember an answer, in the transaction of what it tells. What the subject asked a month ago is forgotten."""
    await connection.execute(
        "delete from action_request where subject = $1 and at < $2", subject, now - timedelta(days=_DAYS_KEPT)
    )
    await connection.execute(
        "insert into action_request (subject, key, invoice, digest, answer, at) values ($1, $2, $3, $4, $5::jsonb, $6)",
        subject,
        key,
        invoice,
        asked,
        answer.decode(),
        now,
    )


async def past(connection: Connection, invoice: UUID) -> Past:
    """What an action may look at beside the invoice."""
    entries = await store.clock_entries(connection, [invoice])
    rows = await connection.fetch("select document from invoice_document where invoice = $1", invoice)
    stored = frozenset(row["document"] for row in rows if row["document"] != documents.INVOICE)
    return Past(entries=tuple(entries.get(invoice, ())), attachments=stored)


async def save_header(connection: Connection, done: Applied) -> None:
    """Write the address that the supplier has corrected."""
    if any(change.field in ADDRESS_FIELDS and change.before != change.after for change in done.entry.changes):
        await connection.execute(
            "update invoice set header = $2::jsonb where id = $1",
            done.invoice.id,
            _header.encode(done.invoice.header).decode(),
        )
