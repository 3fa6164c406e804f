"""Errors have three kinds: rejected for good, transient, and bugs."""

import random

import asyncpg


class Rejected(Exception):
    """This event can never be handled: park it. ``code`` is stable, ``detail`` names the rule, never personal data."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Transient(Exception):
    """A part we depend on is away for now: back off and try the same thing again."""


_TRANSIENT_SQL = (
    asyncpg.PostgresConnectionError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,
)


def is_transient(error: BaseException) -> bool:
    """True when the same work may succeed later without anybody changing it."""
    if isinstance(error, (Transient, *_TRANSIENT_SQL)):
        return True
    if isinstance(error, asyncpg.InterfaceError):
        # asyncpg uses one class for a lost connection and for wrong arguments; only the first passes by itself.
        return not isinstance(error, ValueError) and "clos" in str(error)
    return isinstance(error, OSError | TimeoutError)


def backoff(attempt: int, *, base: float = 0.1, ceiling: float = 5.0) -> float:
    """Seconds to wait before try ``attempt`` (from 1): exponential with full jitter, never over ``ceiling``."""
    return random.uniform(0.5, 1.0) * min(ceiling, base * 2.0 ** min(attempt - 1, 16))
