"""The recipients of the directory: kept from its topic, told to the reader processes."""

from collections.abc import Sequence
from typing import Final

import msgspec

from contracts.events import StructurePublished
from invoice.directory import NumberFormat
from services.common.db import Connection, Pool
from services.common.loops import every
from services.common.versions import highest
from services.ocr.known import packed
from services.ocr.pool import ReaderPool

LOOK_SECONDS: Final = 2.0
_encode: Final = msgspec.json.Encoder().encode
_formats: Final = msgspec.json.Decoder(tuple[NumberFormat, ...]).decode


async def keep(connection: Connection, published: Sequence[StructurePublished]) -> None:
    """Keep the highest version of each structure."""
    rows = highest(published, lambda event: event.structure.siret)
    await connection.execute(
        "insert into recipient as r (siret, version, deleted, engagement_formats, tenant)"
        " select s, v, d, f::jsonb, t"
        " from unnest($1::text[], $2::bigint[], $3::bool[], $4::text[], $5::text[]) x(s, v, d, f, t)"
        " on conflict (siret) do update set version = excluded.version, deleted = excluded.deleted,"
        "  engagement_formats = excluded.engagement_formats, tenant = excluded.tenant"
        " where r.version < excluded.version",
        [row.structure.siret for row in rows],
        [row.version for row in rows],
        [row.deleted for row in rows],
        [_encode(row.structure.engagement_formats).decode() for row in rows],
        [row.structure.tenant for row in rows],
    )


async def pack(connection: Connection) -> bytes:
    """Every recipient, as a reader process takes them."""
    rows = await connection.fetch("select siret, engagement_formats from recipient where not deleted")
    return packed({row["siret"]: _formats(row["engagement_formats"]) for row in rows})


class Tell:
    """Tells the readers when the directory has changed. Without it they read all the same, by the page alone."""

    def __init__(self, pool: Pool, readers: ReaderPool) -> None:
        self._pool = pool
        self._readers = readers
        self._version = 0

    async def run(self) -> None:
        """Look until cancelled."""
        await every(LOOK_SECONDS, self.once, "recipients.failed")

    async def once(self) -> bool:
        """Tell the readers if anything is newer than what they were told; whether it was.

        One sequence numbers all versions of the directory, and they come in order within a structure: several
        partitions may bring a lower number later, so the sum of the versions says whether anything has changed.
        """
        async with self._pool.acquire() as connection:
            version: int = await connection.fetchval("select coalesce(sum(version), 0)::bigint from recipient")
            if version == self._version:
                return False
            self._readers.know(await pack(connection))
        self._version = version
        return True
