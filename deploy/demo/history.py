"""The year before the demonstration begins: flows every month, and lives of invoices, played with the time moved.

Everything is deposited and done through the APIs. What was begun and not ended is not begun again: ``make reset`` is.
"""

import asyncio
import io
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import msgspec

from deploy.demo.book import Book
from deploy.demo.cast import DemoCast
from deploy.demo.desk import good
from deploy.demo.people import GARONNE, TOWN
from deploy.demo.prepare import bearer
from deploy.local import Stack
from deploy.servers.errors import StackError
from tests.carriers import facts_of
from tests.documents import InvoicePdf, Line, encrypted
from tests.scenarios.days import Days
from tests.scenarios.player import play
from tests.scenarios.table import Life, Step, load
from tests.unit.invoice.syntax.write_ubl import ubl

LIVES: Final = Path(__file__).with_name("lives.yaml")
YEAR: Final = 366
#: Days back on which a month's flow comes; those after belong to the lives.
MONTHS: Final = tuple(range(-360, -50, 30))
#: Months whose invoices are paid a month late.
LATE: Final = (2, 7)
#: Months whose invoices come in one file.
AS_FLOW: Final = (3, 10)
_AT_ONCE: Final = 4
_SERVICES: Final = ("DRH", "DSN", "DCP", "CULTURE", "DRIT")
_PATIENCE: Final = 60.0
_DUE: Final = "select count(*) from timer where next_try_at <= $1 and fired_at is null and cancelled_at is null"
#: The delay of an invoice starts with the notice to its body: the time is not moved before.
_LACKING: Final = (
    "select exists (select from invoice where status = 'MISE_A_DISPOSITION' and payment_delay_state = 'not_started')"
    " or (select count(*) from invoice where available_at is not null) < $1"
)


def lives() -> tuple[Life, ...]:
    """The lives of the table, with days counted from the first of the year."""

    def moved(step: Step) -> Step:
        return msgspec.structs.replace(step, day=step.day + YEAR)

    found = load(LIVES.read_text(encoding="utf-8"))
    return tuple(msgspec.structs.replace(life, steps=tuple(map(moved, life.steps))) for life in found)


class Year:
    """Plays it on a stack whose services follow ``clock``."""

    def __init__(self, stack: Stack, book: Book, clock: Path, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._clock = clock
        self._say = say
        self._cast = DemoCast(book)
        self._days = Days(clock, before=YEAR)
        self._client = httpx.Client(base_url=stack.url, timeout=60)
        self._expected = 0

    def play(self) -> list[str]:
        """All of it; returns what went otherwise than written. The time is the real one again at the end."""
        try:
            for number, day in enumerate(MONTHS):
                self._month(number, day)
            played = play(self._stack, self._days, lives(), self._settle, cast=self._cast)
            self._last_flow()
            for one in played:
                one.close()
            return [f"{one.life.name} : {one.failed}" for one in played if one.failed]
        finally:
            self._client.close()
            self._clock.unlink(missing_ok=True)

    def _month(self, number: int, day: int) -> None:
        self._days.go_to(YEAR + day)
        self._settle(YEAR + day)
        self._pay(number, day)
        month = f"{self._days.day(YEAR + day):%Y-%m}"
        files = self._month_of(month, number, YEAR + day)
        if number in AS_FLOW:
            wrong = self._paper(f"{month}-90", YEAR + day, "TEST-FERME")
            self.flow(f"factures-{month}", packed({**files, f"{wrong.number}.xml": ubl(facts_of(wrong))}))
        else:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(self._deposit, files.items()))
        self._expected += len(files)
        self._settle(YEAR + day)

    def _pay(self, number: int, day: int) -> None:
        """The body pays what lies there, but for a month that it lets lie; those of the last month nobody has paid."""
        if number == 0 or number - 1 in LATE:
            return
        asked = {
            "action": "put_in_payment",
            "fields": {"paid_on": self._days.day(YEAR + day - 4).isoformat()},
            "filter": True,
        }
        headers = {**self._comptable(), "Idempotency-Key": f"demo-pay-{number}"}
        params = {"supplier": GARONNE.siret, "status": "MISE_A_DISPOSITION"}
        good(self._client.post("/api/v1/invoices/actions", params=params, json=asked, headers=headers))

    def _comptable(self) -> dict[str, str]:
        return bearer(self._stack, self._cast.person("comptable", 0, "", TOWN))

    def flow(self, name: str, packed: bytes) -> None:
        """Send a flow of Garonne Services and wait until it is through."""
        headers = self._garonne()
        sent = good(self._client.post("/api/v1/flows", params={"name": f"{name}.zip"}, content=packed, headers=headers))
        until = time.monotonic() + _PATIENCE
        while good(self._client.get(f"/api/v1/flows/{sent['id']}", headers=headers))["progress"] < 1:
            if time.monotonic() > until:
                raise StackError(f"Le flux {name} n'est pas traité après {_PATIENCE:.0f} s.")
            time.sleep(0.1)

    def _month_of(self, month: str, number: int, day: int) -> dict[str, bytes]:
        made = {}
        for index in range(5 + number * 3 % 5):
            paper = self._paper(f"{month}-{index + 1:02d}", day, _SERVICES[(index + number) % len(_SERVICES)])
            made[f"{paper.number}.xml"] = ubl(facts_of(paper))
        return made

    def _deposit(self, file: tuple[str, bytes]) -> None:
        name, content = file
        good(
            self._client.post(
                "/api/v1/deposits",
                files={"file": (name, content, "application/xml")},
                headers={**self._garonne(), "Idempotency-Key": f"demo-{name}"},
            )
        )

    def _garonne(self) -> dict[str, str]:
        return bearer(self._stack, self._cast.person("supplier", 0, GARONNE.siret, TOWN))

    def _paper(self, number: str, day: int, service: str) -> InvoicePdf:
        price = Decimal(800 + sum(number.encode()) * 7 % 3100)
        lines = (Line("Entretien des locaux", Decimal(1), price),)
        made = self._cast.paper(number, GARONNE.siret)
        return replace(made, lines=lines, issue_date=self._days.day(day), service_code=service)

    def _last_flow(self) -> None:
        """Yesterday's flow, of which some was refused and some has to be completed."""
        day = YEAR - 1
        good_ones = [self._paper(f"J-{n}", day, "DRH") for n in range(1, 5)]
        files = {f"{paper.number}.xml": ubl(facts_of(paper)) for paper in good_ones}
        for index, wrong in enumerate(("NEXISTEPAS", "TEST-FERME", "DHR")):
            paper = self._paper(f"J-9{index}", day, wrong)
            files[f"{paper.number}.pdf"] = paper.render()
        lacking = replace(self._paper("J-80", day, "DRH"), wrong_sum=Decimal("10.00"))
        files[f"{lacking.number}.pdf"] = lacking.render()
        files["protegee.pdf"] = encrypted(11)
        self.flow("factures-de-la-veille", packed(files))

    def _settle(self, _: int) -> None:
        asyncio.run(self._settled())

    async def _settled(self) -> None:
        """Until every timer that is due has fired, and every body has been told of what it has."""
        connection: Any = await asyncpg.connect(
            self._stack.dsns["status"].worker, server_settings={"search_path": "status", "timezone": "UTC"}
        )
        try:
            until = time.monotonic() + _PATIENCE
            while not await self._quiet(connection):
                if time.monotonic() > until:
                    raise StackError("Une année de démonstration n'a pas pu être jouée : des minuteries restent dues.")
                await asyncio.sleep(0.05)
        finally:
            await connection.close()

    async def _quiet(self, connection: Any) -> bool:
        due = await connection.fetchval(_DUE, self._days.now())
        return not due and not await connection.fetchval(_LACKING, self._expected)


def packed(files: dict[str, bytes]) -> bytes:
    """A ZIP whose bytes depend on its files alone."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return made.getvalue()
