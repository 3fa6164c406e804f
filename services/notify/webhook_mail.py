"""The owner of a webhook is told by e-mail that his receiver does not answer: one more message of the mail side."""

from urllib.parse import urlsplit
from uuid import UUID, uuid5

from services.common import telemetry
from services.common.deliver import Tx
from services.notify import people
from services.notify.desk import Desk
from services.notify.domain import Facts, Message, clean_address, message_id

DOWN, GONE = "WEBHOOK_DOWN", "WEBHOOK_GONE"


async def tell_owner(tx: Tx, desk: Desk, webhook: UUID, *, gone: bool) -> None:
    """Write one message to the owner's address, in the running transaction; without an address it is only logged.

    ``gone``: the receiver answered 410, and nothing more is sent to it. The message names the receiver's host only:
    its path may hold a key.
    """
    row = await tx.conn.fetchrow(
        "select w.owner, o.contact, w.url from webhook w join webhook_owner o on o.subject = w.owner where w.id = $1",
        webhook,
    )
    assert row is not None
    chosen = await people.contacts_of(tx.conn, [row["owner"]])  # which may differ from the one he signs in with
    address = clean_address(chosen.get(row["owner"], row["contact"]))
    if address is None:
        telemetry.logger().warning("webhook.owner_without_address", webhook=str(webhook))
        return
    cause = uuid5(webhook, tx.now.isoformat())
    message = Message(
        id=message_id(cause, "person", address),
        subject=str(webhook),
        kind=GONE if gone else DOWN,
        audience="person",
        address=address,
        facts=Facts(at=tx.now, file_name=urlsplit(row["url"]).hostname or str(webhook)),
        cause=cause,
    )
    await desk.write(tx, [message])
