"""What a relay's acceptance proves, in an append-only record: one row for each message that the mail carried."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.common.db import Connection, Pool
from services.notify.store import Finished


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that a relay accepted. ``number`` is the invoice's; ``entry`` the line of its history.

    ``address_sha256`` is :func:`address_digest` of the address; ``carrier`` the mail that carried the notice (the
    message itself when it was sent alone), whose fixed id stands in ``message_id_header``.
    """

    message: UUID
    carrier: UUID
    subject: str
    entry: int | None
    kind: str
    audience: str
    tenant: str | None
    structure: str | None
    number: str | None
    address_sha256: str
    message_id_header: str
    created_at: datetime
    accepted_at: datetime
    attempt: int
    relay: str
    code: int
    answer: str
    tls_version: str | None
    tls_cipher: str | None

    def as_dict(self) -> dict[str, Any]:
        """Builtins, for the API and the export."""
        return msgspec.structs.asdict(self)


COLUMNS = ", ".join(Proof.__struct_fields__)


def address_digest(message: UUID, address: str) -> str:
    """SHA-256 of the message's id and the address: whoever has both can check it, nobody else can guess it."""
    return hashlib.sha256(message.bytes + address.encode()).hexdigest()


async def keep(connection: Connection, done: Sequence[Finished]) -> None:
    """Write the proof of what was accepted, in the transaction that records it. A repeat changes nothing."""
    rows = [(finished, item) for finished in done if finished.state == "accepted" for item in finished.message.items]
    if not rows:
        return
    await connection.execute(
        f"insert into proof ({COLUMNS})"
        " select m.id, t.carrier, m.subject, m.entry, m.kind, m.audience, m.tenant, m.structure, t.number, t.digest,"
        " t.header, m.created_at, t.at, t.n, t.relay, t.code, t.answer, t.tls_version, t.tls_cipher"
        " from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::int[],"
        " $8::text[], $9::int[], $10::text[], $11::text[], $12::text[])"
        " t(id, carrier, number, digest, header, at, n, relay, code, answer, tls_version, tls_cipher)"
        " join message m on m.id = t.id on conflict do nothing",
        [item.id for _, item in rows],
        [f.message.id for f, _ in rows],
        [item.facts.number for _, item in rows],
        [address_digest(item.id, f.message.address) for f, item in rows],
        [f.message.message_id_header for f, _ in rows],
        [f.answer.at for f, _ in rows],
        [f.message.n for f, _ in rows],
        [f.answer.host for f, _ in rows],
        [f.answer.code for f, _ in rows],
        [f.answer.text for f, _ in rows],
        [f.answer.tls_version for f, _ in rows],
        [f.answer.tls_cipher for f, _ in rows],
    )


async def read(
    connection: Connection | Pool, *, subject: str | None = None, after: UUID | None = None, limit: int = 1000
) -> list[Proof]:
    """Proofs in the order of their messages' ids, as far as the connection's role may see them."""
    rows = await connection.fetch(
        f"select {COLUMNS} from proof where ($1::text is null or subject = $1)"
        " and ($2::uuid is null or message > $2) order by message limit $3",
        subject,
        after,
        limit,
    )
    return [Proof(**dict(row)) for row in rows]
