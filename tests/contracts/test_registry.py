"""The one table of topics."""

import re
from collections import Counter

import msgspec
import pytest

from contracts import asyncapi
from contracts.events import BY_TYPE, EVENTS, Payload
from contracts.registry import SERVICES, TOPIC_OF, TOPICS, dead_letter_topic, topics_read_by, topics_shared_by


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TYPE)
def test_every_event_is_in_exactly_one_topic(event: type[Payload]) -> None:
    assert [topic.name for topic in TOPICS if event in topic.events] == [TOPIC_OF[event].name]


def test_no_topic_carries_an_event_that_is_not_declared() -> None:
    assert {event for topic in TOPICS for event in topic.events} == set(EVENTS)


def test_every_struct_that_is_a_payload_is_declared() -> None:
    declared = [event for event in Payload.__subclasses__() if event.__module__ == Payload.__module__]
    assert declared == list(EVENTS)


def test_types_and_topic_names_are_unique() -> None:
    assert len(BY_TYPE) == len(EVENTS)
    assert max(Counter(topic.name for topic in TOPICS).values()) == 1


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_a_type_is_named_after_subject_action_and_major(event: type[Payload]) -> None:
    assert re.fullmatch(r"fr\.chorale\.[a-z_]+\.[a-z_]+\.v[1-9][0-9]*", event.TYPE)


def test_a_topic_has_one_writer_that_does_not_read_itself() -> None:
    for topic in TOPICS:
        assert topic.writer in SERVICES
        assert topic.readers
        assert set(topic.readers) <= set(SERVICES) - {topic.writer}


def test_a_service_reads_what_the_registry_says() -> None:
    for service in SERVICES:
        assert set(topics_read_by(service)) == {topic.name for topic in TOPICS if service in topic.readers}


def test_what_every_instance_follows_is_shared_with_no_other_instance() -> None:
    followed = {topic.name for topic in TOPICS if topic.followed}
    assert followed == {"chorale.account.v1"}
    for service in SERVICES:
        assert set(topics_shared_by(service)) == set(topics_read_by(service)) - followed
    described = asyncapi.document({})["operations"]
    assert "bindings" not in described["status.receive.chorale.account.v1"]
    assert "bindings" in described["status.receive.chorale.deposit.v1"]


def test_dead_letter_mirrors_are_no_event_topics() -> None:
    mirrors = {dead_letter_topic(service) for service in SERVICES}
    assert len(mirrors) == len(SERVICES)
    assert not mirrors & {topic.name for topic in TOPICS}


def test_what_supervision_passes_over_is_parked_by_another_reader() -> None:
    """Its streams only count what is no event (decision 0100)."""
    counted = {topic.name: topic.readers for topic in TOPICS if topic.name in topics_shared_by("supervision")}
    assert len(counted) > 5
    assert [name for name, readers in counted.items() if not set(readers) - {"supervision"}] == []


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_an_event_is_frozen_and_takes_its_fields_by_name_only(event: type[Payload]) -> None:
    config = event.__struct_config__
    assert config.frozen
    assert config.omit_defaults
    with pytest.raises(TypeError, match="positional"):
        event(*range(len(msgspec.structs.fields(event))))
