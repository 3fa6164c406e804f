"""The id minted at receipt (UUID version 7: ids sort by the instant of their deposit), and where files are put."""

import hashlib
import secrets
from datetime import datetime
from uuid import UUID


def uuid7(instant: datetime) -> UUID:
    """A fresh id (RFC 9562, 5.7): 48 bits of milliseconds, 12 of the fraction below, 62 random."""
    milliseconds, microseconds = divmod(round(instant.timestamp() * 1_000_000), 1_000)
    fraction = microseconds * 4096 // 1000
    return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | secrets.randbits(62))


def folder_of(depositor: str) -> str:
    """Where the store has everything of a depositor. One folder says nothing about another."""
    return hashlib.sha256(depositor.encode()).hexdigest()[:16]
