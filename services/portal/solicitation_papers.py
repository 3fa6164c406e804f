"""Files sent with a sollicitation: taken in first, joined to what is written then, erased with it."""

import hashlib
import io
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import msgspec

from services.common.blobs import Blobs
from services.common.db import Pool
from services.common.deliver import transaction
from services.portal.member_words import too_many
from services.portal.sent_files import media_type

#: Files with one message; and files of one account that are joined to nothing yet.
EACH_MESSAGE: Final = 5
LOOSE: Final = 20
FOLDER: Final = "solicitations"


def object_key(owner: str, identity: UUID) -> str:
    """Where a file is in the store."""
    return f"{FOLDER}/{owner.replace(':', '-')}/{identity}"


async def take(pool: Pool, blobs: Blobs, owner: str, name: str, content: bytes, now: datetime) -> UUID:
    """Keep a file. Raises a 415 or 429 problem."""
    kind = media_type(content, "ATTACHMENT")
    loose = await pool.fetchval(
        "select count(*) from solicitation_paper where owner = $1 and solicitation is null", owner
    )
    if loose >= LOOSE:
        raise too_many("pièces en attente d'être jointes", LOOSE)
    identity = uuid4()
    stored = await blobs.put(
        object_key(owner, identity),
        io.BytesIO(content),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        media_type=kind,
    )
    async with transaction(pool, "portal") as tx:
        await tx.conn.execute(
            "insert into solicitation_paper (id, owner, file_name, size, document, sent_at)"
            " values ($1, $2, $3, $4, $5::text::jsonb, $6)",
            identity,
            owner,
            name,
            len(content),
            msgspec.json.encode(stored).decode(),
            now,
        )
    return identity
