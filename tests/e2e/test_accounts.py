"""People on the whole platform: from sign-up to the invoices of a SIRET, without ever signing in again."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.demo.prepare import bearer
from deploy.local import Stack
from services.common.auth import Principal
from tests.documents import SUPPLIER, InvoicePdf
from tests.e2e.client import OPEN, Person, supplier, until

OPERATOR = Principal(subject="person:operator", roles=("OPERATEUR",))
ACCOUNTS = "/api/v1/accounts"
BODY, SERVICE = "22060001900016", "DRH"
PASSWORD = "quatre chats verts dansent"
_TOKEN = re.compile(r"/(?:lien|invitation)\?token=([\w-]+)")


class Account:
    """Somebody with an account, in front of the gateway: a browser's cookie, and the one token that he took with it."""

    def __init__(self, platform: Stack, name: str) -> None:
        self.email = f"{name}-{uuid4().hex[:8]}@firme.example"
        self.http = httpx.Client(base_url=platform.url, headers={"Origin": platform.url}, timeout=30)
        self._inbox = platform.smtp.url
        self.subject = ""
        OPEN.append(self.http)

    def sign_up(self, siret: str) -> None:
        """Ask for an account, follow the link of the mail, and take a token."""
        given = {"email": self.email, "name": "Claire Martin", "identifier": {"type": "SIRET", "value": siret}}
        answer = self.http.post(ACCOUNTS, json=given)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        self.activate()

    def activate(self) -> None:
        """Follow the link of activation and take a token."""
        word = self.link("Activez")
        answer = self.http.post(f"{ACCOUNTS}/links", json={"token": word, "password": PASSWORD})
        assert answer.json()["signed_in"] is True, answer.text
        self.subject = self.http.get(f"{ACCOUNTS}/me").json()["subject"]
        token = self.http.post(f"{ACCOUNTS}/sessions/token").json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"

    def link(self, subject: str) -> str:
        """The word of the link in the mail with this subject."""

        def look() -> str | None:
            answer = httpx.get(f"{self._inbox}/api/messages", params={"to": self.email, "limit": 100})
            for mail in answer.json():
                if subject in mail["subject"] and (found := _TOKEN.search(mail["text"])):
                    return found[1]
            return None

        return until(look)

    def good(self, method: str, path: str, **more: Any) -> Any:
        """A request that must succeed."""
        answer = self.http.request(method, path, **more)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def sees(self, invoice: str) -> bool:
        """Whether an invoice is there for him."""
        answer = self.http.get(f"/api/v1/invoices/{invoice}")
        assert answer.status_code in (200, 404), answer.text
        listed = self.http.get("/api/v1/invoices", params={"limit": 100}).json()
        shown = invoice in str(listed)
        return answer.status_code == 200 and shown

    def deposit(self) -> str:
        """Deposit an invoice of the SIRET that passes."""
        files = {"file": ("f.pdf", invoice(), "application/pdf")}
        answer = self.http.post("/api/v1/deposits", files=files)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return str(answer.json()["id"])


def invoice() -> bytes:
    """An invoice that passes, under a number of its own."""
    return replace(InvoicePdf(number=f"A{uuid4().hex[:10].upper()}", service_code=SERVICE)).render()


def operate(platform: Stack, method: str, path: str, **more: Any) -> Any:
    """A request of the operator that must succeed."""
    answer = httpx.request(method, f"{platform.url}{path}", headers=bearer(platform, OPERATOR), timeout=30, **more)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


@pytest.fixture
def theirs(platform: Stack) -> str:
    """An invoice of the same SIRET that somebody else deposited."""
    other = Person(platform, supplier())
    deposit: str = other.deposit(invoice()).json()["id"]
    until(lambda: other.invoice(deposit).status_code == 200)
    return deposit


def test_from_sign_up_to_all_invoices_of_a_siret_and_out_again_without_a_new_sign_in(
    platform: Stack, theirs: str
) -> None:
    siret = SUPPLIER.siret or ""
    claire, denis = Account(platform, "claire"), Account(platform, "denis")
    claire.sign_up(siret)
    mine = claire.deposit()
    until(lambda: claire.sees(mine))
    assert not claire.sees(theirs)

    today = datetime.now(UTC).date().isoformat()
    path = f"{ACCOUNTS}/structures/{siret}"
    paper = claire.good("POST", f"{path}/proofs?kind=KBIS&dated={today}", content=b"%PDF-1.7 a paper")
    operate(platform, "POST", f"{ACCOUNTS}/proofs/{paper['id']}/approve")
    until(lambda: claire.sees(theirs))
    assert claire.sees(mine)

    denis.sign_up(siret)
    assert not denis.sees(theirs)
    claire.good("POST", f"{path}/members/{denis.subject}/vouch")
    until(lambda: denis.sees(theirs))
    with denis.http.stream("GET", "/api/v1/invoices/events", timeout=30) as feed:
        assert feed.status_code == httpx.codes.OK
        claire.good("DELETE", f"{path}/members/{denis.subject}")
        for _ in feed.iter_lines():  # the feed of whoever may see nothing there any more ends by itself
            pass
    until(lambda: not denis.sees(theirs))
    refused = claire.http.post(f"{path}/leave")
    assert (refused.status_code, refused.json()["code"]) == (409, "LAST_PRINCIPAL")


def test_an_agent_of_a_body_is_invited_and_sees_what_his_service_has_received(platform: Stack, theirs: str) -> None:
    boss, agent = Account(platform, "boss"), Account(platform, "agent")
    path = f"{ACCOUNTS}/structures/{BODY}"
    operate(platform, "POST", f"{path}/invitations", json={"email": boss.email, "manager": "principal"})
    for who, inviter in ((boss, None), (agent, boss)):
        if inviter is not None:
            roles = [{"role": "AGENT", "service": SERVICE}]
            inviter.good("POST", f"{path}/invitations", json={"email": who.email, "roles": roles})
        word = who.link("invité")
        asked = who.http.post(f"{ACCOUNTS}/invitations/sign-up", json={"token": word, "name": "Un agent"})
        assert asked.status_code == httpx.codes.ACCEPTED, asked.text
        who.activate()
        assert not who.sees(theirs)
        for _ in range(2):
            page = who.http.get("/invitation", params={"token": word})
            assert (page.status_code, "vous invite" in page.text) == (200, True)
            assert page.headers["cache-control"] == "private, no-store"
            assert page.headers["referrer-policy"] == "same-origin"
        assert not who.sees(theirs)  # to look changes nothing
        form = {"csrf": page.text.partition('name="csrf" value="')[2].partition('"')[0], "token": word}
        pressed = who.http.post("/invitation", data=form)
        assert (pressed.status_code, pressed.headers["location"]) == (303, "/?fait=invited")
        assert who.http.get("/invitation", params={"token": word}).status_code == 410
        until(lambda who=who: who.sees(theirs))  # type: ignore[misc]
    boss.good("DELETE", f"{path}/members/{agent.subject}")
    until(lambda: not agent.sees(theirs))
    assert boss.sees(theirs)
