"""Events of ``chorale.account``: into the outbox, and at once into portal's own copy of what every service keeps."""

from contracts.events import AccountPublished, SessionRevoked, SigningKeyPublished
from services.common import account_replica
from services.common.deliver import Cause, Tx

Published = AccountPublished | SessionRevoked | SigningKeyPublished


async def emit(tx: Tx, data: Published, *, key: str, partition_key: str, cause: Cause, index: int = 0) -> None:
    """Publish one entry in the running transaction, of which portal itself is the first reader."""
    tx.emit(data, key=key, cause=cause, index=index, partition_key=partition_key)
    await account_replica.apply(tx.conn, "portal", [data])
