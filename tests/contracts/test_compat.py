"""The comparison of whole contracts: topics, schemas and golden examples, and who is to be deployed first."""

from copy import deepcopy
from typing import Any

import msgspec
import pytest

from contracts import export
from contracts.changes import Change, Verdict
from contracts.compat import Snapshot, compare_snapshots, report, snapshot
from contracts.events import BY_TYPE, Payload
from contracts.schema import closed_schema
from contracts.upcast import Upcasters

OLD, NEW = "fr.chorale.probe.measured.v1", "fr.chorale.probe.measured.v2"
TOPIC, OTHER = "chorale.probe.v1", "chorale.other.v1"


class Probe(Payload, frozen=True, kw_only=True):
    """An event that exists in these tests only."""

    TYPE = OLD
    colour: str
    size: int = 1


PROBES = Upcasters({OLD: Probe})


def topic(*events: str, **changed: Any) -> dict[str, Any]:
    same = {"writer": "ingest", "readers": ["ocr", "status"], "key": "invoice id", "partitions": 12, "compacted": False}
    return {"events": list(events), **same, "retention_days": 30, **changed}


def contracts(topics: dict[str, Any] | None = None, **changed: Any) -> Snapshot:
    start = Snapshot(
        schemas={OLD: closed_schema(OLD, Probe)},
        examples={f"{OLD}/minimal": {"colour": "red"}},
        registry={"topics": topics or {TOPIC: topic(OLD)}, "retired": {}},
    )
    return msgspec.structs.replace(start, **changed)


def seen(
    old: Snapshot, new: Snapshot, upcasters: Upcasters = PROBES
) -> list[tuple[str, str, Verdict, tuple[str, ...]]]:
    return [(c.event, c.code, c.verdict, c.first) for c in compare_snapshots(old, new, upcasters)]


READERS = ("ocr", "status")


def test_the_same_contracts_have_no_differences() -> None:
    assert seen(contracts(), contracts()) == []


@pytest.mark.parametrize(
    ("changed", "code", "verdict"),
    [
        ({"writer": "routing"}, "writer-changed", "breaking"),
        ({"key": "depositor"}, "key-changed", "breaking"),
        ({"partitions": 24}, "partitions-changed", "breaking"),
        ({"compacted": True, "retention_days": None}, "compaction-changed", "breaking"),
        ({"retention_days": 7}, "retention-shortened", "breaking"),
        ({"retention_days": 60}, "retention-lengthened", "compatible"),
        ({"readers": ["ocr", "status", "notify"]}, "reader-added", "compatible"),
        ({"readers": ["ocr"]}, "reader-removed", "compatible"),
        ({"quota": 3}, "unclassified", "unclassified"),
    ],
)
def test_a_change_of_a_topic_has_its_class(changed: dict[str, Any], code: str, verdict: Verdict) -> None:
    found = seen(contracts(), contracts({TOPIC: topic(OLD, **changed)}))
    assert [(event, code, verdict) for event, code, verdict, _ in found] == [(TOPIC, code, verdict)]


def test_something_new_beside_the_topics_is_not_classified() -> None:
    registry = {**contracts().registry, "brokers": 3}
    assert [verdict for _, _, verdict, _ in seen(contracts(), contracts(registry=registry))] == ["unclassified"]


def test_a_topic_may_come_before_anyone_writes_to_it() -> None:
    assert seen(contracts(), contracts({TOPIC: topic(OLD), OTHER: topic()})) == [
        (OTHER, "topic-added", "compatible", ())
    ]


def test_a_topic_may_not_go() -> None:
    found = seen(contracts({TOPIC: topic(OLD), OTHER: topic()}), contracts())
    assert found == [(OTHER, "topic-removed", "breaking", READERS)]


def test_a_type_that_moves_loses_its_order() -> None:
    found = seen(contracts({TOPIC: topic(OLD), OTHER: topic()}), contracts({TOPIC: topic(), OTHER: topic(OLD)}))
    assert found == [(OLD, "type-moved", "breaking", READERS)]


def test_a_new_type_needs_the_readers_of_its_topic_first() -> None:
    schemas = {OLD: closed_schema(OLD, Probe), NEW: closed_schema(NEW, Probe)}
    found = seen(contracts(), contracts({TOPIC: topic(OLD, NEW, readers=["notify"])}, schemas=schemas))
    assert (NEW, "type-added", "readers-first", ("notify",)) in found


def test_a_type_may_not_go_while_its_messages_are_there() -> None:
    new = contracts({TOPIC: topic()}, schemas={})
    assert seen(contracts(), new, Upcasters({}))[0] == (OLD, "type-removed", "breaking", READERS)


def retired() -> tuple[Snapshot, Upcasters]:
    upcasters = Upcasters({NEW: Probe})
    upcasters.register(OLD, NEW, lambda data: data)
    schemas = {OLD: closed_schema(OLD, Probe), NEW: closed_schema(NEW, Probe)}
    registry = {"topics": {TOPIC: topic(NEW)}, "retired": upcasters.retired()}
    return contracts(schemas=schemas, registry=registry), upcasters


def test_a_type_retires_when_an_up_caster_reads_it() -> None:
    new, upcasters = retired()
    assert seen(contracts(), new, upcasters) == [
        (OLD, "type-retired", "readers-first", READERS),
        (NEW, "type-added", "readers-first", READERS),
    ]


def test_a_retired_type_keeps_its_frozen_schema_and_its_up_caster() -> None:
    old, upcasters = retired()
    without_schema = msgspec.structs.replace(old, schemas={NEW: old.schemas[NEW]})
    assert [code for _, code, _, _ in seen(old, without_schema, upcasters)] == ["type-removed"]
    without_step = msgspec.structs.replace(old, registry={**old.registry, "retired": {}})
    assert [code for _, code, _, _ in seen(old, without_step, upcasters)] == ["type-removed"]


def test_a_difference_of_a_schema_names_its_event_field_and_readers() -> None:
    wider = deepcopy(contracts().schemas)
    wider[OLD]["properties"]["colour"]["minLength"] = 1
    (change,) = compare_snapshots(contracts(), contracts(schemas=wider), PROBES)
    assert (change.event, change.field, change.code, change.first) == (OLD, "colour", "bounds-narrowed", READERS)


@pytest.mark.parametrize(
    ("examples", "codes"),
    [
        ({}, ["example-removed"]),
        ({f"{OLD}/minimal": {"colour": "blue"}}, ["example-changed"]),
        ({f"{OLD}/minimal": {"colour": "red"}, f"{OLD}/full": {"colour": "red", "size": 2}}, ["example-added"]),
    ],
)
def test_golden_examples_are_append_only(examples: dict[str, Any], codes: list[str]) -> None:
    assert [code for _, code, _, _ in seen(contracts(), contracts(examples=examples))] == codes


def test_an_old_example_must_still_be_read() -> None:
    broken = contracts(examples={f"{OLD}/minimal": {"colour": 3}})
    (change,) = compare_snapshots(broken, broken, PROBES)
    assert change.code == "example-unreadable"
    assert change.what == f"contracts/examples/{OLD}/minimal.json: Expected `str`, got `int` at `$.colour`"
    (change,) = compare_snapshots(contracts(), contracts(), Upcasters({}))
    assert "no up-caster" in change.what


def test_the_report_says_what_where_why_and_in_which_order() -> None:
    changes = [
        Change(code="enum-added", event=OLD, field="colour", what='now also takes the value "green"', first=READERS),
        Change(code="documentation", event=OLD, what="title or description changed"),
        Change(code="removed", event=OLD, field="size", what="field removed", first=READERS),
        Change(code="topic-added", event=OTHER, what="topic added"),
        Change(code="example-removed", event=OLD, what="contracts/examples/x.json removed"),
        Change(code="unclassified", event=OTHER, what="quota changed"),
    ]
    text = "\n".join(report(changes, contracts().registry))
    assert text.startswith(f'{OLD}\n  READERS-FIRST colour: now also takes the value "green" [enum-added]\n')
    assert "old readers refuse a message with the new value" in text
    assert "deploy first: ocr, status, then ingest" in text
    assert "BREAKING      size: field removed" in text
    assert "add the next major beside it with an up-caster" in text
    assert "put the example back as it was" in text
    assert "deploy in any order" in text
    assert "nothing is deployed before it is classified" in text
    assert text.count("only words for readers changed") == 1


def test_no_frozen_registry_means_no_snapshot() -> None:
    assert snapshot({"contracts/schemas/a.json": b"{}", "README.md": b""}) is None


def test_the_frozen_files_of_the_platform_are_a_snapshot_that_equals_itself() -> None:
    files = {name: text.encode() for name, text in export.render().items() if name.endswith(".json")}
    found = snapshot(files)
    assert found is not None
    assert set(found.schemas) == set(BY_TYPE)
    assert compare_snapshots(found, found) == []
