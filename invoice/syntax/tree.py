"""Walking a parsed document by tables of paths: only the elements that a table names are looked into."""

from collections.abc import Mapping
from typing import TypeAlias

from lxml.etree import _Element

MAX_TEXT = 20_000
# A step is the key under which an element is kept, or the steps of its children.
Plan: TypeAlias = "dict[str, str | Plan]"
Found: TypeAlias = "dict[str, list[_Element]]"


def compile_plan(paths: Mapping[str, str], namespaces: Mapping[str, str]) -> Plan:
    """A plan from ``{"cac:OrderReference/cbc:ID": "engagement"}``; prefixes are those of ``namespaces``.

    The empty prefix is for names without a namespace. A path may not go through one that is itself kept.
    """
    plan: Plan = {}
    for path, key in paths.items():
        *way, last = (_name(part, namespaces) for part in path.split("/"))
        level = plan
        for step in way:
            below = level.setdefault(step, {})
            if isinstance(below, str):
                raise ValueError(f"{path} goes through {below}")
            level = below
        level[last] = key
    return plan


def _name(part: str, namespaces: Mapping[str, str]) -> str:
    prefix, colon, local = part.rpartition(":")
    return f"{{{namespaces[prefix]}}}{local}" if colon else local


def collect(element: _Element, plan: Plan, found: Found) -> Found:
    """Every element that the plan names below ``element``, by key, in document order."""
    for child in element:
        step = plan.get(child.tag)  # type: ignore[arg-type]  # a str: comments and entities are not parsed
        if step is None:
            continue
        if type(step) is str:
            if step in found:
                found[step].append(child)
            else:
                found[step] = [child]
        else:
            collect(child, step, found)  # type: ignore[arg-type]
    return found


def text_of(element: _Element) -> str:
    """The text of an element that holds no other; empty when it holds none."""
    return element.text or ""


def first_text(found: Found, key: str) -> str | None:
    """The text of the first element under a key that has one, with single spaces and cut at MAX_TEXT; else None."""
    for element in found.get(key, ()):
        text = " ".join(text_of(element)[:MAX_TEXT].split())
        if text:
            return text
    return None


def path_of(element: _Element) -> str:
    """Where an element stands, in the file's own prefixes: ``cac:LegalMonetaryTotal/cbc:PayableAmount``."""
    names: list[str] = []
    at: _Element | None = element
    while at is not None and len(names) < 3:
        local = str(at.tag).rpartition("}")[2]
        names.append(f"{at.prefix}:{local}" if at.prefix else local)
        at = at.getparent()
    return "/".join(reversed(names if at is not None else names[:-1] or names))[:200]
