"""Structures: their fields, papers, change of SIRET, INSEE's file, and what the API's role may see of them."""

import gzip
import hashlib
import io
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common import clock
from services.common.deliver import transaction
from services.common.persons import Subject
from services.portal import proof, sirene
from services.portal.person_part import person as portal_part
from tests.integration.portal_member_world import (
    BODY,
    OTHER,
    PDF,
    SAME_COMPANY,
    SUPPLIER,
    World,
    at,
    open_world,
    person,
)

IBAN = "FR7630006000011234567890189"
_TABLES = (
    "structure",
    "membership",
    "held_role",
    "held_office",
    "attachment_request",
    "invitation",
    "delegation",
    "proof",
    "succession",
    "published_right",
)


@pytest.fixture
async def world(stack: Stack, portal_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    """An empty portal with a public body and an operator."""
    async with open_world(stack, portal_dsns) as found:
        yield found


async def loaded(world: World, folder: Path) -> None:
    """INSEE's file with one establishment of the supplier and a closed one."""
    path = folder / "StockEtablissement_utf8.csv.gz"
    names = "siret,etatAdministratifEtablissement,denominationUniteLegale,numeroVoieEtablissement,typeVoieEtablissement"
    names += ",libelleVoieEtablissement,codePostalEtablissement,libelleCommuneEtablissement"
    lines = [names, f"{SUPPLIER},A,MENUISERIE DU PORT,12,RUE,DES LILAS,06000,NICE", f"{OTHER},F,FERME,,,,06000,NICE"]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    assert await sirene.load(world.own.worker, path) == 2
    assert await sirene.load(world.own.worker, path) == 2


async def test_fields_are_filled_in_from_insees_file_and_stay_editable(world: World, tmp_path: Path) -> None:
    await loaded(world, tmp_path)
    filled = await world.good("claire", "GET", f"/structures/prefill/{SUPPLIER}")
    assert (filled["known"], filled["closed"], filled["town"]) == (True, False, "NICE")
    assert (await world.good("claire", "GET", f"/structures/prefill/{OTHER}"))["closed"] is True
    made = await world.good(
        "claire", "POST", "/structures", json={"identifier": SUPPLIER, "address": {"street": "1 quai"}}
    )
    assert made["name"] == "MENUISERIE DU PORT"
    assert made["address"] == {
        "street": "1 quai",
        "complement": None,
        "postal_code": "06000",
        "town": "NICE",
        "country": "FR",
    }
    assert sorted(made["prefilled"]) == ["name", "postal_code", "town"]
    change = {"version": made["version"], "name": made["name"], "address": {**made["address"], "town": "ANTIBES"}}
    changed = await world.good("claire", "PUT", f"/structures/{SUPPLIER}", json=change)
    assert sorted(changed["prefilled"]) == ["name", "postal_code"]
    assert await world.refused("claire", "PUT", f"/structures/{SUPPLIER}", json=change) == (412, "VERSION_CHANGED")


async def test_a_structure_is_found_by_a_part_of_its_siret_or_its_exact_name(world: World, tmp_path: Path) -> None:
    await loaded(world, tmp_path)
    await world.arrives("claire", SAME_COMPANY)
    found = await world.good("denis", "GET", "/structures/search?siret=7328")
    assert [(s["structure"], s["registered"]) for s in found["structures"]] == [(SAME_COMPANY, True), (SUPPLIER, False)]
    inner = await world.good("denis", "GET", f"/structures/search?siret={BODY[3:9]}")
    assert [(s["structure"], s["public"]) for s in inner["structures"]] == [(BODY, True)]
    assert "votre propre SIRET" in inner["structures"][0]["to_do"]
    named = await world.good("denis", "GET", "/structures/search?name=menuiserie du port")
    assert [s["structure"] for s in named["structures"]] == [SUPPLIER]
    assert (await world.good("denis", "GET", "/structures/search?name=menuiserie"))["structures"] == []
    assert await world.refused("denis", "GET", "/structures/search?siret=73") == (422, "SEARCH_TOO_SHORT")
    assert await world.refused("denis", "GET", "/structures/search") == (422, "SEARCH_ONE_OF")


@pytest.mark.parametrize(
    ("kind", "text", "key"),
    [
        ("SIRET", "732 829 320 00074", SUPPLIER),
        ("UE_HORS_FRANCE", "DE136695976", "UE_HORS_FRANCE:DE136695976"),
        ("HORS_UE", "US Acme, Inc", "HORS_UE:USACME%2C%20INC"),
        ("RIDET", "0123456789", "RIDET:0123456789"),
        ("TAHITI", "012345678", "TAHITI:012345678"),
        ("AUTRE", "dossier 42", "AUTRE:DOSSIER%2042"),
        ("PARTICULIER", "185057512345DUPONT JEAN", None),
    ],
)
async def test_each_of_the_seven_identifiers_opens_a_structure(
    world: World, kind: str, text: str, key: str | None
) -> None:
    made = await world.good("claire", "POST", "/structures", json={"type": kind, "identifier": text})
    assert key is None or made["structure"] == key
    assert await world.grants("claire") == [("DEPOSANT", made["structure"])]
    assert "DUPONT" not in str([event.data for event in await world.sent()])
    path = made["structure"].replace("%", "%25")
    assert (await world.good("claire", "GET", f"/structures/{path}"))["type"] == kind


async def test_an_identifier_that_is_none_says_which_rule_it_breaks(world: World) -> None:
    for kind, text, code in (
        ("SIRET", "73282932000075", "SIRET_CHECKSUM"),
        ("UE_HORS_FRANCE", "FR40303265045", "EU_VAT_FRENCH"),
        ("AUTRE", SUPPLIER, "IDENTIFIER_IS_A_SIRET"),
    ):
        refused = await world.refused("claire", "POST", "/structures", json={"type": kind, "identifier": text})
        assert refused == (422, code)


async def test_bank_references_are_checked_and_masked_to_whoever_may_not_read_them(world: World) -> None:
    await world.verified("claire", "denis")
    await world.arrives("emma")
    path = f"/structures/{SUPPLIER}"
    answer = await world.ask("claire", "PUT", f"{path}/bank", json={"iban": IBAN[:-1] + "0"})
    assert (answer.status_code, answer.json()["code"]) == (422, "IBAN_FORM")
    assert IBAN[:-1] not in answer.text
    assert await world.refused("emma", "PUT", f"{path}/bank", json={"iban": IBAN}) == (403, "MANAGER_REQUIRED")
    assert await world.refused("denis", "PUT", f"{path}/bank", json={"iban": IBAN}) == (403, "MANAGER_REQUIRED")
    shown = await world.good(
        "claire", "PUT", f"{path}/bank", json={"iban": IBAN, "bic": "AGRIFRPP", "holder": "Claire"}
    )
    assert shown["bank"] == {"iban": IBAN, "bic": "AGRIFRPP", "holder": "Claire", "masked": False}
    assert (await world.good("denis", "GET", path))["bank"]["iban"] == IBAN
    for who in ("emma", "operator"):
        masked = (await world.ask(who, "GET", path)).text
        assert '"masked":true' in masked
        assert IBAN not in masked
        assert "AGRIFRPP" not in masked
    await world.good("claire", "DELETE", f"{path}/bank")
    assert (await world.good("claire", "GET", path))["bank"] is None


async def test_an_unverified_newcomer_corrects_nothing_of_a_structure_that_others_named(world: World) -> None:
    await world.arrives("claire")
    await world.arrives("emma")
    change = {"version": 1, "name": "Pris", "address": {}}
    assert await world.refused("emma", "PUT", f"/structures/{SUPPLIER}", json=change) == (403, "MANAGER_REQUIRED")
    await world.good("claire", "PUT", f"/structures/{SUPPLIER}", json=change)
    await world.proves("emma")
    refused = await world.refused("claire", "PUT", f"/structures/{SUPPLIER}", json={**change, "version": 2})
    assert refused == (403, "MANAGER_REQUIRED")


async def test_a_refused_paper_says_why_and_changes_nothing(world: World) -> None:
    await world.arrives("claire")
    paper = await world.sends_paper("claire")
    reason = {"reason": "Le document date de l'an dernier."}
    refused = await world.good("operator", "POST", f"/proofs/{paper['id']}/refuse", json=reason)
    assert (refused["state"], refused["reason"]) == ("refused", reason["reason"])
    assert await world.grants("claire") == [("DEPOSANT", SUPPLIER)]
    assert await world.refused("operator", "POST", f"/proofs/{paper['id']}/approve") == (409, "ALREADY_DECIDED")
    assert await world.letters("claire") == ["PROOF_REFUSED"]


async def test_a_paper_is_of_its_kind_of_its_time_and_of_a_form_that_is_taken(world: World) -> None:
    await world.arrives("claire")
    path = f"/structures/{SUPPLIER}/proofs"
    assert await world.refused("claire", "POST", f"{path}?kind=VIES&dated=2026-01-01", content=PDF) == (
        422,
        "PROOF_KIND",
    )
    assert await world.refused("claire", "POST", f"{path}?kind=KBIS", content=PDF) == (422, "DATE_MISSING")
    assert await world.refused("claire", "POST", f"{path}?kind=KBIS&dated=2020-01-01", content=PDF) == (
        422,
        "PROOF_TOO_OLD",
    )
    today = at(0)[:10]
    html = await world.refused("claire", "POST", f"{path}?kind=KBIS&dated={today}", content=b"<html>")
    assert html == (415, "PROOF_MEDIA_TYPE")
    large = await world.refused(
        "claire", "POST", f"{path}?kind=KBIS&dated={today}", content=b"%PDF-" + b"0" * 10_485_760
    )
    assert large == (413, "PROOF_TOO_LARGE")


async def test_the_file_of_a_decided_paper_goes_at_its_term_and_the_record_stays(world: World) -> None:
    await world.verified("claire")
    found = (await world.good("claire", "GET", "/proofs"))["proofs"][0]
    await proof.sweep(world.pool, world.blobs, clock.now())
    assert (await world.ask("claire", "GET", f"/proofs/{found['id']}/document")).content == PDF
    await proof.sweep(world.pool, world.blobs, clock.now() + proof.KEEP + timedelta(days=1))
    assert await world.refused("claire", "GET", f"/proofs/{found['id']}/document") == (410, "PROOF_ERASED")
    assert (await world.good("claire", "GET", "/proofs"))["proofs"][0]["state"] == "approved"


async def test_the_file_of_an_undecided_paper_goes_with_its_person(world: World) -> None:
    await world.arrives("claire")
    found = await world.sends_paper("claire")
    assert (await world.ask("claire", "GET", f"/proofs/{found['id']}/document")).content == PDF
    async with transaction(world.pool, "portal") as tx:
        await portal_part().erase(tx, Subject(subject=person("claire")))
    await proof.sweep(world.pool, world.blobs, clock.now() + timedelta(days=2))
    assert not [each.key for each in await world.blobs.listed("proofs/") if found["id"] in each.key]


async def test_a_file_that_no_row_speaks_of_is_swept(world: World) -> None:
    key = proof.object_key(person("claire"), UUID(int=7))
    await world.blobs.put(key, io.BytesIO(PDF), size=len(PDF), sha256=hashlib.sha256(PDF).hexdigest(), media_type="a/b")
    await proof.sweep(world.pool, world.blobs, clock.now())
    assert key in [each.key for each in await world.blobs.listed("proofs/")]
    await proof.sweep(world.pool, world.blobs, clock.now() + timedelta(days=2))
    assert key not in [each.key for each in await world.blobs.listed("proofs/")]


async def test_a_successor_of_the_same_company_takes_the_rights_over_and_the_old_invoices_stay_visible(
    world: World,
) -> None:
    await world.verified("claire", "denis")
    await world.arrives("emma", SAME_COMPANY)
    path = f"/structures/{SUPPLIER}/successor"
    assert await world.refused("denis", "POST", path, json={"identifier": SAME_COMPANY}) == (403, "MANAGER_REQUIRED")
    made = await world.good("claire", "POST", path, json={"identifier": SAME_COMPANY})
    assert (made["state"], made["old"], made["new"]) == ("done", SUPPLIER, SAME_COMPANY)
    assert await world.grants("denis") == [("FOURNISSEUR", SUPPLIER), ("FOURNISSEUR", SAME_COMPANY)]
    assert ("GESTIONNAIRE", SAME_COMPANY) in await world.grants("claire")
    seen = await world.good("denis", "GET", f"/structures/{SAME_COMPANY}")
    assert seen["predecessors"] == [SUPPLIER]
    for name in ("claire", "denis", "emma"):
        assert (await world.letters(name))[-1] == "STRUCTURE_MOVED"
    await world.arrives("new", SAME_COMPANY)
    await world.good("claire", "POST", f"/structures/{SAME_COMPANY}/members/{person('new')}/vouch")
    assert await world.grants("new") == [("FOURNISSEUR", SUPPLIER), ("FOURNISSEUR", SAME_COMPANY)]
    assert await world.refused(
        "claire", "POST", f"/structures/{SAME_COMPANY}/successor", json={"identifier": SUPPLIER}
    ) == (
        409,
        "SUCCESSOR_RING",
    )


async def test_nobody_takes_another_company_over_by_calling_it_his_successor(world: World) -> None:
    await world.verified("thief")
    await world.verified("claire", siret=OTHER)
    path = f"/structures/{SUPPLIER}/successor"
    made = await world.good("thief", "POST", path, json={"identifier": OTHER})
    assert made["state"] == "asked"
    assert ("FOURNISSEUR", OTHER) not in await world.grants("thief")
    for who in ("thief", "operator"):
        assert (await world.refused(who, "POST", f"/successions/{made['id']}/accept"))[0] == 403
    assert (await world.refused("stranger", "POST", f"/successions/{made['id']}/accept"))[0] == 404
    reason = {"reason": "Nous ne vous connaissons pas."}
    await world.good("claire", "POST", f"/successions/{made['id']}/refuse", json=reason)
    assert (await world.letters("thief"))[-1] == "STRUCTURE_MOVE_REFUSED"
    assert await world.grants("thief") == [("FOURNISSEUR", SUPPLIER), ("GESTIONNAIRE", SUPPLIER)]


async def test_two_companies_without_a_manager_at_the_successor_wait_for_the_operator(world: World) -> None:
    await world.verified("claire")
    made = await world.good("claire", "POST", f"/structures/{SUPPLIER}/successor", json={"identifier": OTHER})
    assert made["state"] == "asked"
    assert [s["id"] for s in (await world.good("operator", "GET", "/successions"))["successions"]] == [made["id"]]
    await world.good("operator", "POST", f"/successions/{made['id']}/accept")
    assert ("FOURNISSEUR", OTHER) in await world.grants("claire")
    assert ("FOURNISSEUR", SUPPLIER) in await world.grants("claire")
