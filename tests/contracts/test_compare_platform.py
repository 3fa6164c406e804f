"""The comparison on the platform's own schemas: each is the same as itself, and no edit goes unnoticed."""

from copy import deepcopy
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.changes import KINDS, Verdict
from contracts.compare import compare
from contracts.events import EVENTS, Payload
from contracts.schema import closed_schema


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_a_schema_of_the_platform_is_the_same_as_itself(event: type[Payload]) -> None:
    schema = closed_schema(event.TYPE, event)
    assert compare(schema, deepcopy(schema)) == []


def edited(value: Any) -> Any:
    """Another value of the same kind; lists lose their last item."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return f"{value}-changed"
        case [*items]:
            return items[:-1] if items else ["changed"]
        case _:
            return 0


def places(node: Any) -> list[tuple[Any, str]]:
    """Every object of a schema with each of its keys that holds no object and says something."""
    if not isinstance(node, dict):
        return [place for item in node for place in places(item)] if isinstance(node, list) else []
    own = [key for key, value in node.items() if not isinstance(value, dict) and key not in ("$id", "$ref", "anyOf")]
    said = [(node, key) for key in own if (key, node[key]) != ("required", [])]
    return said + [place for value in node.values() for place in places(value)]


@given(data=st.data())
def test_no_edit_of_a_real_schema_goes_unnoticed(data: Any) -> None:
    event = data.draw(st.sampled_from(EVENTS))
    old, new = closed_schema(event.TYPE, event), closed_schema(event.TYPE, event)
    node, key = data.draw(st.sampled_from(places(new)))
    node[key] = edited(node[key])
    assert compare(old, new)


def test_every_verdict_is_used() -> None:
    assert {kind.verdict for kind in KINDS.values()} == set(get_args(Verdict))
