"""Deposits of data files, and of PDFs that carry data: kept as they are, decided like any other, shown with pages."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec
import pytest

from contracts.events import (
    DepositRefused,
    DocumentReceived,
    DocumentSignature,
    DraftSaved,
    EmbeddedFile,
    InvoiceSubmitted,
    ReadCandidate,
)
from deploy.database import ServiceDsns
from deploy.local import Stack
from invoice.findings import Finding
from services.common import links
from services.common.links import Presented
from tests.integration.ingest_world import SECRET, World, open_world, supplier
from tests.unit.ingest.samples import directory_events, event, fields, pdf, read, sha256, xml

SIZES = ((595.28, 841.89), (841.89, 595.28))


@pytest.fixture
async def ready(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    """A world whose directory is complete."""
    async with open_world(stack, dsns) as world:
        await world.take(*directory_events())
        await world.pool.execute("insert into directory_read_to_end default values")
        yield world


async def last(world: World) -> object:
    return (await world.sent())[-1].data


async def test_a_data_file_is_taken_and_kept_as_it_is(ready: World) -> None:
    answer = await ready.post(xml(), name="facture.pdf")
    assert answer.status_code == 201
    deposit = UUID(answer.json()["id"])
    received = await last(ready)
    assert isinstance(received, DocumentReceived)
    assert received.document.media_type == "application/xml"
    assert received.document.key.endswith(f"{deposit}/document.xml")
    document = await ready.get(f"/{deposit}/document")
    assert document.content == xml()
    assert document.headers["content-type"] == "application/xml"
    assert "attachment" in document.headers["content-disposition"]
    assert document.headers["x-content-type-options"] == "nosniff"


async def test_a_data_file_called_pdf_or_the_reverse_is_taken_for_what_it_is(ready: World) -> None:
    for content, kind in ((xml(), "application/xml"), (pdf(), "application/pdf")):
        deposit = await ready.deposit(content, name="x.pdf" if kind.endswith("xml") else "x.xml")
        assert (await ready.row(deposit))["media_type"] == kind


async def test_a_data_file_deposited_twice_is_a_duplicate_like_any_other(ready: World) -> None:
    first = await ready.deposit(xml())
    assert (await ready.post(xml(), name="copie.xml")).json()["duplicate_of"] == str(first)


async def test_a_page_of_html_is_refused_at_the_door(ready: World) -> None:
    answer = await ready.post(b"<html><body>Facture</body></html>", name="facture.xml")
    assert (answer.status_code, answer.json()["code"]) == (415, "NOT_A_PDF")
    assert "XML" in answer.json()["detail"]


async def test_the_values_of_a_data_file_are_submitted_with_what_accompanies_them(ready: World) -> None:
    deposit = await ready.deposit(xml())
    found = fields(
        due_date="2025-12-03", vat_regime="TVA_SUR_DEBIT", payment_mode="VIREMENT", cadre="A1_FACTURE_FOURNISSEUR"
    )
    await ready.take(event(str(deposit), read(xml(), found, source="ubl", lines=3)))
    submitted = await last(ready)
    assert isinstance(submitted, InvoiceSubmitted)
    assert (submitted.invoice.vat_regime, submitted.invoice.payment_mode) == ("TVA_SUR_DEBIT", "VIREMENT")
    seen = (await ready.get(f"/{deposit}")).json()
    assert seen["invoice"]["due_date"] == "2025-12-03"
    assert (seen["contents"]["source"], seen["contents"]["lines"]) == ("ubl", 3)
    assert seen["pages"] is None
    assert "XML" in seen["pages_absent"]


async def test_an_invoice_already_paid_is_submitted_under_its_cadre(ready: World) -> None:
    deposit = await ready.deposit(xml())
    found = fields(cadre="A2_FACTURE_FOURNISSEUR_DEJA_PAYEE", prepaid="120.00", payable="0.00")
    await ready.take(event(str(deposit), read(xml(), found, source="cii")))
    submitted = await last(ready)
    assert isinstance(submitted, InvoiceSubmitted)
    assert submitted.invoice.cadre == "A2_FACTURE_FOURNISSEUR_DEJA_PAYEE"


async def test_a_cadre_of_the_file_that_lacks_its_validator_refuses_the_deposit_in_words(ready: World) -> None:
    deposit = await ready.deposit(xml())
    await ready.take(event(str(deposit), read(xml(), fields(cadre="A9_FACTURE_SOUSTRAITANT"), source="cpp")))
    refused = await last(ready)
    assert isinstance(refused, DepositRefused)
    assert [reason.code for reason in refused.reasons] == ["VALIDATOR_MISSING"]
    assert await ready.pool.fetchval("select count(*) from number_taken") == 0


async def test_amounts_that_differ_from_the_page_wait_for_a_person_with_both_values(ready: World) -> None:
    deposit = await ready.deposit()
    said = Finding(
        code="PAGE_AMOUNT_DIFFERS",
        level="warn",
        message="Total : la page montre 144,00 €, les données 120,00 €.",
        field="total_incl_tax",
        value="120.00",
        normalised="144.00",
        action="Comparez.",
    )
    await ready.take(event(str(deposit), read(pdf(), source="facturx", warnings=(said,), page_sizes=SIZES)))
    draft = await last(ready)
    assert isinstance(draft, DraftSaved)
    assert said in draft.reasons
    seen = (await ready.get(f"/{deposit}")).json()
    assert (seen["state"], seen["invoice"]) == ("to_verify", None)
    [shown] = seen["findings"]
    assert (shown["message"], shown["value"], shown["normalised"]) == (said.message, "120.00", "144.00")
    assert await ready.pool.fetchval("select count(*) from number_taken") == 0


async def test_another_difference_is_told_with_the_invoice_that_is_submitted(ready: World) -> None:
    deposit = await ready.deposit()
    said = Finding(code="PAGE_IBAN_DIFFERS", level="warn", message="IBAN.", field="supplier_iban", action="Comparez.")
    await ready.take(event(str(deposit), read(pdf(), source="facturx", warnings=(said,), page_sizes=SIZES)))
    submitted = await last(ready)
    assert isinstance(submitted, InvoiceSubmitted)
    assert submitted.warnings == (said,)
    assert [found["code"] for found in (await ready.get(f"/{deposit}")).json()["findings"]] == ["PAGE_IBAN_DIFFERS"]


async def test_the_depositor_gets_a_link_to_the_pages_and_nobody_else_does(ready: World) -> None:
    deposit = await ready.deposit()
    assert "lu" in (await ready.get(f"/{deposit}")).json()["pages_absent"]
    await ready.take(event(str(deposit), read(pdf(), page_sizes=SIZES)))
    pages = (await ready.get(f"/{deposit}")).json()["pages"]
    assert [tuple(size) for size in pages["sizes"]] == list(SIZES)
    query = parse_qs(urlsplit(pages["template"]).query)
    assert urlsplit(pages["template"]).path == f"/api/v1/pages/{deposit}/{{n}}.png"
    given = Presented(**{name: values[0] for name, values in query.items()})
    left = links.check(SECRET, deposit, given).seconds
    expires = datetime.fromisoformat(pages["expires_at"])
    assert abs((expires - datetime.now(UTC)).total_seconds() - left) < 5
    assert (await ready.get(f"/{deposit}", principal=supplier("supplier-2"))).status_code == 404


async def test_what_the_document_carries_and_what_was_considered_is_shown(ready: World) -> None:
    deposit = await ready.deposit()
    signed_at = datetime(2025, 11, 3, 9, tzinfo=UTC)
    number, *rest = fields()
    other = ReadCandidate(value="F-2", page=1, box=(1.0, 2.0, 3.0, 4.0), keyword="N°", raw="F-2", score=0.25)
    found = (msgspec.structs.replace(number, candidates=(other,)), *rest)
    reading = read(
        pdf(),
        found,
        page_sizes=SIZES,
        signatures=(DocumentSignature(state="altered", whole=False, signed_at=signed_at),),
        embedded=(EmbeddedFile(name="bon.pdf", media_type="application/pdf", size=12),),
    )
    await ready.take(event(str(deposit), reading))
    seen = (await ready.get(f"/{deposit}")).json()
    [signature] = seen["contents"]["signatures"]
    assert (signature["state"], signature["whole"]) == ("altered", False)
    assert datetime.fromisoformat(signature["signed_at"]) == signed_at
    assert seen["contents"]["embedded"] == [
        {"name": "bon.pdf", "media_type": "application/pdf", "size": 12, "description": None}
    ]
    [candidate] = seen["fields"][0]["candidates"]
    assert (candidate["value"], candidate["score"], candidate["box"]) == ("F-2", 0.25, [1.0, 2.0, 3.0, 4.0])


async def test_deposits_of_before_have_no_contents_and_are_shown_all_the_same(ready: World) -> None:
    deposit = await ready.deposit()
    await ready.pool.execute(
        "update deposit set state = 'to_verify', sha256 = $2 where id = $1", deposit, sha256(pdf())
    )
    seen = (await ready.get(f"/{deposit}")).json()
    assert (seen["contents"], seen["pages"]) == (None, None)
    assert seen["pages_absent"]
