"""Access tokens: short, signed by the platform's key, naming subject and session and no right.

A page or a program shows one to every service; rights are looked up there (:mod:`services.common.auth`).
"""

import time
from uuid import uuid4

import jwt

from services.portal.account_keys import SigningKeys

ISSUER = "chorale"
#: The subject under which portal speaks to the other services.
ITSELF = "service:portal"


class Tokens:
    """Makes tokens. ``seconds``: how long one lasts."""

    def __init__(self, keys: SigningKeys, seconds: int) -> None:
        self._keys = keys
        self.seconds = seconds

    async def access(
        self,
        subject: str,
        version: int,
        *,
        session: str | None = None,
        kind: str = "person",
        scope: str | None = None,
        seconds: int | None = None,
    ) -> str:
        """A token. ``version`` is that of the account's rights when it is made: nobody decides on older ones."""
        key = await self._keys.current()
        now = time.time()
        claims = {
            "iss": ISSUER,
            "aud": ISSUER,
            "sub": subject,
            "sid": session,
            "kind": kind,
            "scope": scope,
            "ver": version,
            "iat": now,  # to the microsecond: it is compared with the instant at which older tokens ended
            "exp": int(now) + (seconds or self.seconds),
            "jti": uuid4().hex,
        }
        given = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(given, key.private, algorithm="EdDSA", headers={"kid": key.kid})
