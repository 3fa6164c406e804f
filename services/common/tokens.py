"""Tokens and what can be said of them without looking anything up: signature, shape, time.

An access token is a JWT signed with EdDSA by the portal: it names subject and session and holds no right. A development
token is one signed with the shared secret, which holds everything; only a development environment takes it.
"""

import base64
import binascii
import time
from datetime import datetime

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.common.principal import Principal

ISSUER = "chorale"
MAX_LENGTH = 16_384
#: How far the clocks of two machines may differ.
SKEW_SECONDS = 5
#: No token lasts longer, whoever signed it.
MAX_SECONDS = 3600
_ALGORITHM, _DEVELOPMENT = "EdDSA", "HS256"
#: What a development token says of its subject.
_GIVEN = ("structures", "services", "roles", "tenants", "contact")


class Refused(Exception):
    """The token counts for nothing. ``reason`` is for the log and the metrics, never for who sent it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What an access token says. ``ver``: the version of the account when it was made; times in seconds."""

    sub: str
    ver: int
    iat: float
    exp: float
    sid: str | None = None
    scope: str | None = None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key that signs, or has signed, tokens."""

    kid: str
    public: Ed25519PublicKey
    valid_from: datetime
    until: datetime | None

    def holds(self, now: float) -> bool:
        """Whether tokens of it are still taken."""
        return self.until is None or now < self.until.timestamp()


def key(kid: str, public_key: str, valid_from: datetime, until: datetime | None) -> Key | None:
    """A published key; None when it is none. ``public_key``: 32 bytes, base64url."""
    try:
        raw = base64.urlsafe_b64decode(public_key + "=" * (-len(public_key) % 4))
        return Key(kid=kid, public=Ed25519PublicKey.from_public_bytes(raw), valid_from=valid_from, until=until)
    except (binascii.Error, ValueError):
        return None


def kid_of(token: str) -> str | None:
    """The key that a token says it is signed with; None: it says that it is a development token. Raises Refused."""
    if len(token) > MAX_LENGTH:
        raise Refused("length")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise Refused("form") from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if "crit" in header or "b64" in header:
        raise Refused("critical")
    if algorithm == _DEVELOPMENT:
        return None
    if algorithm != _ALGORITHM or not isinstance(kid, str):
        raise Refused("algorithm")
    return kid


def verified(token: str, signed_with: Key) -> Claims:
    """The claims of an access token. Raises :class:`Refused`."""
    now = time.time()
    try:
        found = jwt.decode(
            token,
            signed_with.public,
            algorithms=[_ALGORITHM],
            audience=ISSUER,
            issuer=ISSUER,
            options={"require": ["exp", "iat", "sub", "aud", "iss"], "verify_iat": False, "strict_aud": True},
        )
        claims = msgspec.convert(found, Claims)
    except (jwt.PyJWTError, ValueError, OverflowError, TypeError, RecursionError) as error:
        raise Refused(type(error).__name__) from error
    if not claims.sub or "," in claims.sub or not claims.sub.isprintable() or len(claims.sub) > 200:
        raise Refused("subject")
    if claims.iat > now + SKEW_SECONDS or claims.exp - claims.iat > MAX_SECONDS:
        raise Refused("time")
    if not signed_with.holds(now):
        raise Refused("key")
    return claims


def mint(secret: str, principal: Principal, *, ttl_seconds: int = 3600) -> str:
    """A development token for this principal."""
    now = int(time.time())
    given = {name: getattr(principal, name) for name in _GIVEN}
    claims = {**given, "sub": principal.subject, "aud": ISSUER, "iat": now, "exp": now + ttl_seconds}
    return jwt.encode(claims, secret, algorithm=_DEVELOPMENT)


def verify(secret: str, token: str) -> Principal:
    """The principal of a development token. Raises ``jwt.InvalidTokenError`` or ``msgspec.ValidationError``."""
    claims = jwt.decode(
        token, secret, algorithms=[_DEVELOPMENT], audience=ISSUER, options={"require": ["exp", "sub", "aud"]}
    )
    given = {name: claims[name] for name in _GIVEN if name in claims}
    principal = msgspec.convert({**given, "subject": claims["sub"], "expires": claims["exp"]}, Principal)
    lists = (principal.structures, principal.services, principal.roles, principal.tenants)
    if (
        not principal.subject
        or not principal.subject.isprintable()
        or any("," in item for group in lists for item in group)
    ):
        raise jwt.InvalidTokenError("claims")
    return principal
