"""Which errors pass by themselves, and how long we wait."""

import asyncpg
import pytest

from services.common.blobs import BlobsAway
from services.common.failures import Rejected, Transient, backoff, is_transient


@pytest.mark.parametrize(
    "error",
    [
        Transient("x"),
        BlobsAway("x"),
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.DeadlockDetectedError("x"),
        asyncpg.SerializationError("x"),
        asyncpg.AdminShutdownError("x"),
        asyncpg.CannotConnectNowError("x"),
        asyncpg.ConnectionDoesNotExistError("x"),
        asyncpg.TooManyConnectionsError("x"),
        asyncpg.DiskFullError("x"),
        asyncpg.IdleInTransactionSessionTimeoutError("x"),
        asyncpg.InterfaceError("connection is closed"),
    ],
)
def test_what_passes_by_itself_is_transient(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        Rejected("X", "y"),
        ValueError("closed"),
        KeyError("x"),
        asyncpg.UniqueViolationError("x"),
        asyncpg.UndefinedTableError("x"),
        asyncpg.InterfaceError("the server expects 2 arguments for this query, 1 was passed"),
        asyncpg.DataError("invalid input for query argument $1"),
    ],
)
def test_a_mistake_of_ours_or_of_the_data_is_not_transient(error: Exception) -> None:
    assert not is_transient(error)


def test_backoff_grows_and_never_passes_its_ceiling() -> None:
    waits = [[backoff(attempt) for _ in range(50)] for attempt in (1, 3, 20, 10_000)]
    assert max(waits[0]) <= 0.1
    assert min(waits[1]) > max(waits[0])
    assert max(max(wait) for wait in waits) <= 5.0
    assert min(waits[3]) >= 2.5
