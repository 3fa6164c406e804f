"""The audit trail: who did what on accounts, rights and software, written in the transaction that does it."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from services.common.db import Connection
from services.common.trace import trace_id

_ACTION: Final = re.compile(r"[a-z_]+\.[a-z_]+")
#: Details are codes, numbers and identifiers. A longer text, or one with an @, is somebody's words or address.
_LONGEST: Final = 200
_INSERT: Final = (
    "insert into audit_entry (at, actor, action, about, structure, tenant, details, trace)"
    " values ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8)"
)

Detail = str | int | bool | None | Sequence[str]


class Code(str):
    """A text of which a code of the directory is part: everybody reads it there, whatever signs it is made of."""

    __slots__ = ()


async def write(
    connection: Connection,
    *,
    at: datetime,
    actor: str,
    action: str,
    about: str | None = None,
    structure: str | None = None,
    tenant: str | None = None,
    traceparent: str | None = None,
    details: Mapping[str, Detail] | None = None,
) -> None:
    """One entry, in the running transaction.

    ``actor`` and ``about`` are subjects (``platform`` where nobody asked for it), ``action`` is ``noun.verb_past`` such
    as ``software.revoked``. Raises ``ValueError`` for an action of another form and for details that might be personal.
    """
    given = dict(details or {})
    if not _ACTION.fullmatch(action):
        raise ValueError(f"{action} is no action: noun.verb")
    for name, value in (("actor", actor), ("about", about), *given.items()):
        _refuse_words(name, value)
    await connection.execute(
        _INSERT,
        at,
        actor,
        action,
        about,
        structure,
        tenant,
        msgspec.json.encode(given, enc_hook=str).decode(),
        trace_id(traceparent),
    )


def _refuse_words(name: str, value: Any) -> None:
    for text in value if isinstance(value, list | tuple) else (value,):
        code = isinstance(text, Code)
        if isinstance(text, str) and (len(text) > _LONGEST or (not code and ("@" in text or not text.isprintable()))):
            raise ValueError(f"the detail {name} is not a code: the audit trail holds no personal data")


async def prune(connection: Connection) -> int:
    """Forget the entries whose term has ended (five years); returns how many. The database refuses any other."""
    status: str = await connection.execute("delete from audit_entry where at < now() - interval '5 years'")
    return int(status.rpartition(" ")[2])
