"""Messages to write, each to its own address, and the wait until they are sent, for tests."""

from uuid import uuid4

from tests.integration.notify_service import Tables, until
from tests.unit.notify.samples import draft
from tests.unit.status.samples import event


async def settled(found: Tables, seconds: float = 60) -> None:
    """Until no message is left to send."""

    async def nothing_left() -> bool:
        return not set(await found.states()) & {"created", "sending"}

    await until(nothing_left, seconds)


async def drafts(found: Tables, count: int) -> None:
    """So many messages, each to its own address."""
    await found.take(*(event(draft(contact=f"c{i}@f.example"), uuid4()) for i in range(count)))
