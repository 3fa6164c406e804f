"""Compare the contracts with a git revision: ``python -m contracts.compat [--readers-first] [--all] [REV]``.

FULL_TRANSITIVE with optional additions. Without ``REV`` the merge base of ``HEAD`` and the main branch is taken, which
on the main branch itself is ``HEAD``. ``--all`` adds every earlier revision in which something frozen changed.
Exit code 1 on a breaking change, on one that no rule classifies, on stale files, and on a change of an existing type
that is safe only if its readers are deployed first, unless ``--readers-first`` says that they will be.
"""

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from contracts import export
from contracts.changes import Change
from contracts.codec import BadValue
from contracts.compare import compare
from contracts.compare_registry import Registry, compare_registries, services_of
from contracts.upcast import UPCASTERS, Upcasters

USAGE = "usage: python -m contracts.compat [--readers-first] [--all] [REV]\n"
_FROZEN = ("contracts/schemas/", "contracts/examples/")


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What was frozen at one moment: schemas by type, examples by ``type/name``, the registry."""

    schemas: dict[str, dict[str, Any]]
    examples: dict[str, Any]
    registry: Registry


def snapshot(files: Mapping[str, bytes]) -> Snapshot | None:
    """The snapshot in a set of files, ``None`` when no contracts are frozen in it."""
    schemas, examples = {}, {}
    for name, content in sorted(files.items()):
        path = Path(name)
        if path.match("contracts/schemas/*.json"):
            schemas[path.stem] = json.loads(content)
        elif path.match("contracts/examples/*/*.json"):
            examples[f"{path.parent.name}/{path.stem}"] = json.loads(content)
    registry = schemas.pop(export.REGISTRY, None)
    return None if registry is None else Snapshot(schemas=schemas, examples=examples, registry=registry)


def compare_snapshots(old: Snapshot, new: Snapshot, upcasters: Upcasters = UPCASTERS) -> list[Change]:
    """Every difference, with the services to deploy first. Old examples are read with the code of today."""
    found = compare_registries(old.registry, new.registry)
    for event, schema in old.schemas.items():
        if event in new.schemas:
            found += [msgspec.structs.replace(change, event=event) for change in compare(schema, new.schemas[event])]
        elif not any(change.event == event and change.code == "type-removed" for change in found):
            found.append(Change(code="type-removed", event=event, what="its frozen schema was deleted"))
    found += _examples(old.examples, new.examples, upcasters)
    return [msgspec.structs.replace(change, first=_first(change, old.registry, new.registry)) for change in found]


def _examples(old: Mapping[str, Any], new: Mapping[str, Any], upcasters: Upcasters) -> Iterable[Change]:
    for name, payload in old.items():
        event = name.rpartition("/")[0]
        file = f"contracts/examples/{name}.json"
        if name not in new:
            yield Change(code="example-removed", event=event, what=f"{file} removed")
        elif new[name] != payload:
            yield Change(code="example-changed", event=event, what=f"{file} changed")
        try:
            upcasters.decode(event, json.dumps(payload).encode())
        except KeyError:
            yield Change(code="example-unreadable", event=event, what=f"{file}: no struct and no up-caster")
        except BadValue as error:
            yield Change(code="example-unreadable", event=event, what=f"{file}: {error}")
    for name in new:
        if name not in old:
            what = f"contracts/examples/{name}.json added"
            yield Change(code="example-added", event=name.rpartition("/")[0], what=what)


def _first(change: Change, old: Registry, new: Registry) -> tuple[str, ...]:
    if change.verdict == "compatible":
        return ()
    _, readers = services_of(change.event, new)
    return readers or services_of(change.event, old)[1]


def report(changes: list[Change], registry: Registry) -> list[str]:
    """Lines for people: per event what changed, where, why it matters, and the order of deployment."""
    lines = []
    for event in dict.fromkeys(change.event for change in changes):
        lines.append(event)
        for change in (change for change in changes if change.event == event and change.code != "documentation"):
            where = f"{change.field}: " if change.field else ""
            lines.append(f"  {change.verdict.upper():<13} {where}{change.what} [{change.code}]")
            lines.append(f"                {change.why}")
            lines.append(f"                {_advice(change, services_of(event, registry)[0])}")
        if any(change.event == event and change.code == "documentation" for change in changes):
            lines.append("  COMPATIBLE    only words for readers changed [documentation]")
    return lines


def _advice(change: Change, writer: str) -> str:
    readers = ", ".join(change.first) or "its readers"
    last = f", then {writer}" if writer else ""
    match change.verdict:
        case "compatible":
            return "deploy in any order"
        case "readers-first":
            return f"deploy first: {readers}{last}"
        case "breaking" if change.code.startswith("example"):
            return "put the example back as it was"
        case "breaking":
            return (
                f"leave this version as it is and add the next major beside it with an up-caster; deploy first: "
                f"{readers}{last}"
            )
        case _:
            return "nothing is deployed before it is classified"


def _git(*arguments: str) -> bytes | None:
    """The output of git, ``None`` when it fails or is not there."""
    try:
        done = subprocess.run(("git", *arguments), cwd=export.ROOT, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


def _default_revision() -> str | None:
    for main in ("origin/HEAD", "origin/main", "main"):
        base = _git("merge-base", "HEAD", main)
        if base is not None:
            return base.decode().strip()
    head = _git("rev-parse", "--verify", "--quiet", "HEAD")
    return None if head is None else head.decode().strip()


def _frozen_at(revision: str) -> dict[str, bytes]:
    """The frozen files of a revision; none when it has no contracts."""
    listed = (_git("ls-tree", "-r", "-z", "--name-only", revision, "contracts/") or b"").decode()
    wanted = [name for name in listed.split("\0") if name.startswith(_FROZEN)]
    if not wanted:
        return {}
    archive = _git("archive", "--format=tar", revision, "contracts/")
    if archive is None:
        raise OSError(f"git archive {revision} failed")
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for name in wanted:
            member = tar.extractfile(name)
            found[name] = member.read() if member else b""
    return found


def _frozen_now() -> dict[str, bytes]:
    root = export.ROOT
    paths = (path for folder in _FROZEN for path in (root / folder).rglob("*.json"))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def _earlier(revision: str) -> list[str]:
    listed = _git("log", "--format=%H", revision, "--", *_FROZEN) or b""
    return listed.decode().split()


def _judge(changes: list[Change], readers_first: bool) -> int:
    ordered = [c for c in changes if c.verdict == "readers-first" and c.code not in ("type-added", "type-retired")]
    refused = [c for c in changes if c.verdict in ("breaking", "unclassified")] + ([] if readers_first else ordered)
    write = sys.stdout.write
    if ordered and not readers_first:
        write("Safe only if the readers named above run first: say so with --readers-first.\n")
    write(f"{len(changes)} differences, {len(refused)} refused\n")
    return 1 if refused else 0


def _against(revision: str, now: Snapshot, readers_first: bool) -> int:
    old = snapshot(_frozen_at(revision))
    if old is None:
        sys.stdout.write(f"{revision[:12]}: no frozen contracts; this is the first version\n")
        return 0
    changes = compare_snapshots(old, now)
    sys.stdout.write(f"compared with {revision[:12]}\n")
    for line in report(changes, now.registry):
        sys.stdout.write(f"{line}\n")
    return _judge(changes, readers_first)


def main(arguments: list[str]) -> int:
    """Compare and print. Returns 0 when everything may be deployed as printed, else 1."""
    options = {argument for argument in arguments if argument.startswith("-")}
    revisions = [argument for argument in arguments if not argument.startswith("-")]
    if options - {"--readers-first", "--all"} or len(revisions) > 1:
        sys.stderr.write(USAGE)
        return 1
    stale, now = export.stale(), snapshot(_frozen_now())
    if stale or now is None:
        sys.stdout.write(f"stale: {', '.join(stale)}; run: {export.COMMAND}   (make contracts)\n")
        return 1
    if _git("rev-parse", "--git-dir") is None:
        sys.stdout.write("git is not installed, or this is not a git repository: there is nothing to compare with\n")
        return 1
    if revisions and _git("rev-parse", "--verify", "--quiet", f"{revisions[0]}^{{commit}}") is None:
        sys.stdout.write(f"{revisions[0]}: git knows no such revision in {export.ROOT}\n")
        return 1
    revision = revisions[0] if revisions else _default_revision()
    if revision is None:
        sys.stdout.write("no commit yet: nothing to compare with\n")
        return 0
    result = _against(revision, now, "--readers-first" in options)
    if "--all" in options:
        # Who was to be deployed first then has been since.
        result = max([result, *(_against(earlier, now, readers_first=True) for earlier in _earlier(revision))])
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
