"""``python -m deploy.demo [FOLDER]``: real documents all the way; exits 0 only if each ended as it must."""

import argparse
import asyncio
import contextlib
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx

from contracts.registry import SERVICES, TOPICS
from deploy.demo import make_documents, show
from deploy.demo.people import SUPPLIERS, Supplier
from deploy.demo.prepare import OPERATOR, bearer, prepare, whole
from deploy.demo.story import Story
from deploy.local import Stack
from deploy.servers.errors import StackError
from services.common.auth import Principal
from services.common.consumer import tail
from services.common.record import read

SUFFIXES = (".pdf", ".xml")
AT_ONCE = 8


def say(line: str) -> None:
    """One line of progress."""
    print(f"  … {line}", flush=True)


def find(folder: Path) -> list[Story]:
    """The documents of a folder, in the order of their paths, with their expectations."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            wanted = path.with_suffix(".expected.json")
            found.append(Story(path, json.loads(wanted.read_text(encoding="utf-8")) if wanted.exists() else None))
    return found


def principal(story: Story, demo: bool) -> Principal:
    """Who deposits: the demo's supplier, the SIRET that the expectation names as ``depositor``, or all of them."""
    siret = (story.expected or {}).get("depositor")
    one: Supplier | None = make_documents.depositor(story.path.name) if demo else None
    structures = (siret,) if siret else (one.siret,) if one else tuple(supplier.siret for supplier in SUPPLIERS)
    contact = one.contact if one else "deposant@demo.example"
    return Principal(subject=contact.partition("@")[2], structures=structures, roles=("FOURNISSEUR",), contact=contact)


class Run:
    """The stack is up: deposit, follow, gather."""

    def __init__(self, stack: Stack, stories: Sequence[Story], demo: bool) -> None:
        self._stack = stack
        self._stories = stories
        self._demo = demo
        self._by_id: dict[str, Story] = {}
        self._early: dict[str, list[Any]] = {}
        self._client = httpx.AsyncClient(base_url=stack.url, timeout=60)

    async def go(self) -> float:
        """All the way; returns the seconds from the first request to the last end."""
        following = asyncio.Event()
        follow = asyncio.create_task(self._follow(following))
        await asyncio.wait_for(following.wait(), 30)
        started = time.monotonic()
        await self._deposit_all()
        seconds = await self._until_ended(60 + len(self._stories)) - started
        follow.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await follow
        await asyncio.gather(*[self._gather(story) for story in self._stories])
        await self._client.aclose()
        return seconds

    async def _follow(self, following: asyncio.Event) -> None:
        """Every topic, from now on: each event goes to its document's story."""
        names = [topic.name for topic in TOPICS if not topic.compacted]
        async for record in tail(self._stack.kafka.bootstrap, names, on_ready=following.set):
            event = read(record).event
            if event is None:
                continue
            story = self._by_id.get(event.subject)
            (story.events if story else self._early.setdefault(event.subject, [])).append(event)

    async def _deposit_all(self) -> None:
        """Distinct documents side by side; a file met before comes after, so that the first stays the first."""
        distinct: list[Story] = []
        again: list[Story] = []
        seen: set[tuple[str, str]] = set()
        for story in self._stories:
            key = (hashlib.sha256(story.path.read_bytes()).hexdigest(), principal(story, self._demo).subject)
            (again if key in seen else distinct).append(story)
            seen.add(key)
        limit = asyncio.Semaphore(AT_ONCE)

        async def one(story: Story) -> None:
            async with limit:
                await self._deposit(story)

        await asyncio.gather(*[one(story) for story in distinct])
        for story in again:
            await self._deposit(story)

    async def _deposit(self, story: Story) -> None:
        content = await asyncio.to_thread(story.path.read_bytes)
        story.asked_at, began = datetime.now(UTC), time.perf_counter()
        answer = await self._client.post(
            "/api/v1/deposits",
            files={"file": (story.path.name, content, "application/octet-stream")},
            headers=bearer(self._stack, principal(story, self._demo)),
        )
        story.http_seconds = time.perf_counter() - began
        story.http_status, story.answer = answer.status_code, answer.json()
        if story.id:
            story.events += self._early.pop(story.id, [])
            self._by_id[story.id] = story

    async def _until_ended(self, patience: float) -> float:
        """Wait for every document's end and its e-mails; returns the instant of the last one."""
        deadline, told, last = time.monotonic() + patience, 0.0, time.monotonic()
        while time.monotonic() < deadline:
            open_ones = [story for story in self._stories if not (story.end and story.announced)]
            if not open_ones:
                return last
            if time.monotonic() - told > 1:
                told = time.monotonic()
                say(f"{len(self._stories) - len(open_ones)} documents sur {len(self._stories)} sont arrivés à leur fin")
            await asyncio.gather(*[self._messages(story) for story in open_ones if story.end and story.id])
            last = time.monotonic()
            await asyncio.sleep(0.05)
        return last

    async def _messages(self, story: Story) -> None:
        answer = await self._client.get(
            "/api/v1/messages", params={"invoice": story.id or ""}, headers=bearer(self._stack, OPERATOR)
        )
        story.messages = answer.json()["messages"]

    async def _gather(self, story: Story) -> None:
        if not story.id:
            return
        headers = bearer(self._stack, principal(story, self._demo))
        story.deposit = (await self._client.get(f"/api/v1/deposits/{story.id}", headers=headers)).json()
        headers = bearer(self._stack, OPERATOR)
        invoice = await self._client.get(f"/api/v1/invoices/{story.id}", headers=headers)
        story.invoice = invoice.json() if invoice.status_code == httpx.codes.OK else {}


def subjects(stack: Stack) -> dict[str, str]:
    """Subject by Message-ID, from the inbox where the stack has one."""
    if not stack.smtp.url:
        return {}
    found: dict[str, str] = {}
    after = 0
    while True:
        page = httpx.get(f"{stack.smtp.url}/api/messages", params={"after": after, "limit": 500, "bodies": 0}).json()
        if not page:
            return found
        found |= {mail["message_id"]: mail["subject"] for mail in page}
        after = max(mail["id"] for mail in page)


def ask(stack: Stack) -> None:
    """Raises StackError where the platform on given servers serves other bodies than the demo's: its structures,
    managers and invoices would come among theirs, and mails would leave."""
    own = {tenant.id for tenant in whole().tenants}
    strangers = sorted(set(asyncio.run(_served(stack))) - own)
    if strangers:
        raise StackError(
            f"Les serveurs donnés par l'environnement portent déjà l'annuaire de {', '.join(strangers[:5])} : la "
            "démonstration y mêlerait ses structures et ses factures. Donnez-lui des serveurs d'essai, ou aucun."
        )


async def _served(stack: Stack) -> list[str]:
    """The tenants in the directory of the platform."""
    connection = await asyncpg.connect(stack.dsns["routing"].worker, timeout=10)
    try:
        return [row["id"] for row in await connection.fetch("select id from routing.tenant")]
    finally:
        await connection.close()


def run(folder: Path, demo: bool) -> int:
    """Start, run, show, stop; the exit code."""
    began = time.monotonic()
    stories = find(folder)
    if not stories:
        print(f"{folder} ne contient aucun document ({', '.join(SUFFIXES)}).", file=sys.stderr)
        return 2
    print(f"{len(stories)} documents. Démarrage des serveurs et des services :")
    with Stack(services=SERVICES, gateway=True, supervise=True, say=say) as stack:
        ask(stack)
        say(prepare(stack))
        seconds = asyncio.run(Run(stack, stories, demo).go())
        known = subjects(stack)
        for story in stories:
            show.document(story, known)
        show.totals(stories, seconds)
        say("arrêt")
    wrong = [story for story in stories if story.faults()]
    verdict = (
        f"{len(wrong)} documents n'ont pas la fin attendue" if wrong else "Chaque document a la fin qu'il doit avoir"
    )
    print(f"\n{verdict}. Durée totale : {time.monotonic() - began:.0f} s.")
    return 1 if wrong else 0


def main() -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="your own documents; without, the demo makes some")
    folder = parser.parse_args().folder
    try:
        if folder is not None:
            return run(folder, demo=False)
        with tempfile.TemporaryDirectory(prefix="chorale-demo-") as made:
            make_documents.write(Path(made), datetime.now(ZoneInfo("Europe/Paris")).date())
            return run(Path(made), demo=True)
    except StackError as error:
        print(f"La démonstration n'a pas pu avoir lieu. {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
