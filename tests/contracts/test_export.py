"""The frozen files are what the code says, and the AsyncAPI document holds together."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from contracts import export
from contracts.events import EVENTS
from contracts.registry import DEFAULT_PARTITIONS, RETENTION_DAYS, SERVICES, TOPICS, dead_letter_topic
from contracts.schema import closed_schema

ASYNCAPI = export.ROOT / "contracts/asyncapi.yaml"


@cache
def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def document() -> dict[str, Any]:
    found: dict[str, Any] = loaded(ASYNCAPI)
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The frozen files in a folder of their own."""
    shutil.copytree(export.ROOT / "contracts/schemas", tmp_path / "contracts/schemas")
    shutil.copytree(export.ROOT / "contracts/examples", tmp_path / "contracts/examples")
    shutil.copy(ASYNCAPI, tmp_path / "contracts")
    return tmp_path


def test_every_frozen_file_is_fresh() -> None:
    assert export.stale() == [], f"run: {export.COMMAND}"


def test_nothing_is_left_for_a_person_to_do() -> None:
    assert export.faults() == []


def test_rendering_twice_gives_the_same_bytes() -> None:
    assert export.render() == export.render()


@pytest.mark.parametrize("name", ["contracts/schemas/fr.chorale.invoice.submitted.v1.json", "contracts/asyncapi.yaml"])
def test_a_file_that_was_edited_or_lost_is_named(copy: Path, name: str) -> None:
    assert export.stale(copy) == []
    (copy / name).write_text((copy / name).read_text() + " ")
    assert export.stale(copy) == [name]
    (copy / name).unlink()
    assert export.stale(copy) == [name]


def test_an_event_without_example_is_named_with_what_to_write(copy: Path) -> None:
    shutil.rmtree(copy / "contracts/examples/fr.chorale.document.read.v1")
    assert export.faults(copy) == [
        "contracts/examples/fr.chorale.document.read.v1/: no golden example; "
        "write minimal.json and full.json with invented data"
    ]


def test_a_frozen_type_that_nothing_reads_is_named(copy: Path) -> None:
    (copy / "contracts/schemas/fr.chorale.invoice.lost.v1.json").write_text("{}")
    assert [fault.split(":")[0] for fault in export.faults(copy)] == ["fr.chorale.invoice.lost.v1"]


def test_check_prints_what_is_stale_and_the_command(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "contracts/asyncapi.yaml").unlink()
    monkeypatch.setattr(export, "render", lambda root=copy: {"contracts/asyncapi.yaml": "x"})
    monkeypatch.setattr(export, "ROOT", copy)
    monkeypatch.setattr(export, "stale", lambda: ["contracts/asyncapi.yaml"])
    assert export.main(["--check"]) == 1
    assert capsys.readouterr().out == (
        "stale: contracts/asyncapi.yaml; run: python -m contracts.export   (make contracts)\n"
    )
    assert not (copy / "contracts/asyncapi.yaml").exists()
    assert export.main([]) == 0
    assert (copy / "contracts/asyncapi.yaml").read_text() == "x"


def test_the_table_in_the_docs_is_kept_between_its_markers(copy: Path) -> None:
    page = copy / "docs/architecture.md"
    page.parent.mkdir()
    page.write_text(f"before\n{export.TABLE_BEGIN}\nold\n{export.TABLE_END}\nafter\n")
    assert export.stale(copy) == ["docs/architecture.md"]
    page.write_text(export.render(copy)["docs/architecture.md"])
    assert export.stale(copy) == []
    assert page.read_text().startswith(f"before\n{export.TABLE_BEGIN}\n| topic |")
    assert page.read_text().endswith(f"|\n{export.TABLE_END}\nafter\n")


def test_a_page_without_markers_is_left_alone(copy: Path) -> None:
    (copy / "docs").mkdir()
    (copy / "docs/architecture.md").write_text("no table here\n")
    assert export.stale(copy) == []


def test_a_marker_without_its_end_is_an_error() -> None:
    with pytest.raises(ValueError, match="topics: end"):
        export.with_table(f"{export.TABLE_BEGIN}\nold\n")


def test_the_table_has_a_line_for_every_topic() -> None:
    table = export.topic_table().splitlines()
    assert len(table) == 2 + len(TOPICS) + len(SERVICES)
    for topic, line in zip(TOPICS, table[2:], strict=False):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[0] == f"`{topic.name}`"
        assert cells[2:5] == [topic.writer, ", ".join(topic.readers), topic.key]


def test_the_registry_is_frozen_as_data() -> None:
    frozen = json.loads((export.ROOT / "contracts/schemas/_registry.json").read_text())
    assert frozen == export.registry()
    assert set(frozen["topics"]) == {topic.name for topic in TOPICS}


def _resolve(reference: str) -> Any:
    file, _, pointer = reference.partition("#")
    node: Any = loaded(ASYNCAPI.parent / file) if file else document()
    for step in pointer.strip("/").split("/") if pointer else ():
        node = node[step.replace("~1", "/").replace("~0", "~")]
    return node


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in _references(value)]
    return [found for item in node for found in _references(item)] if isinstance(node, list) else []


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    references = set(_references(document()))
    assert len(references) > len(EVENTS)
    for reference in references:
        assert isinstance(_resolve(reference), dict), reference


def test_the_asyncapi_document_has_the_shape_of_version_3() -> None:
    found = document()
    assert found["asyncapi"] == "3.0.0"
    assert set(found) <= {
        "asyncapi",
        "id",
        "info",
        "servers",
        "defaultContentType",
        "channels",
        "operations",
        "components",
    }
    assert {"title", "version"} <= set(found["info"])
    for channel in found["channels"].values():
        assert set(channel) == {"address", "description", "messages", "bindings"}
    for operation in found["operations"].values():
        assert operation["action"] in ("send", "receive")
        channel = _resolve(operation["channel"]["$ref"])
        for message in operation["messages"]:
            # The specification wants messages of the channel itself here, not of the components.
            assert message["$ref"].startswith(f"{operation['channel']['$ref']}/messages/")
            assert message["$ref"].rpartition("/")[2] in channel["messages"]


def test_each_service_sends_what_it_writes_and_receives_what_it_reads() -> None:
    found: dict[tuple[str, str], set[str]] = {}
    for operation in document()["operations"].values():
        key = (operation["tags"][0]["name"], operation["action"])
        found.setdefault(key, set()).add(_resolve(operation["channel"]["$ref"])["address"])
    for service in SERVICES:
        written = {topic.name for topic in TOPICS if topic.writer == service}
        assert found[service, "send"] == written | {dead_letter_topic(service)}
        assert found[service, "receive"] == {topic.name for topic in TOPICS if service in topic.readers}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_channel_says_partitions_and_retention(topic: Any) -> None:
    binding = document()["channels"][topic.name]["bindings"]["kafka"]
    assert binding["partitions"] == DEFAULT_PARTITIONS
    policy = binding["topicConfiguration"]
    assert policy["cleanup.policy"] == ["compact" if topic.compacted else "delete"]
    assert policy.get("retention.ms") == (None if topic.compacted else RETENTION_DAYS * 86_400_000)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_a_message_carries_its_headers_its_schema_and_its_examples(event: Any) -> None:
    message = document()["components"]["messages"][event.TYPE]
    assert _resolve(message["payload"]["$ref"]) == closed_schema(event.TYPE, event)
    assert {one["name"]: one["payload"] for one in message["examples"]} == export.examples()[event.TYPE]
    assert message["headers"]["allOf"][1]["properties"]["ce_type"] == {"const": event.TYPE}


def test_a_tuple_of_different_types_is_not_exported() -> None:
    struct = msgspec.defstruct("Mixed", [("pair", tuple[int, str])])
    with pytest.raises(TypeError, match="use a struct"):
        closed_schema("t", struct)
