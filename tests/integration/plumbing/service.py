"""The tests' service as a process: ``python -m tests.integration.plumbing.service``, with the environment of notify."""

from collections.abc import Sequence
from pathlib import Path

from services.common.deliver import Tx
from services.common.runtime import Runtime, main
from services.common.settings import ServiceSettings
from services.common.timers import Timer
from tests.integration.plumbing.events import answer
from tests.integration.plumbing.ladder import SECRET, Broken, Ladder, die_once
from tests.integration.plumbing.world import PACKAGE, SERVICE


class Settings(ServiceSettings):
    """``CHORALE_GROUP`` and ``CHORALE_TOPIC`` keep the tests apart on one broker."""

    group: str
    topic: str


async def ring(tx: Tx, timers: Sequence[Timer]) -> None:
    """Leave a row and an event for every timer fired. The kind ``bad`` never works; ``die PATH`` kills us once."""
    for timer in timers:
        await tx.conn.execute("insert into fired (timer_id, kind) values ($1, $2)", timer.id, timer.kind)
        tx.emit(answer(0), key=timer.key, cause=timer)
        what, _, path = timer.kind.partition(" ")
        if what == "bad":
            raise Broken(SECRET)
        if what == "die":
            die_once(Path(path))


async def compose() -> Runtime:
    """Everything a service has."""
    settings = Settings()
    runtime = Runtime(SERVICE, settings)
    await runtime.open(PACKAGE)
    runtime.consume(Ladder(), group=settings.group, topics=(settings.topic,))
    runtime.relay()
    runtime.timers(ring)
    runtime.web()
    return runtime


if __name__ == "__main__":
    main(compose)
