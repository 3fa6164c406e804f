"""Whose token this is and what that subject may do now, from this service's copy of the rights.

What was read is kept until somebody says that it has changed (LISTEN), and is never relied on for longer than
``FRESH_SECONDS`` after the listening connection last proved that it hears: then it is read again. A right that begins
or ends by its date does so on the instant.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from contracts.registry import ServiceName
from services.common import account, account_replica, clock, telemetry, tokens
from services.common.account import Account
from services.common.db import Pool
from services.common.failures import is_transient
from services.common.identity import Development, Identity, Pending
from services.common.listen import Listener
from services.common.principal import Holder, Principal, rights_of
from services.common.tokens import Claims, Key, Refused

__all__ = ["Access", "Development", "Identity", "Pending"]

FRESH_SECONDS: Final = 1.0
BEAT_SECONDS: Final = 0.4
PENDING_SECONDS: Final = 2.0
#: So long a process that has just begun waits for what it has missed; then it goes by what it knows.
BEGIN_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.05
_SWEEP_SECONDS: Final = 600.0
#: Tokens and subjects that are kept at once; above, everything is looked up again.
_KEPT: Final = 20_000
_SESSIONS_EACH: Final = 100
_KEYS: Final = "select kid, public_key, valid_from, until from signing_key"


class _Reading:
    """Stands where an account is being read: when it is gone, something changed meanwhile and nothing is kept."""


class _Known(msgspec.Struct):
    """A token whose signature was checked, and the principal that was made of it last."""

    claims: Claims
    key: Key
    account: Account | None = None
    principal: Principal | None = None
    until: float = 0.0


class Access:
    """The rights of one service, as one process of it knows them."""

    def __init__(self, pool: Pool, dsn: str, service: ServiceName, *, development_secret: str | None = None) -> None:
        """``development_secret``: take development tokens signed with it, beside the others; None: refuse them."""
        self._pool = pool
        self._service: ServiceName = service
        self._development = None if development_secret is None else Development(development_secret)
        self._tokens: dict[str, _Known] = {}
        self._accounts: dict[str, dict[str | None, Account | _Reading]] = {}
        self._keys: Mapping[str, Key] = {}
        self._keys_at = float("-inf")
        #: Set once everything was read that had been published before this process began.
        self.caught_up: asyncio.Event | None = None
        self._began = time.monotonic()
        self._listener = Listener(
            dsn,
            account_replica.channel(service),
            heard=self._forget,
            joined=self._forget_everything,
            beat_seconds=BEAT_SECONDS,
        )

    async def run(self) -> None:
        """Hear of changes, and forget sessions that are long over, until cancelled."""
        listening = asyncio.create_task(self._listener.run())
        try:
            while True:
                try:
                    await account_replica.sweep(self._pool, self._service)
                except Exception as error:
                    if not is_transient(error):
                        telemetry.logger().exception("accounts.sweep_failed")
                await asyncio.sleep(_SWEEP_SECONDS)
        finally:
            listening.cancel()

    async def principal(self, token: str) -> Principal:
        """Whose token this is. Raises :class:`~services.common.tokens.Refused` or :class:`Pending`."""
        known = self._tokens.get(token)
        if known is None or not self._fresh(self._keys_at) or self._keys.get(known.key.kid) is not known.key:
            kid = tokens.kid_of(token)
            if kid is None:
                if self._development is None:
                    raise Refused("development")
                return await self._development.principal(token)
            await self._begun()
            known = await self._checked(token, kid)
        return await self._now(known)

    async def still(self, principal: Principal) -> Principal | None:
        """The same principal with what it may do now, the very object when nothing changed; None when it is over."""
        if principal.issued is None:
            over = principal.expires is not None and principal.expires <= time.time()
            return None if over else principal
        if principal.expires is None or principal.expires <= time.time():
            return None
        held = (await self._signing_keys()).get(principal.kid or "")
        found = await self._account(principal.subject, principal.session)
        if held is None or not held.holds(time.time()):
            return None
        if found is None or not found.open_to(principal.issued, principal.ver):
            return None
        grants, _ = found.at(clock.now())
        scopes = tuple(scope for scope in principal.scopes if scope in found.scopes)
        if grants == principal.grants and scopes == principal.scopes:
            return principal
        return found.principal(principal.subject, grants, scopes, principal)

    async def of(self, subject: str) -> Principal | None:
        """What a subject may do now, without a token of it; None when it has no account that is active."""
        found = await self._account(subject, None)
        if found is None or found.state != "active":
            return None
        return found.principal(subject, found.at(clock.now())[0], found.scopes)

    async def holds(self, holder: Holder, given: float) -> bool:
        """Whether whoever was given a link then may do what he might, in the same session. Raises :class:`Pending`."""
        if not holder.rights:
            return self._development is not None
        await self._begun()
        found = await self._recent(holder.subject, holder.session, holder.ver)
        if not found.open_to(given, holder.ver):
            return False
        return rights_of(found.at(clock.now())[0]) == holder.rights and set(holder.scopes) <= set(found.scopes)

    async def _checked(self, token: str, kid: str) -> _Known:
        """Check the signature, with keys that are read again when this one is not among them."""
        signed_with = (await self._signing_keys()).get(kid)
        if signed_with is None:
            raise Refused("kid")
        if len(self._tokens) >= _KEPT:
            self._tokens.clear()
        known = self._tokens[token] = _Known(claims=tokens.verified(token, signed_with), key=signed_with)
        return known

    async def _begun(self) -> None:
        """What was withdrawn while this process was not there counts: its rights are read first."""
        if self.caught_up is None or self.caught_up.is_set() or time.monotonic() - self._began > BEGIN_SECONDS:
            return
        try:
            async with asyncio.timeout(PENDING_SECONDS):
                await self.caught_up.wait()
        except TimeoutError as error:
            raise Pending from error

    async def _now(self, known: _Known) -> Principal:
        claims, now = known.claims, clock.now()
        if claims.exp <= time.time() or not known.key.holds(time.time()):
            raise Refused("ExpiredSignatureError")
        found = await self._recent(claims.sub, claims.sid, claims.ver)
        if not found.open_to(claims.iat, claims.ver):
            raise Refused("account")
        if known.account is not found or known.principal is None or now.timestamp() >= known.until:
            grants, known.until = found.at(now)
            asked = None if claims.scope is None else claims.scope.split()
            scopes = tuple(scope for scope in found.scopes if asked is None or scope in asked)
            token = Principal(
                subject=claims.sub,
                session=claims.sid,
                issued=claims.iat,
                expires=int(claims.exp),
                kid=known.key.kid,
                ver=claims.ver,
            )
            known.account, known.principal = found, found.principal(claims.sub, grants, scopes, token)
        return known.principal

    async def _recent(self, subject: str, session: str | None, ver: int) -> Account:
        """The account, not older than ``ver``: waits for what is on its way. Raises :class:`Pending`."""
        deadline = time.monotonic() + PENDING_SECONDS
        found = await self._account(subject, session)
        while found is None or found.version < ver:
            if time.monotonic() >= deadline:
                raise Pending
            await asyncio.sleep(_LOOK_SECONDS)  # what is kept is dropped when the change comes: many may wait for one
            found = await self._account(subject, session)
        return found

    async def _account(self, subject: str, session: str | None) -> Account | None:
        kept = self._accounts.get(subject)
        if kept is not None:
            found = kept.get(session)
            if isinstance(found, Account) and self._fresh(found.read_at):
                return found
        return await self._read(subject, session)

    async def _read(self, subject: str, session: str | None) -> Account | None:
        if len(self._accounts) >= _KEPT:
            self._accounts.clear()
        reading = _Reading()
        kept = self._accounts.setdefault(subject, {})
        if len(kept) >= _SESSIONS_EACH:
            kept.clear()
        kept[session] = reading
        found = await account.read(self._pool, subject, session)
        if self._accounts.get(subject, {}).get(session) is reading:
            if found is None:
                del self._accounts[subject][session]
            else:
                self._accounts[subject][session] = found
        return found

    async def _signing_keys(self) -> Mapping[str, Key]:
        """Every key. Not one by one: nobody makes us read more by naming keys that there are not."""
        if not self._fresh(self._keys_at):
            read_at = time.monotonic()
            rows = await self._pool.fetch(_KEYS)
            found: Iterable[Key | None] = (tokens.key(**row) for row in rows)
            self._keys, self._keys_at = _unchanged(self._keys, found), read_at
        return self._keys

    def _fresh(self, read_at: float) -> bool:
        """Whether what was read then is still known to stand."""
        return time.monotonic() - max(read_at, self._listener.alive_at) <= FRESH_SECONDS and read_at > float("-inf")

    def _forget(self, said: str) -> None:
        if said == account_replica.EVERYTHING:
            self._forget_everything()
        elif said == account_replica.KEYS:
            self._keys_at = float("-inf")
        else:
            self._accounts.pop(said, None)

    def _forget_everything(self) -> None:
        self._accounts.clear()
        self._keys_at = float("-inf")


def _unchanged(before: Mapping[str, Key], found: Iterable[Key | None]) -> Mapping[str, Key]:
    """The keys by name; one that is as it was stays the same object, so that tokens need not be checked again."""
    keys: dict[str, Key] = {}
    for each in found:
        if each is not None:
            known = before.get(each.kid)
            same = known is not None and (known.valid_from, known.until) == (each.valid_from, each.until)
            same = same and known is not None and known.public == each.public
            keys[each.kid] = known if same and known is not None else each
    return keys
