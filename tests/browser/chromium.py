"""Debian's Chromium for the browser tests: where it is, and `python -m tests.browser.chromium` to install it.

Playwright's own browsers are not used: they come from an address of their own, Debian's from the mirror of the machine.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
ASK = "Chromium was not found: type 'apt-get install -y chromium' (Debian), or set CHORALE_CHROMIUM to a program."


def find() -> Path | None:
    """The program, None where there is none."""
    given = os.environ.get("CHORALE_CHROMIUM")
    found = given or next((path for name in NAMES if (path := shutil.which(name))), None)
    return Path(found) if found else None


def arguments() -> list[str]:
    """How it is started. Chromium's own sandbox cannot be made by root, under whom containers run."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []


def main() -> int:
    """Install it where there is none and that is possible."""
    if find() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        settings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=False, env=settings)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-liberation"]
        subprocess.run(install, check=False, env=settings)
    if find() is None:
        print(ASK, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
