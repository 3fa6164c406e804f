"""What every route of deposits and drafts asks first: who may, under which key, from which place in a list."""

import re
from uuid import UUID

from services.common.auth import Principal
from services.common.may import require
from services.ingest import refusals

# One plain address, as a relay takes it: a list of them, a name beside it or half of one would reach nobody.
_CONTACT = re.compile(r"[!#-'*+\-./0-9=?A-Z^-~]{1,64}@[^\s@<>()\[\],;:\"\\]+\.[^\s@<>()\[\],;:\"\\]{2,}")
MAX_KEY = 200


def may_deposit(principal: Principal) -> None:
    """A deposit needs a depositor's right, and an address: what becomes of it is told by e-mail.

    Whoever has an account has his address there; it is nobody's but notify's.
    """
    require(principal, "deposit.create")
    if principal.kid is None and not _CONTACT.fullmatch(principal.contact):
        raise refusals.contact_missing()


def checked_key(key: str | None) -> str | None:
    """The Idempotency-Key, if it can be kept."""
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise refusals.key_invalid(len(key))
    return key


def cursor_of(value: str | None) -> UUID | None:
    """Where a page begins."""
    if value is None:
        return None
    found = id_of(value)
    if found is None:
        raise refusals.cursor_invalid(value)
    return found


def id_of(text: str) -> UUID | None:
    """The id that this is, if it is one."""
    try:
        return UUID(text)
    except ValueError:
        return None
