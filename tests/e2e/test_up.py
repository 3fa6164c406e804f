"""``make up`` as its user runs it: addresses that answer, people and their past, data that stay, a clean end."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from contracts.registry import SERVICES
from deploy.demo.book import Book
from deploy.demo.people import OPERATOR, PEOPLE
from services.common.auth import Principal, mint
from tests.documents import SUPPLIER, sample
from tests.e2e.client import until
from tests.e2e.demo_state import Seen

ROOT = Path(__file__).parents[2]
START_LIMIT = 300
PRINCIPAL = Principal(
    subject="up", structures=(SUPPLIER.siret or "",), roles=("FOURNISSEUR",), contact="up@supplier.example"
)


def command(name: str, folder: Path, past: str = "none") -> list[str]:
    end = ["--folder", str(folder), "--port", "18470", "--past", past]
    return [sys.executable, "-m", "deploy.local", name, *end]


@contextmanager
def up(folder: Path, past: str) -> Iterator[str]:
    """Runs it, yields what it printed once all answer, ends it with Ctrl-C, and looks for leftovers."""
    with subprocess.Popen(command("up", folder, past), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
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
def test_who_was_made_and_what_was_deposited_is_there_once_after_a_second_start(tmp_path: Path) -> None:
    starts_twice(tmp_path / "up", "none")


@pytest.mark.long
@pytest.mark.timeout(4 * START_LIMIT)
def test_the_year_before_is_there_once_after_a_second_start_with_every_status(tmp_path: Path) -> None:
    starts_twice(tmp_path / "up", "year")


def starts_twice(folder: Path, past: str) -> None:
    """Everything that is promised is there after the first start, and the same after the second."""
    with up(folder, past) as printed:
        addresses = re.findall(r"http://[^\s]+", printed)
        # The platform, the inbox, of each service its documentation and its health; to sign in, as software too.
        assert len(addresses) == 2 + 2 * len(SERVICES) + 2
        for address in addresses[1:-1]:
            assert httpx.get(address.rstrip(","), timeout=10).status_code == 200, address
        assert "autrement qu'écrit" not in printed
        before = everything(addresses[0], folder, printed, past)
        client = httpx.Client(base_url=addresses[0], headers=authorization(folder), timeout=30)
        content = sample(1).render()
        answer = client.post("/api/v1/deposits", files={"file": ("f.pdf", content, "application/pdf")})
        assert answer.status_code == 201, answer.text
        client.close()
        other = subprocess.run(command("up", folder), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert other.returncode == 1
        assert other.stderr.strip() == "`make up` runs already from this checkout: stop it first with Ctrl-C."
    forget_what_was_not_written_down(folder)
    with up(folder, past) as printed:
        base = re.findall(r"http://[^\s]+", printed)[0]
        assert came_to_its_end(f"{base}/api/v1/deposits/{answer.json()['id']}", folder) == ["SUPPLIER_NOT_YOURS"]
        assert everything(base, folder, printed, past) == before
    subprocess.run(command("reset", folder), cwd=ROOT, timeout=60, check=True, stdout=subprocess.DEVNULL)
    assert not folder.exists()


def forget_what_was_not_written_down(folder: Path) -> None:
    """As a first start leaves it that was cut after it had opened these accounts and what lies on their tables."""
    book = Book(folder)
    for key in ("artisan", "agent", "gestionnaire", "controle"):
        book.kept.accounts.pop(key)
    book.kept.steps["today"] = "begun"
    book.save()


def came_to_its_end(deposit: str, folder: Path) -> list[str]:
    """What is said of a document that was under way at the stop: here, that another body than the depositor's sells."""

    def read() -> dict[str, Any] | None:
        found = httpx.get(deposit, headers=authorization(folder), timeout=30)
        assert found.status_code == 200, found.text
        made: dict[str, Any] = found.json()
        return made if made["state"] == "to_verify" else None

    return [finding["code"] for finding in until(read)["findings"]]


def everything(url: str, folder: Path, printed: str, past: str) -> dict[str, Any]:
    """What there is, once it is all that the demo promises."""
    seen = Seen(url, folder)
    try:
        for person in (*PEOPLE, OPERATOR):
            assert person.email in printed
            home = seen.people[person.key].client.get("/", headers={"Accept": "text/html"})
            assert home.status_code == 200
            assert f"Bonjour {person.name}" in home.text
        made = seen.made()
        assert sum(each["count"] for each in made["letters"]["reasons"]) >= 4
        assert made["webhooks"] == 1
        if past == "year":
            _year(seen, made)
        return made
    finally:
        seen.close()


def _year(seen: Seen, made: dict[str, Any]) -> None:
    assert seen.missing() == frozenset()
    assert len(seen.operator.get("/api/v1/invoices", late=True)["invoices"]) >= 5
    figures = seen.people["administration"].get("/api/v1/invoices/figures", side="received")
    assert len([each for each in figures["by_month"] if each["count"]]) >= 12
    assert sum(1 for counts in made["flows"] if counts.get("rejected")) >= 2
    assert len(seen.delivered()) >= 5
    letters = seen.operator.get("/api/v1/supervision/dead-letters")["letters"]
    assert {each["key"] for each in letters} <= set(seen.invoices), "each leads to an invoice that is there"


def authorization(folder: Path) -> dict[str, str]:
    secret = json.loads((folder / "secrets.json").read_text())["token"]
    return {"Authorization": f"Bearer {mint(secret, PRINCIPAL)}"}
