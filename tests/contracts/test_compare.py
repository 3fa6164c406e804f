"""Each class of difference between two schemas, on schemas as small as they can be."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from contracts.changes import Change, Verdict
from contracts.compare import compare
from contracts.schema import DIALECT, Schema

TEXT: Schema = {"type": "string"}
COLOUR: Schema = {"enum": ["blue", "red"]}
OPTIONAL: Schema = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}


def closed(required: dict[str, Schema], optional: dict[str, Schema] | None = None, **rest: Any) -> Schema:
    """A closed object, as an export writes it."""
    return {
        "$schema": DIALECT,
        "$id": "urn:chorale:schema:t",
        "title": "T",
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
        **rest,
    }


def seen(old: Schema, new: Schema) -> list[tuple[str, str, Verdict]]:
    return [(change.field, change.code, change.verdict) for change in compare(old, new)]


def field(old: Schema, new: Schema) -> list[tuple[str, Verdict]]:
    """What is seen when the type of one required field changes."""
    found = seen(closed({"f": old}), closed({"f": new}))
    assert {path for path, _, _ in found} <= {"f", "f[]"}
    return [(code, verdict) for _, code, verdict in found]


def test_the_same_schema_has_no_differences() -> None:
    assert compare(closed({"f": TEXT}, {"g": OPTIONAL}), closed({"f": TEXT}, {"g": OPTIONAL})) == []


def test_the_order_of_fields_says_nothing() -> None:
    assert compare(closed({"a": TEXT, "b": COLOUR}), closed({"b": COLOUR, "a": TEXT})) == []


def test_an_optional_field_may_be_added() -> None:
    assert seen(closed({"f": TEXT}), closed({"f": TEXT}, {"g": OPTIONAL})) == [("g", "optional-added", "compatible")]


def test_a_required_field_may_not_be_added() -> None:
    assert seen(closed({"f": TEXT}), closed({"f": TEXT, "g": TEXT})) == [("g", "required-added", "breaking")]


@pytest.mark.parametrize("gone", [closed({"f": TEXT, "g": TEXT}), closed({"f": TEXT}, {"g": OPTIONAL})])
def test_no_field_may_be_removed(gone: Schema) -> None:
    assert seen(gone, closed({"f": TEXT})) == [("g", "removed", "breaking")]


def test_a_renamed_field_is_a_loss() -> None:
    old, new = closed({"f": TEXT}, {"g": OPTIONAL}), closed({"f": TEXT}, {"h": OPTIONAL})
    assert seen(old, new) == [("g", "removed", "breaking"), ("h", "optional-added", "compatible")]


def test_a_field_that_becomes_required_breaks_old_messages() -> None:
    old, new = closed({}, {"f": {"type": "string", "default": "x"}}), closed({"f": TEXT})
    assert seen(old, new) == [("f", "made-required", "breaking")]


def test_a_field_that_becomes_optional_needs_its_readers_first() -> None:
    old, new = closed({"f": TEXT}), closed({}, {"f": {"type": "string", "default": "x"}})
    assert seen(old, new) == [("f", "made-optional", "readers-first")]


@pytest.mark.parametrize(
    ("before", "after"), [(1, 2), (False, True), (None, 0), (None, {"type": "null"}), (1, True), ("EUR", "XPF")]
)
def test_a_changed_default_changes_what_old_messages_mean(before: Any, after: Any) -> None:
    old, new = closed({}, {"f": {"default": before}}), closed({}, {"f": {"default": after}})
    assert seen(old, new) == [("f", "default-changed", "breaking")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TEXT, {"type": "integer"}),
        ({"type": "integer"}, TEXT),
        ({"type": "boolean"}, {"type": "integer"}),
        (TEXT, {"type": "array", "items": TEXT}),
        ({"type": "object", "properties": {}}, TEXT),
        ({"type": "number"}, COLOUR),
        ({"type": "string", "pattern": "^[0-9]+$"}, COLOUR),
        ({"type": ["string", "integer"]}, {"type": ["string"]}),
    ],
)
def test_another_type_breaks_both_sides(old: Schema, new: Schema) -> None:
    assert field(old, new) == [("type-changed", "breaking")]


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [({"type": "integer"}, {"type": "number"}), (COLOUR, TEXT), ({"enum": [1, 2]}, {"type": "integer"}), (TEXT, {})],
)
def test_a_wider_type_needs_its_readers_first_and_a_narrower_one_breaks(narrow: Schema, wide: Schema) -> None:
    assert field(narrow, wide) == [("type-widened", "readers-first")]
    assert field(wide, narrow) == [("type-narrowed", "breaking")]


def test_a_new_value_needs_its_readers_first() -> None:
    assert field(COLOUR, {"enum": ["blue", "green", "red"]}) == [("enum-added", "readers-first")]


def test_a_value_may_not_go() -> None:
    assert field(COLOUR, {"enum": ["red"]}) == [("enum-removed", "breaking")]


def test_a_renamed_value_is_one_gone_and_one_come() -> None:
    renamed = {"enum": ["azure", "red"]}
    assert field(COLOUR, renamed) == [("enum-removed", "breaking"), ("enum-added", "readers-first")]


def test_a_single_value_is_an_enumeration_of_one() -> None:
    assert field({"const": "red"}, COLOUR) == [("enum-added", "readers-first")]
    assert field({"const": "red"}, {"enum": ["red"]}) == []


def test_the_order_of_values_says_nothing() -> None:
    assert field(COLOUR, {"enum": ["red", "blue"]}) == []


def test_null_may_come_after_its_readers_and_may_not_go() -> None:
    nullable = {"anyOf": [TEXT, {"type": "null"}]}
    assert field(TEXT, nullable) == [("nullable-added", "readers-first")]
    assert field(nullable, TEXT) == [("nullable-removed", "breaking")]


def test_the_type_beside_null_is_compared_too() -> None:
    nullable: Callable[[Schema], Schema] = lambda inner: {"anyOf": [inner, {"type": "null"}]}  # noqa: E731
    assert field(nullable(TEXT), nullable({"type": "integer"})) == [("type-changed", "breaking")]
    assert field(nullable(COLOUR), nullable({"enum": ["red"]})) == [("enum-removed", "breaking")]


@pytest.mark.parametrize("keyword", ["format", "pattern", "multipleOf", "uniqueItems", "contentEncoding"])
def test_a_rule_may_not_come_or_change_and_goes_after_its_readers(keyword: str) -> None:
    ruled, other = {"type": "string", keyword: "a"}, {"type": "string", keyword: "b"}
    assert field(TEXT, ruled) == [("constraint-added", "breaking")]
    assert field(ruled, other) == [("constraint-changed", "breaking")]
    assert field(ruled, TEXT) == [("constraint-removed", "readers-first")]


@pytest.mark.parametrize("keyword", ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"])
def test_a_lower_bound_narrows_upwards(keyword: str) -> None:
    narrowed, widened = [("bounds-narrowed", "breaking")], [("bounds-widened", "readers-first")]
    assert field({keyword: 1}, {keyword: 2}) == field({}, {keyword: 0}) == narrowed
    assert field({keyword: 2}, {keyword: 1}) == field({keyword: 0}, {}) == widened


@pytest.mark.parametrize("keyword", ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"])
def test_an_upper_bound_narrows_downwards(keyword: str) -> None:
    narrowed, widened = [("bounds-narrowed", "breaking")], [("bounds-widened", "readers-first")]
    assert field({keyword: 2}, {keyword: 1}) == field({}, {keyword: 0}) == narrowed
    assert field({keyword: 1}, {keyword: 2}) == field({keyword: 0}, {}) == widened


def test_the_items_of_an_array_are_compared() -> None:
    array: Callable[[Any], Schema] = lambda items: {"type": "array", "items": items}  # noqa: E731
    found = seen(closed({"f": array(COLOUR)}), closed({"f": array({"enum": ["red"]})}))
    assert found == [("f[]", "enum-removed", "breaking")]
    assert field(array(TEXT), {"type": "array"}) == [("unclassified", "unclassified")]
    assert field(array([TEXT]), array([COLOUR])) == [("unclassified", "unclassified")]


def test_an_alternative_may_come_after_its_readers_and_may_not_go() -> None:
    two = {"anyOf": [TEXT, {"type": "integer"}]}
    three = {"anyOf": [TEXT, {"type": "integer"}, {"type": "boolean"}]}
    assert field(two, three) == [("alternative-added", "readers-first")]
    assert field(three, two) == [("alternative-removed", "breaking")]
    assert field(TEXT, two) == [("alternative-added", "readers-first")]


def test_alternatives_of_one_kind_are_compared_with_each_other() -> None:
    old, new = {"anyOf": [COLOUR, {"type": "integer"}]}, {"anyOf": [{"type": "integer"}, {"enum": ["red"]}]}
    assert field(old, new) == [("enum-removed", "breaking")]


def with_shared(shared: Schema, use: Schema) -> Schema:
    return closed({"f": use, "g": {"type": "array", "items": use}}, definitions={"Shared": shared})


SHARED = {"title": "Shared", "type": "object", "properties": {"x": COLOUR}, "required": ["x"]}
LESS = {"title": "Shared", "type": "object", "properties": {"x": {"enum": ["red"]}}, "required": ["x"]}


@pytest.mark.parametrize(
    "use",
    [
        {"$ref": "#/definitions/Shared"},
        {"$ref": "#/definitions/Shared", "default": {}},
        {"anyOf": [{"$ref": "#/definitions/Shared"}, {"type": "null"}], "default": None},
        {"anyOf": [{"$ref": "#/definitions/Shared"}, {"type": "integer"}, {"type": "null"}]},
    ],
)
def test_a_change_of_a_shared_type_shows_wherever_it_is_used(use: Schema) -> None:
    found = seen(with_shared(SHARED, use), with_shared(LESS, use))
    assert found == [("f.x", "enum-removed", "breaking"), ("g[].x", "enum-removed", "breaking")]


def test_a_shared_type_written_out_is_the_same_type() -> None:
    assert seen(with_shared(SHARED, {"$ref": "#/definitions/Shared"}), with_shared(SHARED, SHARED)) == []


def test_a_renamed_shared_type_is_the_same_type() -> None:
    old = closed({"f": {"$ref": "#/definitions/A"}}, definitions={"A": SHARED})
    new = closed({"f": {"$ref": "#/definitions/B"}}, definitions={"B": SHARED})
    assert seen(old, new) == []


def test_a_type_that_holds_itself_is_compared_once() -> None:
    tree = {
        "type": "object",
        "properties": {"n": COLOUR, "up": {"anyOf": [{"$ref": "#/definitions/Tree"}, {"type": "null"}]}},
    }
    less = deepcopy(tree)
    less["properties"]["n"] = {"enum": ["red"]}  # type: ignore[index]
    old = closed({"f": {"$ref": "#/definitions/Tree"}}, definitions={"Tree": tree})
    new = closed({"f": {"$ref": "#/definitions/Tree"}}, definitions={"Tree": less})
    assert ("f.n", "enum-removed", "breaking") in seen(old, new)
    assert compare(old, deepcopy(old)) == []


def test_the_values_of_a_mapping_are_compared() -> None:
    mapping: Callable[[Schema], Schema] = lambda inner: {"type": "object", "additionalProperties": inner}  # noqa: E731
    found = seen(closed({"f": mapping(COLOUR)}), closed({"f": mapping({"enum": ["red"]})}))
    assert found == [("f.*", "enum-removed", "breaking")]


def test_an_object_that_opens_or_closes_is_not_classified() -> None:
    opened = {**closed({"f": TEXT}), "additionalProperties": True}
    assert [verdict for _, _, verdict in seen(closed({"f": TEXT}), opened)] == ["unclassified"]


def test_words_are_compatible() -> None:
    old, new = (
        closed({"f": {"type": "string", "description": "a"}}),
        closed({"f": {"type": "string", "description": "b"}}),
    )
    assert seen(old, new) == [("f", "documentation", "compatible")]


@pytest.mark.parametrize("keyword", ["not", "oneOf", "allOf", "if", "patternProperties", "x-unheard-of"])
def test_a_keyword_without_a_rule_is_not_classified(keyword: str) -> None:
    assert field(TEXT, {"type": "string", keyword: ["v"]}) == [("unclassified", "unclassified")]
    assert field({"type": "string", keyword: ["v"]}, {"type": "string", keyword: ["v"]}) == []


@pytest.mark.parametrize("keyword", ["allOf", "items"])
def test_a_reference_where_no_rule_looks_is_not_classified(keyword: str) -> None:
    hidden = {keyword: [{"$ref": "#/definitions/Shared"}]}
    found = seen(
        closed({"f": hidden}, definitions={"Shared": SHARED}), closed({"f": hidden}, definitions={"Shared": LESS})
    )
    assert [(code, verdict) for _, code, verdict in found] == [("unclassified", "unclassified")]


def test_another_dialect_is_not_classified() -> None:
    found = seen(closed({}), {**closed({}), "$schema": "https://json-schema.org/draft/2020-12/schema"})
    assert found == [("", "unclassified", "unclassified")]


def test_a_change_says_what_it_was_and_why_it_matters() -> None:
    (change,) = compare(closed({"f": COLOUR}), closed({"f": {"enum": ["red"]}}))
    assert change == Change(code="enum-removed", field="f", what='no longer takes the value "blue"')
    assert "may hold the value" in change.why
