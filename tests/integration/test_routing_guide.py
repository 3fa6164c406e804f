"""The guide of a tenant, the links and QR codes that open a deposit."""

from collections.abc import AsyncIterator, Mapping

import msgspec
import pytest

from deploy.database import ServiceDsns
from invoice.directory import Contact, NumberFormat, Parameters, Service, Structure
from invoice.directory_file import DirectoryFile
from services.routing.imports import import_directory
from services.routing.links import deposit_link, qr_svg
from tests.directory_variety import siret
from tests.integration.routing_world import PAGE, World, routing_world
from tests.unit.routing.samples import FILE, SCHOOL, STRUCTURE, TENANT, TOWN

GUIDE = "/api/v1/directory/tenants/cd99/guide"
NASTY = '<script>alert("x")</script>'


@pytest.fixture
async def world(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with routing_world(dsns) as opened:
        tenant = msgspec.structs.replace(
            TENANT, logo="https://logo.example/a.png", contacts=(Contact(name=NASTY, email="aide@example.org"),)
        )
        town = msgspec.structs.replace(
            STRUCTURE,
            parameters=Parameters(service_required=True, engagement_required=True, market_replaces_engagement=True),
            engagement_formats=(NumberFormat(regex=r"CP\d{4}", mask="CP2020", examples=("CP2026",)),),
        )
        nasty = Service(siret=TOWN, code=NASTY, label='" onmouseover="x')
        whole = DirectoryFile(
            tenants=(tenant,), structures=(town, FILE.structures[1]), services=(*FILE.services, nasty)
        )
        await import_directory(opened.pool, whole, by="benoît")
        yield opened


async def test_the_guide_says_what_must_be_on_the_invoice(world: World) -> None:
    guide = (await world.client.get(GUIDE)).json()
    assert (guide["name"], guide["pages"]) == ("Département d'essai", 1)
    by_siret = {found["siret"]: found for found in guide["structures"]}
    town = by_siret[TOWN]
    assert "Le code de service est obligatoire" in town["must"][0]
    assert town["must"][1].endswith("Le numéro de marché peut en tenir lieu.")
    assert town["engagement_formats"][0]["examples"] == ["CP2026"]
    codes = [service["code"] for service in town["services"]]
    assert "DRH" in codes
    assert "FERME" not in codes
    assert by_siret[SCHOOL]["must"] == ["Ni code de service ni numéro d'engagement ne sont exigés."]
    assert next(s for s in town["services"] if s["code"] == "DRH")["link"] == f"{PAGE}?siret={TOWN}&service=DRH"


async def test_the_page_is_french_self_contained_and_runs_nothing(world: World) -> None:
    answer = await world.client.get(GUIDE, headers={"accept": "text/html,application/xhtml+xml"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = answer.text
    assert '<html lang="fr">' in page
    assert "<script" not in page
    assert '" onmouseover="x' not in page
    assert page.count("<svg") == 2
    assert TOWN in page
    assert (await world.client.get(GUIDE, params={"format": "html"})).text == page
    assert (await world.client.get(GUIDE, headers={"accept": "*/*"})).json()["tenant"] == "cd99"


async def test_a_tenant_with_many_structures_has_several_pages(world: World) -> None:
    many = tuple(Structure(siret=siret(n), name=f"École {n:03d}", tenant="cd99", kind="eple") for n in range(50))
    await import_directory(world.pool, DirectoryFile(structures=many), by="benoît")
    seen: list[str] = []
    for page in (1, 2, 3):
        guide = (await world.client.get(GUIDE, params={"page": page})).json()
        assert (guide["page"], guide["pages"]) == (page, 3)
        seen += [found["siret"] for found in guide["structures"]]
    assert len(seen) == len(set(seen)) == 52
    assert (await world.client.get(GUIDE, params={"page": 4})).json()["structures"] == []


async def test_a_link_opens_a_deposit_with_siret_service_and_engagement(world: World) -> None:
    path = f"/api/v1/directory/deposit-link/{TOWN}"
    asked = {"service": "Voirie 2", "engagement": "CP2026/1&siret=0"}
    found = (await world.client.get(path, params=asked)).json()
    assert found["link"] == f"{PAGE}?siret={TOWN}&service=Voirie+2&engagement=CP2026%2F1%26siret%3D0"
    code = await world.client.get(found["qr"])
    assert code.headers["content-type"] == "image/svg+xml"
    assert code.text == qr_svg(found["link"])
    assert (await world.client.get(path)).json()["qr"] == f"{path}.svg"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v1/directory/tenants/cd00/guide", 404, "TENANT_UNKNOWN"),
        (f"/api/v1/directory/deposit-link/{TOWN}?service=NUL", 404, "SERVICE_UNKNOWN"),
        ("/api/v1/directory/deposit-link/99900002900010", 404, "STRUCTURE_UNKNOWN"),
        ("/api/v1/directory/deposit-link/1.svg", 422, "SIRET_LENGTH"),
    ],
)
async def test_what_is_not_there_is_said_in_words(world: World, path: str, status: int, code: str) -> None:
    answer = await world.client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_qr_code_holds_its_link() -> None:
    link = deposit_link(PAGE, TOWN, "DRH", "é/1")
    assert link == f"{PAGE}?siret={TOWN}&service=DRH&engagement=%C3%A9%2F1"
    assert qr_svg(link).startswith("<svg")
    # A page that gives the code another size scales it: one of fixed size would be cut off, and no longer read.
    assert "viewBox=" in qr_svg(link)
    assert "width=" not in qr_svg(link).partition(">")[0]
    assert qr_svg(link) != qr_svg(deposit_link(PAGE, SCHOOL))
