"""The closed JSON Schema of a struct type: what a producer may write, and nothing more.

Draft 7, because that is what AsyncAPI 3 documents embed without a format of their own.
"""

import inspect
import json
from typing import Any

import msgspec

Schema = dict[str, Any]

DIALECT = "http://json-schema.org/draft-07/schema#"
AMOUNT_PATTERN = r"^-?[0-9]+(\.[0-9]+)?$"
INSTANT_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"


def schema_id(event_type: str) -> str:
    """The URN that messages carry as ``ce_dataschema``."""
    return f"urn:chorale:schema:{event_type}"


def closed_schema(event_type: str, struct: type[msgspec.Struct]) -> Schema:
    """The closed schema of one event type, keys in a fixed order. Raises ``TypeError`` for what draft 7 cannot say."""
    (root,), definitions = msgspec.json.schema_components([struct], ref_template="#/definitions/{name}")
    name = root["$ref"].removeprefix("#/definitions/")
    body = _closed(definitions.pop(name))
    schema: Schema = {"$schema": DIALECT, "$id": schema_id(event_type), **body}
    if definitions:
        schema["definitions"] = {key: _closed(definitions[key]) for key in sorted(definitions)}
    return schema


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed: Schema = {}
    for key, value in node.items():
        if key == "properties":
            closed[key] = {name: _closed(field) for name, field in value.items()}
        elif key == "description":
            closed[key] = " ".join(inspect.cleandoc(value).split())
        else:
            # Defaults as JSON has them, lists for tuples, so that the schema is equal to what is read back.
            closed[key] = json.loads(json.dumps(value)) if key in ("default", "enum") else _closed(value)
    if "properties" in node:
        closed["additionalProperties"] = False
    if node.get("format") == "decimal":
        del closed["format"]
        closed["pattern"] = AMOUNT_PATTERN
    if node.get("format") == "date-time":
        closed["pattern"] = INSTANT_PATTERN
    if "prefixItems" in node:
        _close_tuple(closed)
    return closed


def _close_tuple(node: Schema) -> None:
    """Draft 7 has no ``prefixItems``: a fixed tuple of one type is an array of a fixed length."""
    items = node.pop("prefixItems")
    if any(item != items[0] for item in items):
        raise TypeError(f"a fixed tuple of different types cannot be exported: {items}; use a struct")
    node["items"] = items[0]
