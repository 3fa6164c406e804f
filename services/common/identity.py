"""What a service asks about who is asking, and the answer where there are development tokens alone."""

import time
from typing import Final, Protocol

import jwt

from services.common import tokens
from services.common.principal import Holder, Principal
from services.common.tokens import Refused

#: Tokens that are kept at once; above, they are looked at again.
_KEPT: Final = 20_000


class Pending(Exception):
    """The token is newer than what this service knows of its subject: the rights are on their way."""


class Identity(Protocol):
    """What a service asks about who is asking."""

    async def principal(self, token: str) -> Principal:
        """Whose token this is. Raises :class:`~services.common.tokens.Refused` or :class:`Pending`."""

    async def still(self, principal: Principal) -> Principal | None:
        """The same principal with what it may do now, the very object when nothing changed; None when it is over."""

    async def of(self, subject: str) -> Principal | None:
        """What a subject may do now, without a token of it; None when it has no account that is active."""

    async def holds(self, holder: Holder, given: float) -> bool:
        """Whether whoever was given a link then may do what he might, in the same session. Raises :class:`Pending`."""


class Development:
    """Development tokens alone: they are signed with a shared secret and say everything themselves."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._seen: dict[str, Principal] = {}

    async def principal(self, token: str) -> Principal:
        """Of a token that was signed with the secret."""
        found = self._seen.get(token)
        if found is None:
            if len(self._seen) >= _KEPT:
                self._seen.clear()
            try:
                found = self._seen[token] = tokens.verify(self._secret, token)
            except (jwt.PyJWTError, ValueError, OverflowError, TypeError, RecursionError) as error:
                raise Refused(type(error).__name__) from error
        if found.expires is None or found.expires <= time.time():
            raise Refused("ExpiredSignatureError")
        return found

    async def still(self, principal: Principal) -> Principal | None:
        """The same until its token ends."""
        return principal if principal.expires is None or principal.expires > time.time() else None

    async def of(self, subject: str) -> Principal | None:
        """Nothing is known of a subject without its token."""
        return None

    async def holds(self, holder: Holder, given: float) -> bool:
        """Who bore a development token has no right that could be withdrawn; nothing is known of others."""
        return not holder.rights
