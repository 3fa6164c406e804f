"""Accounts for tests: a signing key, tokens of it, and the entries that portal would publish."""

import base64
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
from aiokafka import AIOKafkaProducer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.envelope import Event, encode, headers
from contracts.events import AccountPublished, Grant, Payload, SessionRevoked, SigningKeyPublished
from contracts.registry import TOPIC_OF
from services.common.tokens import Key

TOWN, SUPPLIER = "20000000800026", "10000000900015"


class Signer:
    """A key of the portal."""

    def __init__(self) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.kid = uuid4().hex[:16]
        self.raw = self.private.public_key().public_bytes_raw()

    def entry(self, version: int = 1, until: datetime | None = None) -> SigningKeyPublished:
        """The key as it is published."""
        return SigningKeyPublished(
            kid=self.kid,
            public_key=base64.urlsafe_b64encode(self.raw).decode().rstrip("="),
            version=version,
            valid_from=datetime(2026, 1, 1, tzinfo=UTC),
            until=until,
        )

    def key(self, until: datetime | None = None) -> Key:
        """The key as a service holds it."""
        since = datetime(2026, 1, 1, tzinfo=UTC)
        return Key(kid=self.kid, public=self.private.public_key(), valid_from=since, until=until)

    def token(self, subject: str, *, ver: int = 1, sid: str | None = None, **changed: Any) -> str:
        """An access token; ``changed`` claims take the place of the right ones, None leaves one out."""
        now = time.time()
        claims = {
            "iss": "chorale",
            "aud": "chorale",
            "sub": subject,
            "sid": sid or f"session of {subject}",
            "ver": ver,
            "iat": int(now),
            "exp": int(now) + 600,
            **changed,
        }
        given = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(given, self.private, algorithm="EdDSA", headers={"kid": self.kid})


def account(subject: str, version: int, *grants: Grant, **fields: Any) -> AccountPublished:
    """A subject's rights, active unless said."""
    values: dict[str, Any] = {"kind": "person", "state": "active", **fields}
    return AccountPublished(subject=subject, version=version, grants=grants, **values)


def revoked(subject: str, sid: str | None = None, *, over_in: float = 600, version: int = 1) -> SessionRevoked:
    """The end of a session, that of :meth:`Signer.token` unless given."""
    until = datetime.now(UTC) + timedelta(seconds=over_in)
    return SessionRevoked(subject=subject, session=sid or f"session of {subject}", version=version, expires_at=until)


def event(data: Payload) -> Event:
    """An entry as the portal publishes it."""
    match data:
        case AccountPublished():
            key = f"account/{data.subject}"
        case SessionRevoked():
            key = f"session/{data.session}"
        case SigningKeyPublished():
            key = f"key/{data.kid}"
        case _:
            raise TypeError(type(data).__name__)
    return Event(id=uuid4(), type=data.TYPE, source="/chorale/portal", subject=key, time=datetime.now(UTC), data=data)


async def publish(kafka: str, entries: Sequence[Payload]) -> float:
    """Put entries on their topic in a transaction, as the portal's relay does; the instant at which it was done."""
    sender = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", transactional_id=f"test-{uuid4()}")
    await sender.start()
    try:
        async with sender.transaction():
            for each in map(event, entries):
                await sender.send_and_wait(
                    TOPIC_OF[type(each.data)].name,
                    value=encode(each.data),
                    key=each.subject.encode(),
                    headers=headers(each),
                )
        return time.monotonic()
    finally:
        await sender.stop()
