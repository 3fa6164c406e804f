"""What processes cost: CPU and memory read from the kernel."""

from collections.abc import Mapping

import psutil


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """CPU time used so far, descendants included."""
    return {name: sum(_cpu(process) for process in _family(pid)) for name, pid in pids.items()}


def rss_mb(pids: Mapping[str, int]) -> dict[str, float]:
    """Resident memory in MB, descendants included."""
    return {name: sum(_rss(process) for process in _family(pid)) / 2**20 for name, pid in pids.items()}


def _family(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def cores(before: Mapping[str, float], after: Mapping[str, float], seconds: float) -> dict[str, float]:
    """Average cores used between two readings."""
    return {name: (after[name] - before.get(name, 0.0)) / seconds for name in after}
