"""Events in, message rows out; and the API that shows them."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from random import Random
from uuid import uuid4

import asyncpg
import pytest

from contracts.events import NotificationFailed
from deploy.database import ServiceDsns
from services.common.auth import Principal
from services.notify import addresses
from services.notify.addresses import Manager
from tests.integration.notify_service import OPERATOR, Tables, client, tables
from tests.unit.notify.samples import BODY, CONTACT, aged, changed, draft, flow, refused
from tests.unit.status.samples import event, submitted

OF_STRUCTURE = Manager(siret=BODY, name="Camille Roux", email="factures@dept.example")
OF_SERVICE = Manager(siret=BODY, service_code="test achats", name="Alix Morel", email="achats@dept.example")
OF_ANOTHER = Manager(siret=BODY, service_code="TEST-VOIRIE", name="Sacha Blanc", email="voirie@dept.example")
DEMO = Path(__file__).resolve().parents[2] / "deploy" / "demo" / "managers.json"
MANAGERS = "/api/v1/messages/managers"


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Tables]:
    async with tables(notify_dsns) as ready:
        yield ready


async def written(found: Tables) -> set[tuple[str, str, str, str]]:
    rows = await found.pool.fetch("select kind, audience, address, state from message")
    return {tuple(row) for row in rows}


async def test_an_available_invoice_is_announced_to_its_supplier_and_to_the_managers_concerned(found: Tables) -> None:
    invoice = uuid4()
    service = Manager(siret=BODY, service_code="test-achats", name="Alix Morel", email="achats@dept.example")
    await found.load(OF_STRUCTURE, service, OF_ANOTHER)
    await found.take(event(submitted(), invoice), event(changed("DEPOSEE", 1), invoice), event(changed(), invoice))
    assert await written(found) == {
        ("DEPOSEE", "supplier", CONTACT, "held"),
        ("MISE_A_DISPOSITION", "supplier", CONTACT, "held"),
        ("MISE_A_DISPOSITION", "body", "factures@dept.example", "created"),
        ("MISE_A_DISPOSITION", "body", "achats@dept.example", "created"),
    }


async def test_drafts_and_refusals_go_to_the_depositor_s_contact(found: Tables) -> None:
    await found.take(event(draft(), uuid4()), event(refused(), uuid4()))
    assert await written(found) == {
        ("DRAFT_SAVED", "supplier", CONTACT, "created"),
        ("DEPOSIT_REFUSED", "supplier", CONTACT, "created"),
    }


async def test_a_flow_is_one_message_and_an_old_draft_is_reminded_of(found: Tables) -> None:
    flow_id = uuid4()
    items = [event(given(flow=str(flow_id)), uuid4()) for given in (draft, refused, refused)]
    end = event(flow("IN_INTEGRE_PARTIEL", integrated=7, to_verify=1, rejected=2), flow_id)
    await found.take(*items, end, event(aged(7), uuid4()), event(aged(30), uuid4()))
    assert await written(found) == {
        ("FLOW_PARTIAL", "supplier", CONTACT, "created"),
        ("DRAFT_AGED", "supplier", CONTACT, "created"),
        ("DRAFT_FORGOTTEN", "supplier", CONTACT, "held"),
    }


async def test_a_status_that_comes_before_the_contact_is_known_waits_for_it(found: Tables) -> None:
    invoice = uuid4()
    await found.load(OF_STRUCTURE)
    await found.take(event(changed(), invoice))
    assert await written(found) == set()
    assert await found.pool.fetchval("select count(*) from waiting_event") == 1
    await found.take(event(submitted(), invoice))
    assert len(await written(found)) == 2
    assert await found.pool.fetchval("select count(*) from waiting_event") == 0


async def test_repeated_and_shuffled_events_write_each_message_once(found: Tables) -> None:
    chance = Random(7)
    await found.load(OF_STRUCTURE)
    sent = []
    for _ in range(40):
        invoice = uuid4()
        sent += [event(submitted(), invoice), event(changed("DEPOSEE", 1), invoice), event(changed(), invoice)]
    sent += chance.sample(sent, 60)
    chance.shuffle(sent)
    for start in range(0, len(sent), 25):
        await found.take(*sent[start : start + 25])
    assert await found.states() == {"created": 40, "held": 80}
    assert await found.pool.fetchval("select count(distinct message_id_header) from message") == 120


async def test_a_body_without_any_address_is_visible_and_holds_nothing_up(found: Tables) -> None:
    invoice = uuid4()
    await found.take(event(submitted(), invoice), event(changed(), invoice))
    assert await written(found) == {
        ("MISE_A_DISPOSITION", "supplier", CONTACT, "held"),
        ("MISE_A_DISPOSITION", "body", "", "no_address"),
    }
    [told] = await found.outcomes()
    assert isinstance(told, NotificationFailed)
    assert (told.audience, told.cause, told.entry) == ("body", "permanent", 2)


async def test_the_id_in_the_header_of_a_mail_is_fixed_from_the_start(found: Tables) -> None:
    await found.take(event(draft(), uuid4()))
    row = await found.pool.fetchrow("select id, message_id_header, traceparent from message")
    assert row is not None
    assert row["message_id_header"] == f"<{row['id']}@chorale.example>"
    assert row["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"


async def test_attempts_cannot_be_changed(found: Tables) -> None:
    await found.take(event(draft(), uuid4()))
    await found.pool.execute("insert into attempt select id, 1, now(), 'h', 'accepted', 250, 'OK', false from message")
    for change in ("update attempt set code = 550", "delete from attempt", "truncate attempt"):
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await found.pool.execute(change)


async def test_addresses_are_replaced_structure_by_structure_as_often_as_wanted(found: Tables) -> None:
    other = {"siret": "22310001700423", "service_code": None, "name": "Alix", "email": "alix@autre.example"}
    mine = {"siret": "220 600 019 00016", "service_code": None, "name": "Camille", "email": "Camille@Dept.Example"}
    also = {"siret": BODY, "service_code": "TEST-ACHATS", "name": "Sacha", "email": "sacha@dept.example"}
    async with client(found, OPERATOR) as http:
        for added in (3, 0):
            answer = await http.put(MANAGERS, json={"managers": [mine, also, mine, other]})
            assert (answer.status_code, answer.json()) == (
                200,
                {"structures": 2, "managers": 3, "added": added, "removed": 0, "dry_run": False},
            )
        answer = await http.put(MANAGERS, json={"managers": [also]})
        assert answer.json() == {"structures": 1, "managers": 1, "added": 0, "removed": 1, "dry_run": False}
        listed = (await http.get(MANAGERS)).json()["managers"]
        assert [m["email"] for m in listed] == ["sacha@dept.example", "alix@autre.example"]
        assert [m["email"] for m in (await http.get(MANAGERS, params={"siret": BODY})).json()["managers"]] == [
            "sacha@dept.example"
        ]


async def test_a_list_with_a_wrong_entry_changes_nothing_and_says_what_to_correct(found: Tables) -> None:
    await found.load(OF_STRUCTURE)
    rows = [
        {"siret": BODY, "service_code": None, "name": "Fine", "email": "fine@dept.example"},
        {"siret": "22060001900017", "service_code": None, "name": "X", "email": "x@dept.example"},
        {"siret": BODY, "service_code": None, "name": "Y", "email": "y@dept.example\r\nBcc: z@z.example"},
    ]
    async with client(found, OPERATOR) as http:
        answer = await http.put(MANAGERS, json={"managers": rows})
    assert (answer.status_code, answer.json()["code"]) == (422, "MANAGERS_INVALID")
    assert [(e["field"], e["rule"]) for e in answer.json()["errors"]] == [
        ("managers.1.siret", "SIRET_CHECKSUM"),
        ("managers.2.email", "EMAIL_FORM"),
    ]
    assert await found.pool.fetchval("select string_agg(email, ',') from manager") == OF_STRUCTURE.email


async def test_messages_and_addresses_are_shown_to_operators_only(found: Tables) -> None:
    await found.load(OF_STRUCTURE)
    await found.take(event(draft(), uuid4()))
    nosy = Principal(subject="x", structures=(BODY,), tenants=("cd06",))
    async with client(found, nosy) as http:
        for answer in (
            await http.get("/api/v1/messages"),
            await http.get(MANAGERS),
            await http.put(MANAGERS, json={"managers": []}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "RIGHT_MISSING")
    for table in ("manager", "message", "attempt"):
        assert await found.api_pool.fetchval(f"select count(*) from {table}") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await found.api_pool.execute("insert into manager (siret, name, email) values ('1', 'x', 'x@y.example')")
    for statement in ("select * from invoice_contact", "update message set state = 'accepted'", "select * from outbox"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await found.api_pool.execute(statement)


async def test_the_messages_of_an_invoice_are_listed_with_their_attempts(found: Tables) -> None:
    wanted, other = uuid4(), uuid4()
    await found.take(event(draft(), wanted), event(refused(), wanted), event(draft(), other))
    await found.pool.execute(
        "insert into attempt select id, 1, now(), 'h:25', 'temporary', 451, 'busy', false from message"
    )
    async with client(found, OPERATOR) as http:
        page = (await http.get("/api/v1/messages", params={"invoice": str(wanted)})).json()
        assert sorted(m["kind"] for m in page["messages"]) == ["DEPOSIT_REFUSED", "DRAFT_SAVED"]
        assert page["messages"][0]["attempts"][0]["code"] == 451
        assert page["next"] is None
        ids: list[str] = []
        query: dict[str, str | int] = {"limit": 1}
        while True:
            page = (await http.get("/api/v1/messages", params=query)).json()
            ids += [m["id"] for m in page["messages"]]
            if page["next"] is None:
                break
            query["before"] = page["next"]
        assert len(ids) == len(set(ids)) == 3


async def test_the_demo_s_addresses_load(found: Tables) -> None:
    managers = addresses.from_file(DEMO)
    assert len(managers) == len(json.loads(DEMO.read_text())["managers"])
    await found.load(*managers)
    assert all(manager.email.endswith(".example") for manager in managers)
