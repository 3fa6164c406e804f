"""Managers named in a directory file reach notify, and nothing else: not the directory, its topic or its export."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.events import StructurePublished
from deploy.database import ServiceDsns
from services.common.auth import Principal, mint
from services.common.deliver import Deliver
from services.common.web import Server, create_app
from services.notify import api as notify_api
from services.notify.desk import Desk
from services.notify.gathering import Limits
from services.notify.handlers import Handlers
from services.routing import load
from services.routing.imports import import_directory
from services.routing.load import LoadSettings
from tests.integration import notify_service
from tests.integration.routing_world import OPERATOR, SECRET, World, bearer, routing_world
from tests.processes import free_port
from tests.records import event, eventually, record
from tests.unit.routing.samples import FILE, OTHER, SCHOOL, STRUCTURE, TOWN

PATH = "/api/v1/directory/import"
CSV = {"content-type": "text/csv"}
SECRET_ADDRESS = "claude.garnier@cd99.example"
HEADER = "entree;siret;code;nom;courriel"
LINES = (
    f"service;{TOWN};PAIE;Paie;",
    f"gestionnaire;{TOWN};;Claude Garnier;{SECRET_ADDRESS}",
    f"gestionnaire;{TOWN};DRH;Alix Morel;alix@cd99.example",
)
ADMIN = bearer("TENANT_ADMIN", tenants=("cd99",))


def file(*lines: str) -> str:
    return "\r\n".join((HEADER, *lines))


@dataclass
class Both:
    """routing's API and notify's, on one database and each behind its own address."""

    routing: World
    notify: notify_service.Tables
    url: str

    async def addresses(self) -> list[str]:
        return [row["email"] for row in await self.notify.pool.fetch("select email from manager order by email")]

    async def versions(self) -> int:
        return int(await self.routing.pool.fetchval("select count(*) from directory_history"))


@asynccontextmanager
async def served(tables: notify_service.Tables) -> AsyncIterator[str]:
    """notify's API on a port."""

    async def fine() -> str | None:
        return None

    app = create_app("notify", token_secret=SECRET, live=fine, ready=[fine])
    notify_api.add_routes(app, tables.api_pool)
    port = free_port()
    server = Server(app, "127.0.0.1", port, 2)
    task = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await eventually(started)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def both(dsns: Mapping[str, ServiceDsns], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Both]:
    async with (
        notify_service.tables(dsns) as tables,
        served(tables) as url,
        routing_world(dsns, messages_url=url) as world,
    ):
        await import_directory(world.pool, FILE, by="benoît")
        operator = mint(SECRET, Principal(subject="op", roles=("OPERATEUR",)))
        for name, value in (("DSN", dsns["routing"].worker), ("PUBLIC_URL", url), ("TOKEN", operator)):
            monkeypatch.setenv(f"CHORALE_{name}", value)
        yield Both(world, tables, url)


async def _known_to_notify(both: Both) -> None:
    now = datetime.now(UTC)
    told = [
        event(StructurePublished(version=n, structure=one, changed_by="a", changed_at=now), f"structure:{one.siret}")
        for n, one in enumerate((STRUCTURE, OTHER), start=1)
    ]
    desk = Desk("chorale.example", Limits())
    await Deliver(both.notify.pool, "notify", Handlers(desk)).batch([record(found) for found in told])


async def test_a_dry_run_says_what_would_change_on_both_sides_and_changes_neither(both: Both) -> None:
    before = await both.versions()
    client = both.routing.client
    tried = await client.post(PATH, params={"dry_run": "true"}, content=file(*LINES), headers=OPERATOR | CSV)
    assert tried.status_code == 200, tried.text
    assert tried.json()["managers"] == {"structures": 1, "managers": 2, "added": 2, "removed": 0}
    assert (await both.addresses(), await both.versions()) == ([], before)
    done = await client.post(PATH, content=file(*LINES), headers=OPERATOR | CSV)
    assert done.json()["managers"] == tried.json()["managers"]
    assert await both.addresses() == ["alix@cd99.example", SECRET_ADDRESS]
    again = await client.post(PATH, content=file(*LINES), headers=OPERATOR | CSV)
    assert again.json()["managers"] == {"structures": 1, "managers": 2, "added": 0, "removed": 0}
    left = await client.post(PATH, content=file(LINES[1]), headers=OPERATOR | CSV)
    assert left.json()["managers"] == {"structures": 1, "managers": 1, "added": 0, "removed": 1}


async def test_an_address_is_nowhere_in_the_directory(both: Both) -> None:
    await both.routing.client.post(PATH, content=file(*LINES), headers=OPERATOR | CSV)
    told = await both.routing.pool.fetch("select convert_from(value, 'UTF8') as text from outbox")
    kept = await both.routing.pool.fetch("select entry::text as text from directory_history")
    assert told
    assert SECRET_ADDRESS not in " ".join(row["text"] for row in (*told, *kept))
    await both.routing.exports.once()
    for name in ("annuaire.csv", "annuaire.json"):
        answer = await both.routing.client.get(f"/api/v1/directory/export/{name}")
        assert answer.status_code == 200
        assert TOWN in answer.text
        assert "cd99.example" not in answer.text


@pytest.mark.parametrize(
    ("lines", "line", "field", "rule"),
    [
        ((*LINES, f"gestionnaire;{TOWN};;Nom;pas-une-adresse"), 5, "email", "EMAIL_FORM"),
        ((*LINES, "gestionnaire;123;;Nom;a@b.example"), 5, "siret", "SIRET_LENGTH"),
        ((*LINES, f"service;{TOWN};;Sans code;"), 5, "service", "ENTRY_INVALID"),
    ],
)
async def test_one_wrong_line_of_either_kind_leaves_both_as_they_were(
    both: Both, lines: tuple[str, ...], line: int, field: str, rule: str
) -> None:
    before = await both.versions()
    answer = await both.routing.client.post(PATH, content=file(*lines), headers=OPERATOR | CSV)
    assert answer.status_code == 422
    assert [(e["line"], e["field"], e["rule"]) for e in answer.json()["errors"]] == [(line, field, rule)]
    assert (await both.addresses(), await both.versions()) == ([], before)


async def test_an_administrator_names_managers_of_his_own_structures_only(both: Both) -> None:
    foreign = "99900002900010"
    client = both.routing.client
    early = await client.post(PATH, content=file(LINES[1]), headers=ADMIN | CSV)
    assert early.status_code == 422  # notify has not heard of the structure yet
    await _known_to_notify(both)
    assert (await client.post(PATH, content=file(LINES[1]), headers=ADMIN | CSV)).status_code == 200
    other = bearer("TENANT_ADMIN", tenants=("cd98",))
    theirs = await client.post(PATH, content=file(LINES[1]), headers=other | CSV)
    nobodys = await client.post(PATH, content=file(LINES[1].replace(TOWN, foreign)), headers=other | CSV)
    assert theirs.status_code == nobodys.status_code == 422
    shown = [{**error, "value": ""} for answer in (theirs, nobodys) for error in answer.json()["errors"]]
    assert shown[0] == shown[1]
    assert shown[0]["rule"] == "STRUCTURE_FOREIGN"
    assert await both.addresses() == [SECRET_ADDRESS]


async def test_while_notify_is_away_nothing_is_changed_and_the_answer_says_so(
    both: Both, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with routing_world(dsns, messages_url="http://127.0.0.1:9") as alone:
        before = await both.versions()
        answer = await alone.client.post(PATH, content=file(*LINES), headers=OPERATOR | CSV)
        assert (answer.status_code, answer.json()["code"]) == (503, "MANAGERS_AWAY")
        assert await both.versions() == before


async def test_the_command_loads_csv_and_json_with_managers(
    both: Both, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text(file(*LINES), encoding="utf-8")
    (tmp_path / "b.json").write_text(
        f'{{"managers": [{{"siret": "{SCHOOL}", "service_code": null, "name": "Noa", "email": "noa@cd99.example"}}]}}'
    )
    own = ["--by", "benoît", str(tmp_path)]
    assert await asyncio.to_thread(load.main, [*own, "--dry-run"]) == 0
    assert "Essai, rien n'est écrit : 3 gestionnaires de 2 structures : 3 ajoutés" in capsys.readouterr().out
    assert await both.addresses() == []
    assert await asyncio.to_thread(load.main, own) == 0
    assert await both.addresses() == ["alix@cd99.example", SECRET_ADDRESS, "noa@cd99.example"]
    assert LoadSettings().public_url == both.url
