"""Return for recycling, recycling and transfer, by status and routing as processes of their own over Kafka."""

import asyncio
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import msgspec
import pytest

from services.common.auth import Principal
from tests.integration.recycling_world import (
    BACK,
    CLERK,
    FIRM,
    OPERATOR,
    ROADS,
    SCHOOLS,
    TO_SCHOOL,
    TOWN_HALL,
    World,
    opened,
    story,
)
from tests.integration.test_status_with_notify import send
from tests.unit.routing.samples import SCHOOL, TOWN, UNKNOWN, submitted
from tests.unit.status.samples import event


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with opened() as found:
        yield found


def test_recycled_to_another_structure_under_the_same_number(world: World) -> None:
    invoice = world.deposited(invoice_number="R-1")
    before = world.until(FIRM, invoice, "MISE_A_DISPOSITION")
    world.done(CLERK, invoice, BACK)
    back = world.until(FIRM, invoice, "A_RECYCLER")
    assert back["turn"]["actor"] == "F"
    assert back["history"][-1]["comment"] == BACK["comment"]
    assert back["payment_delay"] == before["payment_delay"]
    world.done(FIRM, invoice, TO_SCHOOL)
    found = world.until(FIRM, invoice, "MISE_A_DISPOSITION", 5)
    assert story(found) == ["DEPOSEE", "MISE_A_DISPOSITION", "A_RECYCLER", "DEPOSEE", "MISE_A_DISPOSITION"]
    assert (found["number"], found["attempt"], found["recipient"]["siret"]) == ("R-1", 2, SCHOOL)
    assert found["payment_delay"] is None  # starts anew, with the notice to the new body (decisions.md 2)
    assert {key: found["header"][key] for key in found["header"] if key not in ("recipient_siret", "service_code")} == {
        key: before["header"][key] for key in before["header"] if key not in ("recipient_siret", "service_code")
    }
    decided = world.rows("routing", "select * from decision where invoice_id = $1 order by attempt", invoice)
    assert [(row["attempt"], row["purpose"], row["structure"]) for row in decided] == [
        (1, "submitted", TOWN),
        (2, "recycled", SCHOOL),
    ]

    while 6 not in (told := world.fed(FIRM, invoice)):  # the relay may be a moment behind
        time.sleep(0.05)
    assert told == [1, 2, 4, 5, 6]
    assert world.fed(TOWN_HALL, invoice) == world.fed(CLERK, invoice) == [2, 4]
    assert world.fed(SCHOOLS, invoice) == [6]

    # The new body sees the deposit and its own stretch, the old one what it saw and nothing of what came after.
    new = world.get(SCHOOLS, invoice).json()
    assert [entry["entry"] for entry in new["history"]] == [1, 6]
    for former in (CLERK, TOWN_HALL):
        old = world.get(former, invoice).json()
        assert [entry["entry"] for entry in old["history"]] == [1, 2, 3, 4]
        assert (old["status"]["code"], old["recipient"]["siret"]) == ("A_RECYCLER", TOWN)
        assert old["left_at"] is not None
        assert SCHOOL not in str(old)
        refused = world.act(former, invoice, BACK, **{"If-Match": '"6"'})
        assert (refused.status_code, refused.json()["code"]) == (403, "NO_LONGER_YOURS")
        url = f"{world.stack.base_url('status')}/api/v1/invoices"
        listed = httpx.get(url, headers=world.headers(former), timeout=30).json()
        assert str(invoice) not in {item["id"] for item in listed["invoices"]}


def test_recycled_in_the_same_structure_keeps_the_delay_and_the_whole_view(world: World) -> None:
    invoice = world.deposited(invoice_number="R-2")
    before = world.until(TOWN_HALL, invoice, "MISE_A_DISPOSITION")
    world.done(CLERK, invoice, BACK)
    world.done(FIRM, invoice, {"action": "recycle", "fields": {"service_code": "voirie", "engagement": "E-1"}})
    found = world.until(ROADS, invoice, "MISE_A_DISPOSITION", 5)
    assert found["payment_delay"] == before["payment_delay"]
    assert (found["recipient"]["service_code"], found["header"]["engagement"]) == ("VOIRIE", "E-1")
    assert world.get(CLERK, invoice).status_code == 404
    assert len(world.get(TOWN_HALL, invoice).json()["history"]) == 6


def test_a_wrong_siret_comes_back_from_the_platform_with_reasons_and_can_be_put_right(world: World) -> None:
    invoice = world.deposited(invoice_number="R-3")
    world.done(CLERK, invoice, BACK)
    wrong = world.act(FIRM, invoice, {"action": "recycle", "fields": {"recipient_siret": "22060001900017"}})
    assert (wrong.status_code, wrong.json()["errors"][0]["rule"]) == (422, "SIRET_CHECKSUM")
    world.done(FIRM, invoice, {"action": "recycle", "fields": {"service_code": "VOIRI"}})
    found = world.until(FIRM, invoice, "A_RECYCLER", 5)
    last = found["history"][-1]
    assert (last["actor"], last["reasons"][0]["code"]) == ("S", "SERVICE_UNKNOWN")
    assert [found["value"] for found in last["reasons"][0]["suggestions"]] == ["VOIRIE"]
    world.done(FIRM, invoice, {"action": "recycle", "fields": {"recipient_siret": UNKNOWN, "service_code": None}})
    found = world.until(FIRM, invoice, "A_RECYCLER", 7)
    assert found["history"][-1]["reasons"][0]["field"] == "recipient_siret"
    world.done(FIRM, invoice, {"action": "recycle", "fields": {"recipient_siret": TOWN, "service_code": "DRH"}})
    found = world.until(CLERK, invoice, "MISE_A_DISPOSITION")
    assert (found["number"], found["attempt"]) == ("R-3", 4)
    assert found["payment_delay"] is not None  # the body it started with: the delay runs on


def test_a_transfer_bothers_nobody_and_goes_only_where_the_directory_knows_a_service(world: World) -> None:
    invoice = world.deposited(invoice_number="T-1")
    before = world.get(FIRM, invoice).json()
    world.done(CLERK, invoice, {"action": "transfer", "fields": {"service_code": "NOWHERE"}})
    while len(found := world.get(CLERK, invoice).json()["history"]) < 5:
        time.sleep(0.05)
    assert (found[-1]["action"], found[-1]["reasons"][0]["code"]) == ("transfer_refused", "SERVICE_UNKNOWN")
    world.done(CLERK, invoice, {"action": "transfer", "fields": {"service_code": "voirie"}})
    theirs = world.until(ROADS, invoice, "MISE_A_DISPOSITION")
    assert theirs["recipient"]["service_label"] == "Voirie"
    assert world.get(CLERK, invoice).status_code == 404
    after = world.get(FIRM, invoice).json()
    for name in ("status", "payment_delay", "history", "turn"):
        assert after[name] == before[name]
    told = world.rows("status", "select value from outbox where key = $1 and value like '%status_to%'", str(invoice))
    assert len(told) == 2  # deposited, available: no status passed since, so nobody is written to


def test_two_clerks_cannot_overwrite_each_other_and_a_repeated_request_is_done_once(world: World) -> None:
    invoice = world.deposited(invoice_number="V-1")
    read = world.get(CLERK, invoice).headers["ETag"]
    without = httpx.post(
        f"{world.stack.base_url('status')}/api/v1/invoices/{invoice}/actions", json=BACK, headers=world.headers(CLERK)
    )
    assert (without.status_code, without.json()["code"]) == (428, "IF_MATCH_REQUIRED")
    key = {"If-Match": read, "Idempotency-Key": "k-1"}
    first = world.act(CLERK, invoice, BACK, **key)
    second = world.act(TOWN_HALL, invoice, {"action": "transfer", "fields": {"service_code": "VOIRIE"}}, If_Match=read)
    again = world.act(CLERK, invoice, BACK, **key)
    other = world.act(CLERK, invoice, {**BACK, "comment": "Autre chose, en dix lettres."}, **key)
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert first.headers["ETag"] == again.headers["ETag"] == '"4"'
    assert (second.status_code, second.json()["code"]) == (412, "INVOICE_CHANGED")
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert story(world.get(FIRM, invoice).json()).count("A_RECYCLER") == 1
    assert world.act(TOWN_HALL, invoice, BACK, **{"Idempotency-Key": "k-1"}).status_code == 409  # his own key


def test_strangers_learn_nothing_and_everybody_learns_what_is_his_to_do(world: World) -> None:
    invoice = world.deposited(invoice_number="S-1")
    strangers = (
        SCHOOLS,
        ROADS,
        Principal(subject="other", structures=(UNKNOWN,)),
        Principal(subject="admin", tenants=("cd98",), roles=("TENANT_ADMIN",)),
    )
    for stranger in strangers:
        for answer in (world.get(stranger, invoice, "/actions"), world.act(stranger, invoice, BACK)):
            assert (answer.status_code, answer.json()["code"]) == (404, "INVOICE_NOT_FOUND")
    possible = {
        who.subject: [action["action"] for action in world.get(who, invoice, "/actions").json()["actions"]]
        for who in (FIRM, CLERK, TOWN_HALL, OPERATOR)
    }
    assert (possible["firm"], possible["op"]) == (["comment", "download"], [])
    assert {"return_for_recycling", "transfer", "take_in_charge"} <= {*possible["clerk"]}
    assert possible["clerk"] == possible["town"]
    refused = world.act(FIRM, invoice, BACK)
    assert (refused.status_code, refused.json()["code"]) == (403, "ACTION_NOT_YOURS")
    assert "Structure publique destinataire" in refused.json()["detail"]
    assert world.act(OPERATOR, invoice, BACK).status_code == 403


def test_kill_9_in_the_middle_of_a_recycle_loses_and_doubles_nothing(world: World) -> None:
    invoices = [world.deposited(invoice_number=f"K-{n}") for n in range(4)]
    for invoice in invoices:
        world.done(CLERK, invoice, BACK)
    in_flight = {"If-Match": world.get(FIRM, invoices[2]).headers["ETag"], "Idempotency-Key": "in-flight"}
    world.done(FIRM, invoices[0], TO_SCHOOL)
    world.stack.kill("routing")
    world.done(FIRM, invoices[1], TO_SCHOOL)
    with ThreadPoolExecutor() as pool, suppress(httpx.HTTPError):
        asked = pool.submit(world.act, FIRM, invoices[2], TO_SCHOOL, **in_flight)
        time.sleep(random.uniform(0, 0.05))
        world.stack.kill("status")
        asked.result()
    world.stack.start("status")
    world.stack.start("routing")
    repeated = world.act(FIRM, invoices[2], TO_SCHOOL, **in_flight)  # whether or not it was done before
    assert repeated.status_code == 200, repeated.text
    world.done(FIRM, invoices[3], TO_SCHOOL)
    for invoice in invoices:
        assert world.until(SCHOOLS, invoice, "MISE_A_DISPOSITION")["attempt"] == 2
        whole = world.get(FIRM, invoice).json()
        assert story(whole) == ["DEPOSEE", "MISE_A_DISPOSITION", "A_RECYCLER", "DEPOSEE", "MISE_A_DISPOSITION"]
        decided = world.rows("routing", "select attempt from decision where invoice_id = $1 order by 1", invoice)
        assert [row["attempt"] for row in decided] == [1, 2]
        parties = world.rows("status", "select count(*) from invoice_party where invoice = $1", invoice)
        assert parties[0][0] == 3
    for service in ("status", "routing"):
        assert world.rows(service, "select count(*) from dead_letter")[0][0] == 0


def test_routing_decides_a_validated_invoice_once_its_validator_has_agreed(world: World) -> None:
    invoice, validator = uuid4(), "99900001100018"
    sent = submitted(invoice_number="V-9")
    header = msgspec.structs.replace(sent.invoice, frame="A9")
    # Of now: an older one would be accepted by its validator's silence at once.
    sent = msgspec.structs.replace(sent, invoice=header, validators=(validator,), submitted_at=datetime.now(UTC))
    asyncio.run(send(world.stack.kafka.bootstrap, [event(sent, invoice)]))
    titulaire = Principal(subject="titulaire", structures=(validator,))
    world.until(titulaire, invoice, "A_VALIDER_1")
    assert world.get(CLERK, invoice).status_code == 404
    world.done(titulaire, invoice, {"action": "validate"})
    found = world.until(CLERK, invoice, "MISE_A_DISPOSITION")
    assert story(found)[0] == "A_VALIDER_1"
    assert story(world.get(FIRM, invoice).json()) == ["A_VALIDER_1", "VALIDEE_1", "DEPOSEE", "MISE_A_DISPOSITION"]
    decided = world.rows("routing", "select attempt from decision where invoice_id = $1", invoice)
    assert [row["attempt"] for row in decided] == [2]
    assert world.get(titulaire, invoice).json()["status"]["code"] == "MISE_A_DISPOSITION"


def test_kill_9_in_the_middle_of_a_bulk_loses_and_doubles_nothing(world: World) -> None:
    invoices = [uuid4() for _ in range(60)]
    sent = [event(submitted(invoice_number=f"B-{n}"), invoice) for n, invoice in enumerate(invoices)]
    asyncio.run(send(world.stack.kafka.bootstrap, sent))
    for invoice in invoices:
        world.until(CLERK, invoice, "MISE_A_DISPOSITION")
    body = {"action": "take_in_charge", "invoices": [{"invoice": str(invoice)} for invoice in invoices]}

    def ask() -> httpx.Response:
        url = f"{world.stack.base_url('status')}/api/v1/invoices/actions"
        headers = {**world.headers(CLERK), "Idempotency-Key": "bulk"}
        return httpx.post(url, json=body, headers=headers, timeout=60)

    def taken() -> int:
        found = world.rows("status", "select count(*) from bulk_answer where key = 'bulk'")
        return int(found[0][0])

    with ThreadPoolExecutor() as pool, suppress(httpx.HTTPError):
        asked = pool.submit(ask)
        deadline = time.monotonic() + 30
        while taken() < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        world.stack.kill("status")
        asked.result()
    before = taken()
    world.stack.start("status")
    report = ask().json()
    assert (report["done"], report["refused"]) == (60, 0)
    assert 0 < before < 60  # killed in the middle
    for invoice in invoices:
        assert story(world.get(FIRM, invoice).json()).count("PRISE_EN_COMPTE_DESTINATAIRE") == 1
    told = world.rows(
        "status", 'select count(*) from outbox where value like \'%"status_to":"PRISE_EN_COMPTE_DESTINATAIRE"%\''
    )
    assert told[0][0] >= 60
    assert world.rows("status", "select count(*) from dead_letter")[0][0] == 0
