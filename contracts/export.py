"""Freeze the contracts: ``python -m contracts.export`` (``make contracts``); ``--check`` only tells what is stale.

Written: ``schemas/<type>.json`` (closed JSON Schema), ``schemas/_registry.json``, ``asyncapi.yaml``, and the topic
table between its markers in ``docs/architecture.md``. Golden examples in ``examples/<type>/<name>.json`` are written
by people, at least one per type. Nothing frozen is ever deleted here.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from contracts import asyncapi
from contracts.events import BY_TYPE
from contracts.registry import DEFAULT_PARTITIONS, RETENTION_DAYS, TOPICS
from contracts.schema import closed_schema
from contracts.upcast import UPCASTERS

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "python -m contracts.export"
REGISTRY = "_registry"
TABLE_BEGIN = "<!-- topics: begin (written by make contracts) -->"
TABLE_END = "<!-- topics: end -->"

topic_table = asyncapi.topic_table


class _Plain(yaml.SafeDumper):
    """YAML without anchors: a reader should not have to chase ``*id001``."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def registry() -> dict[str, Any]:
    """The registry as data: per topic its events, writer, readers, key, partitions and retention."""
    return {
        "topics": {
            topic.name: {
                "events": [event.TYPE for event in topic.events],
                "writer": topic.writer,
                "readers": list(topic.readers),
                "key": topic.key,
                "partitions": DEFAULT_PARTITIONS,
                "compacted": topic.compacted,
                "retention_days": None if topic.compacted else RETENTION_DAYS,
            }
            for topic in TOPICS
        },
        "retired": UPCASTERS.retired(),
    }


def examples(root: Path = ROOT) -> dict[str, asyncapi.Examples]:
    """Golden payloads by type and name, as JSON objects, sorted."""
    found: dict[str, asyncapi.Examples] = {}
    for path in sorted((root / "contracts/examples").glob("*/*.json")):
        found.setdefault(path.parent.name, {})[path.stem] = json.loads(path.read_text())
    return found


def render(root: Path = ROOT) -> dict[str, str]:
    """What the files must hold, by path relative to the root."""
    schemas = {event_type: closed_schema(event_type, struct) for event_type, struct in BY_TYPE.items()}
    files = {
        f"contracts/schemas/{name}.json": json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        for name, content in {**schemas, REGISTRY: registry()}.items()
    }
    document = asyncapi.document(examples(root))
    files["contracts/asyncapi.yaml"] = yaml.dump(
        document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120
    )
    page = root / "docs/architecture.md"
    if page.exists() and TABLE_BEGIN in (text := page.read_text()):
        files["docs/architecture.md"] = with_table(text)
    return files


def with_table(page: str) -> str:
    """The page with the topic table between its markers. Raises ``ValueError`` if the end marker is missing."""
    before, begin, rest = page.partition(TABLE_BEGIN)
    _, end, after = rest.partition(TABLE_END)
    if not end:
        raise ValueError(f"docs/architecture.md: {TABLE_BEGIN} has no {TABLE_END} after it")
    return f"{before}{begin}\n{topic_table()}\n{end}{after}"


def stale(root: Path = ROOT) -> list[str]:
    """The files that are not what the code says, relative to the root, sorted."""
    wanted = render(root)
    return sorted(
        name for name, text in wanted.items() if not (root / name).exists() or (root / name).read_text() != text
    )


def faults(root: Path = ROOT) -> list[str]:
    """What a person must do that no export can: missing examples, frozen files of types that cannot be read."""
    golden = examples(root)
    readable = {*BY_TYPE, *UPCASTERS.retired()}
    found = [
        f"contracts/examples/{event_type}/: no golden example; write minimal.json and full.json with invented data"
        for event_type in BY_TYPE
        if event_type not in golden
    ]
    frozen = {path.stem for path in (root / "contracts/schemas").glob("*.json")} - {REGISTRY}
    return found + [
        f"{name}: frozen, but no struct and no up-caster reads it; register one in contracts/upcast.py"
        for name in sorted((frozen | set(golden)) - readable)
    ]


def main(arguments: list[str]) -> int:
    """Write, or with ``--check`` tell. Returns 1 if something is stale or a person has something to do."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write(f"usage: {COMMAND} [--check]\n")
        return 1
    old = stale()
    if arguments == ["--check"]:
        for name in old:
            sys.stdout.write(f"stale: {name}; run: {COMMAND}   (make contracts)\n")
    else:
        for name in old:
            path = ROOT / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(render()[name])
            sys.stdout.write(f"written: {name}\n")
        old = []
    wrong = faults()
    for line in wrong:
        sys.stdout.write(f"{line}\n")
    return 1 if old or wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
