"""One real PDF from deposit to *mise à disposition*, as supplier and body live it."""

import asyncio
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest

from deploy.local import Stack
from services.common.auth import Principal
from tests import documents
from tests.documents import InvoicePdf
from tests.e2e.client import Person, supplier, until

BODY, SERVICE = "22060001900016", "DRH"
_numbers = iter(range(1, 10_000))


def good(**changes: object) -> bytes:
    """An invoice that passes, under a number of its own."""
    return replace(InvoicePdf(number=f"E{next(_numbers):05d}", service_code=SERVICE), **changes).render()  # type: ignore[arg-type]


def available(person: Person, identity: str) -> dict[str, object]:
    """The invoice once it is at the body's disposal and the delay has begun."""

    def look() -> dict[str, object] | None:
        answer = person.invoice(identity)
        found = answer.json() if answer.status_code == httpx.codes.OK else {}
        return found if found.get("payment_delay") else None

    return until(look)


def test_a_pdf_goes_from_deposit_to_mise_a_disposition_and_starts_the_delay(platform: Stack) -> None:
    person = Person(platform, supplier())
    answer = person.deposit(good())
    assert answer.status_code == httpx.codes.CREATED, answer.text
    identity = answer.json()["id"]
    deposit = person.decided(identity)
    assert (deposit["state"], deposit["label"]) == ("submitted", "Déposée")
    assert {f["name"] for f in deposit["fields"]} >= {
        "invoice_number",
        "issue_date",
        "recipient_siret",
        "total_incl_tax",
    }
    assert all(f["page"] == 1 and f["keyword"] and len(f["box"]) == 4 for f in deposit["fields"])

    invoice = available(person, identity)
    history = invoice["history"]
    assert isinstance(history, list)
    assert [e["status_to"] for e in history if e["kind"] == "status"] == ["DEPOSEE", "MISE_A_DISPOSITION"]
    delay = invoice["payment_delay"]
    assert isinstance(delay, dict)
    assert delay["started_on"] == datetime.now(UTC).astimezone(ZoneInfo("Europe/Paris")).date().isoformat()
    assert delay["source"] == "notice"

    mails = until(person.mails)
    assert all("E0" in mail["subject"] for mail in mails)


def test_the_trace_of_the_request_reaches_the_mail(platform: Stack) -> None:
    person = Person(platform, supplier())
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = person.deposit(good(), traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    assert answer.headers["traceparent"].split("-")[1] == trace
    mails = until(person.mails)
    assert mails[0]["traceparent"].split("-")[1] == trace


def test_a_refusal_says_why_and_creates_no_invoice(platform: Stack) -> None:
    person = Person(platform, supplier())
    identity = person.deposit(good(service_code="NEANT")).json()["id"]
    deposit = person.decided(identity)
    assert deposit["state"] == "refused"
    refusal = next(f for f in deposit["findings"] if f["level"] == "refuse")
    assert refusal["code"] == "SERVICE_UNKNOWN"
    assert refusal["value"] == "NEANT"
    assert refusal["action"]
    assert person.invoice(identity).status_code == httpx.codes.NOT_FOUND
    mail = until(person.mails)[0]
    assert refusal["action"] in mail["text"]


@pytest.mark.parametrize(
    ("content", "reason"), [(documents.scanned, "SCAN_ONLY"), (documents.without_keywords, "NOTHING_RECOGNISED")]
)
def test_what_cannot_be_read_waits_for_a_person_and_is_not_sent(platform: Stack, content: object, reason: str) -> None:
    person = Person(platform, supplier())
    assert callable(content)
    identity = person.deposit(content(seed=next(_numbers))).json()["id"]
    deposit = person.decided(identity)
    assert (deposit["state"], deposit["label"]) == ("to_verify", "À vérifier")
    assert reason in {f["code"] for f in deposit["findings"]}
    assert "pas" in until(person.mails)[0]["text"]
    assert person.invoice(identity).status_code == httpx.codes.NOT_FOUND


def test_the_same_document_again_is_flagged_and_announced_to_nobody(platform: Stack) -> None:
    person = Person(platform, supplier())
    content = good()
    first = person.deposit(content).json()["id"]
    available(person, first)
    again = person.deposit(content)
    assert again.status_code == httpx.codes.CREATED
    assert again.json()["duplicate_of"] == first
    assert person.deposit(good()).status_code == httpx.codes.CREATED
    until(person.mails)
    operator = Person(platform, Principal(subject="operator", roles=("OPERATEUR",)))

    def told(identity: str) -> int:
        return len(operator.http.get("/api/v1/messages", params={"invoice": identity}).json()["messages"])

    until(lambda: told(first) >= 2)
    assert told(again.json()["id"]) == 0


def test_the_same_number_twice_is_refused_as_a_double(platform: Stack) -> None:
    person = Person(platform, supplier())
    number = f"N{next(_numbers):05d}"
    first = person.deposit(good(number=number)).json()["id"]
    assert person.decided(first)["state"] == "submitted"
    second = person.decided(person.deposit(good(number=number, copy="second")).json()["id"])
    assert second["state"] == "refused"
    assert "DOUBLON" in {f["code"] for f in second["findings"]}


def test_the_live_feed_shows_each_status_once_and_resumes(platform: Stack) -> None:
    person = Person(platform, supplier(siret=documents.made_siret(77)))
    seen: list[tuple[str, str]] = []
    party = replace(documents.SUPPLIER, siret=documents.made_siret(77))
    with person.feed() as events:
        identity = person.deposit(good(supplier=party)).json()["id"]
        for event in events:
            seen.append(event)
            if json.loads(event[1])["changed"]["status_to"] == "MISE_A_DISPOSITION":
                break
    assert [json.loads(data)["changed"]["status_to"] for _, data in seen] == ["DEPOSEE", "MISE_A_DISPOSITION"]
    assert {json.loads(data)["invoice"] for _, data in seen} == {identity}
    with person.feed(last=seen[0][0]) as events:
        assert next(events) == seen[1]


def test_nobody_sees_what_is_not_his(platform: Stack) -> None:
    person = Person(platform, supplier())
    identity = person.deposit(good()).json()["id"]
    available(person, identity)
    clerk = Principal(subject="clerk", services=(f"{BODY}/{SERVICE}",), roles=("DESTINATAIRE",), tenants=("cd06",))
    assert Person(platform, clerk).invoice(identity).status_code == httpx.codes.OK
    strangers = (
        supplier(siret=documents.made_siret(78)),
        Principal(subject="other-service", services=(f"{BODY}/PRESSE",), roles=("DESTINATAIRE",), tenants=("cd06",)),
        Principal(subject="other-tenant", roles=("TENANT_ADMIN",), tenants=("cd31",)),
        Principal(subject="nobody"),
    )
    for stranger in strangers:
        other = Person(platform, stranger)
        assert other.invoice(identity).status_code == httpx.codes.NOT_FOUND
        assert identity not in other.http.get("/api/v1/invoices").text
        assert other.http.get(f"/api/v1/deposits/{identity}").status_code == httpx.codes.NOT_FOUND
        assert other.http.get(f"/api/v1/deposits/{identity}/document").status_code == httpx.codes.NOT_FOUND


def test_nothing_is_anonymous(platform: Stack) -> None:
    with httpx.Client(base_url=platform.url) as nobody:
        for method, path in (("POST", "/api/v1/deposits"), ("GET", "/api/v1/invoices"), ("GET", "/api/v1/deposits")):
            answer = nobody.request(method, path)
            assert answer.status_code == httpx.codes.UNAUTHORIZED
            assert answer.json()["code"] == "TOKEN_MISSING"


@pytest.mark.parametrize("service", ["ingest", "ocr", "routing", "status", "notify"])
def test_each_service_documents_its_api_and_its_health(platform: Stack, service: str) -> None:
    with httpx.Client(base_url=platform.url) as anybody:
        page = anybody.get(f"/docs/{service}")
        assert page.status_code == httpx.codes.OK
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert loaded
        for address in loaded:
            assert address.startswith("/"), "a page loads nothing from elsewhere"
            assert anybody.get(address).status_code == httpx.codes.OK
        assert anybody.get(f"/openapi/{service}.json").json()["paths"]
        assert anybody.get(f"/health/{service}").json()["ready"] is True
        assert anybody.get("/metrics").status_code == httpx.codes.NOT_FOUND


def test_logs_hold_no_personal_data_and_no_document_content(platform: Stack) -> None:
    marker = f"Marqueur{next(_numbers)}zq"
    person = Person(platform, supplier(name=f"contact-{marker}"))
    party = replace(documents.SUPPLIER, name=f"Société {marker}")
    identity = person.deposit(good(supplier=party, number=f"LOG{next(_numbers)}"), name=f"{marker}.pdf").json()["id"]
    available(person, identity)
    person.deposit(b"%PDF-1.4 " + marker.encode(), name="x.pdf")
    until(lambda: len(person.mails()) >= 2)
    for name in platform.services:
        text = platform.log(name).read_text(encoding="utf-8", errors="replace")
        assert text, f"{name} logs nothing"
        assert marker not in text, f"{name} logs what it must not"


def test_the_database_says_committed_only_of_what_is_on_the_disk(platform: Stack) -> None:
    async def shown() -> list[str]:
        connection = await asyncpg.connect(platform.dsns["status"].worker)
        try:
            return [
                await connection.fetchval(f"show {name}")
                for name in ("fsync", "synchronous_commit", "full_page_writes")
            ]
        finally:
            await connection.close()

    assert asyncio.run(shown()) == ["on"] * 3


def test_a_deposit_answered_201_survives_the_death_of_every_service(platform: Stack) -> None:
    person = Person(platform, supplier())
    identity = person.deposit(good()).json()["id"]
    for name in list(platform.services):
        platform.kill(name)
    for name in list(platform.services):
        platform.wait_ready(name, 60)
    assert available(person, identity)["status"]
