"""What the topic of rights says of a key, entry by entry; and a broker that is away."""

import argparse
from types import SimpleNamespace
from typing import Any, cast

import pytest

from contracts.events import AccountPublished, SessionRevoked
from services.portal import cli
from services.portal.account_topic import Seen, Topic, followed
from services.portal.parts import Parts
from tests.unit.portal.samples import settings


def entry(version: int, state: Any = "active") -> AccountPublished:
    return AccountPublished(subject="person:x", version=version, kind="person", state=state)


def test_a_key_says_what_its_last_entry_says_whatever_its_version() -> None:
    seen = Seen[AccountPublished]().then(entry(3)).then(entry(7))
    assert (seen.top, seen.says(entry(0))) == (7, True)
    assert not seen.says(entry(7, "closed"))
    assert not Seen[AccountPublished]().says(entry(0))


def test_an_older_entry_that_came_last_is_taken_by_nobody_who_has_read_the_newer_one() -> None:
    seen = Seen[AccountPublished]().then(entry(7, "closed")).then(entry(3))
    assert (seen.top, seen.says(entry(0)), seen.says(entry(0, "closed"))) == (7, False, False)


def test_a_key_that_was_taken_off_says_nothing_and_keeps_its_height() -> None:
    topic = Topic({}, {}, {})
    topic.add("account/person:x", entry(7))
    topic.add("account/person:x", None)
    assert topic.accounts == {"person:x": Seen(None, 7)}
    assert followed(topic.accounts["person:x"], [entry(8)], AccountPublished).says(entry(0))


def test_what_is_no_entry_of_its_key_is_counted_and_left() -> None:
    topic = Topic({}, {}, {})
    for key, found in (("account/person:x", None), ("", None), ("session/x", entry(1)), ("other/x", None)):
        topic.add(key, found)
    assert topic.unreadable == 3
    assert followed(Seen[SessionRevoked](), [entry(1)], SessionRevoked) == Seen[SessionRevoked]()


async def test_where_the_broker_is_away_nothing_is_done_and_the_command_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parts = cast(Parts, SimpleNamespace(settings=settings(kafka="127.0.0.1:1")))  # no database: it is not asked
    assert await cli._republish(argparse.Namespace(apply=True), parts) == 1
    assert "Kafka ne répond pas (KafkaConnectionError) : rien n'est fait" in capsys.readouterr().err
