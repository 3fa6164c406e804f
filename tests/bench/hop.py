"""One hop as a process: ``python -m tests.bench.hop SERVICE chorale|bare``, with CHORALE_DSN and CHORALE_KAFKA."""

import asyncio
import os
import signal
import sys

import uvloop

from services.common import telemetry
from services.common.consumer import Consumer, ConsumerSettings
from services.common.db import migrate, open_pool
from services.common.deliver import Deliver
from services.common.outbox import Relay, RelaySettings
from tests.bench.bare import bare_hop
from tests.bench.hops import HOPS, keep_state


async def chorale_hop(service: str, dsn: str, kafka: str) -> None:
    """The plumbing as the services use it."""
    name, topic, make = next(hop for hop in HOPS if hop[0] == service)
    telemetry.configure(name, "WARNING")
    pool = await open_pool(dsn, name)
    consumer = Consumer(
        ConsumerSettings(kafka=kafka, group=f"{name}-bench", topics=(topic,)),
        Deliver(pool, name, keep_state(make)),
    )
    relay = Relay(RelaySettings(schema=name, dsn=dsn, kafka=kafka))
    await asyncio.gather(consumer.run(), relay.run())


async def main() -> None:
    """Run until SIGTERM."""
    service, kind = sys.argv[1:3]
    dsn, kafka = os.environ["CHORALE_DSN"], os.environ["CHORALE_KAFKA"]
    await migrate(dsn, service, "tests.bench")
    hop = chorale_hop if kind == "chorale" else bare_hop
    task = asyncio.create_task(hop(service, dsn, kafka))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.wait({task})


if __name__ == "__main__":
    uvloop.run(main())
