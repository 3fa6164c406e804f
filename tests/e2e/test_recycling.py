"""An invoice that went to the wrong body, as the body, the supplier and the right body live it."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx

from deploy.local import Stack
from services.common.auth import Principal
from tests.documents import InvoicePdf
from tests.e2e.client import Person, supplier, until

WRONG, RIGHT = "22060001900016", "22060001901170"


def act(person: Person, identity: str, **body: Any) -> dict[str, Any]:
    read = person.http.get(f"/api/v1/invoices/{identity}")
    answer = person.http.post(
        f"/api/v1/invoices/{identity}/actions",
        json=body,
        headers={"If-Match": read.headers["ETag"], "Idempotency-Key": uuid4().hex},
    )
    assert answer.status_code == httpx.codes.OK, answer.text
    found: dict[str, Any] = answer.json()
    return found


def available(person: Person, identity: str) -> dict[str, Any] | None:
    """The invoice at a body's disposal, its delay running: every notice is in."""
    answer = person.invoice(identity)
    found: dict[str, Any] = answer.json() if answer.status_code == httpx.codes.OK else {}
    ready = found.get("status", {}).get("code") == "MISE_A_DISPOSITION" and found["payment_delay"]
    return found if ready and sum(e["kind"] == "notice" for e in found["history"]) >= 2 else None


def test_an_invoice_sent_to_the_wrong_body_reaches_the_right_one_and_everybody_is_told(platform: Stack) -> None:
    number = f"RC{uuid4().hex[:6]}"
    firm = Person(platform, supplier())
    clerk = Person(
        platform, Principal(subject="clerk", services=(f"{WRONG}/DRH",), roles=("DESTINATAIRE",), tenants=("cd06",))
    )
    right = Person(
        platform, Principal(subject="right", structures=(RIGHT,), tenants=("cd06",), roles=("GESTIONNAIRE",))
    )
    pdf = replace(InvoicePdf(number=number, service_code="DRH"), copy=number).render()
    identity = firm.deposit(pdf).json()["id"]
    until(lambda: available(firm, identity))

    said = "Cette commande est celle du cinéma."
    act(clerk, identity, action="return_for_recycling", motif="DEST_ERR", comment=said)
    mail = until(lambda: next((m for m in firm.mails() if "adresse à corriger" in m["subject"]), None))
    assert said in mail["text"]
    assert "même numéro" in mail["text"]

    actions = firm.http.get(f"/api/v1/invoices/{identity}/actions").json()["actions"]
    [possible] = [action for action in actions if action["action"] == "recycle"]
    assert [field["name"] for field in possible["fields"]] == ["recipient_siret", "service_code", "engagement"]
    act(firm, identity, action="recycle", fields={"recipient_siret": RIGHT, "service_code": "MERCURY"})
    found = until(lambda: available(right, identity))
    assert (found["number"], found["recipient"]["siret"]) == (number, RIGHT)
    assert clerk.invoice(identity).json()["status"]["code"] == "A_RECYCLER"

    def told(address: str, words: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"{platform.smtp.url}/api/messages", params={"to": address, "limit": 100})
        return [m for m in answer.json() if number in m["subject"] and words in m["subject"]]

    left = until(lambda: told("factures.00016@alpes-maritimes.example", "recyclée"))
    assert len(left) == 1
    assert RIGHT not in left[0]["text"].replace(" ", "").replace("\u202f", "").replace("\xa0", "")
    assert len(until(lambda: told("factures.01170@alpes-maritimes.example", "à traiter"))) == 1
