"""What a supplier's accounts clerk reads of a flow: which file, which field, which value, which rule, what to do."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pypdfium2
import pytest

from contracts.events import DepositRefused, DraftSaved
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.ingest.flow_items import PARIS
from tests.integration.flow_world import Flows, open_flows, supplier
from tests.unit.ingest.flow_samples import invoice, zipped
from tests.unit.ingest.samples import OTHER_SUPPLIER, STRICT_RECIPIENT, SUPPLIER

MIGRATED = ("ingest",)

OTHER = supplier("supplier-2")
QUIET = ("integrated", "ignored")


@pytest.fixture
async def flows(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Flows]:
    async with open_flows(stack, dsns) as found:
        yield found


async def test_the_report_of_a_mixed_flow_tells_a_clerk_which_file_field_value_rule_and_what_to_do(
    flows: Flows,
) -> None:
    await flows.through(zipped({"avant.xml": invoice("F3")}))
    files = {
        "lot A/1.xml": invoice("F1"),
        "lot B/1.xml": invoice("F1", engagement="X9"),
        "lot B/sans service.xml": invoice("F2", recipient_siret=STRICT_RECIPIENT),
        "lot B/envoyée avant.xml": invoice("F3"),
        "lot B/sommes.xml": invoice("F6", payable="9999.00"),
        "coupée.xml": invoice("F5")[:300],
        "scan.jpg": b"\xff\xd8\xff\xe0",
        "style.xsl": b"<x/>",
    }
    view = await flows.through(zipped(files), name="mars.zip")
    assert view["counts"] == {"integrated": 1, "duplicate": 1, "rejected": 4, "to_verify": 1, "ignored": 1}
    text = (await flows.get(f"/{view['id']}/report.csv")).content.decode("utf-8-sig")
    rows = {row["fichier"]: row for row in csv.DictReader(io.StringIO(text), delimiter=";")}
    assert list(rows) == list(files), "in the order of the file, each under its own name"
    told = {name: (row["resultat"], row["champ"], row["valeur"], row["regle"]) for name, row in rows.items()}
    number = "Numéro de facture"
    assert told["lot A/1.xml"][::3] == ("integrated", "SAME_INVOICE")
    assert rows["lot A/1.xml"]["niveau"] == "avertissement"
    assert told["lot B/1.xml"] == ("rejected", number, "F1", "DOUBLON")
    assert told["lot B/sans service.xml"][:2] == ("rejected", "Code service")
    assert told["lot B/envoyée avant.xml"][::3] == ("duplicate", "ENTRY_ALREADY_DEPOSITED")
    assert told["lot B/sommes.xml"][:3] == ("to_verify", "Net à payer", "9\u202f999,00\xa0€")
    assert told["scan.jpg"] == ("rejected", "Fichier", "une image JPEG", "ENTRY_NOT_AN_INVOICE")
    assert all(row["message"] and row["a_faire"] for row in rows.values() if row["resultat"] not in QUIET)
    assert "non transmise" in rows["lot B/sommes.xml"]["libelle"]
    kept = (await flows.get(f"/{view['id']}/report.pdf")).content
    pages: Any = pypdfium2.PdfDocument(kept)
    printed = "\n".join(page.get_textpage().get_text_range() for page in pages)
    for said in ("Non intégrée : 4", "À vérifier (brouillon, non transmise) : 1", "Numéro de facture", "[DOUBLON]"):
        assert said in printed
    assert "Traité le" in printed
    tellers = [e.data for e in await flows.world.sent() if isinstance(e.data, DepositRefused | DraftSaved)]
    assert {one.flow for one in tellers} == {view["id"]}, "they are told of at the flow's end"
    assert len(tellers) == 4


async def test_reports_name_every_refused_invoice_in_words(flows: Flows) -> None:
    view = await flows.through(
        zipped({"=cmd.xml": invoice("F1", recipient_siret=STRICT_RECIPIENT), "ok.xml": invoice("F2")})
    )
    whole = (await flows.get(f"/{view['id']}/report.json")).json()
    assert [one["outcome"] for one in whole["invoices"]] == ["rejected", "integrated"]
    text = (await flows.get(f"/{view['id']}/report.csv")).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    refused = next(row for row in rows if row["resultat"] == "rejected")
    assert refused["fichier"] == "'=cmd.xml"
    assert refused["regle"].startswith("SERVICE")
    assert refused["message"]
    assert refused["a_faire"]
    page = await flows.get(f"/{view['id']}/report.pdf")
    assert page.content.startswith(b"%PDF-")
    day = datetime.now(UTC).astimezone(PARIS).date().isoformat()
    daily = (await flows.get(f"/rejections/{day}", params={"supplier": SUPPLIER})).content.decode("utf-8-sig")
    assert [row["numero_facture"] for row in csv.DictReader(io.StringIO(daily), delimiter=";")] == ["F1"]
    stranger = (await flows.get(f"/rejections/{day}", OTHER)).content.decode("utf-8-sig")
    assert list(csv.DictReader(io.StringIO(stranger), delimiter=";")) == []
    assert "F1" not in (await flows.get(f"/rejections/{day}", params={"supplier": OTHER_SUPPLIER})).text
