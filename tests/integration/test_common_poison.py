"""What is no event at all: parked, mirrored, and everything around it goes on."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from contracts.envelope import encode, headers
from deploy.local import Stack
from services.common.outbox import MAX_VALUE_BYTES
from services.common.record import Record, unpack_headers
from tests.integration.plumbing.events import bad_record, records, step
from tests.integration.plumbing.ladder import SECRET
from tests.integration.plumbing.world import MIRROR, World, emptied_world

GOOD = step("k", 1)
HEADERS = headers(GOOD)


@dataclass
class Poison:
    name: str
    record: Record
    code: str
    key: str | None


def _with(**changed: bytes) -> list[tuple[str, bytes]]:
    return [(name, changed.get(name, value)) for name, value in HEADERS]


def _poison() -> list[Poison]:
    value = encode(GOOD.data)
    make = bad_record
    return [
        Poison("no headers", make(key=b"p1", value=value), "NOT_CLOUDEVENTS", "p1"),
        Poison("no id", make(key=b"p2", value=value, given=HEADERS[:2]), "NOT_CLOUDEVENTS", "p2"),
        Poison("unknown type", make(key=b"k", value=value, given=_with(ce_type=b"fr.x.v9")), "UNKNOWN_TYPE", "k"),
        Poison("bad JSON", make(key=b"k", value=b"{" + SECRET.encode(), given=HEADERS), "INVALID_DATA", "k"),
        Poison("a wrong field", make(key=b"k", value=b'{"entry":"DOC"}', given=HEADERS), "INVALID_DATA", "k"),
        Poison("no value", make(key=b"k", value=None, given=HEADERS), "INVALID_DATA", "k"),
        Poison("null key", make(key=None, value=value, given=HEADERS), "NOT_CLOUDEVENTS", None),
        Poison("null key and no headers", make(key=None, value=b"\xff"), "NOT_CLOUDEVENTS", None),
        Poison("another key", make(key=b"p3", value=value, given=HEADERS), "NOT_CLOUDEVENTS", "p3"),
        Poison("NUL in the key", make(key=b"p\x004", value=value), "NOT_CLOUDEVENTS", "p\\x004"),
        Poison("NUL in a header", make(key=b"p5", given=[("a\0b", b"\0"), ("ce_id", b"\0")]), "NOT_CLOUDEVENTS", "p5"),
        Poison("NUL in a text", make(key=b"k", value=value.replace(b"fine", b"\\u0000"), given=HEADERS), "", "k"),
        Poison("not UTF-8", make(key=b"\xff\xfe", value=b"\xff\xfe", given=HEADERS), "INVALID_DATA", "\\xff\\xfe"),
        Poison("1 MB", make(key=b"k", value=b'"' + b"x" * 1_000_000 + b'"', given=HEADERS), "INVALID_DATA", "k"),
        Poison("deep", make(key=b"k", value=b"[" * 100_000, given=HEADERS), "INVALID_DATA", "k"),
        Poison("a number of 100 kB", make(key=b"k", value=b"9" * 100_000, given=HEADERS), "INVALID_DATA", "k"),
    ]


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    async with emptied_world(stack) as found:
        yield found


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "each alone"])
async def test_poison_is_parked_and_mirrored_and_harms_nobody(world: World, together: bool) -> None:
    poison, deliver = _poison(), world.deliver()
    good = [step(f"good{number}", 1) for number in range(len(poison))]
    pairs = [[poison.record, *records(event)] for poison, event in zip(poison, good, strict=True)]
    for batch in [[record for pair in pairs for record in pair]] if together else pairs:
        await deliver.batch(batch)
    assert await world.effect_ids() == sorted(event.id for event in good)
    letters = await world.letters()
    assert [letter["kind"] for letter in letters] == ["poison"] * len(poison)
    for expected, letter in zip(poison, letters, strict=True):
        assert letter["reason"] == (expected.code or letter["reason"]), expected.name
        assert letter["key"] == expected.key, expected.name
        assert letter["value"] == expected.record.value, expected.name
        assert unpack_headers(letter["headers"]) == expected.record.headers, expected.name
        assert SECRET not in letter["detail"] + letter["reason"], expected.name
    mirrors = await world.outgoing(MIRROR)
    assert [mirror["key"] for mirror in mirrors] == [expected.key for expected in poison]
    for expected, mirror in zip(poison, mirrors, strict=True):
        assert dict(unpack_headers(mirror["headers"]))["chorale_origin"].startswith(b"t/0/"), expected.name
        fits = len(expected.record.value or b"") <= MAX_VALUE_BYTES
        assert mirror["value"] == (expected.record.value if fits else None), expected.name


async def test_the_same_poison_delivered_again_is_one_letter(world: World) -> None:
    bad = bad_record(key=None, value=b"\xff")
    for batch in ([bad, bad], [bad]):
        await world.deliver().batch(batch)
    assert await world.states() == [("poison", "parked")]


async def test_an_event_behind_poison_of_its_key_is_parked_and_one_before_it_is_handled(world: World) -> None:
    before, after = step("k", 1), step("k", 2)
    await world.deliver().batch([*records(before), bad_record(key=b"k"), *records(after)])
    assert await world.effect_ids() == [before.id]
    assert await world.states() == [("poison", "parked"), ("behind", "parked")]


async def test_a_key_too_long_for_any_index_is_parked_under_a_short_name(world: World) -> None:
    keys = [random.randbytes(length) for length in (3_000, 100_000, 900_000)]
    await world.deliver().batch([bad_record(key=key, value=b"x") for key in [*keys, keys[0]]])
    names = [letter["key"] for letter in await world.letters()]
    assert len(names) == 4
    assert len(set(names)) == 3
    assert names[0] == names[3]
    assert all(len(name) < 300 for name in names)
