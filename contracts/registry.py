"""The one table of topics: what travels where, who alone writes it, who reads it, and its key."""

from typing import Literal

import msgspec

from contracts.events import (
    AccountPublished,
    ActionRecorded,
    AttachmentStored,
    DelayAtRisk,
    DepositRefused,
    DocumentRead,
    DocumentReceived,
    DocumentUnreadable,
    DraftAged,
    DraftSaved,
    EngagementPublished,
    FlowFinished,
    InvoiceRouted,
    InvoiceSubmitted,
    InvoiceUnroutable,
    NotificationAccepted,
    NotificationFailed,
    Payload,
    RoutingRequested,
    ServicePublished,
    SessionRevoked,
    SigningKeyPublished,
    SolicitationRecorded,
    StatusChanged,
    StructurePublished,
    TenantPublished,
)

DEFAULT_PARTITIONS = 12
RETENTION_DAYS = 30
ServiceName = Literal["ingest", "ocr", "routing", "status", "notify", "portal", "supervision"]
SERVICES: tuple[ServiceName, ...] = ("ingest", "ocr", "routing", "status", "notify", "portal", "supervision")


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """One Kafka topic. ``writer`` is its only writer; ``key`` says in words what its messages are keyed by.

    ``followed``: every instance of a reader reads all of it, outside the service's consumer group.
    """

    name: str
    events: tuple[type[Payload], ...]
    writer: ServiceName
    readers: tuple[ServiceName, ...]
    key: str = "invoice id"
    compacted: bool = False
    followed: bool = False


TOPICS: tuple[Topic, ...] = (
    Topic(name="chorale.document.v1", events=(DocumentReceived,), writer="ingest", readers=("ocr", "supervision")),
    Topic(
        name="chorale.reading.v1",
        events=(DocumentRead, DocumentUnreadable),
        writer="ocr",
        readers=("ingest", "supervision"),
    ),
    Topic(
        name="chorale.deposit.v1",
        events=(DraftSaved, DraftAged, DepositRefused, InvoiceSubmitted, AttachmentStored),
        writer="ingest",
        readers=("routing", "status", "notify", "supervision"),
    ),
    Topic(
        name="chorale.flow.v1",
        events=(FlowFinished,),
        writer="ingest",
        readers=("notify", "supervision"),
        key="flow id",
    ),
    Topic(
        name="chorale.routing.v1",
        events=(InvoiceRouted, InvoiceUnroutable),
        writer="routing",
        readers=("status", "supervision"),
    ),
    Topic(
        name="chorale.lifecycle.v1",
        events=(StatusChanged, ActionRecorded, RoutingRequested, DelayAtRisk),
        writer="status",
        readers=("notify", "routing", "ingest", "supervision"),
    ),
    Topic(
        name="chorale.notification.v1",
        events=(NotificationAccepted, NotificationFailed),
        writer="notify",
        readers=("status", "supervision"),
    ),
    Topic(
        name="chorale.directory.v1",
        events=(TenantPublished, StructurePublished, ServicePublished, EngagementPublished),
        writer="routing",
        readers=("ingest", "ocr", "status", "notify", "portal"),
        key="entry id, partitioned by structure",
        compacted=True,
    ),
    Topic(
        name="chorale.account.v1",
        events=(AccountPublished, SessionRevoked, SigningKeyPublished),
        writer="portal",
        readers=("ingest", "ocr", "routing", "status", "notify", "supervision"),
        key="entry id, partitioned by subject",
        compacted=True,
        followed=True,
    ),
    Topic(
        name="chorale.solicitation.v1",
        events=(SolicitationRecorded,),
        writer="portal",
        readers=("status", "notify"),
        key="invoice id, else sollicitation id",
    ),
)

TOPIC_OF: dict[type[Payload], Topic] = {event: topic for topic in TOPICS for event in topic.events}


def dead_letter_topic(service: ServiceName) -> str:
    """The mirror of a service's dead letters. The truth is in the service's own database."""
    return f"chorale.{service}.dlq.v1"


def topics_read_by(service: ServiceName) -> tuple[str, ...]:
    """Names of the topics that a service reads."""
    return tuple(topic.name for topic in TOPICS if service in topic.readers)


def topics_shared_by(service: ServiceName) -> tuple[str, ...]:
    """Names of the topics that the instances of a service share among them, as one consumer group."""
    return tuple(topic.name for topic in TOPICS if service in topic.readers and not topic.followed)
