"""A new invoice is compared with the same supplier's earlier ones to the same tenant, and the answer says so."""

from collections.abc import AsyncIterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import DepositRefused, Grant, InvoiceSubmitted, StatusChanged
from deploy.database import ServiceDsns
from deploy.local import Stack
from invoice.findings import Finding
from services.common.auth import Principal
from services.common.principal import of_grants
from tests.integration.ingest_world import World, open_world
from tests.unit.ingest.samples import RECIPIENT, SENT, SUPPLIER, VALUES, directory_events, event, fields, pdf, read

IBAN, OTHER_IBAN = "FR7630006000011234567890189", "DE89370400440532013000"


@pytest.fixture
async def ready(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    """A world whose directory is complete."""
    async with open_world(stack, dsns) as world:
        await world.take(*directory_events())
        await world.pool.execute("insert into directory_read_to_end default values")
        yield world


async def submitted(world: World, name: str, who: Principal | None = None, **given: Any) -> InvoiceSubmitted:
    """An invoice that is read with these fields, and submitted."""
    content = pdf(name)
    deposit = await world.deposit(content, principal=who)
    data = read(content, fields(**given))
    await world.take(event(str(deposit), data))
    last = (await world.sent())[-1].data
    assert isinstance(last, InvoiceSubmitted)
    return last


def codes(invoice: InvoiceSubmitted) -> list[str]:
    return [one.code for one in invoice.warnings]


async def test_another_iban_and_the_same_invoice_under_another_number_are_told(ready: World) -> None:
    first = await submitted(ready, "a", invoice_number="A1", supplier_iban=IBAN)
    assert codes(first) == []
    again = await submitted(ready, "b", invoice_number="A2", supplier_iban=IBAN)
    assert codes(again) == ["SAME_INVOICE"]
    assert "« A1 »" in again.warnings[0].message
    moved = await submitted(ready, "c", invoice_number="A3", supplier_iban=OTHER_IBAN, issue_date="2025-01-02")
    assert codes(moved) == ["IBAN_CHANGED"]
    assert OTHER_IBAN not in moved.warnings[0].message
    assert "…3000" in moved.warnings[0].message
    known = await submitted(ready, "d", invoice_number="A4", supplier_iban=OTHER_IBAN, issue_date="2025-01-03")
    assert codes(known) == []


def person(*grants: Grant) -> Principal:
    return of_grants(f"p-{uuid4().hex[:8]}", grants, kid="k", session="s")


async def test_an_earlier_invoice_is_named_to_those_alone_who_may_see_it(ready: World) -> None:
    """The body is warned all the same: whoever is not verified may be nobody of the supplier's."""
    await submitted(ready, "a", invoice_number="SECRET-1", supplier_iban=IBAN)
    deposits, supplies = (Grant(role=role, structure=SUPPLIER) for role in ("DEPOSANT", "FOURNISSEUR"))
    reads = Grant(role="LECTURE", structure=SUPPLIER)
    cases = [((deposits,), False), ((supplies,), True), ((deposits, supplies), True), ((deposits, reads), True)]
    for number, (grants, named) in enumerate(cases):
        given = {"invoice_number": f"B{number}", "supplier_iban": f"DE8937040044053201300{number}"}
        found = await submitted(ready, f"b{number}", person(*grants), **given)
        assert codes(found) == ["IBAN_CHANGED", "SAME_INVOICE"]
        told = " ".join(one.message for one in found.warnings)
        assert ("« SECRET-1 »" in told or "« B" in told) == named, told
        assert ("qui finissait" in told) == named, told


async def test_a_draft_in_anothers_name_tells_nothing_of_what_he_has_sent(ready: World) -> None:
    """Anybody can write a SIRET, a date and an amount, and a number to see whether it is taken."""
    await submitted(ready, "a", invoice_number="SECRET-1", supplier_iban=IBAN)
    stranger = person(Grant(role="FOURNISSEUR", structure="35600000000048"))
    said = []
    for number in ("SECRET-1", "NEVER-1"):
        values = {**VALUES, "invoice_number": number, "payment_mode": "VIREMENT", "supplier_iban": OTHER_IBAN}
        answer = await ready.client.post("/api/v1/drafts", json={"fields": values}, headers=ready.headers(stranger))
        assert answer.status_code == 201, answer.text
        said.append(sorted(each["code"] for each in answer.json()["checks"] if each["level"] != "info"))
    assert said[0] == said[1]
    assert "SUPPLIER_NOT_YOURS" in said[0]
    assert not {"DOUBLON", "SAME_INVOICE", "IBAN_CHANGED"} & set(said[0])


async def test_a_data_file_that_breaks_a_rule_of_its_format_is_refused_with_that_rule(ready: World) -> None:
    content = pdf("broken")
    deposit = await ready.deposit(content)
    broken = Finding(code="BR-16", level="refuse", message="La facture n'a aucune ligne.", action="Ajoutez une ligne.")
    await ready.take(event(str(deposit), read(content, fields(), warnings=(broken,))))
    last = (await ready.sent())[-1].data
    assert isinstance(last, DepositRefused)
    assert [one.code for one in last.reasons] == ["BR-16"]


async def now_is(world: World, invoice: UUID, status: str, before: str = "MISE_A_DISPOSITION") -> None:
    """The service of the statuses says that an invoice has moved."""
    changed = StatusChanged(
        entry=3,
        status_from=before,
        status_to=status,
        actor="agent:a",
        visibility="all",
        changed_at=SENT,
        invoice_number="of no matter",
        issue_date=date(2025, 11, 3),
        supplier_siret=SUPPLIER,
        recipient_siret=RECIPIENT,
        payable=Decimal("120.00"),
        currency="EUR",
    )
    await world.take(event(str(invoice), changed))


async def test_a_credit_note_about_a_rejected_invoice_is_refused_and_takes_no_number(ready: World) -> None:
    async def credited(number: str, about: str, name: str) -> DepositRefused | InvoiceSubmitted:
        content = pdf(name)
        deposit = await ready.deposit(content)
        found = fields(invoice_number=number, type_code="381", preceding_invoice=about)
        await ready.take(event(str(deposit), read(content, found)))
        last = (await ready.sent())[-1].data
        assert isinstance(last, DepositRefused | InvoiceSubmitted)
        return last

    await submitted(ready, "good", invoice_number="GOOD", issue_date="2025-01-02")
    await submitted(ready, "bad", invoice_number="BAD")
    rejected = UUID((await ready.sent())[-1].subject)
    await now_is(ready, rejected, "PRISE_EN_COMPTE_DESTINATAIRE")
    await now_is(ready, uuid4(), "REJETEE")  # of no invoice that ingest knows
    assert isinstance(await credited("CREDIT-1", "BAD", "before"), InvoiceSubmitted)
    await now_is(ready, rejected, "REJETEE")
    refused = await credited("CREDIT-2", "BAD", "after")
    assert isinstance(refused, DepositRefused)
    assert [one.code for one in refused.reasons] == ["PRECEDING_REJECTED"]
    assert isinstance(await credited("CREDIT-2", "GOOD", "other"), InvoiceSubmitted)
    await now_is(ready, rejected, "DEPOSEE", before="REFUSEE_1")  # a request for direct payment goes on
    assert isinstance(await credited("CREDIT-3", "BAD", "again"), InvoiceSubmitted)
