"""A message as it stands on a topic, before anybody knows whether it is an event."""

import hashlib
from uuid import UUID, uuid5

import msgspec

from contracts.envelope import NAMESPACE, Event, Headers, Undecodable, decode
from contracts.registry import TOPIC_OF, TOPICS

_TOPICS = frozenset(topic.name for topic in TOPICS)
_MAX_KEY = 512  # a longer one fits no index; the subject of an event is never longer
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[tuple[str, bytes]]).decode


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Topic, place, key, headers and value of one message; ``value`` may be anything."""

    topic: str
    partition: int | None
    offset: int | None
    key: bytes | None
    headers: Headers
    value: bytes | None

    @property
    def place_id(self) -> UUID:
        """An id for a message that carries none: the same place always gives the same id."""
        return uuid5(NAMESPACE, f"{self.topic}/{self.partition}/{self.offset}")

    @property
    def key_text(self) -> str | None:
        """The key as text a database can hold, or ``None``."""
        if self.key is None:
            return None
        text = self.key.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
        return text if len(text) <= _MAX_KEY else f"{text[:200]}…{hashlib.sha256(self.key).hexdigest()}"


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A record and what it turned out to be: an event, or the reason why it is none."""

    record: Record
    event: Event | None
    poison: Undecodable | None

    @property
    def id(self) -> UUID:
        """The event's id, or the place's for a poisonous record."""
        return self.event.id if self.event else self.record.place_id

    @property
    def key(self) -> str | None:
        """What the record is locked and ordered by."""
        return self.event.subject if self.event else self.record.key_text


def read(record: Record) -> Arrival:
    """Decode; never raises."""
    try:
        event = decode(record.headers, record.value)
        if record.key != event.subject.encode():
            raise Undecodable("NOT_CLOUDEVENTS", "the key and ce_subject differ")
        if record.topic in _TOPICS and record.topic != TOPIC_OF[type(event.data)].name:
            # Who may write one topic speaks for its writer alone.
            raise Undecodable("WRONG_TOPIC", f"{event.type} does not travel on {record.topic}")
        return Arrival(record=record, event=event, poison=None)
    except Undecodable as error:
        return Arrival(record=record, event=None, poison=error)


def pack_headers(headers: Headers) -> bytes:
    """Headers as the database keeps them, byte for byte."""
    return _pack(headers)


def unpack_headers(packed: bytes) -> Headers:
    """The reverse of :func:`pack_headers`."""
    return _unpack(packed)
