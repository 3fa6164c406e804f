"""Import and export: CSV, JSON and JSON Lines, all or nothing, within one's own walls, and back again."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from deploy.database import ServiceDsns
from invoice.directory import Engagement, Structure
from invoice.directory_file import DirectoryFile
from invoice.structure_identifiers import identifier
from services.routing.imports import InvalidImport, import_directory, import_lines
from services.routing.sources import Line, read
from tests.integration.routing_world import OPERATOR, World, bearer, routing_world
from tests.unit.routing.samples import FILE, SCHOOL, SUPPLIER, TENANT, TOWN

PATH = "/api/v1/directory/import"
CSV = {"content-type": "text/csv; charset=utf-8"}
ELSEWHERE = "99900002900010"
NOT_HERE_YET = "99900003700013"


@pytest.fixture
async def world(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with routing_world(dsns) as opened:
        await import_directory(opened.pool, FILE, by="benoît")
        yield opened


async def _versions(world: World) -> int:
    return int(await world.pool.fetchval("select count(*) from directory_history"))


async def test_a_dry_run_shows_each_field_and_the_same_file_then_does_it_once(world: World) -> None:
    rows = (f"service;{TOWN};DRH;Ressources humaines et paie;", f"service;{SCHOOL};C;Cantine;oui")
    file = "\r\n".join(("entree;siret;code;nom;actif", *rows))
    before = await _versions(world)
    tried = await world.client.post(PATH, params={"dry_run": "true"}, content=file, headers=OPERATOR | CSV)
    assert tried.status_code == 200
    shown = tried.json()
    assert (shown["added"], shown["changed"], shown["unchanged"], shown["dry_run"]) == (1, 1, 0, True)
    assert shown["changes"][0] == {
        "line": 2,
        "key": f"service:{TOWN}/DRH",
        "change": "changed",
        "fields": [{"field": "label", "before": "Ressources humaines", "after": "Ressources humaines et paie"}],
    }
    assert await _versions(world) == before
    done = await world.client.post(PATH, content=file, headers=OPERATOR | CSV)
    assert {**done.json(), "dry_run": True, "version": 0} == {**shown, "version": 0}
    again = await world.client.post(PATH, content=file, headers=OPERATOR | CSV)
    assert (again.json()["unchanged"], again.json()["changes"]) == (2, [])
    assert await _versions(world) == before + 2


async def test_every_wrong_line_is_named_and_nothing_is_changed(world: World) -> None:
    lines = [
        "entree;siret;tenant;code;nom;type;actif;reste",
        f"service;{TOWN};;NEUF;Un service;;;",  # good, but in bad company
        f"service;{TOWN};;X;Un service;;peut-être;",
        f"structure;{ELSEWHERE[:-1]}1;cd99;;Faux SIRET;budget;;",
        f"structure;{ELSEWHERE};cd00;;Sans tenant;budget;;",
        "service;99900003900019;;X;Sans structure;;;",
        f"service;{TOWN};;neuf;Le même;;;",
    ]
    before = await _versions(world)
    answer = await world.client.post(PATH, content="\r\n".join(lines), headers=OPERATOR | CSV)
    assert (answer.status_code, answer.json()["code"]) == (422, "DIRECTORY_INVALID")
    assert {(e["line"], e["rule"]) for e in answer.json()["errors"]} == {(3, "CELL_INVALID"), (4, "ENTRY")}
    others = [lines[0], lines[1], *lines[4:]]
    answer = await world.client.post(PATH, content="\r\n".join(others), headers=OPERATOR | CSV)
    assert {(e["line"], e["rule"], e["value"]) for e in answer.json()["errors"]} == {
        (3, "TENANT_UNKNOWN", "cd00"),
        (4, "STRUCTURE_UNKNOWN", "99900003900019"),
        (5, "TWICE", f"service:{TOWN}/NEUF"),
    }
    assert all(e["message"] and e["action"] for e in answer.json()["errors"])
    assert await _versions(world) == before
    assert await world.pool.fetchval("select count(*) from import_line") == 0


@pytest.mark.parametrize(
    "content",
    [
        b'{"tenants":[{"id":"cd98","name":"a\\u0000b"}]}',
        b'{"tenants":[{"id":"cd98","name":"\\ud800"}]}',
        b'{"services":[{"siret":"' + TOWN.encode() + b'","code":"a\\u0000","label":"x"}]}',
        b'{"services":[{"siret":"' + TOWN.encode() + b'","code":"' + b"x" * 300 + b'","label":"x"}]}',
        b"[]",
        b"\xff\xfe",
        b"",
        b'{"tenants":[]}',
    ],
)
async def test_what_no_database_can_hold_is_refused_in_words(world: World, content: bytes) -> None:
    answer = await world.client.post(PATH, content=content, headers=OPERATOR)
    assert (answer.status_code, answer.json()["code"]) == (422, "DIRECTORY_INVALID")


async def test_an_administrator_imports_his_own_tenant_only(world: World) -> None:
    other = Structure(siret=ELSEWHERE, name="Ailleurs", tenant="cd98", kind="budget")
    there = msgspec.structs.replace(TENANT, id="cd98")
    await import_directory(world.pool, DirectoryFile(tenants=(there,), structures=(other,)), by="benoît")
    mine, before = bearer("TENANT_ADMIN", tenants=("cd99",)), await _versions(world)
    attacks = (
        {"structures": [{"siret": ELSEWHERE, "name": "Pris", "tenant": "cd98", "kind": "budget"}]},
        {"structures": [{"siret": ELSEWHERE, "name": "Pris", "tenant": "cd99", "kind": "budget"}]},
        {"structures": [{"siret": TOWN, "name": "Donné", "tenant": "cd98", "kind": "budget"}]},
        {"services": [{"siret": ELSEWHERE, "code": "X", "label": "Glissé"}]},
        {"engagements": [{"siret": ELSEWHERE, "number": "X1"}]},
        {"tenants": [{"id": "cd99", "name": "Rouvert"}]},
        {
            "structures": [{"siret": ELSEWHERE, "name": "Pris", "tenant": "cd99", "kind": "budget"}],
            "services": [{"siret": ELSEWHERE, "code": "X", "label": "Glissé"}],
        },
    )
    for attack in attacks:
        answer = await world.client.post(PATH, json=attack, headers=mine)
        assert answer.status_code == 422, attack
        assert {e["rule"] for e in answer.json()["errors"]} <= {"TENANT_FOREIGN", "TENANT_RESERVED"}
    assert await _versions(world) == before
    squatted = {"structures": [{"siret": NOT_HERE_YET, "name": "Pris", "tenant": "cd99", "kind": "budget"}]}
    answer = await world.client.post(PATH, json=squatted, headers=mine)
    assert [e["rule"] for e in answer.json()["errors"]] == ["BODY_RESERVED"]
    budget = {"structures": [{"siret": "22060001901170", "name": "Annexe", "tenant": "cd99", "kind": "budget_annexe"}]}
    assert (await world.client.post(PATH, json=budget, headers=mine)).json()["added"] == 1
    good = {"services": [{"siret": TOWN, "code": "NEUF", "label": "Le mien"}]}
    assert (await world.client.post(PATH, json=good, headers=mine)).json()["added"] == 1
    for nobody in (bearer("FOURNISSEUR"), bearer("TENANT_ADMIN"), bearer("GESTIONNAIRE", tenants=("cd99",))):
        assert (await world.client.post(PATH, json=good, headers=nobody)).status_code in (403, 422)


async def _sent(world: World, who: Mapping[str, str], *lines: str) -> tuple[int, set[str]]:
    """What becomes of a file, and the rules that it breaks."""
    answer = await world.client.post(PATH, content="\r\n".join(lines), headers={**who, **CSV})
    return answer.status_code, {each["rule"] for each in answer.json().get("errors", ())}


async def test_a_manager_keeps_his_own_body(world: World) -> None:
    mine = bearer("GESTIONNAIRE", tenants=("cd99",), structures=(TOWN,))

    async def send(*lines: str) -> tuple[int, set[str]]:
        return await _sent(world, mine, *lines)

    asks = "entree;siret;engagement_obligatoire;marche;contact_nom"
    assert await send(asks, f"structure;{TOWN};oui;attendu;Bureau des factures") == (200, set())
    assert await send("entree;siret;code;nom", f"service;{TOWN};NEUF;Un service neuf") == (200, set())
    assert await send("entree;siret;code;actif;fin", f"service;{TOWN};DRH;non;2026-12-31") == (200, set())
    found = (await world.client.get(f"/api/v1/directory/structures/{TOWN}")).json()
    assert (found["demands"]["engagement_required"], found["demands"]["market"]) == (True, "warn")
    assert found["contact"]["name"] == "Bureau des factures"
    assert {"NEUF", "DRH"} <= {each["code"] for each in found["services"]}
    assert (await world.client.get(f"/api/v1/directory/structures/{TOWN}/history", headers=mine)).json() != []


async def test_a_manager_touches_no_other_body_and_nothing_else_of_his_own(world: World) -> None:
    other = Structure(siret=ELSEWHERE, name="Ailleurs", tenant="cd98", kind="budget")
    there = msgspec.structs.replace(TENANT, id="cd98")
    await import_directory(world.pool, DirectoryFile(tenants=(there,), structures=(other,)), by="benoît")
    mine, before = bearer("GESTIONNAIRE", tenants=("cd99",), structures=(TOWN,)), await _versions(world)

    async def send(*lines: str) -> tuple[int, set[str]]:
        return await _sent(world, mine, *lines)

    name, service = "entree;siret;tenant;nom", "entree;siret;code;nom"
    for head, line, rule in (
        (name, f"structure;{SCHOOL};cd99;Pris", "TENANT_FOREIGN"),  # another body of his tenant
        (service, f"service;{SCHOOL};X;Glissé", "TENANT_FOREIGN"),
        (name, f"structure;{ELSEWHERE};cd98;Pris", "TENANT_FOREIGN"),  # another tenant's
        (name, f"structure;{ELSEWHERE};cd99;Pris", "TENANT_FOREIGN"),
        (service, f"service;{ELSEWHERE};X;Glissé", "TENANT_FOREIGN"),
        (f"{name};type", f"structure;{NOT_HERE_YET};cd99;Neuf;budget", "TENANT_FOREIGN"),
        (name, f"structure;{TOWN};cd98;Donné", "MANAGER_RESERVED"),
        (name, f"structure;{TOWN};cd99;Autre nom", "MANAGER_RESERVED"),
        ("entree;siret;code", f"engagement;{TOWN};X1", "MANAGER_RESERVED"),
        ("entree;tenant;nom", "tenant;cd99;Rouvert", "TENANT_RESERVED"),
    ):
        refused, rules = await send(head, line)
        assert (refused, rules) == (422, {rule}), line
    taken = (f"structure;{ELSEWHERE};cd99;;Pris;", f"service;{ELSEWHERE};;X;Glissé;")
    assert (await send("entree;siret;tenant;code;nom", *taken))[0] == 422
    assert await _versions(world) == before
    for siret in (SCHOOL, ELSEWHERE):
        assert (await world.client.get(f"/api/v1/directory/structures/{siret}/history", headers=mine)).json() == []
    decision = f"/api/v1/directory/decisions/{uuid4()}"
    assert (await world.client.get(decision, headers=mine)).status_code == 403
    supplier = bearer("GESTIONNAIRE", structures=(TOWN,))  # the manager of a supplier that has the SIRET
    slipped = f"entree;siret;code;nom\r\nservice;{TOWN};X;Glissé"
    answer = await world.client.post(PATH, content=slipped, headers=supplier | CSV)
    assert answer.status_code == 422


async def test_the_open_data_export_has_everything_public_and_loads_again_without_a_change(world: World) -> None:
    secret = Engagement(siret=TOWN, number="SECRET-1", supplier=identifier("SIRET", SUPPLIER))
    formula = Structure(siret=ELSEWHERE, name='=cmd|"/c calc"!A1', tenant="cd99", kind="budget", town="-1+1")
    await import_directory(world.pool, DirectoryFile(structures=(formula,), engagements=(secret,)), by="benoît")
    assert (await world.client.get("/api/v1/directory/export")).status_code == 503
    await world.exports.once()
    about = (await world.client.get("/api/v1/directory/export")).json()
    assert about["licence"].startswith("Licence Ouverte")
    assert about["counts"] == {"tenant": 1, "structure": 3, "service": 3}
    before = await _versions(world)
    for file in about["files"]:
        answer = await world.client.get(file["path"])
        assert (answer.status_code, len(answer.content)) == (200, file["size"])
        assert 'rel="license"' in answer.headers["link"]
        assert "SECRET" not in answer.text
        assert SUPPLIER not in answer.text
        assert "benoît" not in answer.text
        kind = answer.headers["content-type"]
        again = await world.client.post(PATH, content=answer.content, headers=OPERATOR | {"content-type": kind})
        assert (again.status_code, again.json()["unchanged"], again.json()["added"]) == (200, 7, 0)
        unchanged = await world.client.get(file["path"], headers={"if-none-match": answer.headers["etag"]})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
    table = (await world.client.get("/api/v1/directory/export/annuaire.csv")).text
    found = [cell for row in csv.reader(io.StringIO(table), delimiter=";") for cell in row if cell]
    assert not [cell for cell in found if cell[0] in "=+-@\t\r|%"]
    document = (await world.client.get("/api/v1/directory/export/annuaire.json")).json()
    assert document["about"]["licence_url"].startswith("https://")
    assert await _versions(world) == before


async def test_an_export_is_written_anew_only_when_the_directory_has_changed(world: World) -> None:
    first = await world.exports.once()
    assert await world.exports.once() is first
    renamed = DirectoryFile(tenants=(msgspec.structs.replace(TENANT, name="Autre nom"),))
    await import_directory(world.pool, renamed, by="benoît")
    second = await world.exports.once()
    assert second.version > first.version
    assert first.csv.path.exists()  # somebody may still be reading it


async def test_json_lines_and_csv_say_the_same(world: World) -> None:
    entries: list[dict[str, Any]] = [
        {"entree": "service", "siret": TOWN, "code": "DRH", "label": "Ressources humaines"},
        {"entree": "service", "siret": TOWN, "code": "JL", "label": "Jésus & Cie"},
    ]
    content = b"\n".join(msgspec.json.encode(entry) for entry in entries)
    answer = await world.client.post(PATH, content=content, headers=OPERATOR | {"content-type": "application/x-ndjson"})
    assert (answer.json()["added"], answer.json()["unchanged"]) == (1, 1)
    table = f"entree;siret;code;nom\r\nservice;{TOWN};JL;Jésus & Cie\r\n"
    assert (await world.client.post(PATH, content=table, headers=OPERATOR | CSV)).json()["unchanged"] == 1


async def test_hundreds_of_errors_are_counted_and_the_first_are_shown(world: World) -> None:
    lines = (Line(number=n, kind="service", raw=b'{"siret":"1","code":"","label":""}') for n in range(1, 2001))
    with pytest.raises(InvalidImport) as refused:
        await import_lines(world.pool, lines, by="agnès")
    assert refused.value.total >= 2000
    assert len(refused.value.errors) == 200


async def test_a_file_that_is_too_large_or_of_another_form_is_refused(world: World) -> None:
    answer = await world.client.post(PATH, content=b"x" * (2**20 + 1), headers=OPERATOR | CSV)
    assert (answer.status_code, answer.json()["code"]) == (413, "FILE_TOO_LARGE")


async def test_lines_pass_in_chunks_and_all_of_them_are_written_once(world: World) -> None:
    rows = "".join(f"service;{TOWN};S{n};Service numéro {n}\r\n" for n in range(1200))
    lines = list(read(io.BytesIO(f"entree;siret;code;nom\r\n{rows}".encode()), "csv"))
    report = await import_lines(world.pool, iter(lines), by="agnès")
    assert (report.added, len(report.changes)) == (1200, 200)
    told = await world.pool.fetch("select key from outbox where key like 'service:%' order by id")
    assert len(told) == len({row["key"] for row in told}) == 1200 + len(FILE.services)
    assert (await import_lines(world.pool, iter(lines), by="agnès")).unchanged == 1200
