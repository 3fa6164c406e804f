"""Addresses, announcements and proofs by place; an operator's look at messages stands in the trail of the tenant."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import pytest

from contracts.events import Grant
from deploy.database import ServiceDsns
from services.common.principal import of_grants
from tests.integration.notify_service import Tables, client, tables
from tests.integration.tenant_world import directory
from tests.unit.notify.samples import BODY, CONTACT, SUPPLIER, changed
from tests.unit.status.samples import event, submitted

API = "/api/v1/messages"
OTHER = "22310001700423"
HERE, THERE = "cd06", "cd98"
#: Manages one body; at the other he is a supplier, keeps the accounts, and nothing else.
MIXED = of_grants(
    "mixed",
    [
        Grant(role="GESTIONNAIRE", structure=BODY, tenant=HERE),
        Grant(role="FOURNISSEUR", structure=OTHER),
        Grant(role="COMPTABLE", structure=OTHER, tenant=THERE),
    ],
    kid="k",
)


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Tables]:
    async with tables(notify_dsns) as ready:
        await ready.take(*directory())
        yield ready


def manager(siret: str) -> dict[str, Any]:
    return {"managers": [{"siret": siret, "name": "X", "email": f"x@{siret}.example"}]}


async def test_the_addresses_of_a_body_are_its_managers_and_not_its_accountants(found: Tables) -> None:
    async with client(found, MIXED) as http:
        assert (await http.put(f"{API}/managers", json=manager(BODY))).status_code == 200
        refused = await http.put(f"{API}/managers", json=manager(OTHER))
        assert (refused.status_code, refused.json()["code"]) == (403, "STRUCTURE_FOREIGN")
    await found.pool.execute("insert into manager (siret, name, email) values ($1, 'Y', 'y@there.example')", OTHER)
    async with client(found, MIXED) as http:
        shown = (await http.get(f"{API}/managers")).json()["managers"]
        assert {each["siret"] for each in shown} == {BODY}


async def test_other_addresses_are_those_of_ones_side_at_ones_place(found: Tables) -> None:
    async with client(found, MIXED) as http:
        for role, siret, status in (("supplier", OTHER, 200), ("moa", OTHER, 403), ("supplier", BODY, 403)):
            asked = {"role": role, "siret": siret, "email": f"{role}@x.example"}
            answer = await http.post(f"{API}/recipients", json=asked)
            assert (answer.status_code in (200, 201)) == (status == 200), (role, siret, answer.text)
    await found.pool.execute(
        "insert into correspondent (role, siret, name, email, changed_by) values ('supplier', $1, '', 's@x.fr', 'x')",
        SUPPLIER,
    )
    for role, seen in (("DEPOSANT", 0), ("FOURNISSEUR", 1)):
        async with client(found, of_grants("s", [Grant(role=role, structure=SUPPLIER)], kid="k")) as http:
            assert len((await http.get(f"{API}/recipients")).json()["recipients"]) == seen


async def test_an_administrator_writes_to_the_people_of_his_own_tenant(found: Tables) -> None:
    who = of_grants(
        "admin", [Grant(role="TENANT_ADMIN", tenant=HERE), Grant(role="GESTIONNAIRE", structure=OTHER, tenant=THERE)]
    )
    async with client(found, who) as http:
        words = {"audience": "bodies", "title": "Fermeture", "body": "Nous fermons."}
        for tenant, status in ((HERE, 202), (THERE, 403)):
            assert (await http.post(f"{API}/announcements", json={**words, "tenant": tenant})).status_code == status


async def test_who_only_reads_changes_no_address_but_his_own(found: Tables) -> None:
    async with client(found, of_grants("factor", [Grant(role="LECTURE", structure=SUPPLIER)], kid="k")) as http:
        for method, path, body in (
            ("POST", "recipients", {"role": "supplier", "siret": SUPPLIER, "email": "x@x.example"}),
            ("PUT", "managers", manager(BODY)),
            ("POST", "announcements", {"audience": "bodies", "title": "Titre", "body": "Texte", "tenant": HERE}),
        ):
            answer = await http.request(method, f"{API}/{path}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "RIGHT_MISSING"), path
        assert (await http.put(f"{API}/contact", json={"email": "factor@x.example"})).status_code == 202


async def test_a_factor_who_supplies_elsewhere_changes_no_address_where_he_only_reads(found: Tables) -> None:
    kept = await found.pool.fetchval(
        "insert into correspondent (role, siret, name, email, changed_by) values ('supplier', $1, '', 's@x.fr', 'x')"
        " returning id",
        SUPPLIER,
    )
    grants = [Grant(role="LECTURE", structure=SUPPLIER), Grant(role="FOURNISSEUR", structure=OTHER)]
    async with client(found, of_grants("factor", grants, kid="k")) as http:
        asked = {"role": "supplier", "siret": SUPPLIER, "email": "factor@x.example"}
        answer = await http.post(f"{API}/recipients", json=asked)
        assert (answer.status_code, answer.json()["code"]) == (403, "RECIPIENT_NOT_YOURS")
        assert len((await http.get(f"{API}/recipients")).json()["recipients"]) == 1
        assert (await http.delete(f"{API}/recipients/{kept}")).status_code == 404
    async with client(found, of_grants("s", [Grant(role="FOURNISSEUR", structure=SUPPLIER)], kid="k")) as http:
        assert (await http.delete(f"{API}/recipients/{kept}")).status_code == 204


async def test_an_operators_look_at_messages_is_told_to_the_tenant(found: Tables) -> None:
    invoice = uuid4()
    await found.pool.execute("insert into manager (siret, name, email) values ($1, 'Y', 'y@here.example')", BODY)
    await found.take(event(submitted(), invoice), event(changed("MISE_A_DISPOSITION", 2, tenant=HERE), invoice))
    operator = of_grants("op", [Grant(role="OPERATEUR")], kid="k")
    async with client(found, operator) as http:
        listed = (await http.get(API, params={"invoice": str(invoice)})).json()["messages"]
        assert {each["audience"] for each in listed} >= {"body"}
        http.headers.pop("X-Chorale-Reason")
        for path in ("", "/proofs/export", f"/proofs?invoice={invoice}"):
            answer = await http.get(f"{API}{path}")
            assert (answer.status_code, answer.json()["code"]) == (403, "REASON_REQUIRED"), path
            assert CONTACT not in answer.text
    for tenant, looks in ((HERE, 1), (THERE, 0)):
        async with client(found, of_grants("admin", [Grant(role="TENANT_ADMIN", tenant=tenant)], kid="k")) as http:
            shown = (await http.get(f"{API}/looks")).json()["looks"]
            assert len(shown) == looks
            assert all(each["criteria"] == {"invoice": str(invoice)} for each in shown)
