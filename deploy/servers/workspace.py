"""What all processes of one stack share: a folder, its ports, its secrets, and the warden that clears up after it."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import uuid
from pathlib import Path

from deploy.servers.errors import StackError
from deploy.servers.ports import Ports
from deploy.servers.process import Child, Command
from deploy.servers.warden import MARKER

ROOT = Path(__file__).resolve().parents[2]
_WARDEN = Path(__file__).with_name("warden.py")
_SECRETS = ("database", "s3_access", "s3_secret", "token")


def cache() -> Path:
    """Where downloads are kept between runs: ``CHORALE_CACHE``, else ``.local/cache`` in the checkout."""
    return Path(os.environ.get("CHORALE_CACHE") or ROOT / ".local" / "cache")


class Workspace:
    """``folder`` None: a temporary one that :meth:`close` removes. A given one is kept with its secrets.

    ``synced`` False: the database waits for no disk. What it has committed outlives its processes, not the machine.
    """

    def __init__(self, folder: Path | None = None, *, synced: bool = True) -> None:
        self.kept = folder is not None
        self.synced = synced
        self.folder = folder.resolve() if folder else Path(tempfile.mkdtemp(prefix="chorale-"))
        self.logs = self.folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)  # the unprivileged user of PostgreSQL walks through, and lists nothing
        self.marker = uuid.uuid4().hex
        self.ports = Ports()
        self.secrets = self._secrets()
        self._lock = threading.Lock()
        self._warden: subprocess.Popen[bytes] | None = None

    def _secrets(self) -> dict[str, str]:
        path = self.folder / "secrets.json"
        if path.exists():
            found: dict[str, str] = json.loads(path.read_text())
            return found
        made = {name: secrets.token_urlsafe(32) for name in _SECRETS}
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as target:
            json.dump(made, target)
        return made

    def log(self, name: str) -> Path:
        """The log file of a process of this stack; appended to over restarts."""
        return self.logs / f"{name}.log"

    def save_logs(self) -> Path:
        """Where the logs will still be after :meth:`close`: a temporary stack's are copied out."""
        if self.kept:
            return self.logs
        target = ROOT / ".local" / "last-failure"
        shutil.rmtree(target, ignore_errors=True)
        return shutil.copytree(self.logs, target)

    def environment(self) -> dict[str, str]:
        """What a child inherits: ours without any ``CHORALE_`` setting, plus the stack's marker."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CHORALE_")}
        return {**kept, MARKER: self.marker}

    def spawn(self, name: str, command: Command) -> Child:
        """Start a child of this stack under the warden's eyes. Raises StackError when the program is missing."""
        self._tell(b"")
        child = Child(name, command, self.environment(), self.log(name))
        self._tell(b"+%d\n" % child.pid)
        return child

    def forget(self, child: Child) -> None:
        """The child has ended: its pid may come to belong to somebody else."""
        self._tell(b"-%d\n" % child.pid)

    def _tell(self, line: bytes) -> None:
        with self._lock:
            if self._warden is None:
                temporary = [] if self.kept else [str(self.folder)]
                command = [sys.executable, "-I", str(_WARDEN), self.marker, *temporary]
                self._warden = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
            if self._warden.stdin is None or self._warden.poll() is not None:
                raise StackError("The stack's warden process is gone: stop this stack and start a new one.")
            self._warden.stdin.write(line)
            self._warden.stdin.flush()

    @property
    def warden(self) -> int:
        """The warden's pid; 0 before the first child and after :meth:`close`."""
        return self._warden.pid if self._warden else 0

    def close(self) -> None:
        """End whatever is left, give the ports back, remove a temporary folder."""
        with self._lock:
            warden, self._warden = self._warden, None
        if warden is not None and warden.stdin is not None:
            if warden.poll() is None:
                warden.stdin.write(b"stop\n")
            warden.stdin.close()
            try:
                warden.wait(20)
            except subprocess.TimeoutExpired:
                warden.kill()
                warden.wait(5)
        self.ports.release()
        if not self.kept:
            shutil.rmtree(self.folder, ignore_errors=True)
