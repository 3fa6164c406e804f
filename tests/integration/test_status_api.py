"""The list and the detail of ``/api/v1/invoices``."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import msgspec
import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from invoice.sandbox import MARK
from services.common import links
from services.common.links import Presented
from tests.integration.status_service import OPERATOR, SECRET, SUPPLIER, Instance, Tables, instances, tables
from tests.unit.status.samples import NOON, accepted, event, routed, submitted, unroutable

World = tuple[Tables, Instance]


@pytest.fixture
async def world(dsns: Mapping[str, ServiceDsns], stack: Stack) -> AsyncIterator[World]:
    async with (
        tables(dsns) as found,
        instances(found, dsns["status"], stack.kafka.bootstrap) as (http,),
    ):
        yield found, http


async def test_the_detail_tells_the_whole_story_in_french(world: World) -> None:
    found, http = world
    invoice = uuid4()
    await found.take(event(submitted("F-1"), invoice), event(routed(), invoice), event(accepted(2, "body"), invoice))
    answer = (await http.get(SUPPLIER, f"/{invoice}")).json()
    assert answer["status"]["label"] == "Mise à disposition du destinataire"
    assert answer["turn"] == {"actor": "D", "label": "Au destinataire d'agir"}
    assert answer["recipient"]["service_label"] == "Service des achats"
    assert answer["payable"] == "120.00"
    assert answer["header"]["service_code"] == "TEST-ACHATS"
    assert [(e["entry"], e["label"]) for e in answer["history"]] == [
        (1, "Déposée"),
        (2, "Mise à disposition du destinataire"),
        (3, "Avis envoyé au destinataire"),
    ]
    delay = answer["payment_delay"]
    assert (delay["started_on"], delay["due_on"], delay["source"]) == ("2026-03-02", "2026-04-01", "notice")


async def test_a_trial_bears_the_mark_of_the_sandbox_in_every_answer_and_a_real_invoice_does_not(world: World) -> None:
    found, http = world
    tried, real = uuid4(), uuid4()
    await found.take(msgspec.structs.replace(event(submitted("T-1"), tried), tenant="essai-cd06"))
    await found.take(event(submitted("T-2"), real))
    for path, mark in ((f"/{tried}", MARK), (f"/{real}", None), ("", MARK)):
        answer = await http.get(SUPPLIER, path)
        assert ("chorale-sandbox" in answer.headers) == (mark is not None)
        if path:
            assert answer.json()["sandbox"] == mark
    listed = {one["id"]: one["sandbox"] for one in (await http.get(SUPPLIER, "")).json()["invoices"]}
    assert (listed[str(tried)], listed[str(real)]) == (MARK, None)


async def test_who_may_see_an_invoice_gets_a_link_to_its_pages(world: World) -> None:
    found, http = world
    invoice = uuid4()
    paid = msgspec.structs.replace(submitted("F-1").invoice, due_date=date(2026, 4, 1), vat_regime="TVA_SUR_DEBIT")
    await found.take(event(msgspec.structs.replace(submitted("F-1"), invoice=paid), invoice))
    answer = (await http.get(SUPPLIER, f"/{invoice}")).json()
    assert (answer["header"]["due_date"], answer["header"]["vat_regime"]) == ("2026-04-01", "TVA_SUR_DEBIT")
    address = urlsplit(answer["pages"]["template"])
    assert address.path == f"/api/v1/pages/{invoice}/{{n}}.png"
    query = parse_qs(address.query)
    opened = links.check(SECRET, invoice, Presented(**{name: values[0] for name, values in query.items()}))
    assert opened.holder == SUPPLIER.holder
    assert urlsplit(answer["pages"]["index"]).path == f"/api/v1/pages/{invoice}/index"


async def test_an_invoice_sent_back_says_why_and_whose_turn_it_is(world: World) -> None:
    found, http = world
    invoice = uuid4()
    await found.take(event(submitted("F-1"), invoice), event(unroutable(), invoice))
    answer = (await http.get(SUPPLIER, f"/{invoice}")).json()
    assert answer["turn"]["actor"] == "F"
    assert answer["payment_delay"] is None
    [reason] = answer["history"][1]["reasons"]
    assert reason["code"] == "SERVICE_UNKNOWN"
    assert reason["action"].startswith("Corrigez")


async def test_pages_hold_every_invoice_once_newest_first_while_new_ones_come(world: World) -> None:
    found, http = world
    instants = [NOON + timedelta(seconds=i // 3) for i in range(25)]  # several share an instant
    sent = [(uuid4(), at) for at in instants]
    await found.take(
        *(
            event(msgspec.structs.replace(submitted(f"F-{i}"), submitted_at=at), invoice)
            for i, (invoice, at) in enumerate(sent)
        )
    )
    pages: list[list[Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = (await http.get(SUPPLIER, "", limit=7, **cursor)).json()
        pages.append(answer["invoices"])
        late = msgspec.structs.replace(submitted(f"N-{len(pages)}"), submitted_at=datetime.now(UTC))
        await found.take(event(late, uuid4()))
        if answer["next"] is None:
            break
        cursor = {"cursor": answer["next"]}
    listed = [item["id"] for page in pages for item in page]
    assert [len(page) for page in pages] == [7, 7, 7, 4]
    assert listed == [str(invoice) for invoice, _ in sorted(sent, key=lambda s: (s[1], s[0]), reverse=True)]


async def test_the_list_is_filtered_by_status_number_and_instant(world: World) -> None:
    found, http = world
    old, new = uuid4(), uuid4()
    await found.take(event(submitted("F-1"), old), event(routed(), old))
    await found.take(event(msgspec.structs.replace(submitted("F-2"), submitted_at=NOON + timedelta(days=1)), new))

    async def ids(**query: Any) -> list[str]:
        return [item["id"] for item in (await http.get(OPERATOR, "", **query)).json()["invoices"]]

    assert await ids(status="MISE_A_DISPOSITION") == [str(old)]
    assert await ids(number="F-2") == [str(new)]
    assert await ids(number="F-2' or '1'='1") == []
    assert await ids(since=(NOON + timedelta(hours=1)).isoformat()) == [str(new)]
    assert await ids() == [str(new), str(old)]


WRONG: list[tuple[str, dict[str, Any], int, str]] = [
    ("", {"status": "PAYEE"}, 422, "STATUS_UNKNOWN"),
    ("", {"cursor": "garbage"}, 400, "CURSOR_INVALID"),
    ("", {"cursor": "MjAyNi0wMS0wMSB4"}, 400, "CURSOR_INVALID"),
    ("", {"cursor": "é"}, 400, "CURSOR_INVALID"),
    ("", {"limit": 0}, 422, "REQUEST_INVALID"),
    ("", {"limit": 201}, 422, "REQUEST_INVALID"),
    ("", {"since": "2026-01-01T00:00:00"}, 422, "REQUEST_INVALID"),
    ("", {"number": "a\0b"}, 422, "REQUEST_INVALID"),
    ("/not-an-id", {}, 422, "REQUEST_INVALID"),
    (f"/{uuid4()}", {}, 404, "INVOICE_NOT_FOUND"),
    ("/events", {"from": "yesterday"}, 422, "FEED_START_INVALID"),
]


async def test_a_wrong_request_is_answered_with_a_stable_code(world: World) -> None:
    for path, query, status, code in WRONG:
        answer = await world[1].get(OPERATOR, path, **query)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (path, query)
        assert answer.headers["content-type"] == "application/problem+json"
