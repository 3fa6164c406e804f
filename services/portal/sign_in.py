"""Signing in: the password, the lock after wrong ones, the second factor, passkeys.

Whether an address has an account changes nothing of what is done, counted or answered: a password is verified in either
case, wrong ones are counted by address, and who is to be told of a lock is found out afterwards.
"""

from datetime import datetime
from typing import Any, Final

from fastapi import Request

from services.common import clock, telemetry
from services.common.db import Connection
from services.common.deliver import transaction
from services.common.web import Problem
from services.portal import account_metrics, account_store, account_wishes, emails, factor_store, session_store, tickets
from services.portal.account_keys import base64url
from services.portal.account_limits import Limits, Try, agent_of, locked, network_of
from services.portal.account_models import address
from services.portal.account_store import Account
from services.portal.factor_store import shown
from services.portal.parts import Parts
from services.portal.passkeys import Passkeys, wrong_passkey
from services.portal.second_factor import SecondFactors, Shown
from services.portal.session_models import PasskeyAsked, PasskeySignIn, Proof, SecondIn, SignedIn
from services.portal.session_store import Means, Signed

_SERVICE: Final = "portal"
Found = tuple[SignedIn, str | None]


class SignIns:
    """Every way in but the outside provider's."""

    def __init__(self, parts: Parts, limits: Limits) -> None:
        self._parts = parts
        self._limits = limits
        self._factors = SecondFactors(parts, limits)
        self._passkeys = Passkeys(parts.settings)

    async def password(self, email: str, password: str, request: Request) -> Found:
        """By address and password. Raises a 401 problem, or a 429 one while the lock runs."""
        login = address(email)
        known = await self._right(login, password, request)
        now = clock.now()
        async with transaction(self._parts.pool, _SERVICE) as tx:
            asked = await factor_store.factors_of(tx.conn, known.subject)
            if not asked:
                return await self._open(tx.conn, known.subject, ["password"], request, now)
            data: dict[str, str] = {}
            options = None
            if "passkey" in asked:
                options, challenge = self._passkeys.ask(await factor_store.passkeys(tx.conn, known.subject))
                data["challenge"] = base64url(challenge)
            minutes = self._parts.settings.ticket_minutes
            word = await tickets.make(tx.conn, "second", known.subject, data, now, minutes)
        _count("password", "second_factor")
        view = SignedIn(
            state="second_factor", ticket=word, factors=asked, options=options, message=f"Donnez {shown(asked)}."
        )
        return view, None

    async def _right(self, login: str, password: str, request: Request) -> Account:
        """The account whose password this is. Raises a 401 or 429 problem."""
        key = self._limits.key("login", emails.key(login))
        now = clock.now()
        async with self._parts.pool.acquire() as connection:
            await self._limits.network(connection, request)
            tried = await self._limits.begin(connection, key, now)
            known = await account_store.by_email(connection, login) if tried.locked_until is None else None
        if tried.locked_until is not None:
            _count("password", "locked")
            raise locked(tried.locked_until, now)
        stored = known.password_hash if known is not None else None
        right = await self._parts.passwords.verify(stored, password)
        if not right or known is None or known.state != "active":
            raise await self._wrong(login, tried, now)
        async with self._parts.pool.acquire() as connection:
            await self._limits.succeeded(connection, key)
        if stored is not None and self._parts.passwords.outdated(stored):
            hashed = await self._parts.passwords.hash(password)
            await self._parts.pool.execute(
                "update account set password_hash = $3 where subject = $1 and password_hash = $2",
                known.subject,
                stored,
                hashed,
            )
        return known

    async def _wrong(self, login: str, tried: Try, now: datetime) -> Problem:
        _count("password", "refused")
        telemetry.logger().info("sign_in.refused", failures=tried.failures)
        if tried.locks_until is None:
            left = self._parts.settings.lock_after - tried.failures
            return _refused(left)
        async with self._parts.pool.acquire() as connection:
            await account_wishes.write(connection, "locked", login, tried.locks_until, now)
        self._parts.wishes.wake()
        return locked(tried.locks_until, now)

    async def second(self, given: SecondIn, request: Request) -> Found:
        """By the second factor, with the ticket of the first. Raises a 401, 410 or 429 problem."""
        now = clock.now()
        async with self._parts.pool.acquire() as connection:
            await self._limits.network(connection, request)
        async with transaction(self._parts.pool, _SERVICE) as tx:
            ticket = await tickets.take(tx.conn, "second", given.ticket, now)
            assert ticket.subject is not None
            challenge = ticket.data.get("challenge")
            shown = Shown(totp=given.totp, recovery=given.recovery, credential=given.credential, challenge=challenge)
            found = await self._factors.check(tx, ticket.subject, shown, now)
            if not isinstance(found, Problem):
                await tickets.spend(tx.conn, ticket)
                return await self._open(tx.conn, ticket.subject, ["password", found], request, now)
            if found.status == 401:
                await tickets.failed(tx.conn, ticket)
        self._parts.mailing.wake()
        raise found

    async def passkey_options(self, request: Request) -> PasskeyAsked:
        """A challenge for whoever has a passkey here."""
        now = clock.now()
        async with self._parts.pool.acquire() as connection:
            await self._limits.network(connection, request)
            options, challenge = self._passkeys.ask()
            word = await tickets.make(
                connection,
                "passkey_sign_in",
                None,
                {"challenge": base64url(challenge)},
                now,
                self._parts.settings.ticket_minutes,
            )
        return PasskeyAsked(ticket=word, options=options)

    async def passkey(self, given: PasskeySignIn, request: Request) -> Found:
        """By a passkey alone: the device has asked for finger, face or PIN. Raises a 410 or 422 problem."""
        now = clock.now()
        async with self._parts.pool.acquire() as connection:
            await self._limits.network(connection, request)
        async with transaction(self._parts.pool, _SERVICE) as tx:
            ticket = await tickets.take(tx.conn, "passkey_sign_in", given.ticket, now)
            subject = await self._factors.passkey(tx.conn, ticket.data["challenge"], given.credential, now)
            await tickets.spend(tx.conn, ticket)
            known = await account_store.of(tx.conn, subject)
            if known is None or known.state != "active":
                raise wrong_passkey()
            return await self._open(tx.conn, subject, ["passkey"], request, now)

    async def prove(self, given: Proof, signed: Signed, request: Request) -> list[Means]:
        """Who is signed in shows it anew: by the password, a second factor or both, or a passkey.

        Raises a 401, 410, 422 or 429 problem.
        """
        means: list[Means] = []
        if given.password is not None:
            known = await self._right(signed.email, given.password, request)
            if known.subject != signed.subject:
                raise _refused(0)
            means.append("password")
        if given.totp is not None or given.recovery is not None:
            means.append(await self._prove_factor(Shown(totp=given.totp, recovery=given.recovery), signed, request))
        elif given.ticket is not None and given.credential is not None:
            means.append(await self._prove_passkey(given.ticket, given.credential, signed))
        if not means:
            said = "Donnez le mot de passe, un code, ou la réponse d'une clé d'accès."
            raise Problem(422, "PROOF_EMPTY", "Preuve absente", said)
        return means

    async def _prove_factor(self, shown: Shown, signed: Signed, request: Request) -> Means:
        async with self._parts.pool.acquire() as connection:
            await self._limits.network(connection, request)
        async with transaction(self._parts.pool, _SERVICE) as tx:
            found = await self._factors.check(tx, signed.subject, shown, clock.now())
        if isinstance(found, Problem):
            self._parts.mailing.wake()
            raise found
        return found

    async def _prove_passkey(self, word: str, credential: dict[str, Any], signed: Signed) -> Means:
        now = clock.now()
        async with transaction(self._parts.pool, _SERVICE) as tx:
            ticket = await tickets.take(tx.conn, "passkey_sign_in", word, now)
            subject = await self._factors.passkey(tx.conn, ticket.data["challenge"], credential, now)
            await tickets.spend(tx.conn, ticket)
        if subject != signed.subject:
            raise wrong_passkey()
        return "passkey"

    async def _open(
        self, connection: Connection, subject: str, means: list[Means], request: Request, now: datetime
    ) -> Found:
        opened = await session_store.open_session(
            connection,
            subject,
            means,
            network=network_of(request),
            agent=agent_of(request),
            now=now,
            lasts=self._parts.settings.session_lasts,
        )
        _count(means[-1], "signed_in")
        return SignedIn(state="signed_in", session=opened.id, message="Vous êtes connecté."), opened.secret


def _count(means: str, outcome: str) -> None:
    account_metrics.SIGN_INS.labels(means=means, outcome=outcome).inc()


def _refused(left: int) -> Problem:
    """One answer for an address without an account and for a wrong password."""
    more = (
        f"Encore {left} essai{'s' if left > 1 else ''} avant une suspension d'une minute, qui double ensuite."
        if left > 0
        else ""
    )
    return Problem(
        401,
        "SIGN_IN_REFUSED",
        "Connexion refusée",
        f"L'adresse ou le mot de passe ne convient pas, ou le compte n'est pas encore activé. {more}".strip(),
    )
