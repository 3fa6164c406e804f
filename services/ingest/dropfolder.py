"""Drop folders in the object store: a program puts its flows under ``drop/ACCOUNT/in/`` and finds, under
``drop/ACCOUNT/out/``, a receipt at once and the report at the end.

``python -m services.ingest.dropfolder add …`` opens one for a technical account.
"""

import argparse
import asyncio
import hashlib
import io
import json
import tempfile
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, BinaryIO, Final, cast
from uuid import UUID, uuid4

import msgspec

from services.common import clock, telemetry
from services.common.blobs import BlobMissing, Blobs, Listed
from services.common.db import Pool, open_pool
from services.common.deliver import transaction
from services.common.failures import is_transient
from services.common.identity import Identity
from services.ingest import depositing, flow_items, flow_report, flow_store, flow_views, flow_words
from services.ingest.flow_domain import Flow, FlowState, kind_of
from services.ingest.flow_items import Told
from services.ingest.flow_segments import folder
from services.ingest.flow_store import Segment
from services.ingest.identity import uuid7
from services.ingest.kinds import MAGIC_WITHIN, looks_like
from services.ingest.names import label
from services.ingest.rounds import rounds
from services.ingest.settings import IngestSettings

ROOT: Final = "drop/"
_FILES: Final = 100
#: Bytes of a key, and of one name in it, that the store and its disk surely take with what is put behind (S3: 1024).
_MAX_KEY: Final = 900
_MAX_NAME: Final = 200


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A technical account as the operator opened it."""

    account: str
    subject: str
    contact: str
    structures: tuple[str, ...]
    roles: tuple[str, ...]


class DropFolders:
    """Looks into every drop folder, one process at a time each. ``access`` knows what its account may do now."""

    def __init__(self, pool: Pool, blobs: Blobs, settings: IngestSettings, access: Identity) -> None:
        self._pool = pool
        self._blobs = blobs
        self._settings = settings
        self._access = access
        self._lease = uuid4()

    async def run(self) -> None:
        """Look until cancelled. What fails is tried again at the next look."""
        await rounds(self.once, self._settings.drop_folder_seconds, away="drop.away", failed="drop.failed")

    async def once(self) -> None:
        """One look into each folder that nobody else looks into."""
        accounts = await self._pool.fetch(
            "update drop_folder set lease = $1, lease_until = now() + $2::interval"
            " where lease_until is null or lease_until < now() or lease = $1"
            " returning account, subject, contact, structures, roles",
            self._lease,
            timedelta(seconds=self._settings.drop_lease_seconds),
        )
        for account in accounts:
            try:
                await self._look(Account(**dict(account)))
            except Exception as error:  # one folder's trouble is not another's
                telemetry.logger().warning("drop.put_off", account=account["account"], error=type(error).__name__)
                if not is_transient(error):
                    telemetry.logger().exception("drop.failed")

    async def _look(self, account: Account) -> None:
        files = await self._blobs.listed(f"{ROOT}{account.account}/in/", _FILES)
        now = await self._as_it_may(account) if files else None
        if files and now is None:
            telemetry.logger().warning("drop.without_right", account=account.account, files=len(files))
        for found in files if now is not None else ():
            if found.key.endswith("/"):
                continue
            try:
                await self._pick_up(now or account, found)
            except Exception as error:  # one file's trouble is not another's
                if is_transient(error):
                    raise
                telemetry.logger().exception("drop.file_failed", account=account.account)
        await self._report(account.account)

    async def _as_it_may(self, account: Account) -> Account | None:
        """With what is left of its structures, if it is an account; None: nothing is left, and its files wait."""
        if not await self._pool.fetchval(
            "select exists (select from account_right where subject = $1)", account.subject
        ):
            return account
        who = await self._access.of(account.subject)
        left = None if who is None else depositing.left(who, account.structures, account.roles)
        if left is None or not left.roles:
            return None
        return msgspec.structs.replace(account, structures=left.structures, roles=left.roles)

    async def _pick_up(self, account: Account, found: Listed) -> None:
        """One file becomes a flow, once: its id is minted before anything is copied, and kept."""
        flow_id: UUID = await self._pool.fetchval(
            "insert into dropped_file (account, object_key, etag, modified_at, size, flow_id)"
            " values ($1, $2, $3, $4, $5, $6)"
            " on conflict (account, object_key, etag, modified_at) do update set seen_at = now() returning flow_id",
            account.account,
            found.key,
            found.etag,
            found.modified,
            found.size,
            uuid7(clock.now()),
        )
        try:
            refusal = await self._refusal(found)
            if refusal is None:
                await self._receive(account, found, flow_id)
        except BlobMissing:
            return  # replaced or taken back meanwhile: the next look sees what is there then
        await self._receipt(account.account, found, flow_id, refusal)
        if found in await self._blobs.listed(found.key, 1):  # what has taken its place meanwhile is another file
            await self._blobs.delete(found.key)

    async def _refusal(self, found: Listed) -> dict[str, Any] | None:
        """What stands in a receipt of a file that is no flow."""
        limit = self._settings.flow_max_bytes
        if found.size == 0 or found.size > limit:
            problem = flow_words.empty() if found.size == 0 else flow_words.too_large(limit, found.size)
        else:
            head = await self._blobs.read(found.key, 0, min(MAGIC_WITHIN, found.size))
            if kind_of(head) is not None:
                return None
            problem = flow_words.kind_refused(looks_like(head))
        return {"code": problem.code, "title": problem.title, "detail": problem.detail, "errors": problem.errors}

    async def _receive(self, account: Account, found: Listed, flow_id: UUID) -> None:
        async with self._pool.acquire() as connection:
            known = await flow_store.find(connection, flow_id)
        if known is not None and known.step != "upload":
            return
        key = f"{folder(account.subject, flow_id)}in/{0:012d}-{found.etag[:8]}"
        await self._blobs.copy(found.key, key, etag=found.etag)
        kind = kind_of(await self._blobs.read(key, 0, min(MAGIC_WITHIN, found.size)))
        now = clock.now()
        flow = Flow(
            id=flow_id,
            depositor=account.subject,
            contact=account.contact,
            structures=account.structures,
            roles=account.roles,
            file_name=label(found.key)[:200],
            way="folder",
            kind=None,
            size=found.size,
            stored=0,
            sha256=None,
            step="upload",
            state=FlowState.UPLOADING,
            begun_at=now,
        )
        async with transaction(self._pool, "ingest", keys=[str(flow_id)]) as tx:
            await flow_store.begin(tx.conn, flow)
            if await flow_store.add_segment(tx.conn, flow_id, Segment(0, found.size, "", key), kind):
                await flow_store.received(tx.conn, flow_id, None, tx.now)

    async def _receipt(self, account: str, found: Listed, flow_id: UUID, refusal: dict[str, Any] | None) -> None:
        told: dict[str, Any] = {
            "file": _inside(account, found.key),
            "size": found.size,
            "received_at": clock.now().isoformat(),
        }
        told |= {"state": "QP_IRRECEVABLE", **refusal} if refusal else {"state": "IN_RECU", "flow": str(flow_id)}
        content = json.dumps(told, ensure_ascii=False).encode()
        await self._put(f"{answer_key(account, found.key)}.recu.json", io.BytesIO(content), len(content))
        await self._pool.execute(
            "update dropped_file set receipt_at = now(), refusal = $3::jsonb,"
            " report_at = case when $3 is null then report_at else now() end where account = $1 and flow_id = $2",
            account,
            flow_id,
            None if refusal is None else json.dumps(refusal),
        )

    async def _report(self, account: str) -> None:
        """Write the reports of the flows that have ended since."""
        ended = await self._pool.fetch(
            "select d.object_key, d.flow_id from dropped_file d join flow f on f.id = d.flow_id"
            " where d.account = $1 and d.report_at is null and d.receipt_at is not null and f.step = 'done' limit 20",
            account,
        )
        for row in ended:
            async with self._pool.acquire() as connection:
                flow = await flow_store.find(connection, row["flow_id"])
                assert flow is not None
                counts = await flow_items.counts(connection, flow.id)
            base = f"{answer_key(account, row['object_key'])}.rapport"
            view = flow_views.flow(flow, counts)
            await self._spooled(f"{base}.json", flow_report.as_json(view, self._every(flow.id)))
            await self._spooled(f"{base}.csv", flow_report.as_csv(self._every(flow.id)))
            await self._pool.execute("update dropped_file set report_at = now() where flow_id = $1", flow.id)

    async def _every(self, flow: UUID) -> AsyncIterator[Told]:
        after = 0
        while True:
            async with self._pool.acquire() as connection:
                found = await flow_items.told(connection, flow, after=after)
            for one in found:
                yield one
            if not found:
                return
            after = found[-1].number

    async def _spooled(self, key: str, parts: AsyncIterator[bytes]) -> None:
        """A report as one object: 100,000 lines are some 60 MB, which are never in memory."""
        with tempfile.SpooledTemporaryFile(max_size=self._settings.spool_bytes) as spool:
            async for part in parts:
                spool.write(part)
            await self._put(key, cast(BinaryIO, spool), spool.tell())

    async def _put(self, key: str, source: BinaryIO, size: int) -> None:
        media_type = "text/csv" if key.endswith(".csv") else "application/json"
        await self._blobs.put(key, source, size=size, sha256="", media_type=media_type)


def _inside(account: str, key: str) -> str:
    """The name of a file in its folder, with its subfolders."""
    return key.removeprefix(f"{ROOT}{account}/in/")


def answer_key(account: str, key: str) -> str:
    """Where what is answered on a file goes: the same place under ``out/``.

    A name too long for what is put behind it is cut, and its hash stands for the rest: no two files share an answer.
    """
    inside = _inside(account, key)
    if len(key.encode()) > _MAX_KEY or any(len(part.encode()) > _MAX_NAME for part in inside.split("/")):
        begins = inside.rpartition("/")[2].encode()[:100].decode(errors="ignore")
        inside = f"{begins}~{hashlib.sha256(inside.encode()).hexdigest()}"
    return f"{ROOT}{account}/out/{inside}"


async def add(pool: Pool, account: str, subject: str, contact: str, structures: list[str], roles: list[str]) -> None:
    """Open a folder for a technical account, or change whom it is for."""
    await pool.execute(
        "insert into drop_folder (account, subject, contact, structures, roles) values ($1, $2, $3, $4, $5)"
        " on conflict (account) do update set subject = $2, contact = $3, structures = $4, roles = $5",
        account,
        subject,
        contact,
        structures,
        roles,
    )


async def _add(given: argparse.Namespace) -> None:
    settings = IngestSettings()
    pool = await open_pool(settings.dsn.get_secret_value(), "ingest", max_size=1)
    try:
        await add(pool, given.account, given.subject, given.contact, given.structure, given.role or ["FOURNISSEUR"])
    finally:
        await pool.close()


def main() -> None:
    """Open a drop folder from the command line."""
    parser = argparse.ArgumentParser(description="Répertoires de dépôt")
    commands = parser.add_subparsers(required=True)
    adding = commands.add_parser("add", help="ouvrir un répertoire pour un compte technique")
    adding.add_argument("account", help="lettres minuscules, chiffres et tirets")
    adding.add_argument("--subject", required=True)
    adding.add_argument("--contact", required=True)
    adding.add_argument("--structure", action="append", required=True)
    adding.add_argument("--role", action="append", default=[])
    asyncio.run(_add(parser.parse_args()))


if __name__ == "__main__":
    main()
