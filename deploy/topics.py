"""Create every topic of :mod:`contracts.registry`, and the mirrors of the dead letters, as the registry says.

``python -m deploy.topics HOST:PORT`` does it from the command line; running it again changes nothing.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaConnectionError,
    TopicAlreadyExistsError,
    for_code,
)

from contracts.registry import DEFAULT_PARTITIONS, RETENTION_DAYS, SERVICES, TOPICS, dead_letter_topic
from deploy.servers.errors import StackError

# The broker unpacks what other clients compress: services read gzip alone, and would stop at anything else for ever.
_UNPACKED = {"compression.type": "uncompressed"}
_RETENTION = {"cleanup.policy": "delete", "retention.ms": str(RETENTION_DAYS * 24 * 3600 * 1000), **_UNPACKED}
_COMPACTED = {"cleanup.policy": "compact", **_UNPACKED}
_PATIENCE = 30.0


@dataclass(frozen=True)
class TopicPlan:
    """A topic as it has to be."""

    name: str
    partitions: int = DEFAULT_PARTITIONS
    configs: Mapping[str, str] = field(default_factory=lambda: _RETENTION)


def plan() -> list[TopicPlan]:
    """Every topic of the platform."""
    registered = [TopicPlan(topic.name, configs=_COMPACTED if topic.compacted else _RETENTION) for topic in TOPICS]
    return registered + [TopicPlan(dead_letter_topic(service)) for service in SERVICES]


async def create(bootstrap: str, topics: Sequence[TopicPlan], replication: int = 1) -> list[str]:
    """Create what is missing and wait until each partition has a leader; the names created are returned.

    Raises StackError when a topic exists with another number of partitions: changing it would break the order of
    keys, so a person has to decide.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=20_000)
    try:
        await admin.start()
        missing = await _missing(admin, topics)
        await _create(admin, missing, replication)
        await _wait_for_leaders(admin, topics)
        await _wait_for_coordinator(admin)
    except KafkaConnectionError as error:
        raise StackError(f"No Kafka broker answers at {bootstrap}: check the address and that it runs.") from error
    finally:
        await admin.close()
    return [topic.name for topic in missing]


async def _missing(admin: AIOKafkaAdminClient, topics: Sequence[TopicPlan]) -> list[TopicPlan]:
    existing = set(await admin.list_topics())
    known = await admin.describe_topics([topic.name for topic in topics if topic.name in existing])
    found = {entry["topic"]: len(entry["partitions"]) for entry in known}
    wrong = [
        f"{topic.name} has {found[topic.name]} partitions instead of {topic.partitions}"
        for topic in topics
        if topic.name in found and found[topic.name] != topic.partitions
    ]
    if wrong:
        raise StackError(f"{'; '.join(wrong)}: changing that would break the order of keys, so make a new topic.")
    return [topic for topic in topics if topic.name not in found]


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[TopicPlan], replication: int) -> None:
    if not topics:
        return
    wanted = [NewTopic(each.name, each.partitions, replication, topic_configs=dict(each.configs)) for each in topics]
    answer = await admin.create_topics(wanted)
    for name, code, *detail in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:  # another stack of the same cluster was quicker
            raise StackError(f"Kafka refused to create topic {name}: {error.__name__} {detail}")


async def _wait_for_leaders(admin: AIOKafkaAdminClient, topics: Sequence[TopicPlan]) -> None:
    wanted = {topic.name: topic.partitions for topic in topics}
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while True:
        described = await admin.describe_topics(list(wanted))
        led = {
            entry["topic"]: sum(1 for partition in entry["partitions"] if partition["leader"] >= 0)
            for entry in described
            if not entry["error_code"]
        }
        if led == wanted:
            return
        if asyncio.get_running_loop().time() > deadline:
            waiting = sorted(name for name in wanted if led.get(name) != wanted[name])
            raise StackError(f"After {_PATIENCE:.0f} s these topics still have no leader: {', '.join(waiting)}")
        await asyncio.sleep(0.05)


async def _wait_for_coordinator(admin: AIOKafkaAdminClient) -> None:
    """The first question for a group makes a new broker create the topic of offsets: better now than in a service."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while True:
        try:
            await admin.find_coordinator("chorale")
            return
        except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise StackError(f"After {_PATIENCE:.0f} s Kafka still has no group coordinator.") from error
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    try:
        created = asyncio.run(create(sys.argv[1], plan()))
    except StackError as error:
        sys.exit(str(error))
    print(f"{len(created)} created, {len(plan()) - len(created)} there already")
