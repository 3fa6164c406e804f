"""Originals stay byte for byte what was deposited: compared with their hash again and again, and given out whole."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

import msgspec

from contracts.events import ClaimCheck
from services.common import clock, telemetry
from services.common.blobs import BlobCorrupt, BlobMissing, Blobs
from services.common.db import Pool, scoped
from services.common.failures import is_transient
from services.common.looks_by_command import CommandLook
from services.ingest import attachment_store, metrics, store

Seen = Literal["whole", "changed", "missing"]
#: How long a file that was found whole is left alone.
AGAIN: Final = timedelta(days=30)
_DUE: Final = (
    "select '{table}' as place, id, {name} as name, bucket, object_key, pack_offset, sha256, size, media_type"
    " from {table} where {only} (verified_at is null or verified_at < $1)"
    " order by verified_at nulls first, id limit $2"
)
_STATEMENTS: Final = {
    "deposit": _DUE.format(table="deposit", name="file_name", only="state = 'submitted' and expired_at is null and"),
    "attachment": _DUE.format(
        table="attachment",
        name="name",
        only="not exists (select from deposit d where d.id = deposit_id and d.expired_at is not null) and",
    ),
}

_WHOSE: Final = (
    "select e.data->>'tenant' from deposit d join directory_entry e on e.kind = 'structure' and not e.deleted"
    " and e.owner = d.header->>'recipient_siret' where d.id = $1"
)


class Looked(msgspec.Struct, frozen=True):
    """What was seen of one file; ``place`` is ``deposit`` or ``attachment``, ``id`` its own."""

    place: str
    id: UUID
    seen: Seen


class Originals:
    """Compares stored files with their hashes, those looked at longest ago first."""

    def __init__(self, pool: Pool, blobs: Blobs, *, every_seconds: float = 3600.0, at_once: int = 200) -> None:
        self._pool = pool
        self._blobs = blobs
        self._every = every_seconds
        self._at_once = at_once

    async def run(self) -> None:
        """Look at some every hour for the life of the process."""
        while True:
            try:
                await self.once(clock.now() - AGAIN)
            except Exception as error:
                if not is_transient(error):
                    telemetry.logger().exception("originals.failed")
            await asyncio.sleep(self._every)

    async def once(self, before: datetime) -> list[Looked]:
        """Look at some files that were last looked at before that instant."""
        found: list[Looked] = []
        for place, statement in _STATEMENTS.items():
            rows = await self._pool.fetch(statement, before, self._at_once)
            for row in rows:
                seen = await self._look(
                    ClaimCheck(
                        bucket=row["bucket"],
                        key=row["object_key"],
                        sha256=row["sha256"],
                        size=row["size"],
                        media_type=row["media_type"],
                        offset=row["pack_offset"],
                        length=None if row["pack_offset"] is None else row["size"],
                    )
                )
                found.append(Looked(place, row["id"], seen))
                await self._pool.execute(
                    f"update {place} set verified_at = $2, verified_as = $3 where id = $1", row["id"], clock.now(), seen
                )
        for each in found:
            metrics.ORIGINALS.labels(seen=each.seen).inc()
            if each.seen != "whole":
                telemetry.logger().error("original.damaged", place=each.place, id=str(each.id), seen=each.seen)
        return found

    async def _look(self, claim: ClaimCheck) -> Seen:
        try:
            await self._blobs.get(claim)
        except BlobMissing:
            return "missing"
        except BlobCorrupt:
            return "changed"
        return "whole"

    async def export(self, deposit: UUID, folder: Path, look: CommandLook) -> list[Path]:
        """Write a deposit's document and attachments, verified, into a folder of its own. Raises KeyError for none.

        ``look`` is written first, into the trail of the recipient's tenant.
        """
        async with scoped(self._pool, {}) as connection:
            stored = await store.find(connection, deposit)
            kept = await attachment_store.listed(connection, deposit)
        if stored is None or not stored.document.sha256 or stored.expired_at is not None:
            raise KeyError(str(deposit))
        async with self._pool.acquire() as connection:
            await look.at(connection, await connection.fetchval(_WHOSE, deposit), deposit)
        target = folder / str(deposit)
        (target / "pieces").mkdir(parents=True, exist_ok=True)
        ending = "xml" if stored.document.media_type.endswith("xml") else "pdf"
        written = [target / f"document.{ending}"]
        written[0].write_bytes(await self._blobs.get(stored.document))
        for number, each in enumerate(kept, 1):
            # A supplier's name is a label, never a path: the ending alone is taken from it.
            tail = "".join(char for char in each.name.rpartition(".")[2] if char.isascii() and char.isalnum())[:10]
            path = target / "pieces" / f"{number:03}.{tail or 'bin'}"
            path.write_bytes(await self._blobs.get(each.document))
            written.append(path)
        return written
