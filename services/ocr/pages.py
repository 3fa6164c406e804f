"""Pages of a document as pictures: drawn by a reader process when first asked for, then kept in the object store."""

import asyncio
import hashlib
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.events import ClaimCheck
from invoice.findings import Finding
from services.common import telemetry
from services.common.blobs import BlobCorrupt, BlobMissing, Blobs, BlobsAway
from services.common.db import Pool, scoped, set_scope
from services.common.failures import is_transient
from services.common.web import Problem
from services.ocr import metrics, page_store
from services.ocr.budget import Budget
from services.ocr.page_store import Drawn, Readable
from services.ocr.pool import ReaderPool, ReaderUnavailable
from services.ocr.settings import OcrSettings

PNG: Final = "image/png"
PREFIX: Final = "pages/"
_TRY_AGAIN_AFTER: Final = timedelta(minutes=10)
_PER_DOCUMENT: Final = 8  # pages of one document asked for at once: one link must not keep out everybody else
_PRUNE_SECONDS: Final = 3600.0


def object_key(invoice: UUID, number: int) -> str:
    """Where a picture is stored."""
    return f"{PREFIX}{invoice}/{number}.png"


class Pages:
    """Gives pages of documents whose link was checked."""

    def __init__(self, api_pool: Pool, blobs: Blobs, painters: ReaderPool, settings: OcrSettings) -> None:
        self._pool = api_pool
        self._blobs = blobs
        self._painters = painters
        self._turns = asyncio.Semaphore(settings.painters)
        self._memory = Budget(settings.prefetch_mb * 2**20)
        self._waiting = 0
        self._asked: Counter[UUID] = Counter()
        self._may_wait = settings.pages_waiting
        self._bucket = settings.s3_bucket

    async def readable(self, invoice: UUID) -> Readable:
        """What the reading says of the document's pages. Raises a 404 problem where there are none."""
        async with scoped(self._pool, {"document": str(invoice)}) as connection:
            found = await page_store.readable(connection, invoice)
        if found is None:
            raise _unknown("Ce document n'est pas connu, ou n'est pas encore lu : réessayez dans quelques secondes.")
        if not found.sizes:
            raise Problem(
                404,
                "DOCUMENT_WITHOUT_PAGES",
                "Document sans page",
                _why_no_page(found),
            )
        return found

    async def picture(self, invoice: UUID, found: Readable, number: int) -> bytes:
        """Page ``number`` as PNG. Raises a 404 problem for a page that is not there, 422 for one that is not drawn."""
        if not 1 <= number <= len(found.sizes):
            raise _unknown(f"Ce document a {len(found.sizes)} page(s) ; la première porte le numéro 1.")
        kept = await self._kept(invoice, number)
        if kept is not None:
            return kept
        if self._waiting >= self._may_wait or self._asked[invoice] >= _PER_DOCUMENT:
            raise Problem(
                503,
                "PAGES_BUSY",
                "Trop de pages demandées à la fois",
                "Réessayez dans quelques secondes.",
                headers={"Retry-After": "3"},
            )
        self._waiting += 1
        self._asked[invoice] += 1
        try:
            async with self._turns:
                return await self._kept(invoice, number) or await self._draw(invoice, found.document, number)
        finally:
            self._waiting -= 1
            self._asked -= Counter((invoice,))  # keeps no document that nobody waits for

    async def _kept(self, invoice: UUID, number: int) -> bytes | None:
        """The picture that was drawn before, if it is still there."""
        async with scoped(self._pool, {"document": str(invoice)}) as connection:
            drawn = await page_store.drawn(connection, invoice, number, self._bucket, PNG)
        if drawn is None:
            return None
        if drawn.refusal is not None:
            if datetime.now(UTC) - drawn.drawn_at < _TRY_AGAIN_AFTER:
                raise _refused(drawn.refusal)
            return None
        assert drawn.claim is not None
        try:
            content = await self._blobs.get(drawn.claim)
        except (BlobMissing, BlobCorrupt):
            return None
        metrics.PAGES.labels(outcome="kept").inc()
        return content

    async def _draw(self, invoice: UUID, document: ClaimCheck, number: int) -> bytes:
        size = document.length or document.size
        await self._memory.take(size)
        try:
            content = await self._blobs.get(document)
            with metrics.DRAW_SECONDS.time():
                picture = await self._painters.draw(content, number)
        except (BlobMissing, BlobCorrupt) as error:
            telemetry.logger().error("document.unavailable", invoice=str(invoice), error=type(error).__name__)
            raise Problem(
                500,
                "DOCUMENT_UNAVAILABLE",
                "Document indisponible",
                "Le document conservé ne correspond plus à ce qui a été déposé : l'exploitant est prévenu.",
            ) from error
        except ReaderUnavailable as error:
            raise BlobsAway("no process to draw") from error
        finally:
            self._memory.give(size)
        if picture.refused is not None:
            metrics.PAGES.labels(outcome="refused").inc()
            await self._keep(invoice, Drawn(number=number, drawn_at=datetime.now(UTC), refusal=picture.refused))
            raise _refused(picture.refused)
        metrics.PAGES.labels(outcome="drawn").inc()
        await self._store(invoice, number, picture.png)
        return picture.png

    async def _store(self, invoice: UUID, number: int, png: bytes) -> None:
        """Keep a picture for the next time; when that cannot be done, it is drawn again then."""
        digest = hashlib.sha256(png).hexdigest()
        try:
            claim = await self._blobs.put(
                object_key(invoice, number), io.BytesIO(png), size=len(png), sha256=digest, media_type=PNG
            )
            await self._keep(invoice, Drawn(number=number, drawn_at=datetime.now(UTC), claim=claim))
        except Exception as error:
            if not is_transient(error):
                raise
            telemetry.logger().warning("page.not_kept", invoice=str(invoice), error=type(error).__name__)

    async def _keep(self, invoice: UUID, drawn: Drawn) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await set_scope(connection, {"document": str(invoice)})
            await page_store.keep(connection, invoice, drawn)


class Prune:
    """Forgets pictures that were drawn long ago; they are drawn again when somebody asks."""

    def __init__(self, pool: Pool, blobs: Blobs, settings: OcrSettings) -> None:
        self._pool = pool
        self._blobs = blobs
        self._age = timedelta(days=settings.page_days)

    async def run(self) -> None:
        """Prune for the life of the process. What fails is tried again in the next round."""
        while True:
            try:
                while await self.once():
                    pass
            except Exception as error:
                if is_transient(error):
                    telemetry.logger().warning("pages.away", error=type(error).__name__)
                else:
                    telemetry.logger().exception("pages.prune_failed")
            await asyncio.sleep(_PRUNE_SECONDS)

    async def once(self, limit: int = 500) -> int:
        """Forget up to ``limit`` pictures; returns how many. The object goes first, so that none is left unnamed."""
        async with self._pool.acquire() as connection:
            pages = await page_store.old(connection, self._age, limit)
        for page in pages:
            if page.key is not None:
                await self._blobs.delete(page.key)
        if pages:
            async with self._pool.acquire() as connection:
                await page_store.forget(connection, pages)
        return len(pages)


def _why_no_page(found: Readable) -> str:
    if found.outcome == "unreadable":
        return "Ce document n'a pas pu être ouvert : il n'y a pas de page à montrer."
    if found.source == "text":
        return "Les pages de ce document, lu il y a longtemps, ne sont pas disponibles."
    return "Ce document est un fichier de données XML : il n'a pas de page à montrer."


def _unknown(detail: str) -> Problem:
    return Problem(404, "PAGE_UNKNOWN", "Page introuvable", detail)


def _refused(reason: Finding) -> Problem:
    return Problem(
        422,
        "PAGE_NOT_DRAWN",
        "Page impossible à montrer",
        f"{reason.message} Le document lui-même reste disponible.",
        errors=[{"field": "page", "rule": reason.code, "message": reason.message, "action": reason.action}],
    )
