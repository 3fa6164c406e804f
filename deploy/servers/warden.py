"""The last one out: ends every process of a stack when the stack's own process is gone, however it died.

Children carry a parent-death signal (:mod:`deploy.servers.launch`); their own children need not. Every process of a
stack inherits its marker in the environment, and PostgreSQL, which overwrites that, is named by pid on our input.
``python -I warden.py MARKER [TEMPORARY_FOLDER]``; the folder is removed at the end.
"""

import os
import select
import shutil
import sys
import time

import psutil

MARKER = "CHORALE_STACK"
PATIENCE = 1.0
LIMIT = 15.0


def _named(pids: set[int]) -> list[psutil.Process]:
    found = []
    for pid in pids:
        try:
            process = psutil.Process(pid)
            found += [process, *process.children(recursive=True)]
        except psutil.Error:
            continue
    return found


def _marked(marker: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARKER) == marker:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def clear(marker: str, pids: set[int]) -> None:
    """Kill what is left, twice over, until nothing is; bounded by ``LIMIT`` seconds."""
    deadline = time.monotonic() + LIMIT
    quiet = 0
    while quiet < 2 and time.monotonic() < deadline:
        left = [process for process in _named(pids) + _marked(marker) if _alive(process)]
        quiet = 0 if left else quiet + 1
        for process in left:
            try:
                process.kill()
            except psutil.Error:
                continue
        time.sleep(0.05)


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def main(marker: str, temporary: str | None = None) -> None:
    """Read ``+pid`` and ``-pid`` lines until the input ends, then clear up. ``stop`` says the end is an orderly one."""
    pids: set[int] = set()
    orderly = False
    pending = b""
    while True:
        select.select([0], [], [])
        chunk = os.read(0, 4096)
        if not chunk:
            break
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            if line == b"stop":
                orderly = True
            elif line.startswith(b"+"):
                pids.add(int(line[1:]))
            elif line.startswith(b"-"):
                pids.discard(int(line[1:]))
    if not orderly:
        time.sleep(PATIENCE)  # the parent-death signals first: PostgreSQL then frees its shared memory by itself
    clear(marker, pids)
    if temporary is not None:
        shutil.rmtree(temporary, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
