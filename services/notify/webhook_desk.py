"""The ways out as their owners see them: SQL of the API's role, under row-level security."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from services.common.auth import Principal
from services.common.db import Connection
from services.notify import webhook_store
from services.notify.webhook_rules import TEST_TYPE
from services.notify.webhook_signing import Kind, Seal, Secret, new_secret
from services.notify.webhook_views import (
    AttemptView,
    DeliveryPage,
    DeliveryView,
    NewWebhook,
    ReplayAsked,
    SecretView,
    WebhookView,
)

_SHOWN = (
    "select id, kind, url, description, types, statuses, structures, services, sandbox, state, created_at, failures,"
    " open_until, structure, format, rhythm from webhook where state <> 'deleted'"
)
_LIVE = (
    "select id, webhook, kind as signature, public_key, created_at, expires_at from webhook_secret"
    " where webhook = any($1) and (expires_at is null or expires_at > now()) order by created_at desc"
)


def acts_for(principal: Principal) -> frozenset[str]:
    """The structures whose invoices he may have files of: as their supplier, or for the whole of a public body."""
    scope = principal.scope()
    listed = f"{scope['supplier_structures']},{scope['recipient_structures']}".split(",")
    return frozenset(each for each in listed if each)


async def state_rights(connection: Connection, principal: Principal, now: datetime) -> None:
    """Keep what the owner may see, as his token says now: it decides at every delivery from here on.

    Of who has an account the database keeps what the replica of accounts says, now and from then on.
    """
    await connection.execute(
        "insert into webhook_owner (subject, structures, services, roles, tenants, contact, stated_at)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict (subject) do update set structures = excluded.structures,"
        " services = excluded.services, roles = excluded.roles, tenants = excluded.tenants,"
        " contact = excluded.contact, stated_at = excluded.stated_at",
        principal.subject,
        list(principal.structures),
        list(principal.services),
        list(principal.roles),
        list(principal.tenants),
        principal.contact,
        now,
    )


async def count(connection: Connection, owner: str) -> int:
    """How many ways out somebody has."""
    found: int = await connection.fetchval(
        "select count(*) from webhook where owner = $1 and state <> 'deleted'", owner
    )
    return found


async def make(connection: Connection, identity: UUID, asked: NewWebhook, owner: str, now: datetime) -> None:
    """Write a way out."""
    structures = [asked.structure] if asked.structure else asked.structures
    await connection.execute(
        "insert into webhook (id, owner, kind, url, description, types, statuses, structures, services, state,"
        " created_at, changed_at, structure, format, rhythm, sandbox)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'active', $10, $10, $11, $12, $13, $14)",
        identity,
        owner,
        asked.kind,
        asked.url,
        asked.description,
        asked.types,
        asked.statuses,
        structures,
        asked.services,
        now,
        asked.structure,
        asked.format,
        asked.rhythm,
        asked.sandbox,
    )


async def add_secret(
    connection: Connection, webhook: UUID, kind: Kind, seal: Seal, now: datetime, wanted: UUID | None = None
) -> SecretView:
    """A new secret, shown this once. ``wanted``: its id, where that was given."""
    identity, secret = wanted or uuid4(), new_secret(kind)
    public = secret.shown if kind == "ed25519" else None
    await connection.execute(
        "insert into webhook_secret (id, webhook, kind, sealed, public_key, created_at)"
        " values ($1, $2, $3, $4, $5, $6)",
        identity,
        webhook,
        kind,
        seal.close(secret, identity),
        public,
        now,
    )
    return SecretView(
        id=identity, signature=kind, created_at=now, expires_at=None, public_key=public, secret=_once(secret)
    )


def _once(secret: Secret) -> str | None:
    return secret.shown if secret.kind == "hmac" else None


async def views(connection: Connection, wanted: UUID | None = None) -> list[WebhookView]:
    """Those of the running scope, or the one wanted; oldest first."""
    rows = await connection.fetch(f"{_SHOWN} and ($1::uuid is null or id = $1) order by created_at, id", wanted)
    secrets: dict[UUID, list[SecretView]] = {row["id"]: [] for row in rows}
    for row in await connection.fetch(_LIVE, list(secrets)):
        secrets[row["webhook"]].append(SecretView(**{k: v for k, v in row.items() if k != "webhook"}))
    return [WebhookView(**dict(row), secrets=secrets[row["id"]]) for row in rows]


async def mine(connection: Connection, webhook: UUID, owner: str) -> asyncpg.Record | None:
    """The owner's way out, held until the transaction ends; None for what is not his."""
    return await connection.fetchrow(
        "select id, kind, state from webhook where id = $1 and owner = $2 and state <> 'deleted' for no key update",
        webhook,
        owner,
    )


async def change(connection: Connection, webhook: UUID, changes: Mapping[str, Any], now: datetime) -> None:
    """Write the columns named; what was left alone because of failures is tried again."""
    names = list(changes)
    columns = "".join(f", {name} = ${number}" for number, name in enumerate(names, 3))
    await connection.execute(
        f"update webhook set changed_at = $2, failures = 0, open_until = null{columns} where id = $1",
        webhook,
        now,
        *(changes[name] for name in names),
    )
    await webhook_store.wake(connection)


async def remove(connection: Connection, webhook: UUID, now: datetime) -> None:
    """Nothing more leaves by it, and what signed for it is gone."""
    await connection.execute("delete from webhook_secret where webhook = $1", webhook)
    await connection.execute("update webhook set state = 'deleted', changed_at = $2 where id = $1", webhook, now)


async def expire_others(connection: Connection, webhook: UUID, kept: UUID, now: datetime, overlap: timedelta) -> None:
    """The older secrets sign for the overlap and no longer."""
    await connection.execute(
        "update webhook_secret set expires_at = $3 where webhook = $1 and id <> $2"
        " and (expires_at is null or expires_at > $3)",
        webhook,
        kept,
        now + overlap,
    )


async def test(connection: Connection, webhook: UUID, now: datetime) -> UUID | None:
    """Set out a test event at once, past a circuit that is open; None while another is under way."""
    under_way = await connection.fetchval(
        "select count(*) from webhook_delivery where webhook = $1 and subject = $2"
        " and state in ('behind', 'waiting', 'sending')",
        webhook,
        str(webhook),
    )
    if under_way:
        return None
    event = uuid4()
    await connection.execute(
        "insert into webhook_delivery (webhook, event, position, subject, type, state, urgent, next_attempt_at,"
        " created_at) values ($1, $2, 0, $3, $4, 'waiting', true, $5, $5)",
        webhook,
        event,
        str(webhook),
        TEST_TYPE,
        now,
    )
    await webhook_store.wake(connection)
    return event


async def replaying(connection: Connection, webhook: UUID) -> bool:
    """Whether a replay of this way out is under way: one at a time, so that nobody keeps the workers for himself."""
    found: bool = await connection.fetchval(
        "select exists (select from webhook_replay where webhook = $1 and done_at is null)", webhook
    )
    return found


async def ask_replay(connection: Connection, webhook: UUID, asked: ReplayAsked, now: datetime) -> int | None:
    """Write down a replay; None when this way out has never had the event."""
    position = None
    if asked.event is not None:
        position = await connection.fetchval(
            "select position from webhook_delivery where webhook = $1 and event = $2 and position > 0",
            webhook,
            asked.event,
        )
        if position is None:
            return None
    identity: int = await connection.fetchval(
        "insert into webhook_replay (webhook, since, from_position, asked_at) values ($1, $2, $3, $4) returning id",
        webhook,
        asked.since,
        position,
        now,
    )
    return identity


async def deliveries(
    connection: Connection, webhook: UUID, state: str | None, invoice: str | None, before: UUID | None, limit: int
) -> DeliveryPage:
    """The delivery log, newest first."""
    rows = await connection.fetch(
        "select event, subject, type, state, created_at, done_at, case when done_at is null and state <> 'behind'"
        " then next_attempt_at end as next_attempt_at from webhook_delivery where webhook = $1"
        " and ($2::text is null or state = $2) and ($3::text is null or subject = $3)"
        " and ($4::uuid is null or (created_at, event) <"
        " (select created_at, event from webhook_delivery where webhook = $1 and event = $4))"
        " order by created_at desc, event desc limit $5",
        webhook,
        state,
        invoice,
        before,
        limit + 1,
    )
    shown = rows[:limit]
    tries: dict[UUID, list[AttemptView]] = {row["event"]: [] for row in shown}
    for row in await connection.fetch(
        "select event, n, at, duration_ms, result, status, answer from webhook_attempt"
        " where webhook = $1 and event = any($2) order by n",
        webhook,
        list(tries),
    ):
        tries[row["event"]].append(AttemptView(**{k: v for k, v in row.items() if k != "event"}))
    found = [
        DeliveryView(
            **{k: v for k, v in row.items() if k != "subject"}, invoice=row["subject"], attempts=tries[row["event"]]
        )
        for row in shown
    ]
    return DeliveryPage(deliveries=found, next=shown[-1]["event"] if len(rows) > limit else None)
