"""One's own flows and deposits as CSV, on a real database: the same as the lists, and nobody else's."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.auth import Principal
from services.ingest import deposit_csv, flow_csv, list_csv
from services.ingest.flow_domain import FlowState
from tests.integration.flow_world import Flows, open_flows, supplier
from tests.unit.ingest.flow_samples import invoice, zipped
from tests.unit.ingest.samples import STRICT_RECIPIENT, pdf

MIGRATED = ("ingest",)
#: Of the same structure, under the same role: another account all the same.
OTHER = supplier("supplier-2")


@pytest.fixture
async def flows(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Flows]:
    async with open_flows(stack, dsns) as found:
        yield found


async def _table(flows: Flows, path: str, principal: Principal | None = None, **asked: Any) -> list[dict[str, str]]:
    headers = flows.world.headers(principal)
    answer = await flows.world.client.get(f"/api/v1/{path}/export.csv", params=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(answer.text[1:], newline=""), delimiter=";"))


async def _listed(flows: Flows, path: str, principal: Principal | None = None, **asked: Any) -> list[str]:
    headers = flows.world.headers(principal)
    answer = await flows.world.client.get(f"/api/v1/{path}", params={"limit": 100, **asked}, headers=headers)
    return [row["id"] for row in answer.json()[path]]


async def test_flows_as_csv_are_the_list_of_their_depositor(flows: Flows) -> None:
    whole = await flows.through(zipped({"1.xml": invoice("F1")}), name="=cmd.zip")
    files = {"2.xml": invoice("F2"), "3.xml": invoice("F3", recipient_siret=STRICT_RECIPIENT), "style.xsl": b"<x/>"}
    partly = await flows.through(zipped(files), name="mars;2026.zip")
    theirs = str(await flows.send(zipped({"4.xml": invoice("F4")}), name="autre.zip", principal=OTHER))
    await flows.work()
    begun = (await flows.upload(20)).rpartition("/")[2]
    rows = await _table(flows, "flows")
    assert [row["id"] for row in rows] == [begun, partly["id"], whole["id"]] == await _listed(flows, "flows")
    assert list(rows[0]) == list(flow_csv.HEAD)
    assert [row["etat"] for row in rows] == ["UPLOADING", "IN_INTEGRE_PARTIEL", "IN_INTEGRE"]
    assert [row["fichier"] for row in rows[1:]] == ["mars;2026.zip", "'=cmd.zip"]
    assert (rows[0]["recu_le"], rows[0]["type"], rows[0]["factures"]) == ("", "", "0")
    counted = [int(rows[1][name]) for name in ("factures", "deposees", "non_integrees", "fichiers_laisses")]
    told = [partly["counts"][name] for name in ("integrated", "rejected", "ignored")]
    assert counted == [partly["items"], *told] == [3, 1, 1, 1]
    ended = [FlowState.INTEGRATED.value, FlowState.REJECTED.value]
    assert [row["id"] for row in await _table(flows, "flows", state=ended)] == [whole["id"]]
    assert [row["id"] for row in await _table(flows, "flows", OTHER)] == [theirs]
    assert await _table(flows, "flows", supplier("supplier-3")) == []


async def test_the_counts_of_a_flow_under_way_are_in_the_list_and_in_the_table(flows: Flows) -> None:
    flow = await flows.send(zipped({"1.xml": invoice("F1"), "2.xml": invoice("F2")}))
    while await flows.worker.once():
        pass
    assert (await flows.show(flow))["counts"] == {"waiting": 2}
    assert (await flows.get("")).json()["flows"][0]["counts"] == {"waiting": 2}
    assert (await _table(flows, "flows"))[0]["en_attente"] == "2"


async def test_deposits_as_csv_are_the_list_of_their_depositor(flows: Flows) -> None:
    world = flows.world
    await flows.through(zipped({"1.xml": invoice("F1")}))
    sent = (await _listed(flows, "deposits"))[0]
    first = str(await world.deposit(pdf("un"), name="=cmd.pdf"))
    again = str(await world.deposit(pdf("un"), name="encore.pdf"))
    theirs = str(await world.deposit(pdf("autre"), principal=OTHER))
    rows = await _table(flows, "deposits")
    assert [row["id"] for row in rows] == [again, first, sent] == await _listed(flows, "deposits")
    assert list(rows[0]) == list(deposit_csv.HEAD)
    assert [row["etat"] for row in rows] == ["duplicate", "received", "submitted"]
    assert (rows[0]["doublon_de"], rows[1]["fichier"], rows[1]["siret_fournisseur"]) == (first, "'=cmd.pdf", "")
    found = (await world.get(f"/{sent}")).json()["invoice"]
    named = ("numero_facture", "siret_fournisseur", "siret_destinataire", "net_a_payer", "devise")
    assert [rows[2][name] for name in named] == [
        found["invoice_number"],
        found["supplier_siret"],
        found["recipient_siret"],
        found["payable"].replace(".", ","),
        "EUR",
    ]
    assert [row["id"] for row in await _table(flows, "deposits", state=["received", "duplicate"])] == [again, first]
    assert [row["id"] for row in await _table(flows, "deposits", OTHER)] == [theirs]


async def test_an_invoice_of_a_structure_that_was_left_is_in_no_table(flows: Flows) -> None:
    await flows.through(zipped({"1.xml": invoice("F1")}))
    left = supplier(structures=())
    assert await _table(flows, "deposits", left) == []
    assert len(await _table(flows, "deposits")) == 1


async def test_a_table_is_read_by_pages_cut_and_gone_on_with(flows: Flows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_csv, "PAGE", 2)
    monkeypatch.setattr(list_csv, "MOST", 3)
    ids = [str(await flows.world.deposit(pdf(f"page-{n}"))) for n in range(5)][::-1]
    *rows, last = await _table(flows, "deposits")
    assert [row["id"] for row in rows] == ids[:3]
    said, _, cursor = last["id"].partition("cursor=")
    assert "coupée à 3 lignes" in said
    assert [row["id"] for row in await _table(flows, "deposits", cursor=cursor)] == ids[3:]


async def test_what_is_asked_wrongly_or_by_nobody_gets_no_table(flows: Flows) -> None:
    client, headers = flows.world.client, flows.world.headers()
    for path in ("flows", "deposits"):
        address = f"/api/v1/{path}/export.csv"
        assert (await client.get(address)).status_code == 401
        wrong = await client.get(address, params={"cursor": "inventee"}, headers=headers)
        assert (wrong.status_code, wrong.json()["code"]) == (400, "CURSOR_INVALID")
        assert (await client.get(address, params={"state": "inventé"}, headers=headers)).status_code == 422
