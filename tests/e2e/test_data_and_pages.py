"""Data files and their pages through the whole platform, as a supplier and the body live it."""

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from deploy.demo.people import TENANT, TOWN
from deploy.local import Stack
from services.common.auth import Principal
from tests.carriers import facts_of, facturx, sign
from tests.documents import InvoicePdf
from tests.e2e.client import Person, supplier, until
from tests.unit.invoice.syntax.samples import cii, cpp, ubl

SERVICE = "DRH"
_numbers = iter(range(1, 1_000))
PNG = b"\x89PNG\r\n\x1a\n"


def invoice() -> InvoicePdf:
    """An invoice that passes, under a number of its own."""
    return replace(InvoicePdf(number=f"X{next(_numbers):05d}", service_code=SERVICE))


FORMS: list[tuple[str, Callable[[InvoicePdf], bytes]]] = [
    ("text", lambda one: one.render()),
    ("facturx", facturx),
    ("cii", lambda one: cii(facts_of(one))),
    ("ubl", lambda one: ubl(facts_of(one))),
    ("cpp", lambda one: cpp(facts_of(one))),
]


@pytest.mark.parametrize(("source", "form"), FORMS, ids=[source for source, _ in FORMS])
def test_the_same_invoice_goes_the_same_way_in_every_form(
    platform: Stack, source: str, form: Callable[[InvoicePdf], bytes]
) -> None:
    person = Person(platform, supplier())
    one = invoice()
    identity = person.deposit(form(one), name="facture").json()["id"]
    deposit = person.decided(identity)
    assert (deposit["state"], deposit["contents"]["source"]) == ("submitted", source), deposit["findings"]

    def available() -> dict[str, object] | None:
        answer = person.invoice(identity)
        found = answer.json() if answer.status_code == httpx.codes.OK else {}
        return found if found.get("status", {}).get("code") == "MISE_A_DISPOSITION" else None

    found = until(available)
    assert found["recipient"]["service_code"] == SERVICE  # type: ignore[index]
    assert found["header"]["invoice_number"] == one.number  # type: ignore[index]


def test_the_pages_are_seen_through_the_link_that_deposit_and_invoice_give(platform: Stack) -> None:
    person = Person(platform, supplier())
    identity = person.deposit(facturx(invoice())).json()["id"]
    deposit = person.decided(identity)
    given = [deposit["pages"]["template"]]
    given.append(until(lambda: person.invoice(identity).json().get("pages"))["template"])
    pictures = set()
    for template in given:
        answer = httpx.get(platform.url + template.replace("{n}", "1"), timeout=30)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png"), answer.text
        pictures.add(answer.content)
    assert len(pictures) == 1
    assert pictures.pop().startswith(PNG)
    width, height = deposit["pages"]["sizes"][0]
    box = next(field["box"] for field in deposit["fields"] if field["name"] == "total_incl_tax")
    assert 0 < box[0] < box[2] < width
    assert 0 < box[1] < box[3] < height
    forged = given[0].replace("signature=", "signature=A").replace("{n}", "1")
    refused = httpx.get(platform.url + forged, timeout=30)
    assert (refused.status_code, refused.json()["code"]) == (403, "PAGES_LINK_REFUSED")


def test_the_body_sees_the_pages_of_an_invoice_made_again_with_its_document(platform: Stack) -> None:
    person = Person(platform, supplier())
    refused = person.deposit(replace(invoice(), service_code="NEXISTEPAS").render()).json()["id"]
    assert person.decided(refused)["state"] == "refused"
    draft = person.http.post("/api/v1/drafts", json={"from_invoice": refused}).json()
    path = f"/api/v1/drafts/{draft['id']}"
    said = person.http.patch(path, headers={"If-Match": '"1"'}, json={"fields": {"service_code": SERVICE}})
    assert said.json()["ready"], said.text
    sent = person.http.post(f"{path}/submit", headers={"If-Match": '"2"'})
    assert sent.json()["state"] == "submitted", sent.text
    body = Principal(subject="agent-drh", services=(f"{TOWN}/{SERVICE}",), roles=("DESTINATAIRE",), tenants=(TENANT,))
    agent = Person(platform, body)
    template = until(lambda: agent.invoice(draft["id"]).json().get("pages"))["template"]
    answer = httpx.get(platform.url + template.replace("{n}", "1"), timeout=30)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png"), answer.text


def test_data_that_differ_from_the_page_wait_for_a_person_and_the_mail_says_so(platform: Stack) -> None:
    person = Person(platform, supplier())
    deposit = person.decided(person.deposit(facturx(invoice(), incl="9999.99", payable="9999.99")).json()["id"])
    assert deposit["state"] == "to_verify"
    said = [found for found in deposit["findings"] if found["code"] == "PAGE_AMOUNT_DIFFERS"]
    assert {found["field"] for found in said} == {"total_incl_tax", "payable"}
    assert all(found["value"] == "9999.99" and "page 1" in found["message"] for found in said)


def test_a_flow_of_several_invoices_is_refused_with_what_to_do(platform: Stack) -> None:
    person = Person(platform, supplier())
    deposit = person.decided(person.deposit(cpp(facts_of(invoice()), facts_of(invoice()))).json()["id"])
    assert deposit["state"] == "refused"
    [reason] = deposit["findings"]
    assert (reason["code"], reason["action"]) == ("SEVERAL_INVOICES", "Envoyez-les une par une.")


def test_a_signed_invoice_keeps_its_signature_and_it_is_reported(platform: Stack) -> None:
    person = Person(platform, supplier())
    document = sign(invoice().render())
    identity = person.deposit(document).json()["id"]
    deposit = person.decided(identity)
    assert deposit["state"] == "submitted"
    assert [(one["state"], one["whole"]) for one in deposit["contents"]["signatures"]] == [("valid", True)]
    assert person.http.get(f"/api/v1/deposits/{identity}/document").content == document
