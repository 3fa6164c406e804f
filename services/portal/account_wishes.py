"""What somebody without a session asked for: an account, a new password, a link to a provider's identity.

The request writes one row, whatever accounts there are, and answers; so neither the answer nor its time tells whether
one exists. Here somebody looks, and whoever reads at the address is written to. A row goes in the transaction that did
what it asks for: a killed process does it later, and once.
"""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID, uuid4, uuid5

import msgspec

from services.common import telemetry
from services.common.db import Connection, Pool
from services.common.deliver import Tx, transaction
from services.common.failures import is_transient
from services.portal import account_store, emails
from services.portal.account_limits import show_end, show_instant
from services.portal.account_store import Account, Claim
from services.portal.mail_links import Purpose
from services.portal.mailing import Mailing
from services.portal.settings import PortalSettings

Kind = Literal["sign_up", "reset", "provider", "locked", "email"]
_LETTER: Final = UUID("9c5be1b2-2b0e-5d58-8c77-5a9c1f7f2b10")
_AT_ONCE: Final = 20
_TRIES: Final = 20
_GIVE_UP: Final = "delete from wish where id = $1 and attempts >= $2 returning true"
_PUT_OFF: Final = (
    "update wish set attempts = attempts + 1, next_attempt_at = now() + 30 * (attempts + 1) * interval '1 second'"
    " where id = $1"
)
_DUE: Final = "select id, email from wish where next_attempt_at <= now() order by next_attempt_at limit $1"


class SignUp(msgspec.Struct, frozen=True, kw_only=True):
    """What was said at sign-up. ``normalised`` is the identifier as it is compared."""

    email: str
    name: str
    language: Literal["fr", "en"]
    claim: Claim | None
    normalised: str = ""


class ProviderWish(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom a provider has identified, at an address that he has yet to show is his."""

    email: str
    name: str
    language: Literal["fr", "en"]
    issuer: str
    provider_subject: str
    provider: str
    siret: str | None = None


class EmailWish(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is signed in wants another login."""

    subject: str
    email: str


async def write(connection: Connection, kind: Kind, email: str, data: Any, now: datetime) -> None:
    """Keep a wish."""
    await connection.execute(
        "insert into wish (id, kind, email, data, made_at) values ($1, $2, $3, $4, $5)",
        uuid4(),
        kind,
        email,
        msgspec.json.encode(data),
        now,
    )


class Wishes:
    """Looks at wishes, in every instance. ``wake`` it after one has been committed."""

    def __init__(self, pool: Pool, mailing: Mailing, settings: PortalSettings) -> None:
        self._pool = pool
        self._mailing = mailing
        self._settings = settings
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is a wish."""
        self._woken.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._woken.clear()
            try:
                while await self.once():
                    pass
            except Exception as error:
                if not is_transient(error):
                    telemetry.logger().exception("wishes.failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.worker_poll_seconds):
                    await self._woken.wait()

    async def once(self) -> bool:
        """Do some; whether there were any."""
        ids = await self._pool.fetch(_DUE, _AT_ONCE)
        done = 0
        for row in ids:
            try:
                await self._one(row["id"], row["email"])
                done += 1
            except Exception as error:
                if is_transient(error):
                    raise
                telemetry.logger().exception("wishes.one_failed", wish=str(row["id"]))
                await self._put_off(row["id"])
        if done:
            self._mailing.wake()
        return done > 0

    async def _put_off(self, wish: UUID) -> None:
        """What this program cannot do keeps nothing else waiting: it is tried again later, and in the end given up."""
        gone = await self._pool.fetchval(_GIVE_UP, wish, _TRIES)
        if gone:
            telemetry.logger().error("wishes.given_up", wish=str(wish))
        await self._pool.execute(_PUT_OFF, wish)

    async def _one(self, wish: UUID, email: str) -> None:
        """One wish at a time for an address: two sign-ups at once make one account."""
        async with transaction(self._pool, "portal", keys=[f"login/{emails.key(email)}"]) as tx:
            row = await tx.conn.fetchrow("delete from wish where id = $1 returning kind, data", wish)
            if row is None:
                return
            match row["kind"]:
                case "sign_up":
                    await self._sign_up(tx, wish, msgspec.json.decode(row["data"], type=SignUp))
                case "reset":
                    await self._reset(tx, wish, email)
                case "locked":
                    await self._locked(tx, wish, email, msgspec.json.decode(row["data"], type=datetime))
                case "email":
                    await self._email(tx, wish, msgspec.json.decode(row["data"], type=EmailWish))
                case "provider":
                    await self._provider(tx, wish, msgspec.json.decode(row["data"], type=ProviderWish))

    async def _sign_up(self, tx: Tx, wish: UUID, asked: SignUp) -> None:
        known = await account_store.by_email(tx.conn, asked.email)
        if known is None:
            subject = await account_store.make(tx.conn, asked.email, asked.name, asked.language, "pending", tx.now)
            known = await account_store.of(tx.conn, subject)
            assert known is not None
        elif known.state == "pending":
            await account_store.rename(tx.conn, known.subject, asked.name, asked.language)
        elif known.state in ("active", "locked"):
            await self._write(tx, wish, known, "ACCOUNT_EXISTS", "reset")
            return
        else:
            await self._closed(tx, wish, known)
            return
        if asked.claim is not None:
            await account_store.claim(tx.conn, known.subject, asked.claim, asked.normalised, tx.now)
        await self._write(tx, wish, known, "ACCOUNT_ACTIVATION", "activation")

    async def _reset(self, tx: Tx, wish: UUID, email: str) -> None:
        known = await account_store.by_email(tx.conn, email)
        match known:
            case Account(state="pending"):
                await self._write(tx, wish, known, "ACCOUNT_ACTIVATION", "activation")
            case Account(state="active"):
                await self._write(tx, wish, known, "PASSWORD_RESET", "reset")
            case Account(state="closed"):
                await self._closed(tx, wish, known)
            case _:
                pass  # nobody is written to of an account that is not there, or that the operator has locked

    async def _email(self, tx: Tx, wish: UUID, asked: EmailWish) -> None:
        """Both addresses are asked. Where the new one has an account, its owner is told, and nothing can come of it."""
        known = await account_store.of(tx.conn, asked.subject)
        if known is None or known.state != "active":
            return
        taken = await account_store.by_email(tx.conn, asked.email)
        data = {"wish": str(wish), "email": asked.email, "from": known.email}
        await self._write(tx, wish, known, "EMAIL_CHANGE_OLD", "email_old", data, {"address": asked.email})
        if taken is None:
            new = msgspec.structs.replace(known, email=asked.email)
            await self._write(tx, uuid5(wish, "new"), new, "EMAIL_CHANGE_NEW", "email_new", data)
        elif taken.subject != known.subject:
            await self._mailing.letter(
                tx.conn,
                "EMAIL_TAKEN",
                address=taken.email,
                language=taken.language,
                subject=taken.subject,
                now=tx.now,
                id=uuid5(_LETTER, str(uuid5(wish, "taken"))),
            )

    async def _locked(self, tx: Tx, wish: UUID, email: str, until: datetime) -> None:
        """The owner is told that somebody tries passwords, with a link that ends the lock."""
        known = await account_store.by_email(tx.conn, email)
        if known is not None and known.state == "active":
            await self._write(tx, wish, known, "SIGN_IN_LOCKED", "reset", values={"until": show_end(until)})

    async def _provider(self, tx: Tx, wish: UUID, asked: ProviderWish) -> None:
        known = await account_store.by_email(tx.conn, asked.email)
        if known is None:
            subject = await account_store.make(tx.conn, asked.email, asked.name, asked.language, "pending", tx.now)
            known = await account_store.of(tx.conn, subject)
            assert known is not None
            if asked.siret is not None:
                claim = Claim(
                    identifier_type="SIRET",
                    identifier=asked.siret,
                    structure_name="",
                    address={},
                    proof_kind=None,
                    proof_reference=None,
                )
                await account_store.claim(tx.conn, subject, claim, asked.siret, tx.now)
        if known.state not in ("pending", "active"):
            return
        identity = {"issuer": asked.issuer, "provider_subject": asked.provider_subject, "provider": asked.provider}
        await self._write(tx, wish, known, "PROVIDER_LINK", "provider", identity, {"provider": asked.provider})

    async def _closed(self, tx: Tx, wish: UUID, known: Account) -> None:
        assert known.closed_at is not None
        ends = known.closed_at + timedelta(days=self._settings.closing_days)
        if ends > tx.now:
            await self._write(tx, wish, known, "ACCOUNT_CLOSED", "reopen", lasts=ends - tx.now)

    async def _write(
        self,
        tx: Tx,
        wish: UUID,
        known: Account,
        kind: str,
        purpose: Purpose,
        data: dict[str, Any] | None = None,
        values: dict[str, str] | None = None,
        lasts: timedelta | None = None,
    ) -> None:
        until = lasts or lasts_of(self._settings, purpose)
        link = await self._mailing.links.make(tx.conn, known.subject, purpose, now=tx.now, lasts=until, data=data)
        await self._mailing.letter(
            tx.conn,
            kind,
            address=known.email,
            language=known.language,
            subject=known.subject,
            values={"until": show_instant(tx.now + until), **(values or {})},
            link=link,
            now=tx.now,
            id=uuid5(_LETTER, str(wish)),
        )


def lasts_of(settings: PortalSettings, purpose: Purpose) -> timedelta:
    """How long a link of this purpose can be used."""
    match purpose:
        case "activation":
            return timedelta(hours=settings.activation_hours)
        case "reset":
            return timedelta(minutes=settings.reset_minutes)
        case "email_old" | "email_new" | "provider":
            return timedelta(hours=settings.email_hours)
        case "reopen":
            return timedelta(days=settings.closing_days)
