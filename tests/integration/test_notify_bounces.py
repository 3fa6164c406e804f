"""What a bounce does, and who may hand one in."""

from collections.abc import AsyncIterator, Mapping
from uuid import UUID, uuid4

import httpx
import pytest

from contracts.events import NotificationFailed
from deploy.database import ServiceDsns
from services.common.auth import Principal
from services.notify import tokens
from services.notify.addresses import Manager
from tests.integration.notify_service import SECRET, Tables, chores, client, relay, settled, tables, worker, written
from tests.unit.notify.samples import BODY, changed, draft
from tests.unit.status.samples import event, submitted

API = "/api/v1/messages"
BOUNCES = {"Authorization": "Bearer a secret for bounces"}


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Tables]:
    async with tables(notify_dsns) as ready:
        yield ready


def report(status: str, action: str = "failed") -> bytes:
    """A delivery report as mail servers write it."""
    return (
        "From: MAILER-DAEMON@relay.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\r\n"
        f"Final-Recipient: rfc822; x@y.example\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} unknown\r\n\r\n--b--\r\n"
    ).encode()


async def hand_in(http: httpx.AsyncClient, message: UUID, content: bytes, **changes: str) -> httpx.Response:
    address = tokens.return_address(SECRET, "retours@chorale.example", message)
    return await http.post(
        f"{API}/bounces", params={"recipient": address}, content=content, headers={**BOUNCES, **changes}
    )


async def test_a_bounce_ends_an_address_tells_its_structure_and_the_notice_is_taken_over(found: Tables) -> None:
    other = Manager(siret=BODY, service_code="TEST-VOIRIE", name="V", email="voirie@dept.example")
    await found.load(Manager(siret=BODY, name="C", email="c@dept.example"), other)
    invoice = uuid4()
    async with relay() as smtp, worker(found, smtp.port, bounce_address="retours@chorale.example"):
        await found.take(event(submitted(), invoice), event(changed(), invoice))
        await settled(found)
    message = await found.pool.fetchval("select id from message where address = 'c@dept.example'")
    async with client(found, Principal(subject="mta")) as http:
        assert (await hand_in(http, message, report("5.1.1"), Authorization="Bearer wrong")).status_code == 401
        forged = {"recipient": f"retours+{uuid4().hex}-0123456789abcdef@chorale.example"}
        refusal = await http.post(f"{API}/bounces", params=forged, content=report("5.1.1"), headers=BOUNCES)
        assert refusal.json()["code"] == "BOUNCE_NOT_OURS"
        plain = tokens.return_address(SECRET, "retours@chorale.example", message)  # as the manual's command line has it
        answer = await http.post(f"{API}/bounces?recipient={plain}", content=report("5.2.2"), headers=BOUNCES)
        assert answer.json() == {"outcome": "noted"}
        for content, outcome in (
            (b"Subject: Absent\r\n\r\nBack on Monday", "unread"),
            (report("5.2.2"), "noted"),
            (report("4.4.1", "delayed"), "noted"),
            (report("5.1.1"), "dead"),
            (report("5.1.1"), "dead"),
        ):
            assert (await hand_in(http, message, content)).json() == {"outcome": outcome}
    told = [t for t in await found.outcomes() if isinstance(t, NotificationFailed)]
    assert [(t.message, t.bounced, t.entry) for t in told] == [(str(message), True, 2)]
    assert await found.pool.fetchval("select count(*) from proof where message = $1", message) == 1
    assert ("ADDRESS_DEAD", other.email, "created") in await written(found)
    await chores(found)._takeover.look()
    assert ("MISE_A_DISPOSITION", other.email, "created") in await written(found)
    again = uuid4()
    await found.take(event(submitted("F-2"), again), event(changed(invoice_number="F-2"), again))
    assert {
        tuple(row)
        for row in await found.pool.fetch("select address, state from message where subject = $1", str(again))
    } >= {("", "no_address")}


async def test_the_envelope_names_its_message_so_that_nobody_can_forge_a_bounce(found: Tables) -> None:
    senders: list[str] = []

    async def answers(stage: str, address: str) -> str | None:
        if stage == "sender":
            senders.append(address)
        return None

    async with relay() as smtp, worker(found, smtp.port, bounce_address="retours@chorale.example"):
        smtp.answers = answers
        await found.take(event(draft(), uuid4()))
        await settled(found)
    message = await found.pool.fetchval("select id from message")
    assert [tokens.returned(SECRET, sender) for sender in senders] == [message]
    assert all(len(sender.partition("@")[0]) <= 64 for sender in senders)
    with pytest.raises(tokens.InvalidToken):
        tokens.returned("another secret", senders[0])
