"""Searches, exports and figures, each compared with the same question put to plain Python."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from io import BytesIO
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from contracts.events import Attachment, AttachmentStored
from deploy.local import Stack
from invoice.lifecycle import STATUSES
from services.common.auth import Principal
from services.common.blobs import Blobs
from services.common.db import scoped
from services.common.settings import BlobSettings
from services.status import figures, queries, risks, selectivity, sides
from services.status.folding import Folding
from services.status.payment_delay import paris_day
from services.status.search import OPEN, After, Search, waiting_for
from tests.integration.status_service import OPERATOR, Instance, Tables, instances, settings_of, tables
from tests.servers import fresh_database
from tests.unit.status.samples import BODY, event, header, routed, submitted

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOW = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
SUPPLIERS = ("73282932000074", "44306184100047", "55208131766522")
OTHER_BODY = "22310001700423"
SERVICES = ("VOIRIE", "ACHATS", "=FORMULE")
NAMES = {BODY: "Département des Alpes-Maritimes", OTHER_BODY: "Département de la Haute-Garonne"}
TENANTS = {BODY: "cd06", OTHER_BODY: "cd31"}
COUNT = 150
SET = ("DEPOSEE", "MISE_A_DISPOSITION", "SUSPENDUE", "A_RECYCLER", "MANDATEE", "MISE_EN_PAIEMENT", "REJETEE")
CLERK = Principal(subject="clerk", services=(f"{BODY}/VOIRIE",))
MANAGER = Principal(subject="manager", structures=(BODY,), tenants=("cd06",), roles=("GESTIONNAIRE",))
ADMIN = Principal(subject="admin", tenants=("cd31",), roles=("TENANT_ADMIN",))
SUPPLIER = Principal(subject="supplier", structures=SUPPLIERS[:2])
NOBODY = Principal(subject="nobody", structures=("11111111111111",), tenants=("cd99", "*", ""), roles=("TENANT_ADMIN",))
Row = asyncpg.Record
SEES: dict[str, tuple[Principal, Callable[[Row], bool]]] = {
    "operator": (OPERATOR, lambda row: True),
    "clerk": (CLERK, lambda row: row["address"] == f"{BODY}/VOIRIE" and row["tenant"] is not None),
    "manager": (MANAGER, lambda row: row["tenant"] == "cd06"),
    "admin": (ADMIN, lambda row: row["tenant"] == "cd31"),
    "supplier": (SUPPLIER, lambda row: row["supplier"] in SUPPLIERS[:2]),
    "nobody": (NOBODY, lambda row: False),
}


@dataclass
class World:
    """Many different invoices, an instance with a store of documents."""

    tables: Tables
    http: Instance
    blobs: Blobs
    rows: list[Row]

    def visible(self, who: str) -> list[Row]:
        """What this caller sees, newest first."""
        return [row for row in self.rows if SEES[who][1](row)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with fresh_database(stack, "status") as dsns, tables(dsns) as found:
        given = settings_of(dsns["status"], stack.kafka.bootstrap).model_dump()
        s3 = stack.s3
        blobs = Blobs(
            BlobSettings(
                **given,
                s3_endpoint=s3.endpoint,
                s3_access_key=s3.access_key,
                s3_secret_key=s3.secret_key,
                s3_bucket="status-queries",
            )
        )
        await blobs.open()
        await _fill(found, blobs)
        rows = await found.pool.fetch("select * from invoice order by submitted_at desc, id desc")
        async with instances(found, dsns["status"], stack.kafka.bootstrap, blobs=blobs) as (http,):
            yield World(found, http, blobs, rows)
        await blobs.close()


async def _fill(found: Tables, blobs: Blobs) -> None:
    """Deposited and routed by events; then moved through statuses as a year would."""
    chance = Random(11)
    for number in range(COUNT):
        invoice, body = uuid4(), chance.choice((BODY, BODY, OTHER_BODY))
        service = chance.choice(SERVICES)
        deposited = NOW - timedelta(days=chance.randrange(80), minutes=chance.randrange(3))
        amount = Decimal(chance.randrange(100, 500_000)).scaleb(-2)
        data = msgspec.structs.replace(
            header(chance.choice((f"F-{number:03}", f"=2026/{number:03}", "Doublon")), chance.choice(SUPPLIERS), body),
            payable=amount,
            service_code=service,
            engagement=chance.choice((None, f"EJ{number % 7}")),
            contract=chance.choice((None, "M-2026-1")),
            issue_date=paris_day(deposited) - timedelta(days=chance.randrange(5)),
            currency=chance.choice(("EUR", "EUR", "EUR", "CHF")),
        )
        content = f"%PDF- {number}".encode()
        claim = await blobs.put(
            f"{invoice}", BytesIO(content), size=len(content), sha256=sha256(content).hexdigest(), media_type="a/b"
        )
        sent = msgspec.structs.replace(
            submitted(), invoice=data, submitted_at=deposited, document=claim, file_name="../é facture.pdf"
        )
        await found.take(event(sent, invoice))
        status = chance.choice(SET)
        if status != "DEPOSEE":
            to = msgspec.structs.replace(
                routed(tenant=TENANTS[body], service=service),
                structure_siret=body,
                structure_name=NAMES[body],
                service_label=f"Service {service.lower()}",
            )
            await found.take(event(to, invoice))
        started = paris_day(deposited) + timedelta(days=1) if status not in ("DEPOSEE", "A_RECYCLER") else None
        await found.pool.execute(
            "update invoice set status = $2, status_at = $3::timestamptz, payment_delay_started_on = $4::date,"
            " due_on = $4::date + 30,"
            " payment_delay_started_at = case when $4::date is not null then $3::timestamptz end,"
            " payment_delay_source = case when $4::date is not null then 'notice' end where id = $1",
            invoice,
            status,
            deposited + timedelta(days=chance.randrange(10)),
            started,
        )


def _like(row: Row, wanted: Search) -> bool:
    """The conditions of a search, read as they are documented."""
    cents = row["payable_cents"]
    today = paris_day(NOW)
    place = f"{NAMES[row['recipient']]} Service {row['service_code']}".lower() if row["recipient_name"] else ""
    keys = [row[name] or "" for name in ("number_key", "engagement_key", "contract_key")]
    words = place.replace("é", "e").replace("-", " ").replace("=", " =").split()
    age = (today - paris_day(row["status_at"])).days
    days = (wanted.due_within, wanted.due_from, wanted.due_to, wanted.unchanged_days, wanted.unchanged_under)
    open_only = wanted.late or any(each is not None for each in days)
    tests = (
        wanted.number in (None, row["number"]),
        wanted.supplier in (None, row["supplier"]),
        wanted.structure in (None, row["recipient"]),
        wanted.service in (None, row["service_code"], row["address"]),
        wanted.engagement is None or (row["engagement_key"] or "") == wanted.engagement.lower(),
        wanted.market is None or (row["contract_key"] or "") == wanted.market.lower(),
        wanted.amount_from is None or cents >= wanted.amount_from * 100,
        wanted.amount_to is None or cents <= wanted.amount_to * 100,
        wanted.since is None or row["submitted_at"] >= wanted.since,
        wanted.until is None or row["submitted_at"] < wanted.until,
        wanted.issued_from is None or row["issued_on"] >= wanted.issued_from,
        wanted.issued_to is None or row["issued_on"] <= wanted.issued_to,
        not wanted.status or row["status"] in wanted.status,
        wanted.turn is None or row["status"] in waiting_for(wanted.turn),
        not open_only or not STATUSES[row["status"]].terminal,
        wanted.unchanged_days is None or age >= wanted.unchanged_days,
        wanted.unchanged_under is None or age < wanted.unchanged_under,
        not wanted.late or (row["due_on"] is not None and row["due_on"] < today),
        wanted.due_within is None
        or (row["due_on"] is not None and row["due_on"] <= today + timedelta(days=wanted.due_within)),
        wanted.due_from is None or (row["due_on"] is not None and row["due_on"] >= wanted.due_from),
        wanted.due_to is None or (row["due_on"] is not None and row["due_on"] <= wanted.due_to),
        all(
            any(key.startswith(word.lower()) for key in keys)
            or any(one.startswith(word.lower()) for one in words)
            or word in (row["supplier"], row["recipient"])
            for word in wanted.words
        ),
    )
    return all(tests)


DUE = {"due_from": paris_day(NOW) + timedelta(days=6), "due_to": paris_day(NOW) + timedelta(days=10)}
CONDITIONS: tuple[dict[str, Any], ...] = (
    {},
    {"number": "F-004"},
    {"number": "Doublon"},
    {"number": "doublon"},
    {"supplier": SUPPLIERS[1]},
    {"structure": BODY},
    {"service": "VOIRIE"},
    {"service": f"{OTHER_BODY}/ACHATS"},
    {"engagement": "ej3"},
    {"market": "M-2026-1"},
    {"amount_from": Decimal("100.10"), "amount_to": Decimal("2000")},
    {"amount_from": Decimal("4000")},
    {"since": NOW - timedelta(days=30), "until": NOW - timedelta(days=10)},
    {"issued_from": date(2026, 5, 1), "issued_to": date(2026, 5, 31)},
    {"status": ("SUSPENDUE", "REJETEE")},
    {"status": ("BROUILLON",)},
    {"turn": "F"},
    {"turn": "D"},
    {"turn": "V1"},
    {"unchanged_days": 20},
    {"unchanged_under": 3},
    {"unchanged_days": 8, "unchanged_under": 16},
    {"late": True},
    {"due_within": 5},
    DUE,
    {"due_to": DUE["due_from"] - timedelta(days=1)},
    {"words": ("voirie",)},
    {"words": ("f-0",)},
    {"words": ("EJ1", "achats")},
    {"words": ("Garonne", "m-2026")},
    {"words": (SUPPLIERS[0],)},
    {"words": ("introuvable",)},
    {"words": ("%",)},
    {"status": ("SUSPENDUE",), "late": True, "service": "VOIRIE", "supplier": SUPPLIERS[0]},
    {"turn": "D", "structure": BODY, "market": "M-2026-1", "amount_from": Decimal(1)},
)


@pytest.mark.parametrize("who", list(SEES))
async def test_every_condition_finds_what_it_says_and_nothing_else(world: World, who: str) -> None:
    for conditions in CONDITIONS:
        wanted = Search(**conditions)
        expected = [row["id"] for row in world.visible(who) if _like(row, wanted)]
        async with scoped(world.tables.api_pool, SEES[who][0].scope()) as connection:
            found = await queries.search(connection, SEES[who][0], wanted, COUNT + 1, NOW)
        assert [row["id"] for row in found] == expected, conditions


@pytest.mark.parametrize("many", [0, 10**9])
async def test_lists_by_the_day_to_pay_are_the_same_whichever_way_they_are_found(
    world: World, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectivity, "_MANY_OPEN", many)
    for who in ("operator", "manager", "admin", "supplier", "clerk"):
        of_supplier = {"due_within": 9, "supplier": SUPPLIERS[0]}
        for conditions in ({}, {"late": True}, of_supplier, {"status": ("MANDATEE",)}, DUE):
            wanted = Search(**conditions, sort="due")
            mine = [
                row
                for row in world.visible(who)
                if _like(row, wanted) and row["due_on"] is not None and row["status"] in OPEN
            ]
            expected = [row["id"] for row in sorted(mine, key=lambda row: (row["due_on"], row["id"]))]
            async with scoped(world.tables.api_pool, SEES[who][0].scope()) as connection:
                found = await queries.search(connection, SEES[who][0], wanted, COUNT + 1, NOW)
            assert [row["id"] for row in found] == expected, (who, conditions)


@pytest.mark.parametrize("sort", ["recent", "due"])
async def test_pages_hold_every_invoice_once_in_order(world: World, sort: str) -> None:
    for who in ("operator", "manager", "supplier"):
        principal, got, cursor = SEES[who][0], list[str](), dict[str, str]()
        while True:
            answer = (await world.http.get(principal, "", limit=7, sort=sort, **cursor)).json()
            got += [item["id"] for item in answer["invoices"]]
            if answer["next"] is None:
                break
            assert len(answer["invoices"]) == 7
            cursor = {"cursor": answer["next"]}
        async with scoped(world.tables.api_pool, principal.scope()) as connection:
            whole = await queries.search(connection, principal, Search(sort=sort), COUNT + 1, NOW)  # type: ignore[arg-type]
        assert got == [str(row["id"]) for row in whole]
        assert len(set(got)) == len(got) > 14


async def test_a_cursor_of_another_order_is_refused(world: World) -> None:
    given = (await world.http.get(OPERATOR, "", limit=1)).json()["next"]
    answer = await world.http.get(OPERATOR, "", cursor=given, sort="due")
    assert (answer.status_code, answer.json()["code"]) == (400, "CURSOR_INVALID")


async def test_wrong_conditions_are_answered_with_a_stable_code(world: World) -> None:
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"turn": "X"}, "ACTOR_UNKNOWN"),
        ({"q": "a"}, "WORDS_UNFIT"),
        ({"q": "aa bb cc dd ee ff gg"}, "WORDS_UNFIT"),
        ({"amount_from": "NaN"}, "REQUEST_INVALID"),
        ({"unchanged_days": -1}, "REQUEST_INVALID"),
        ({"issued_from": "hier"}, "REQUEST_INVALID"),
        ({"sort": "amount"}, "REQUEST_INVALID"),
    )
    for path in ("", "/export.csv", "/archive.zip"):
        for query, code in wrong:
            answer = await world.http.get(OPERATOR, path, **query)
            assert (answer.status_code, answer.json()["code"]) == (422, code), (path, query)


@pytest.mark.parametrize("who", ["operator", "supplier", "clerk", "nobody"])
async def test_the_csv_holds_the_same_invoices_as_the_list(
    world: World, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.status.table_csv.PAGE", 20)
    answer = await world.http.get(SEES[who][0], "/export.csv")
    assert answer.text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(answer.text[1:]), delimiter=";"))
    assert [row["id"] for row in rows] == [str(row["id"]) for row in world.visible(who)]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "@"))]
    if who == "operator":
        assert any(row["numero"].startswith("'=2026/") for row in rows)


async def test_an_archive_holds_documents_attachments_and_what_became_of_each(world: World) -> None:
    one, two = world.visible("supplier")[:2]
    extra = b"bon de livraison"
    claim = await world.blobs.put(
        "extra", BytesIO(extra), size=len(extra), sha256=sha256(extra).hexdigest(), media_type="a/b"
    )
    lost = msgspec.structs.replace(claim, key="lost")
    for name, document in (("bon.txt", claim), ("perdu.txt", lost)):
        added = Attachment(id=str(uuid4()), document=document, name=name, type="AUTRE")
        await world.tables.take(event(AttachmentStored(attachment=added, stored_by="x", stored_at=NOW), one["id"]))
    answer = await world.http.get(SUPPLIER, "/archive.zip", id=[str(one["id"]), str(two["id"])])
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        listed = archive.read("documents.csv").decode()
        assert [name for name in names if name.startswith(("/", ".")) or ".." in name] == []
        assert sum(name.endswith("e_facture.pdf") for name in names) == 2
        assert extra in [archive.read(name) for name in names]
        assert len(archive.read("factures.csv").decode().splitlines()) == 3
    assert listed.count("joint") == 3
    assert listed.count("indisponible") == 1


async def test_an_archive_gives_nothing_of_others(world: World) -> None:
    mine = world.visible("clerk")[0]["id"]
    foreign = next(row["id"] for row in world.rows if row["recipient"] == OTHER_BODY)
    for ids in ([foreign], [mine, foreign], [uuid4()]):
        answer = await world.http.get(CLERK, "/archive.zip", id=[str(one) for one in ids])
        assert (answer.status_code, answer.json()["code"]) == (404, "ARCHIVE_EMPTY")
        assert str(mine) not in answer.text
    assert (await world.http.get(NOBODY, "/archive.zip")).status_code == 404


async def test_too_large_a_selection_is_refused_before_anything_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.status.archive.MOST_INVOICES", 3)
    answer = await world.http.get(OPERATOR, "/archive.zip")
    assert (answer.status_code, answer.json()["code"]) == (422, "ARCHIVE_TOO_LARGE")


def _sum(rows: list[Row]) -> tuple[int, Decimal]:
    euros = [row["payable_cents"] for row in rows if '"CHF"' not in row["header"]]
    return len(rows), Decimal(sum(euros)).scaleb(-2)


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("who", list(SEES))
async def test_figures_are_what_counting_gives(world: World, who: str, folded: bool) -> None:
    if folded:
        assert await Folding(world.tables.pool, 60).fold() >= 0
        assert not await world.tables.pool.fetchval("select count(*) from tally where fresh")
    principal, mine = SEES[who][0], world.visible(who)
    side = sides.side_of(principal)
    async with scoped(world.tables.api_pool, principal.scope()) as connection:
        found = await figures.figures(connection, side, NOW)
        waiting = await figures.synthesis(connection, side, NOW, 8)
    today = paris_day(NOW)
    in_status = {code: [row for row in mine if row["status"] == code] for code in SET}
    assert {s.code: (s.count, s.amount) for s in found.by_status} == {c: _sum(r) for c, r in in_status.items() if r}
    still = [row for row in mine if row["status"] in OPEN]

    def between(low: int | None, high: int | None, days: Callable[[Row], int | None]) -> tuple[int, Decimal]:
        in_range = [
            row
            for row in still
            if (d := days(row)) is not None and (low is None or d >= low) and (high is None or d <= high)
        ]
        return _sum(in_range)

    def age(row: Row) -> int:
        return (today - paris_day(row["status_at"])).days

    def left(row: Row) -> int | None:
        return None if row["due_on"] is None else int((row["due_on"] - today).days)

    for ages, days in ((found.by_age, age), (found.by_delay, left)):
        for one in ages:
            assert (one.count, one.amount) == between(one.days_from, one.days_to, days)
    assert (waiting.late.count, waiting.late.amount) == between(None, -1, left)
    assert (waiting.due_soon.count, waiting.unchanged.count) == (between(0, 5, left)[0], between(8, None, age)[0])
    turns = {code for actor in side.actors for code in waiting_for(actor)}
    assert {s.code for s in waiting.waiting} == {code for code in turns if in_status.get(code)}
    if who in ("manager", "admin", "clerk"):
        expected = {code: [row for row in still if row["service_code"] == code] for code in SERVICES}
        assert {s.service: s.count for s in found.by_service} == {c: len(r) for c, r in expected.items() if r}
    if who in ("manager", "admin", "operator"):
        assert sum(month.count for month in found.by_month) == len(mine)
    if who == "operator":
        assert {t.tenant: t.count for t in found.by_tenant} == {
            tenant: n for tenant in (None, "cd06", "cd31") if (n := sum(row["tenant"] == tenant for row in still))
        }


@pytest.mark.parametrize("who", list(SEES))
async def test_the_list_of_an_age_holds_as_many_as_the_figure_counts(world: World, who: str) -> None:
    principal = SEES[who][0]
    counted = []
    async with scoped(world.tables.api_pool, principal.scope()) as connection:
        # Half past ten in the evening is the next day already in Paris: 24 hours and days of the calendar differ.
        for now in (NOW, NOW.replace(hour=22, minute=30)):
            for one in (await figures.figures(connection, sides.side_of(principal), now)).by_age:
                under = None if one.days_to is None else one.days_to + 1
                wanted = Search(unchanged_days=one.days_from, unchanged_under=under)
                listed = await queries.search(connection, principal, wanted, COUNT + 1, now)
                counted.append((len(listed), one.count))
    assert [listed for listed, _ in counted] == [count for _, count in counted]
    assert any(count for _, count in counted) is (who != "nobody")


async def test_an_operator_may_look_at_one_tenant_and_nobody_else_at_another_s(world: World) -> None:
    of_tenant = (await world.http.get(OPERATOR, "/figures", tenant="cd31")).json()
    of_admin = (await world.http.get(ADMIN, "/figures")).json()
    assert of_tenant["by_status"] == of_admin["by_status"]
    for principal in (ADMIN, MANAGER):
        stolen = (await world.http.get(principal, "/figures", tenant="cd99")).json()
        assert (stolen["by_status"], stolen["by_service"], stolen["by_month"]) == ([], [], [])
    assert (await world.http.get(MANAGER, "/figures", tenant="cd31")).json()["by_status"] == []
    assert (await world.http.get(SUPPLIER, "/synthesis")).json()["standing"] == "supplier"


@pytest.mark.parametrize(
    ("who", "service", "more"),
    [
        ("operator", f"{BODY}/VOIRIE", {}),
        ("operator", f"{OTHER_BODY}/ACHATS", {"tenant": "cd31"}),
        ("admin", f"{OTHER_BODY}/ACHATS", {}),
        ("manager", f"{BODY}/ACHATS", {"side": "received"}),
        ("clerk", f"{BODY}/VOIRIE", {}),
    ],
)
async def test_figures_of_one_service_are_what_counting_gives(
    world: World, who: str, service: str, more: dict[str, str]
) -> None:
    mine = [row for row in world.visible(who) if row["address"] == service]
    principal, today = SEES[who][0], paris_day(NOW)
    answered = (await world.http.get(principal, "/figures", service=service, **more)).json()
    counted = {code: sum(row["status"] == code for row in mine) for code in SET}
    assert {each["code"]: each["count"] for each in answered["by_status"]} == {c: n for c, n in counted.items() if n}
    still = [row for row in mine if row["status"] in OPEN]
    assert [each["count"] for each in answered["by_service"]] == [len(still)]
    side = sides.in_service(principal, sides.side_of(principal, more.get("tenant")), service)
    async with scoped(world.tables.api_pool, principal.scope()) as connection:
        found = await figures.figures(connection, side, NOW)
        late = (await risks.risks(connection, side, today)).risks[0].count
    ages = [(today - paris_day(row["status_at"])).days for row in still]
    assert [one.count for one in found.by_age] == [
        sum(one.days_from is not None and one.days_from <= age <= (one.days_to or 999) for age in ages)
        for one in found.by_age
    ]
    assert late == sum(row["due_on"] is not None and row["due_on"] < today for row in still)
    assert (found.by_month, found.by_tenant) == ([], [])


@pytest.mark.parametrize(
    ("who", "service", "more"),
    [
        ("operator", f"{BODY}/VOIRIE", {"tenant": "cd31"}),
        ("admin", f"{BODY}/VOIRIE", {}),
        ("admin", f"{BODY}/VOIRIE", {"tenant": "cd06"}),
        ("manager", f"{OTHER_BODY}/ACHATS", {}),
        ("clerk", f"{BODY}/ACHATS", {}),
        ("supplier", f"{BODY}/VOIRIE", {}),
        ("supplier", f"{BODY}/VOIRIE", {"side": "issued"}),
        ("nobody", f"{BODY}/VOIRIE", {}),
    ],
)
async def test_figures_of_a_service_that_is_not_ones_own_answer_nothing(
    world: World, who: str, service: str, more: dict[str, str]
) -> None:
    found = (await world.http.get(SEES[who][0], "/figures", service=service, **more)).json()
    assert (found["by_status"], found["by_service"], found["by_month"], found["by_tenant"]) == ([], [], [], [])
    assert [each["count"] for each in (*found["by_age"], *found["by_delay"])] == [0] * 10
    pressing = (await world.http.get(SEES[who][0], "/risks", service=service, **more)).json()["risks"]
    assert [each["count"] for each in pressing] == [0] * 4


async def test_a_service_is_asked_for_with_its_structure(world: World) -> None:
    answer = await world.http.get(OPERATOR, "/figures", service="VOIRIE")
    assert (answer.status_code, answer.json()["code"]) == (422, "REQUEST_INVALID")


async def test_new_tables_show_the_api_s_role_nothing_without_a_scope(world: World) -> None:
    api = world.tables.api_pool
    assert await api.fetchval("select count(*) from invoice_document") == 0
    assert await api.fetchval("select count(kind) from tally") == 0
    for statement in (
        "select * from place",
        "select by_subject from history",
        "select salt from history",
        "update tally set count = 0",
        "delete from invoice_document",
        "select fold_tally()",
        "select erase_person('x')",
        "select erase_words(gen_random_uuid(), 1)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute(statement)
    async with scoped(api, SUPPLIER.scope()) as connection:
        seen = await connection.fetch("select distinct invoice from invoice_document")
    mine = {row["id"] for row in world.visible("supplier")}
    assert {row["invoice"] for row in seen} == mine


def _after(row: Row) -> After:
    return After(row["submitted_at"], UUID(str(row["id"])))


async def test_a_page_after_any_invoice_goes_on_there(world: World) -> None:
    mine = world.visible("manager")
    for place in (0, 10, len(mine) - 1):
        wanted = Search(after=_after(mine[place]))
        async with scoped(world.tables.api_pool, MANAGER.scope()) as connection:
            found = await queries.search(connection, MANAGER, wanted, 5, NOW)
        assert [row["id"] for row in found] == [row["id"] for row in mine[place + 1 : place + 6]]
