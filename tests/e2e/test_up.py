"""``make up`` as its user runs it: addresses that answer, data that stay, a clean end."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from services.common.auth import Principal, mint
from tests.documents import SUPPLIER, sample

ROOT = Path(__file__).parents[2]
START_LIMIT = 120
PRINCIPAL = Principal(
    subject="up", structures=(SUPPLIER.siret or "",), roles=("FOURNISSEUR",), contact="up@supplier.example"
)


def command(name: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "deploy.local", name, "--folder", str(folder), "--port", "18470"]


@contextmanager
def up(folder: Path) -> Iterator[str]:
    """Runs it, yields what it printed once all answer, ends it with Ctrl-C, and looks for leftovers."""
    with subprocess.Popen(command("up", folder), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _until_running(process)
            family = psutil.Process(process.pid).children(recursive=True)
            assert len(family) > 15
            process.send_signal(signal.SIGINT)
            assert process.stdout is not None
            assert "Les données restent" in process.stdout.read()
            assert process.wait(30) == 0
            assert [process for process in family if process.is_running()] == []
        finally:
            process.kill()


def _until_running(process: "subprocess.Popen[str]") -> str:
    printed, deadline = "", time.monotonic() + START_LIMIT
    assert process.stdout is not None
    while "Ctrl-C arrête" not in printed:
        line = process.stdout.readline()
        assert line, f"it ended: {printed}"
        assert time.monotonic() < deadline, printed
        printed += line
    return printed


@pytest.mark.timeout(2 * START_LIMIT)
def test_what_was_deposited_is_there_after_a_stop_and_a_second_start(tmp_path: Path) -> None:
    folder = tmp_path / "up"
    with up(folder) as printed:
        addresses = re.findall(r"http://[^\s]+", printed)
        assert len(addresses) == 14  # the platform, six pages of documentation, the inbox, six states of health
        for address in addresses[1:]:
            assert httpx.get(address, timeout=10).status_code == 200, address
        client = httpx.Client(base_url=addresses[0], headers=authorization(folder), timeout=30)
        content = sample(1).render()
        answer = client.post("/api/v1/deposits", files={"file": ("f.pdf", content, "application/pdf")})
        assert answer.status_code == 201, answer.text
        client.close()
        other = subprocess.run(command("up", folder), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert other.returncode == 1
        assert other.stderr.strip() == "`make up` runs already from this checkout: stop it first with Ctrl-C."
    with up(folder) as printed:
        base = re.findall(r"http://[^\s]+", printed)[0]
        found = httpx.get(f"{base}/api/v1/deposits/{answer.json()['id']}", headers=authorization(folder), timeout=30)
        assert found.status_code == 200, found.text
    subprocess.run(command("reset", folder), cwd=ROOT, timeout=60, check=True, stdout=subprocess.DEVNULL)
    assert not folder.exists()


def authorization(folder: Path) -> dict[str, str]:
    secret = json.loads((folder / "secrets.json").read_text())["token"]
    return {"Authorization": f"Bearer {mint(secret, PRINCIPAL)}"}
