"""Free ports on loopback that two stacks on one machine never both choose."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

from deploy.servers.errors import StackError

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 17_000, 32_000  # below the ports that Linux hands to outgoing connections


class Ports:
    """Reservations held by file locks until :meth:`release`; the kernel drops them with the process."""

    def __init__(self) -> None:
        self._locks: list[int] = []
        self._folder = Path(tempfile.gettempdir()) / f"chorale-ports-{os.getuid()}"
        self._folder.mkdir(mode=0o700, exist_ok=True)

    def free(self, preferred: int | None = None) -> int:
        """One free port, ``preferred`` where it can be had."""
        if preferred is not None and self._take(preferred):
            return preferred
        for _ in range(1_000):
            port = random.randrange(LOWEST, HIGHEST)
            if self._take(port):
                return port
        raise StackError(f"No free port between {LOWEST} and {HIGHEST} on {LOOPBACK}: stop what holds them.")

    def _take(self, port: int) -> bool:
        descriptor = os.open(self._folder / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        if not _bindable(port):
            os.close(descriptor)
            return False
        self._locks.append(descriptor)
        return True

    def release(self) -> None:
        """Give every port back."""
        for descriptor in self._locks:
            os.close(descriptor)
        self._locks.clear()


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
