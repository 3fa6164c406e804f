"""Programs that must be on the machine, or come with a wheel; what is missing is said with the command for it."""

import functools
import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

from deploy.servers.errors import StackError

JAVA_AT_LEAST = 17


@functools.cache
def java() -> str:
    """Java 17 or newer: ``JAVA_HOME``, else the PATH."""
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    how = "type `apt-get install -y openjdk-17-jre-headless` (Debian, Ubuntu) or `brew install openjdk@17` (macOS)."
    if not found or not Path(found).exists():
        raise StackError(f"Kafka needs Java {JAVA_AT_LEAST} or newer, and no `java` was found: {how}")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, timeout=30, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < JAVA_AT_LEAST:
        first = said.splitlines()[0] if said else "nothing"
        raise StackError(f"Kafka needs Java {JAVA_AT_LEAST} or newer, and {found} says {first}: {how}")
    return found


def maven() -> str:
    """Maven, which fetches the broker's jars once."""
    found = shutil.which("mvn")
    if not found:
        raise StackError(
            "The broker's jars are fetched by Maven once, and no `mvn` was found: "
            "type `apt-get install -y maven` (Debian, Ubuntu) or `brew install maven` (macOS)."
        )
    return found


def wheel_program(name: str, wheel: str) -> str:
    """A program that a Python wheel puts beside the interpreter."""
    path = Path(sysconfig.get_path("scripts")) / name
    if not path.exists():
        raise StackError(f"`{name}` of the wheel {wheel} is not installed: type `make venv`.")
    return str(path)
