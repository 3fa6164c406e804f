"""A selection of invoices as one ZIP: their documents and attachments, and a CSV that names each of them.

It is written as it is sent: one document at a time is in memory, nothing lies on a disk.
"""

import re
import unicodedata
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from services.common import telemetry
from services.common.auth import Principal
from services.common.blobs import BlobCorrupt, BlobMissing, Blobs, BlobsAway
from services.common.db import Pool, scoped
from services.common.table_csv import MARK, lines, text
from services.common.web import Problem
from services.status import documents, queries, table_csv
from services.status.documents import Held
from services.status.search import Search

MOST_INVOICES: Final = 500
MOST_BYTES: Final = 2**30
_LIST: Final = "factures.csv"
_FILES: Final = "documents.csv"
_FILES_HEAD: Final = ("id", "numero", "fichier", "sha256", "taille", "etat")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Selection(msgspec.Struct, frozen=True):
    """What goes into an archive."""

    rows: Sequence[asyncpg.Record]
    held: Mapping[UUID, Sequence[Held]]


async def select(api_pool: Pool, principal: Principal, wanted: Search, ids: Sequence[UUID], now: datetime) -> Selection:
    """The invoices named, or those that meet the conditions. Raises a problem when there are none or too many."""
    async with scoped(api_pool, principal.scope()) as connection:
        if ids:
            found = await connection.fetch(
                f"select {queries.LISTED} from invoice where id = any ($1::uuid[]) order by submitted_at desc, id desc",
                list(ids),
            )
        else:
            found = await queries.search(connection, principal, wanted, MOST_INVOICES + 1, now)
        held = await documents.of_invoices(connection, [row["id"] for row in found])
    missing = set(ids) - {row["id"] for row in found}
    if missing or not found:
        raise _nothing(sorted(str(one) for one in missing))
    size = sum(one.claim.size for many in held.values() for one in many)
    if len(found) > MOST_INVOICES or size > MOST_BYTES:
        raise _too_much(len(found), size)
    return Selection(found, held)


async def write(blobs: Blobs, selection: Selection) -> AsyncIterator[bytes]:
    """The bytes of the ZIP. A document that cannot be had is named in ``documents.csv``, and the rest goes on."""
    sink = _Sink()
    names: set[str] = set()
    listed: list[list[object]] = []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for row in selection.rows:
            for held in selection.held.get(row["id"], ()):
                name = _unique(f"{safe(row['number'])}/{safe(held.name)}", names)
                state = await _add(archive, blobs, name, held)
                listed.append([row["id"], *_cells(row["number"], name), held.claim.sha256, held.claim.size, state])
                yield sink.take()
            if row["id"] not in selection.held:
                listed.append([row["id"], *_cells(row["number"], ""), "", "", "document inconnu de ce service"])
        table = table_csv.whole(selection.rows)
        archive.writestr(_LIST, MARK + table, zipfile.ZIP_DEFLATED)
        archive.writestr(_FILES, MARK + lines([_FILES_HEAD, *listed]), zipfile.ZIP_DEFLATED)
    yield sink.take()


async def _add(archive: zipfile.ZipFile, blobs: Blobs, name: str, held: Held) -> str:
    try:
        content = await blobs.get(held.claim)
    except (BlobMissing, BlobCorrupt, BlobsAway) as error:
        telemetry.logger().error("archive.document_unavailable", error=type(error).__name__)
        return "indisponible : réessayez, puis prévenez l'exploitant"
    archive.writestr(name, content)
    return "joint"


def _cells(number: str, name: str) -> list[str]:
    return [text(number), name]


def safe(name: str) -> str:
    """A name that no system takes for a path, without accents; never empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return _UNSAFE.sub("_", plain).strip("._-")[:80] or "document"


def _unique(name: str, taken: set[str]) -> str:
    """``name``, or ``name`` with a number before its ending: two suppliers may use one number."""
    stem, dot, ending = name.rpartition(".")
    if "/" in ending or not dot:
        stem, dot, ending = name, "", ""
    found, count = name, 1
    while found.lower() in taken:
        count += 1
        found = f"{stem}-{count}{dot}{ending}"
    taken.add(found.lower())
    return found


class _Sink:
    """What the archive writes, until it is taken away. It cannot be gone back in."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is to be closed."""

    def take(self) -> bytes:
        """What has been written since the last time."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def _nothing(missing: Sequence[str]) -> Problem:
    return Problem(
        404,
        "ARCHIVE_EMPTY",
        "Sélection introuvable",
        "Aucune facture visible avec vos droits ne correspond, ou l'une de celles qui sont nommées n'est pas visible.",
        errors=[{"field": "id", "value": one, "rule": "facture visible"} for one in missing[:20]],
    )


def _too_much(count: int, size: int) -> Problem:
    megabytes = size // 2**20
    return Problem(
        422,
        "ARCHIVE_TOO_LARGE",
        "Sélection trop grande",
        f"Une archive tient {MOST_INVOICES} factures et {MOST_BYTES // 2**20} Mo au plus : réduisez la sélection.",
        errors=[
            {"field": "id", "value": f"{count} factures ou plus, {megabytes} Mo", "rule": f"{MOST_INVOICES} factures"}
        ],
    )
