"""Signed words in links and return addresses: whoever has one was sent it. Pure."""

import base64
import binascii
import hashlib
import hmac
from typing import Literal
from uuid import UUID

import msgspec

Purpose = Literal["unsubscribe", "contact"]
_MAC_BYTES = 16
_BOUNCE_MAC = 16  # hexadecimal digits: a local part holds 64 characters in all


class InvalidToken(Exception):
    """The token was not made here for this purpose."""


def sign(secret: str, purpose: Purpose, *words: str) -> str:
    """A token that holds ``words``; safe in an address."""
    body = msgspec.json.encode(words)
    return base64.urlsafe_b64encode(_mac(secret, purpose, body)[:_MAC_BYTES] + body).decode().rstrip("=")


def read(secret: str, purpose: Purpose, token: str) -> tuple[str, ...]:
    """The words of a token. Raises :class:`InvalidToken`."""
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, _mac(secret, purpose, body)[:_MAC_BYTES]):
            raise InvalidToken
        return msgspec.json.decode(body, type=tuple[str, ...])
    except (binascii.Error, UnicodeError, msgspec.DecodeError) as error:
        raise InvalidToken from error


def return_address(secret: str, bounces_to: str, message: UUID) -> str:
    """Where a bounce of this message goes: ``retours+<id>-<signature>@domain``. A bounce cannot be forged unseen."""
    local, _, domain = bounces_to.rpartition("@")
    return f"{local}+{message.hex}-{_bounce_mac(secret, message)}@{domain}"


def returned(secret: str, address: str) -> UUID:
    """The message whose bounce came to this address. Raises :class:`InvalidToken`."""
    identity, dash, mac = address.rpartition("@")[0].rpartition("+")[2].partition("-")
    try:
        message = UUID(hex=identity)
    except ValueError as error:
        raise InvalidToken from error
    if not dash or not hmac.compare_digest(mac.lower().encode(), _bounce_mac(secret, message).encode()):
        raise InvalidToken
    return message


def _mac(secret: str, purpose: str, body: bytes) -> bytes:
    key = hmac.new(secret.encode(), f"chorale/notify/{purpose}".encode(), hashlib.sha256).digest()
    return hmac.new(key, body, hashlib.sha256).digest()


def _bounce_mac(secret: str, message: UUID) -> str:
    return _mac(secret, "bounce", message.bytes).hex()[:_BOUNCE_MAC]
