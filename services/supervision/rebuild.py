"""``python -m services.supervision rebuild``: empty the windows and let the topics fill them again.

Every instance must be stopped: the group is put back to the beginning of its topics.
"""

import asyncio
import sys
from typing import Final

import asyncpg

from services.common.db import Connection, migrate
from services.supervision import lag, store
from services.supervision.settings import SupervisionSettings
from services.supervision.streams import GROUP

#: For so long other instances wait at most.
_ENDS_SECONDS: Final = 15.0


async def rebuild(settings: SupervisionSettings) -> int:
    """Returns how many partitions are read again. Raises :class:`lag.GroupActive` while an instance runs."""
    dsn = settings.dsn.get_secret_value()
    await migrate(dsn, "supervision", "services.supervision")
    connection = await asyncpg.connect(dsn, timeout=10, server_settings={"search_path": "supervision"})
    try:
        async with connection.transaction():
            await store.forget_everything(connection)
            return await lag.rewind(settings.kafka, GROUP)
    finally:
        await connection.close()


async def forget_lost(settings: SupervisionSettings, connection: Connection) -> int:
    """Forget places beyond the end of their partition: their topic was made anew and counts from its beginning.

    No place moves while the ends are asked for: one that another instance had just advanced would lie beyond them too.
    """
    async with connection.transaction():
        await connection.execute("select from read_through order by topic, kafka_partition for update")
        async with asyncio.timeout(_ENDS_SECONDS):
            ends = await lag.ends(settings.kafka)
        rows = await connection.fetch(
            "delete from read_through r using unnest($1::text[], $2::int[], $3::bigint[]) x(t, p, o)"
            " where r.topic = x.t and r.kafka_partition = x.p and r.kafka_offset >= x.o returning 1",
            [place[0] for place in ends],
            [place[1] for place in ends],
            list(ends.values()),
        )
    return len(rows)


def run() -> int:
    """The command; returns its exit code."""
    try:
        partitions = asyncio.run(rebuild(SupervisionSettings()))
    except lag.GroupActive as error:
        sys.stderr.write(f"Not rebuilt ({error}): stop every instance of supervision first.\n")
        return 1
    sys.stdout.write(f"The windows are empty; {partitions} partitions will be read again from their beginning.\n")
    return 0
