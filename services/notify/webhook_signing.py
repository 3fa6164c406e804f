"""Secrets of webhooks, sealed at rest, and signatures after the Standard Webhooks specification."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Kind = Literal["hmac", "ed25519"]
_BYTES = 32
_KEY_ID, _NONCE = 8, 12


class CannotUnseal(Exception):
    """The key that sealed a secret is not among the settings' keys, or the row was changed."""


class Secret(msgspec.Struct, frozen=True):
    """What signs: the HMAC key, or the seed of the Ed25519 key. Never shown in a log."""

    kind: Kind
    content: bytes

    def __repr__(self) -> str:
        return f"Secret({self.kind})"

    @property
    def shown(self) -> str:
        """What the receiver is given: the shared secret once, or the public key whenever he asks."""
        if self.kind == "hmac":
            return f"whsec_{base64.b64encode(self.content).decode()}"
        return f"whpk_{base64.b64encode(self._private().public_key().public_bytes_raw()).decode()}"

    def sign(self, content: bytes) -> str:
        """One signature, with its version."""
        if self.kind == "hmac":
            return f"v1,{base64.b64encode(hmac.digest(self.content, content, hashlib.sha256)).decode()}"
        return f"v1a,{base64.b64encode(self._private().sign(content)).decode()}"

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.content)


def new_secret(kind: Kind) -> Secret:
    """A fresh one."""
    return Secret(kind, secrets.token_bytes(_BYTES))


def signed_headers(live: Iterable[Secret], event: UUID, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers. Every live secret signs, so that a receiver may change over when it likes."""
    stamp = int(at.timestamp())
    content = f"{event}.{stamp}.".encode() + body
    return {
        "webhook-id": str(event),
        "webhook-timestamp": str(stamp),
        "webhook-signature": " ".join(secret.sign(content) for secret in live),
    }


class Seal:
    """AES-256-GCM under keys that only the settings hold. The first key seals, all of them open.

    A sealed secret is bound to its row's id: a row copied over another opens nothing.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("at least one key is needed")
        derived = [hashlib.blake2b(key.encode(), digest_size=32, person=b"chorale-webhook").digest() for key in keys]
        self._keys = {hashlib.sha256(key).digest()[:_KEY_ID]: AESGCM(key) for key in derived}
        self._first = hashlib.sha256(derived[0]).digest()[:_KEY_ID]

    def close(self, secret: Secret, row: UUID) -> bytes:
        """The secret as it is stored."""
        nonce = secrets.token_bytes(_NONCE)
        return self._first + nonce + self._keys[self._first].encrypt(nonce, secret.content, row.bytes)

    def open(self, kind: Kind, sealed: bytes, row: UUID) -> Secret:
        """The secret again. Raises :class:`CannotUnseal`."""
        key = self._keys.get(sealed[:_KEY_ID])
        if key is None:
            raise CannotUnseal(
                "no key of the settings sealed this secret: CHORALE_WEBHOOK_KEYS must keep the older one"
            )
        try:
            content = key.decrypt(sealed[_KEY_ID : _KEY_ID + _NONCE], sealed[_KEY_ID + _NONCE :], row.bytes)
        except InvalidTag as error:
            raise CannotUnseal("the sealed secret does not belong to this row") from error
        return Secret(kind, content)
