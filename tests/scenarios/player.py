"""Plays lives on a running stack: every deposit and act through the API, as the one whose turn it is."""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import uuid4

import httpx

from deploy.demo.prepare import bearer
from deploy.local import Stack
from tests.documents import InvoicePdf
from tests.scenarios.days import Days
from tests.scenarios.people import Cast
from tests.scenarios.table import Life, Step

PATIENCE: Final = 45.0
_AT_ONCE: Final = 6
_DAY = re.compile(r"\{day([+-]\d+)?\}")
_NAME = re.compile(r"\{(\w+)\}")
T = TypeVar("T")


class Unplayable(Exception):
    """A life that could not go on: what was asked, and what the platform answered."""


class Playing:
    """One life that is being played. ``pieces``: name → id of the invoice."""

    def __init__(self, life: Life, number: int, stack: Stack, days: Days, cast: Cast | None = None) -> None:
        self.life = life
        self._cast = cast or Cast()
        self.number = self._cast.number(number)
        self.pieces: dict[str, str] = {}
        self.attached: list[str] = []
        self.failed: str | None = None
        self._index = number
        self._stack = stack
        self._days = days
        self._open = ExitStack()
        self._clients: dict[tuple[str, str], httpx.Client] = {}

    def close(self) -> None:
        """Let the connections go."""
        self._open.close()

    def play(self, step: Step) -> None:
        """Do one step and wait for what it must bring. A failure is kept, and the life goes no further."""
        if self.failed is not None:
            return
        try:
            self._do(step)
            if step.reach is not None:
                self._reach(step, step.reach)
        except (Unplayable, httpx.HTTPError) as error:
            self.failed = f"jour {step.day}, {step.who} {step.does} : {error}"

    def invoice(self, piece: str) -> dict[str, Any]:
        """The invoice as an operator sees it: everything."""
        answer = self._client("operator").get(f"/api/v1/invoices/{self.pieces[piece]}")
        if answer.status_code != httpx.codes.OK:
            return {}
        found: dict[str, Any] = answer.json()
        return found

    def _do(self, step: Step) -> None:
        match step.does:
            case "wait":
                pass
            case "deposit":
                self._deposit(step)
            case "attach":
                self._attach(step)
            case "post_back":
                self._post_back(step)
            case "fetch":
                self._fetch(step)
            case _:
                self._act(step)

    def _client(self, who: str, address: str | None = None) -> httpx.Client:
        principal = self._cast.person(who, self._index, self.life.by, address or self.life.to)
        key = (who, address or "")
        if key not in self._clients:
            client = httpx.Client(base_url=self._stack.url, headers=bearer(self._stack, principal), timeout=30)
            self._clients[key] = self._open.enter_context(client)
        return self._clients[key]

    def _deposit(self, step: Step) -> None:
        siret, _, service = (step.to or self.life.to).partition("/")
        number = f"{self.number}{step.number or ''}"
        blank = self._cast.paper(number, self.life.by)
        paid = blank.total_incl_tax if step.form.get("cadre") == "A2" else None
        content = replace(
            blank,
            recipient=replace(blank.recipient, siret=siret),
            issue_date=self._days.day(step.day),
            service_code=service or None,
            prepaid=paid,
            copy=f"{number} {step.of}",
        ).render()
        client = self._client(step.who)
        answer = client.post(
            "/api/v1/deposits",
            files={"file": ("facture.pdf", content, "application/pdf")},
            data={name: self._filled(value, step) for name, value in step.form.items()},
        )
        _expect(answer, httpx.codes.CREATED)
        identity = answer.json()["id"]
        deposit = until(lambda: _decided(client, identity), "la lecture du dépôt")
        if deposit["state"] != "submitted":
            said = ", ".join(f"{f['code']} {f['message']}" for f in deposit["findings"] if f["level"] != "ok")
            raise Unplayable(f"le dépôt est « {deposit['state']} » : {said}")
        self.pieces[step.of] = identity

    def _attach(self, step: Step) -> None:
        files = {"file": ("piece.pdf", InvoicePdf(number=f"P{uuid4().hex[:6]}").render(), "application/pdf")}
        path = f"/api/v1/deposits/{self.pieces[step.of]}/attachments"
        about = {"type": "DOCUMENT_ANNEXE", "label": "Pièce demandée"}
        answer = self._client(step.who).post(path, files=files, data=about)
        _expect(answer, httpx.codes.CREATED)
        self.attached.append(answer.json()["id"])
        data = f"/api/v1/invoices/{self.pieces[step.of]}/data"
        until(lambda: self._knows(data), "la pièce jointe, chez status")

    def _knows(self, data: str) -> bool:
        known = {document["id"] for document in self._client("supplier").get(data).json()["documents"]}
        return known >= set(self.attached)

    def _fetch(self, step: Step) -> None:
        client = self._client(step.who, step.to)
        cursor: str | None = None
        wanted = self.pieces[step.of]
        while True:  # as a finance system does: everything that has changed, page by page
            page = client.get("/api/v1/invoices/changes", params={"since": cursor} if cursor else {})
            _expect(page, httpx.codes.OK)
            if any(change["id"] == wanted and not change["left"] for change in page.json()["changes"]):
                break
            if not page.json()["more"]:
                raise Unplayable("la facture n'est pas parmi ce qui a changé")
            cursor = page.json()["next"]
        data = client.get(f"/api/v1/invoices/{wanted}/data")
        _expect(data, httpx.codes.OK)
        for document in data.json()["documents"]:
            _expect(client.get(document["href"]), httpx.codes.OK)
        _expect(client.post(f"/api/v1/invoices/{wanted}/receipt", json={"reference": self.number}), httpx.codes.OK)

    def _post_back(self, step: Step) -> None:
        """In bulk and twice, as a program that has lost the first answer: done, then known."""
        fields = {name: self._filled(value, step) for name, value in step.fields.items()}
        asked = {**step.form, "fields": fields, "invoices": [{"invoice": self.pieces[step.of]}]}
        for outcome in ("done", "already"):
            answer = self._client(step.who, step.to).post(
                "/api/v1/invoices/actions", json=asked, headers={"Idempotency-Key": uuid4().hex}
            )
            _expect(answer, httpx.codes.OK)
            [report] = answer.json()["invoices"]
            if report["outcome"] != outcome:
                raise Unplayable(f"{outcome} attendu, {report} reçu")

    def _act(self, step: Step) -> None:
        client, path = self._client(step.who, step.to), f"/api/v1/invoices/{self.pieces[step.of]}"
        read = client.get(path)
        if step.refused is not None and read.status_code != httpx.codes.OK:
            _refused(read, step.refused)
            return
        _expect(read, httpx.codes.OK)
        asked: dict[str, Any] = {
            "action": step.does,
            "motif": step.motif,
            "comment": step.comment,
            "fields": {name: self._filled(value, step) for name, value in step.fields.items()},
            "attachments": self.attached if step.does == "complete" else [],
        }
        answer = client.post(
            f"{path}/actions",
            json={name: value for name, value in asked.items() if value},
            headers={"If-Match": read.headers["ETag"], "Idempotency-Key": uuid4().hex},
        )
        if step.refused is None:
            _expect(answer, httpx.codes.OK)
        else:
            _refused(answer, step.refused)

    def _filled(self, value: str, step: Step) -> str:
        """Days, pieces and attachments by their names."""
        known = {**self._cast.sirets, **self.pieces}
        value = _DAY.sub(lambda m: (self._days.day(step.day) + timedelta(days=int(m[1] or 0))).isoformat(), value)
        return _NAME.sub(lambda m: known.get(m[1], m[0]), value)

    def _reach(self, step: Step, status: str) -> None:
        """Until the invoice is in that status and, where a body is to be told of it, until its notice is accepted."""

        def seen() -> bool:
            client = self._client(step.who if step.does == "deposit" else "supplier")
            found = client.get(f"/api/v1/invoices/{self.pieces[step.of]}")
            return found.is_success and found.json()["status"]["code"] == status

        def there() -> bool:
            found = self.invoice(step.of)
            if found.get("status", {}).get("code") != status:
                return False
            entries = [entry for entry in found["history"] if entry["status_to"] is not None]
            return status != "MISE_A_DISPOSITION" or _told(found["history"], entries)

        if self._cast.discreet:
            until(lambda: seen() or None, f"le statut {status}")
        until(lambda: there() or None, f"le statut {status}")


def _told(history: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the body has been told of the last time that routing brought it the invoice."""
    if entries[-1]["actor"] != "S":
        return True
    notices = [entry["notice"] for entry in history if entry["notice"]]
    return any(n["about"] == entries[-1]["entry"] and n["audience"] == "body" for n in notices)


def _decided(client: httpx.Client, deposit: str) -> dict[str, Any] | None:
    found: dict[str, Any] = client.get(f"/api/v1/deposits/{deposit}").json()
    return found if found.get("state") not in (None, "received") else None


def _expect(answer: httpx.Response, status: int) -> None:
    if answer.status_code != status:
        raise Unplayable(f"{answer.request.url.path} : {answer.status_code} {answer.text[:400]}")


def _refused(answer: httpx.Response, code: str) -> None:
    if answer.json().get("code") != code:
        raise Unplayable(f"{code} attendu, {answer.status_code} {answer.text[:300]} reçu")


def until(look: Callable[[], T | None], what: str) -> T:
    """What ``look`` gives once it gives something. Raises :class:`Unplayable` after a while."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.1)
    raise Unplayable(f"{what} n'est pas venu en {PATIENCE:.0f} s")


def play(
    stack: Stack,
    days: Days,
    lives: Iterable[Life],
    settle: Callable[[int], None],
    say: Callable[[str], None] = lambda line: None,
    *,
    cast: Cast | None = None,
) -> list[Playing]:
    """Play all lives at once, day by day: on each day the platform does what is due (``settle`` waits for it), then
    every life what it does on that day."""
    playing = [Playing(life, number, stack, days, cast) for number, life in enumerate(lives, 1)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for day in sorted({day for one in playing for day in one.life.days()}):
            days.go_to(day)
            busy = [one for one in playing if day in one.life.days()]
            say(f"jour {day} : {len(busy)} vie(s)")
            settle(day)
            list(pool.map(lambda one, day=day: _play_day(one, day), busy))
    return playing


def _play_day(one: Playing, day: int) -> None:
    for step in one.life.steps:
        if step.day == day:
            one.play(step)
