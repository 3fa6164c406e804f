"""Every difference between two frozen registries of topics (``schemas/_registry.json``), classified. Pure."""

from typing import Any

from contracts.changes import Change

Registry = dict[str, Any]

_FIELDS = frozenset(("events", "writer", "readers", "key", "partitions", "compacted", "retention_days"))


def compare_registries(old: Registry, new: Registry) -> list[Change]:
    """The differences from ``old`` to ``new``. Types are looked at across topics, so that a move is seen as one."""
    before, after = old["topics"], new["topics"]
    found = _types(old, new)
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            found.append(Change(code="topic-removed", event=name, what="topic removed"))
        elif name not in before:
            found.append(Change(code="topic-added", event=name, what="topic added"))
        else:
            found += _topic(name, before[name], after[name])
    return found + _unknown("_registry.json", old, new, frozenset(("topics", "retired")))


def topic_of(registry: Registry) -> dict[str, str]:
    """The topic of every type."""
    return {event: name for name, topic in registry["topics"].items() for event in topic["events"]}


def services_of(event: str, registry: Registry) -> tuple[str, tuple[str, ...]]:
    """The writer and the readers of a type or of a topic; empty when the registry does not know it."""
    name = topic_of(registry).get(event, event)
    topic = registry["topics"].get(name, {"writer": "", "readers": []})
    return topic["writer"], tuple(topic["readers"])


def _types(old: Registry, new: Registry) -> list[Change]:
    was, now, found = topic_of(old), topic_of(new), []
    for event, topic in was.items():
        if event not in now and event in new["retired"]:
            successor = new["retired"][event]
            found.append(Change(code="type-retired", event=event, what=f"retired, up-cast to {successor}"))
        elif event not in now:
            found.append(Change(code="type-removed", event=event, what=f"removed from {topic}"))
        elif now[event] != topic:
            found.append(Change(code="type-moved", event=event, what=f"moved from {topic} to {now[event]}"))
    found += [
        Change(code="type-removed", event=event, what="its up-caster was removed")
        for event in old["retired"]
        if event not in new["retired"] and event not in now
    ]
    return found + [
        Change(code="type-added", event=event, what=f"new type on {topic}")
        for event, topic in now.items()
        if event not in was
    ]


def _topic(name: str, old: Registry, new: Registry) -> list[Change]:
    found: list[Change] = []

    def add(code: str, what: str) -> None:
        found.append(Change(code=code, event=name, what=what))

    for field, code in (
        ("writer", "writer-changed"),
        ("key", "key-changed"),
        ("partitions", "partitions-changed"),
        ("compacted", "compaction-changed"),
    ):
        if old[field] != new[field]:
            add(code, f"{field} changed from {old[field]} to {new[field]}")
    for service in sorted({*old["readers"]} ^ {*new["readers"]}):
        joins = service in new["readers"]
        add(
            "reader-added" if joins else "reader-removed",
            f"{service} {'reads it now' if joins else 'no longer reads it'}",
        )
    before, after = old["retention_days"], new["retention_days"]
    if old["compacted"] == new["compacted"] and before != after:
        add("retention-shortened" if after < before else "retention-lengthened", f"{before} days become {after}")
    return found + _unknown(name, old, new, _FIELDS)


def _unknown(name: str, old: Registry, new: Registry, known: frozenset[str]) -> list[Change]:
    return [
        Change(code="unclassified", event=name, what=f"{field} changed from {old.get(field)} to {new.get(field)}")
        for field in sorted({*old, *new} - known)
        if old.get(field) != new.get(field)
    ]
