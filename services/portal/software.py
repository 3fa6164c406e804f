"""What may be done with software accounts: made, changed, given a secret, revoked. Each act is audited."""

import secrets as randomness
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4, uuid5

import msgspec

from contracts.events import SessionRevoked
from services.common import once, timers
from services.common.deliver import Cause, Tx
from services.common.trace import RequestCause
from services.portal import audit, rights, software_domain, software_store
from services.portal.publishing import emit
from services.portal.software_domain import LIVE_SECRETS, PREFIX, TOKEN_SECONDS
from services.portal.software_store import Secret, Software

NOTICE: Final = "secret_ends"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A new secret: ``text`` is shown now and never again."""

    secret: Secret
    text: str


class TooManySecrets(Exception):
    """Two are live already: one is to be revoked first."""


class Ended(Exception):
    """The account is revoked: nothing can be done with it any more."""


async def make(tx: Tx, software: Software, *, by: str, traceparent: str | None) -> None:
    """Open an account; it is usable as soon as it has a secret."""
    await software_store.add(tx.conn, software)
    await _tell(tx, software, "software.made", by, traceparent, _held(software))


async def change(tx: Tx, software: Software, *, by: str, traceparent: str | None) -> None:
    """Keep what was changed; every service knows within two seconds."""
    if software.revoked_at is not None:
        raise Ended
    await software_store.change(tx.conn, software, tx.now)
    await _tell(tx, software, "software.changed", by, traceparent, _held(software))


async def revoke(tx: Tx, software: Software, *, by: str, traceparent: str | None) -> bool:
    """End the account with its secrets; its tokens are refused within two seconds. Whether it had not ended."""
    found = await software_store.secrets(tx.conn, [software.id])
    if not await software_store.revoke(tx.conn, software.id, by, tx.now):
        return False
    await timers.cancel(tx.conn, [str(secret.id) for secret in found[software.id]], NOTICE)
    await _tell(tx, software, "software.revoked", by, traceparent, {})
    return True


async def add_secret(
    tx: Tx, software: Software, by: str, days: int, traceparent: str | None, wanted: UUID | None = None
) -> Shown:
    """A second secret may live beside the first. ``wanted``: the id that the request names; one that it has made a
    moment ago and that nobody has used gets a new text. Raises :class:`TooManySecrets`, :class:`Ended`."""
    if software.revoked_at is not None:
        raise Ended
    held = (await software_store.secrets(tx.conn, [software.id]))[software.id]
    same = {secret.id: secret for secret in held}.get(wanted) if wanted is not None else None
    if same is not None and same.live(tx.now) and once.again(same.made_at, tx.now):
        text = PREFIX + randomness.token_urlsafe(32)
        if await software_store.replace_unused(tx.conn, same.id, text[-4:], software_domain.digest(text)):
            made: dict[str, audit.Detail] = {"secret": str(same.id), "days": days}
            await _write(tx, software, "software.secret_made", by, traceparent, made)
            return Shown(secret=msgspec.structs.replace(same, hint=text[-4:]), text=text)
    if sum(secret.live(tx.now) for secret in held) >= LIVE_SECRETS:
        raise TooManySecrets
    text = PREFIX + randomness.token_urlsafe(32)
    secret = Secret(
        id=wanted if wanted is not None and same is None else uuid4(),
        software=software.id,
        hint=text[-4:],
        made_by=by,
        made_at=tx.now,
        expires_at=tx.now + timedelta(days=days),
        last_used_at=None,
        revoked_at=None,
    )
    await software_store.add_secret(tx.conn, secret, software_domain.digest(text))
    for left, at in software_domain.notices(secret.expires_at, tx.now):
        await timers.start(
            tx.conn, uuid5(secret.id, str(left)), key=str(secret.id), kind=NOTICE, due_at=at, traceparent=traceparent
        )
    await _write(tx, software, "software.secret_made", by, traceparent, {"secret": str(secret.id), "days": days})
    return Shown(secret=secret, text=text)


async def revoke_secret(tx: Tx, software: Software, secret: UUID, *, by: str, traceparent: str | None) -> bool:
    """End one secret and the tokens that it gave; whether it was there and had not ended."""
    if not await software_store.revoke_secret(tx.conn, software.id, secret, by, tx.now):
        return False
    await timers.cancel(tx.conn, [str(secret)], NOTICE)
    await publish_end(tx, software.subject, secret, tx.now, RequestCause(uuid5(secret, "revoked"), traceparent))
    await _write(tx, software, "software.secret_revoked", by, traceparent, {"secret": str(secret)})
    return True


def tokens_end(ended_at: datetime) -> datetime:
    """When the last token of a secret that ended then has ended. One may be made at that very moment by a request that
    saw the secret live."""
    return ended_at + timedelta(seconds=TOKEN_SECONDS + 60)


async def publish_end(tx: Tx, subject: str, secret: UUID, ended_at: datetime, cause: Cause) -> None:
    """Tell every service that a secret is over: its tokens are one session, which carries its id."""
    over = SessionRevoked(subject=subject, session=str(secret), version=1, expires_at=tokens_end(ended_at))
    await emit(tx, over, key=f"session/{secret}", partition_key=subject, cause=cause)


def _held(software: Software) -> dict[str, audit.Detail]:
    return {
        "roles": list(software.roles),
        "services": [audit.Code(code) for code in software.services],
        "scopes": list(software.scopes),
        "writes_each_minute": software.writes_each_minute,
        "writes_each_day": software.writes_each_day,
    }


async def _tell(
    tx: Tx, software: Software, action: str, by: str, traceparent: str | None, details: dict[str, audit.Detail]
) -> None:
    await rights.publish(tx, [software.subject], RequestCause(software.id, traceparent))
    await _write(tx, software, action, by, traceparent, details)


async def _write(
    tx: Tx, software: Software, action: str, by: str, traceparent: str | None, details: dict[str, audit.Detail]
) -> None:
    await audit.write(
        tx.conn,
        at=tx.now,
        actor=by,
        action=action,
        about=software.subject,
        structure=software.structure,
        tenant=software.tenant,
        traceparent=traceparent,
        details=details,
    )


def fresh(
    *,
    structure: str,
    tenant: str | None,
    name: str,
    roles: Sequence[str],
    services: Sequence[str],
    scopes: Sequence[str],
    limits: tuple[int | None, int | None],
    by: str,
    now: datetime,
    wanted: UUID | None = None,
) -> Software:
    """An account that does not exist yet, each list without doubles."""
    identity = wanted or uuid4()
    return Software(
        id=identity,
        subject=f"software:{identity}",
        structure=structure,
        tenant=tenant,
        name=name,
        roles=tuple(dict.fromkeys(roles)),
        services=tuple(dict.fromkeys(services)),
        scopes=tuple(dict.fromkeys(scopes)),
        writes_each_minute=limits[0],
        writes_each_day=limits[1],
        made_by=by,
        made_at=now,
        changed_at=now,
        last_used_at=None,
        revoked_at=None,
    )
