"""Counts of what the topics hold, made apart: read without supervision's code, for tests to compare with."""

from collections import Counter

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.envelope import Undecodable, decode
from contracts.events import FlowFinished, StatusChanged
from contracts.registry import topics_read_by, topics_shared_by
from deploy.local import Stack
from services.common.consumer import read_to_end


async def count_apart(stack: Stack) -> Counter[str]:
    """Stages of all that the topics hold, each event once, read without the service's code."""
    found: Counter[str] = Counter()
    seen = set()
    for topic in topics_read_by("supervision"):
        async for records in read_to_end(stack.kafka.bootstrap, topic, quiet_seconds=0.1):
            for record in records:
                try:
                    event = decode(record.headers, record.value)
                except Undecodable:
                    continue
                if event.id in seen or record.key != event.subject.encode():
                    continue
                seen.add(event.id)
                found.update(_named(event.type, event.data))
    return found


_BY_TYPE = {
    "fr.chorale.document.received.v1": "received",
    "fr.chorale.document.read.v1": "read",
    "fr.chorale.document.unreadable.v1": "unreadable",
    "fr.chorale.draft.saved.v1": "draft",
    "fr.chorale.deposit.refused.v1": "refused",
    "fr.chorale.invoice.submitted.v1": "submitted",
    "fr.chorale.invoice.routed.v1": "routed",
    "fr.chorale.invoice.unroutable.v1": "unroutable",
    "fr.chorale.status.changed.v1": "status",
    "fr.chorale.action.recorded.v1": "act",
    "fr.chorale.delay.at_risk.v1": "at_risk",
    "fr.chorale.notification.accepted.v1": "mail_accepted",
    "fr.chorale.notification.failed.v1": "mail_failed",
    "fr.chorale.flow.finished.v1": "flow",
}


def _named(kind: str, data: object) -> list[str]:
    found = [_BY_TYPE[kind]] if kind in _BY_TYPE else []
    if isinstance(data, StatusChanged) and data.status_to == "MISE_A_DISPOSITION":
        found.append("available")
    if isinstance(data, FlowFinished) and data.state != "IN_INTEGRE":
        found.append("flow_rejected")
    return found


async def unread_apart(stack: Stack, service: str) -> tuple[int, float]:
    """How far a group is from the ends where there is a record that it has not read, and when the first was written.

    Found by reading: what transactions leave behind is no record, but counts in the distance where one is before it.
    """
    behind: dict[TopicPartition, int] = {}
    oldest = float("inf")
    async with (
        AIOKafkaConsumer(bootstrap_servers=stack.kafka.bootstrap, group_id=service, enable_auto_commit=False) as group,
        AIOKafkaConsumer(
            *topics_shared_by(service),  # type: ignore[arg-type]
            bootstrap_servers=stack.kafka.bootstrap,
            group_id=None,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            isolation_level="read_committed",
        ) as reader,
    ):
        committed: dict[TopicPartition, int] = {}
        ends = await reader.end_offsets(sorted(reader.assignment()))
        while any([await reader.position(place) < end for place, end in ends.items()]):
            for place, records in (await reader.getmany(timeout_ms=200)).items():
                if place not in committed:
                    committed[place] = await group.committed(place) or 0
                for record in records:
                    if committed[place] <= record.offset < ends[place]:
                        behind[place], oldest = ends[place] - committed[place], min(oldest, record.timestamp / 1000)
    return sum(behind.values()), oldest
