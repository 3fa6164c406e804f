"""Golden payloads: they stand for the messages that are on the topics already."""

import json
from typing import Any

import jsonschema
import msgspec
import pytest

from contracts import export
from contracts.codec import codec
from contracts.events import BY_TYPE, EVENTS
from contracts.schema import AMOUNT_PATTERN, INSTANT_PATTERN
from contracts.upcast import UPCASTERS

EXAMPLES = [(event, name, data) for event, named in export.examples().items() for name, data in named.items()]
CURRENT = [example for example in EXAMPLES if example[0] in BY_TYPE]
NAMES = [f"{event}/{name}" for event, name, _ in EXAMPLES]
CURRENT_NAMES = [f"{event}/{name}" for event, name, _ in CURRENT]


def frozen(event: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((export.ROOT / f"contracts/schemas/{event}.json").read_text())
    return schema


def validator(event: str) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(frozen(event), format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize(("event", "name", "data"), EXAMPLES, ids=NAMES)
def test_an_example_is_closed(event: str, name: str, data: dict[str, Any]) -> None:
    validator(event).validate(data)


@pytest.mark.parametrize(("event", "name", "data"), EXAMPLES, ids=NAMES)
def test_an_example_is_still_read(event: str, name: str, data: dict[str, Any]) -> None:
    lifted = UPCASTERS.decode(event, json.dumps(data).encode())
    assert UPCASTERS.target(event) == lifted.TYPE


@pytest.mark.parametrize(("event", "name", "data"), CURRENT, ids=CURRENT_NAMES)
def test_an_example_is_written_again_as_it_stands_but_for_what_stands_at_its_default(
    event: str, name: str, data: dict[str, Any]
) -> None:
    struct = BY_TYPE[event]
    read = codec(struct).decode(json.dumps(data).encode())
    again = codec(struct).encode(read)
    _assert_within(json.loads(again), data)
    assert codec(struct).decode(again) == read


def _assert_within(again: Any, data: Any) -> None:
    """What is written again adds nothing and changes nothing; what it leaves out decodes to the same value."""
    if isinstance(again, dict):
        assert set(again) <= set(data)
        for name, value in again.items():
            _assert_within(value, data[name])
    elif isinstance(again, list):
        assert len(again) == len(data)
        for one, other in zip(again, data, strict=True):
            _assert_within(one, other)
    else:
        assert again == data


@pytest.mark.parametrize("event", [event.TYPE for event in EVENTS])
def test_each_event_has_a_minimal_and_a_full_example(event: str) -> None:
    """Minimal: only what is required. The full one and those kept for later fields give every field of the event."""
    schema, named = frozen(event), export.examples()[event]
    assert set(named["minimal"]) == set(schema["required"])
    assert "full" in named
    assert {field for example in named.values() for field in example} == set(schema["properties"])


def test_the_examples_together_give_every_field_of_every_embedded_type() -> None:
    given: dict[str, set[str]] = {}
    wanted: dict[str, set[str]] = {}
    for event, _, data in CURRENT:
        schema = frozen(event)
        _collect(schema, schema, data, given)
        for name, definition in schema.get("definitions", {}).items():
            wanted[name] = set(definition["properties"])
    assert {name: fields - given.get(name, set()) for name, fields in wanted.items()} == {
        name: set() for name in wanted
    }


def _collect(root: dict[str, Any], schema: dict[str, Any], data: Any, given: dict[str, set[str]]) -> None:
    for choice in schema.get("anyOf", [schema]):
        reference = choice.get("$ref", "").removeprefix("#/definitions/")
        node = root["definitions"][reference] if reference else choice
        if isinstance(data, dict) and "properties" in node:
            given.setdefault(node["title"], set()).update(data)
            for name, value in data.items():
                _collect(root, node["properties"][name], value, given)
        elif isinstance(data, list) and "items" in node:
            for item in data:
                _collect(root, node["items"], item, given)


@pytest.mark.parametrize(("event", "name", "data"), CURRENT, ids=CURRENT_NAMES)
def test_an_unknown_field_is_ignored_by_a_reader_and_refused_by_the_closed_form(
    event: str, name: str, data: dict[str, Any]
) -> None:
    more = {**data, "added_by_a_later_version": {"deep": [1, "x"]}}
    struct = BY_TYPE[event]
    assert codec(struct).decode(json.dumps(more).encode()) == codec(struct).decode(json.dumps(data).encode())
    with pytest.raises(jsonschema.ValidationError, match="added_by_a_later_version"):
        validator(event).validate(more)


def test_an_unknown_field_of_an_embedded_type_is_refused_by_the_closed_form() -> None:
    event = "fr.chorale.invoice.submitted.v1"
    data = export.examples()[event]["full"]
    with pytest.raises(jsonschema.ValidationError, match="unheard_of"):
        validator(event).validate({**data, "invoice": {**data["invoice"], "unheard_of": 1}})


@pytest.mark.parametrize("event", [event.TYPE for event in EVENTS])
def test_a_schema_is_valid_closed_and_self_contained(event: str) -> None:
    schema = frozen(event)
    jsonschema.Draft7Validator.check_schema(schema)
    assert schema["$id"] == f"urn:chorale:schema:{event}"
    for node in [schema, *schema.get("definitions", {}).values()]:
        assert node["additionalProperties"] is False


@pytest.mark.parametrize("text", ["12", "-0.50", "1200.00", "0"])
def test_the_closed_form_takes_plain_amounts(text: str) -> None:
    jsonschema.validate(text, {"type": "string", "pattern": AMOUNT_PATTERN})


@pytest.mark.parametrize("text", ["", "1E+2", "NaN", "1,20", "1 200.00", ".5", "5.", "+1"])
def test_the_closed_form_takes_no_other_amount(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(text, {"type": "string", "pattern": AMOUNT_PATTERN})


@pytest.mark.parametrize("text", ["2026-03-02T08:15:04+02:00", "2026-03-02T08:15:04", "2026-03-02 08:15:04Z"])
def test_the_closed_form_takes_utc_instants_only(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(text, {"type": "string", "pattern": INSTANT_PATTERN})


def test_money_is_a_string_and_days_are_dates_in_the_schemas() -> None:
    header = frozen("fr.chorale.invoice.submitted.v1")["definitions"]["InvoiceHeader"]["properties"]
    assert header["payable"] == {"type": "string", "pattern": AMOUNT_PATTERN}
    assert header["issue_date"] == {"type": "string", "format": "date"}


def test_examples_hold_invented_people_only() -> None:
    """Mail addresses end in .example, and the SIRETs start with digits that no company has."""
    text = msgspec.json.encode([data for _, _, data in EXAMPLES]).decode()
    assert "@" in text
    assert all(part.split('"')[0].endswith(".example") for part in text.split("@")[1:])
