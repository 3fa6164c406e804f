"""Which process of ``pytest -n`` takes which tests, and in which order: a plugin of ``tests/conftest.py``."""

import re
from collections import Counter
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: Each of these fixtures costs a stack of servers and services, started and idling: all files that ask for one run in
#: the same process.
SHARED = re.compile(r"\b(accounts): World\b|\b(platform): Stack\b")
#: What mostly waits, the longest first: begun early, it is no tail during which the other processes idle.
LONG_WAITS = (
    "test_supervision_streams",
    "test_up",
    "accounts",
    "platform",
    "test_flows_fairness",
    "test_recycling",
    "test_flows_killed",
    "test_ingest_process",
    "test_nothing_left_behind",
    "test_status_with_notify",
    "test_ingest_outage",
    "test_notify_sending",
    "test_common_process",
    "test_common_faults",
    "test_portal_provider",
)


@cache
def group(path: str) -> str:
    """What the tests of a file stay together with: the shared fixture, else the file."""
    found = SHARED.search((ROOT / path).read_text(encoding="utf-8"))
    return next(filter(None, found.groups())) if found else Path(path).stem


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """By file, as ``--dist loadfile`` does, but for what is shared."""
    if config.getvalue("dist") != "loadfile":
        return None
    scheduler: Any = import_module("xdist.scheduler").LoadFileScheduling(config, log)
    scheduler._split_scope = _group_of
    return scheduler


def _group_of(nodeid: str) -> str:
    return group(nodeid.partition("::")[0])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the processes: what waits long first, then the largest files (with ``--no-loadscope-reorder``)."""
    if not hasattr(config, "workerinput"):
        return
    groups: dict[Any, str] = {item: _group_of(item.nodeid) for item in items}
    sizes, order = Counter(groups.values()), {name: place for place, name in enumerate(LONG_WAITS)}
    items.sort(key=lambda item: (order.get(groups[item], len(order)), -sizes[groups[item]]))
