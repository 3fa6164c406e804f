"""What is made once however often it is asked for: a form that is pressed twice, a request that is sent again.

The same person, key and request name the same row. Of a secret only its sealed form is kept, which the API's role does
not read: whoever asks again gets a new one in the place of the first, whose answer did not come to him. The last answer
counts.
"""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from services.common import once
from services.common.db import Connection
from services.notify import webhook_desk
from services.notify.webhook_signing import Seal
from services.notify.webhook_views import NewWebhook, SecretView, WebhookView

_NAMESPACE: Final = UUID("8a4d0f3e-5a0b-5b7e-9d51-6f2b1c0e7a43")


def named(key: str | None, *asked: object) -> UUID | None:
    """The id of what is asked for under this key; None without one."""
    return once.named(_NAMESPACE, key, *asked)


async def free(connection: Connection, wanted: UUID | None) -> UUID:
    """The id for a new way out: the wanted one, unless one that is deleted or old has it."""
    if wanted is None or await connection.fetchval("select exists (select from webhook where id = $1)", wanted):
        return uuid4()
    return wanted


async def shown_again(
    connection: Connection, known: WebhookView, asked: NewWebhook, seal: Seal, now: datetime
) -> WebhookView:
    """The way out that the same request has made a moment ago, with a secret that can be shown."""
    unseen = [one.id for one in known.secrets]
    if asked.kind != "http" or asked.signature in ("ed25519",) or len(unseen) != 1:
        return known
    await _drop(connection, unseen[0])
    fresh = await webhook_desk.add_secret(connection, known.id, asked.signature, seal, now)
    return known.model_copy(update={"secrets": [fresh]})


async def secret_place(
    connection: Connection, wanted: UUID | None, held: list[SecretView], now: datetime
) -> tuple[UUID | None, list[SecretView]]:
    """The id for a new secret, and those that live beside it: the one that the same request has made a moment ago is
    not among them any more."""
    same = next((one for one in held if one.id == wanted), None)
    if same is not None and once.again(same.created_at, now):
        await _drop(connection, same.id)
        return wanted, [one for one in held if one.id != wanted]
    taken = wanted and await connection.fetchval("select exists (select from webhook_secret where id = $1)", wanted)
    return None if taken else wanted, held


async def _drop(connection: Connection, unseen: UUID) -> None:
    await connection.execute("delete from webhook_secret where id = $1", unseen)
