"""Every difference between two closed schemas of one event type, classified. Pure.

Definitions are resolved where they are used, so that a change of a shared type shows at every field that holds it.
A keyword without a rule here makes its difference ``unclassified``: silence is never taken for compatibility.
"""

import json
from typing import Any

from contracts.changes import Change
from contracts.schema import Schema

_WORDS = ("title", "description", "$comment", "examples")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_CONSTRAINTS = ("format", "pattern", "multipleOf", "uniqueItems", "contentEncoding", "contentMediaType")
_STRUCTURE = ("type", "enum", "const", "properties", "required", "additionalProperties", "items", "anyOf", "default")
_ROOT = ("$id", "definitions")
_KNOWN = frozenset((*_WORDS, *_LOWER, *_UPPER, *_CONSTRAINTS, *_STRUCTURE, *_ROOT))


def compare(old: Schema, new: Schema) -> list[Change]:
    """The differences from ``old`` to ``new``, in the order of the fields. Empty when they say the same."""
    comparison = _Comparison(old, new)
    comparison.node(old, new, "")
    return list(dict.fromkeys(comparison.found))


class _Comparison:
    def __init__(self, old_root: Schema, new_root: Schema) -> None:
        self.found: list[Change] = []
        self._roots = (old_root, new_root)
        self._open: set[tuple[int, int]] = set()

    def _add(self, code: str, path: str, what: str) -> None:
        self.found.append(Change(code=code, field=path, what=what))

    def node(self, old: Any, new: Any, path: str) -> None:
        """Compare two subschemas; a pair of recursive ones is entered once."""
        if not isinstance(old, dict) or not isinstance(new, dict):
            if old != new or _refers(old):
                self._add("unclassified", path, f"subschema changed from {_show(old)} to {_show(new)}")
            return
        pair = (id(old), id(new))
        if pair in self._open:
            return
        self._open.add(pair)
        old_null, old_choices = _choices(old, self._roots[0])
        new_null, new_choices = _choices(new, self._roots[1])
        self._nullability(old_null, new_null, path)
        if len(old_choices) == len(new_choices) == 1:
            self._single(old_choices[0], new_choices[0], path)
        else:
            self._alternatives(old_choices, new_choices, path)
        self._open.discard(pair)

    def _nullability(self, old: bool, new: bool, path: str) -> None:
        if new and not old:
            self._add("nullable-added", path, "may now be null")
        if old and not new:
            self._add("nullable-removed", path, "may no longer be null")

    def _alternatives(self, old: list[Schema], new: list[Schema], path: str) -> None:
        gone, come = list(old), list(new)
        for choice in old:
            twins = [other for other in come if other == choice]
            same = twins or [other for other in come if _kind(other) == _kind(choice)]
            if twins or (len(same) == 1 and sum(_kind(other) == _kind(choice) for other in gone) == 1):
                # Equal words may still refer to a definition that changed.
                self._single(choice, same[0], path)
                gone.remove(choice)
                come.remove(same[0])
        for choice in gone:
            self._add("alternative-removed", path, f"no longer takes {_show(choice)}")
        for choice in come:
            self._add("alternative-added", path, f"now also takes {_show(choice)}")

    def _single(self, old: Schema, new: Schema, path: str) -> None:
        self._keywords(old, new, path)
        if _kind(old) != _kind(new):
            self._kinds(old, new, path)
            return
        if _kind(old) == "enum":
            self._enum(old, new, path)
        self._bounds(old, new, path)
        self._constraints(old, new, path)
        if _kind(old) == "object":
            self._object(old, new, path)
        if "items" in old or "items" in new:
            self.node(old.get("items"), new.get("items"), f"{path}[]")

    def _keywords(self, old: Schema, new: Schema, path: str) -> None:
        for key in sorted({*old, *new} - _KNOWN):
            if old.get(key) != new.get(key) or _refers(old.get(key)):
                what = f"{key} changed from {_show(old.get(key))} to {_show(new.get(key))}"
                self._add("unclassified", path, what)
        if any(old.get(key) != new.get(key) for key in _WORDS):
            self._add("documentation", path, "title or description changed")

    def _kinds(self, old: Schema, new: Schema, path: str) -> None:
        before, after = _kind(old), _kind(new)
        what = f"type changed from {_name(old)} to {_name(new)}"
        if after == "any" or (before, after) == ("integer", "number") or _is_enum_of(old, new):
            self._add("type-widened", path, what)
        elif before == "any" or (before, after) == ("number", "integer") or _is_enum_of(new, old):
            self._add("type-narrowed", path, what)
        else:
            self._add("type-changed", path, what)

    def _enum(self, old: Schema, new: Schema, path: str) -> None:
        before, after = [_json(value) for value in _values(old)], [_json(value) for value in _values(new)]
        for value in before:
            if value not in after:
                self._add("enum-removed", path, f"no longer takes the value {value}")
        for value in after:
            if value not in before:
                self._add("enum-added", path, f"now also takes the value {value}")

    def _bounds(self, old: Schema, new: Schema, path: str) -> None:
        for key in (*_LOWER, *_UPPER):
            before, after = old.get(key), new.get(key)
            if before == after:
                continue
            narrower = after is not None and (before is None or (after > before) == (key in _LOWER))
            code = "bounds-narrowed" if narrower else "bounds-widened"
            self._add(code, path, f"{key} changed from {_show(before)} to {_show(after)}")

    def _constraints(self, old: Schema, new: Schema, path: str) -> None:
        for key in _CONSTRAINTS:
            before, after = old.get(key), new.get(key)
            if before == after:
                continue
            code = "constraint-added" if before is None else "constraint-removed" if after is None else None
            self._add(code or "constraint-changed", path, f"{key} changed from {_show(before)} to {_show(after)}")

    def _object(self, old: Schema, new: Schema, path: str) -> None:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in [*before, *(name for name in after if name not in before)]:
            self._property(name, old, new, f"{path}.{name}" if path else name)
        self.node(old.get("additionalProperties"), new.get("additionalProperties"), f"{path}.*" if path else "*")

    def _property(self, name: str, old: Schema, new: Schema, path: str) -> None:
        before, after = old.get("properties", {}).get(name), new.get("properties", {}).get(name)
        was, is_now = name in old.get("required", ()), name in new.get("required", ())
        if after is None:
            self._add("removed", path, "field removed")
            return
        if before is None:
            self._add("required-added" if is_now else "optional-added", path, _added(after, is_now))
            return
        if is_now != was:
            self._add(
                "made-required" if is_now else "made-optional", path, "was optional" if is_now else "was required"
            )
        elif _json(before.get("default", "")) != _json(after.get("default", "")):
            self._add("default-changed", path, f"default changed from {_default(before)} to {_default(after)}")
        self.node(before, after, path)


def _added(field: Schema, required: bool) -> str:
    return "required field added" if required else f"optional field added, default {_default(field)}"


def _default(field: Schema) -> str:
    return _json(field["default"]) if "default" in field else "none"


def _choices(node: Schema, root: Schema) -> tuple[bool, list[Schema]]:
    """Whether null is taken, and the other alternatives with their definitions resolved one level."""
    node = _resolve(node, root)
    members = [_resolve(member, root) for member in node["anyOf"]] if "anyOf" in node else [node]
    others = [member for member in members if member.get("type") != "null"]
    if "anyOf" in node and len(others) == 1:
        others = [{**others[0], **{key: node[key] for key in node if key not in ("anyOf", "default")}}]
    return len(others) < len(members), others


def _resolve(node: Schema, root: Schema) -> Schema:
    while "$ref" in node:
        target = root["definitions"][node["$ref"].removeprefix("#/definitions/")]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def _kind(node: Schema) -> str:
    if "enum" in node or "const" in node:
        return "enum"
    kind = node.get("type", "any")
    return kind if isinstance(kind, str) else _show(kind)


def _name(node: Schema) -> str:
    return f"one of {_show(_values(node))}" if _kind(node) == "enum" else _kind(node)


def _values(node: Schema) -> list[Any]:
    return list(node["enum"]) if "enum" in node else [node["const"]]


def _is_enum_of(narrow: Schema, wide: Schema) -> bool:
    """Whether ``narrow`` lists values that the free type ``wide`` takes without any further rule."""
    if _kind(narrow) != "enum" or any(key in wide for key in (*_LOWER, *_UPPER, *_CONSTRAINTS)):
        return False
    types = {"string": (str,), "integer": (int,), "number": (int, float)}.get(_kind(wide), ())
    return all(isinstance(value, types) for value in _values(narrow))


def _refers(subschema: Any) -> bool:
    """Whether a part that is compared as text refers to definitions, which the text does not show."""
    return '"$ref"' in json.dumps(subschema)


def _json(value: Any) -> str:
    """JSON tells ``1`` from ``true``, which Python takes for equal."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _show(value: Any) -> str:
    return str(value.get("title") or value.get("type") or _json(value)) if isinstance(value, dict) else _json(value)
