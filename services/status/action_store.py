"""What an action reads and writes beside the invoice's own tables: who asks, and what was answered before."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from contracts.codec import codec
from invoice import rights
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
#: … and the action of ``rights.yaml`` that acting so is.
_ACTS = {
    "FOURNISSEUR": "invoice.act_as_supplier",
    "VALIDATEUR": "invoice.act_as_validator",
    "MOE": "invoice.act_as_moe",
    "MOA": "invoice.act_as_moa",
}
_SIDES = frozenset(("FOURNISSEUR", "DESTINATAIRE"))
_COMPTABLE = "COMPTABLE"
_FINANCE = "FINANCE"
#: A development token with these alone acts on no other side than the body's, or on none.
_ELSEWHERE_NOBODY = frozenset((_COMPTABLE, _FINANCE, "LECTURE"))
#: With one of these beside it, who keeps the accounts also acts for the ordonnateur.
_ORDONNATEUR = frozenset(("DESTINATAIRE", "GESTIONNAIRE", "AGENT", "TENANT_ADMIN"))


class Standing(msgspec.Struct, frozen=True):
    """Where somebody stands before an invoice: ``sees`` it, had it before it ``left``, acts as ``actors``.

    ``reads``: as the supplier or the recipient, and only that.
    """

    sees: bool
    left: bool
    actors: tuple[str, ...]
    reads: bool = False


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
            "select role, rank, structure, service, tenant, depositor, valid_until is null as current"
            " from invoice_party where invoice = $1 order by role desc, rank",
            invoice,
        )
    current = [row for row in rows if row["current"]]
    actors = tuple(dict.fromkeys(actor for row in current for actor in _actors(row, principal)))
    reads = any(row["role"] in _SIDES and "LECTURE" in _roles_at(row, principal) for row in current)
    return Standing(sees, bool(rows) and not current, actors, reads)


def _actors(row: asyncpg.Record, principal: Principal) -> tuple[str, ...]:
    """As whom he acts by the rights he holds at this party, and by none that he holds elsewhere.

    The comptable acts as such, and for the ordonnateur only where he is one of them there too; the body's finance
    software says what both of them did (decisions.md 10). Whoever only reads acts as nobody.
    """
    role, roles = row["role"], _roles_at(row, principal)
    if role == "DESTINATAIRE":
        return _recipient(roles, row, principal)
    if not principal.grants:
        acts = not roles or not _ELSEWHERE_NOBODY.issuperset(roles)
    else:
        own = row["depositor"] == principal.subject
        acts = rights.allows(principal.grants, _ACTS[role], structure=row["structure"], service=row["service"], own=own)
    if not acts:
        return ()
    return (f"V{row['rank']}",) if role == "VALIDATEUR" else (_ACTOR_OF[role],)


def _recipient(roles: frozenset[str], row: asyncpg.Record, principal: Principal) -> tuple[str, ...]:
    place = {"structure": row["structure"], "service": row["service"], "tenant": row["tenant"]}
    if not principal.grants:
        accounts = bool(roles & {_COMPTABLE, _FINANCE})
        body = _FINANCE in roles or bool(_ORDONNATEUR & roles) if accounts else roles != {"LECTURE"}
    else:
        accounts = rights.allows(principal.grants, "invoice.act_as_comptable", **place)
        body = rights.allows(principal.grants, "invoice.act_as_body", **place)
    order = ("D", "C") if _FINANCE in roles else ("C", "D")
    return tuple(actor for actor in order if (body if actor == "D" else accounts))


def _roles_at(row: asyncpg.Record, principal: Principal) -> frozenset[str]:
    """The roles held at the party's structure or service; of a development token all, which names no place for them."""
    if not principal.grants:
        return frozenset(principal.roles)
    return frozenset(
        grant.role
        for grant in principal.grants
        if grant.structure == row["structure"]
        and grant.service in (None, row["service"])
        and (row["role"] != "DESTINATAIRE" or grant.tenant == row["tenant"])
    )


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
