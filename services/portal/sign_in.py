"""Signing in: the password, the lock after wrong ones, the second factor, passkeys.

Whether an address has an account changes nothing of what is done, counted or answered: a password is verified in either
case, wrong ones are counted by address, and who is to be told of a lock is found out afterwards.
"""

from datetime import datetime
from typing import Final

from fastapi import Request
from webauthn import base64url_to_bytes

from services.common import clock, telemetry
from services.common.db import Connection
from services.common.deliver import transaction
from services.common.web import Problem
from services.portal import account_metrics, account_store, account_wishes, emails, factor_store, session_store, tickets
from services.portal.account_keys import base64url, wrapper
from services.portal.account_limits import Limits, Try, agent_of, locked, network_of
from services.portal.account_models import address
from services.portal.account_store import Account
from services.portal.factor_store import shown
from services.portal.parts import Parts
from services.portal.passkeys import Passkeys, identity_of, wrong_passkey
from services.portal.session_models import PasskeyAsked, PasskeySignIn, Proof, SecondIn, SignedIn
from services.portal.session_store import Means, Signed
from services.portal.tickets import Ticket

_SERVICE: Final = "portal"
Found = tuple[SignedIn, str | None]


class SignIns:
    """Every way in but the outside provider's."""

    def __init__(self, parts: Parts, limits: Limits) -> None:
        self._parts = parts
        self._limits = limits
        self._wrap = wrapper(parts.settings.secret, "second factors")
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
        found: Found | None = None
        async with transaction(self._parts.pool, _SERVICE) as tx:
            ticket = await tickets.take(tx.conn, "second", given.ticket, now)
            assert ticket.subject is not None
            key = self._limits.key("second", ticket.subject)
            tried = await self._limits.begin(tx.conn, key, now)
            if tried.locked_until is None:
                means = await self._means(tx.conn, ticket, given, now)
                if means is not None:
                    await tickets.spend(tx.conn, ticket)
                    await self._limits.succeeded(tx.conn, key)
                    found = await self._open(tx.conn, ticket.subject, ["password", means], request, now)
                else:
                    await tickets.failed(tx.conn, ticket)
        if tried.locked_until is not None:
            raise locked(tried.locked_until, now, second=True)
        if found is None:
            _count("second", "refused")
            raise _wrong_second()
        return found

    async def _means(self, connection: Connection, ticket: Ticket, given: SecondIn, now: datetime) -> Means | None:
        """What was shown, None where it is wrong."""
        assert ticket.subject is not None
        if given.totp is not None:
            right = await factor_store.check_totp(connection, self._wrap, ticket.subject, given.totp, now)
            return "totp" if right else None
        if given.recovery is not None:
            return "recovery" if await factor_store.use_code(connection, ticket.subject, given.recovery, now) else None
        if given.credential is not None and "challenge" in ticket.data:
            try:
                subject = await self._passkey(connection, ticket.data["challenge"], given.credential, now)
            except Problem:
                return None
            return "passkey" if subject == ticket.subject else None
        return None

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
            subject = await self._passkey(tx.conn, ticket.data["challenge"], given.credential, now)
            await tickets.spend(tx.conn, ticket)
            known = await account_store.of(tx.conn, subject)
            if known is None or known.state != "active":
                raise wrong_passkey()
            return await self._open(tx.conn, subject, ["passkey"], request, now)

    async def _passkey(
        self, connection: Connection, challenge: str, credential: dict[str, object], now: datetime
    ) -> str:
        """Whose passkey has signed. Raises a 422 problem."""
        known = await factor_store.passkey(connection, identity_of(credential))
        if known is None:
            raise wrong_passkey()
        count = self._passkeys.signed(credential, base64url_to_bytes(challenge), known)
        await factor_store.used_passkey(connection, known.id, count, now)
        return known.subject

    async def prove(self, given: Proof, signed: Signed, request: Request) -> list[Means]:
        """Who is signed in shows it anew. Raises a 401, 410, 422 or 429 problem."""
        if given.password is not None:
            known = await self._right(signed.email, given.password, request)
            if known.subject != signed.subject:
                raise _refused(0)
            return ["password"]
        if given.ticket is not None and given.credential is not None:
            now = clock.now()
            async with transaction(self._parts.pool, _SERVICE) as tx:
                ticket = await tickets.take(tx.conn, "passkey_sign_in", given.ticket, now)
                subject = await self._passkey(tx.conn, ticket.data["challenge"], given.credential, now)
                await tickets.spend(tx.conn, ticket)
            if subject != signed.subject:
                raise wrong_passkey()
            return ["passkey"]
        raise Problem(422, "PROOF_EMPTY", "Preuve absente", "Donnez le mot de passe, ou la réponse d'une clé d'accès.")

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


def _wrong_second() -> Problem:
    return Problem(
        401,
        "SECOND_FACTOR_REFUSED",
        "Second facteur refusé",
        "Ce code ou cette clé ne convient pas : attendez le code suivant, ou prenez un code de secours.",
    )
