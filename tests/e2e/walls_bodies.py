"""A body that a described operation would take, made from its own description: so that a wall answers, not the form."""

from collections.abc import Mapping
from typing import Any

_TEXTS = {
    "uuid": "0190e8a0-0000-7000-8000-000000000000",
    "date": "2026-03-02",
    "date-time": "2026-03-02T12:00:00Z",
    "email": "nosy@stranger.example",
    "uri": "https://stranger.example/",
}


def sample(about: Mapping[str, Any], components: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of a request. ``known``: values of fields by name."""
    content = about.get("requestBody", {}).get("content", {})
    for kind, argument in (("application/json", "json"), ("application/x-www-form-urlencoded", "data")):
        if kind in content:
            media = content[kind]
            value = media.get("example", _value(media.get("schema", {}), components, known))
            return {argument: {**value, **{k: v for k, v in known.items() if k in value}}}
    if "multipart/form-data" in content:
        return {"files": {"file": ("f.pdf", b"%PDF-1.4\n", "application/pdf")}}
    return {}


def _value(schema: Mapping[str, Any], components: Mapping[str, Any], known: Mapping[str, str]) -> Any:
    if "$ref" in schema:
        return _value(components[schema["$ref"].rpartition("/")[2]], components, known)
    for fixed in ("const", "example", "default"):
        if schema.get(fixed) is not None:
            return schema[fixed]
    for several in ("examples", "enum"):
        if schema.get(several):
            return schema[several][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            options = [each for each in schema[choice] if each.get("type") != "null"]
            return _value(options[0], components, known)
    if schema.get("type") == "object":
        wanted = schema.get("properties", {})
        needed = [name for name in wanted if name in schema.get("required", ())]
        return {name: known.get(name, _value(wanted[name], components, known)) for name in needed}
    if schema.get("type") == "array":
        return [_value(schema.get("items", {}), components, known)] * int(schema.get("minItems", 0))
    return _plain(schema)


def _plain(schema: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "boolean":
            return False
        case "integer" | "number":
            return schema.get("minimum", 1)
        case _:
            text = _TEXTS.get(schema.get("format", ""), "nosy")
            return text.ljust(int(schema.get("minLength", 0)), "x")
