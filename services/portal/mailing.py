"""What portal asks of notify: letters, contact addresses, their erasure. Written with what causes them, then told.

An errand is a row of the same transaction as the account, the link or the request that it follows from, so that there
is never the one without the other. A worker tells notify until it has answered; the errand's id makes it one letter
however often it is told. Once told, nothing of it is kept but that it was.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec

from services.common import telemetry
from services.common.db import Connection, Pool
from services.common.deliver import transaction
from services.common.failures import backoff, is_transient
from services.portal import account_metrics
from services.portal.mail_links import PAGE, Links
from services.portal.tokens import ITSELF, Tokens

_AT_ONCE: Final = 20
#: Longer than notify may take to answer.
_LEASE: Final = timedelta(seconds=12)
_CEILING: Final = 60.0
_KEEP: Final = timedelta(days=7)
_CLAIM: Final = (
    "update errand set attempts = attempts + 1, next_attempt_at = now() + $2 where id in (select id from errand"
    " where done_at is null and next_attempt_at <= now() order by next_attempt_at limit $1 for update skip locked)"
    " returning id, kind, data, link, attempts, made_at"
)
Kind = Literal["letter", "contact", "forget"]


class Mailing:
    """Writes errands and runs them."""

    def __init__(self, pool: Pool, tokens: Tokens, links: Links, notify_url: str, *, poll_seconds: float) -> None:
        self._pool = pool
        self._tokens = tokens
        self.links = links
        self._url = notify_url
        self._poll = poll_seconds
        self._woken = asyncio.Event()

    async def letter(
        self,
        connection: Connection,
        kind: str,
        *,
        address: str,
        language: str = "fr",
        subject: str | None = None,
        contact: bool = False,
        values: Mapping[str, str] | None = None,
        link: UUID | None = None,
        page: str = PAGE,
        now: datetime,
        id: UUID | None = None,
    ) -> UUID:
        """Have a letter written about the account ``subject``: to ``address``, or with ``contact`` where its owner
        wants his messages.

        ``values`` are words of the letter; ``link`` a link of :class:`Links`, shown as an address of ``page``.
        The same ``id`` is the same letter.
        """
        data = {
            "kind": kind,
            "address": address,
            "language": language,
            "subject": subject,
            "contact": contact,
            "values": values or {},
            **({"page": page} if link is not None else {}),
        }
        return await self._write(connection, "letter", data, now, link=link, id=id)

    async def to_person(
        self,
        connection: Connection,
        kind: str,
        subject: str,
        *,
        values: Mapping[str, str] | None = None,
        now: datetime,
        id: UUID | None = None,
    ) -> UUID | None:
        """Have a letter written to a person by his account, in his language; None where the account is erased."""
        row = await connection.fetchrow("select email, language from account where subject = $1", subject)
        if row is None or row["email"] is None:
            return None
        return await self.letter(
            connection,
            kind,
            address=row["email"],
            language=row["language"],
            subject=subject,
            contact=True,
            values=values,
            now=now,
            id=id,
        )

    async def _instead(self, connection: Connection, subject: str) -> None:
        """What was to be said of this account's address before is no longer true."""
        await connection.execute(
            "update errand set done_at = now(), data = '{}' where done_at is null and kind in ('contact', 'forget')"
            " and data->>'subject' = $1",
            subject,
        )

    async def contact(self, connection: Connection, subject: str, address: str, language: str, now: datetime) -> None:
        """Tell notify where messages of the account go as long as its owner has chosen nothing else."""
        await self._instead(connection, subject)
        await self._write(connection, "contact", {"subject": subject, "address": address, "language": language}, now)

    async def forget(self, connection: Connection, subject: str, now: datetime) -> None:
        """Have notify forget the account."""
        await self._instead(connection, subject)
        await self._write(connection, "forget", {"subject": subject}, now)

    async def _write(
        self,
        connection: Connection,
        kind: Kind,
        data: Mapping[str, Any],
        now: datetime,
        *,
        link: UUID | None = None,
        id: UUID | None = None,
    ) -> UUID:
        made = id or uuid4()
        await connection.execute(
            "insert into errand (id, kind, data, link, made_at, next_attempt_at)"
            " values ($1, $2, $3::text::jsonb, $4, $5, now()) on conflict (id) do nothing",
            made,
            kind,
            msgspec.json.encode(data).decode(),
            link,
            now,
        )
        return made

    def wake(self) -> None:
        """There is something to tell: call it after the commit. Unheard, it is found a moment later."""
        self._woken.set()

    async def run(self) -> None:
        """Tell notify what there is, until cancelled."""
        async with httpx.AsyncClient(timeout=5) as client:
            while True:
                self._woken.clear()
                try:
                    busy = await self.once(client)
                except Exception as error:
                    if not is_transient(error):
                        telemetry.logger().exception("mailing.failed")
                    busy = False
                if not busy:
                    await self._rest()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._poll):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def once(self, client: httpx.AsyncClient) -> bool:
        """Run what is due; whether there was anything."""
        rows = await self._pool.fetch(_CLAIM, _AT_ONCE, _LEASE)
        if rows:
            token = await self._tokens.access(ITSELF, await self._version(), kind="service")
            await asyncio.gather(*(self._tell(client, token, row) for row in rows))
        return bool(rows)

    async def _version(self) -> int:
        found = await self._pool.fetchval("select version from published_right where subject = $1", ITSELF)
        return int(found or 0)

    async def _tell(self, client: httpx.AsyncClient, token: str, row: asyncpg.Record) -> None:
        try:
            answer = await self._call(client, token, row)
        except httpx.HTTPError as error:
            await self._again(row, type(error).__name__)
            return
        if answer.is_success or (row["kind"] == "forget" and answer.status_code == 404):
            await self._done(row["id"], None)
        elif answer.status_code in (400, 404, 413, 422):
            code = _code(answer)
            account_metrics.REFUSED.labels(code=code).inc()
            telemetry.logger().error("mailing.refused", errand=str(row["id"]), kind=row["kind"], code=code)
            await self._done(row["id"], code)
        else:
            await self._again(row, str(answer.status_code))

    async def _call(self, client: httpx.AsyncClient, token: str, row: asyncpg.Record) -> httpx.Response:
        data: dict[str, Any] = msgspec.json.decode(row["data"])
        headers = {"Authorization": f"Bearer {token}"}
        messages = f"{self._url}/api/v1/messages"
        if row["kind"] == "letter":
            if row["link"] is not None:
                data["values"] = {**data["values"], "link": self.links.url(row["link"], data.pop("page"))}
            return await client.post(f"{messages}/letters", json={"id": str(row["id"]), **data}, headers=headers)
        subject = data.pop("subject")
        if row["kind"] == "contact":
            return await client.put(f"{messages}/contacts/{subject}", json=data, headers=headers)
        return await client.delete(f"{messages}/contacts/{subject}", headers=headers)

    async def _done(self, errand: UUID, refused: str | None) -> None:
        """What was told is blanked; what was told long ago goes."""
        async with transaction(self._pool, "portal") as tx:
            await tx.conn.execute(
                "update errand set done_at = now(), data = '{}', refused = $2 where id = $1 and done_at is null",
                errand,
                refused,
            )
            await tx.conn.execute("delete from errand where done_at < now() - $1::interval", _KEEP)

    async def _again(self, row: asyncpg.Record, why: str) -> None:
        wait = backoff(row["attempts"], base=0.25, ceiling=_CEILING)
        telemetry.logger().warning("mailing.again", errand=str(row["id"]), kind=row["kind"], why=why)
        await self._pool.execute(
            "update errand set next_attempt_at = now() + make_interval(secs => $2) where id = $1 and done_at is null",
            row["id"],
            wait,
        )

    async def measure(self) -> None:
        """Say how many errands notify has not answered, and since when."""
        row = await self._pool.fetchrow(
            "select count(*) as n, coalesce(extract(epoch from now() - min(made_at)), 0)::float as age from errand"
            " where done_at is null"
        )
        assert row is not None
        account_metrics.ERRANDS.set(row["n"])
        account_metrics.ERRANDS_AGE.set(row["age"])


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["code"])[:60]
    except (ValueError, KeyError, TypeError):
        return str(answer.status_code)
