"""The public search, and what of engagements each may find."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal

import msgspec
import pytest
import pytest_asyncio

from deploy.database import ServiceDsns
from deploy.local import Stack
from invoice.directory import Engagement, Service, Structure, Tenant
from invoice.directory_file import DirectoryFile
from invoice.structure_identifiers import identifier
from services.common.db import scoped
from services.routing import reindex
from services.routing.imports import import_directory
from tests.integration.routing_world import World, bearer, routing_world
from tests.servers import fresh_database
from tests.unit.routing.samples import SCHOOL, SUPPLIER, TOWN

PORT = "99900002900010"
OTHER_SUPPLIER = "99900003700013"
DIRECTORY = DirectoryFile(
    tenants=(Tenant(id="cd06", name="Alpes-Maritimes"), Tenant(id="cd31", name="Haute-Garonne")),
    structures=(
        Structure(
            siret=TOWN,
            name="Budget Principal",
            group="Département des Alpes-Maritimes",
            tenant="cd06",
            kind="budget_principal",
            town="Nice",
            postal_code="06000",
        ),
        Structure(siret=SCHOOL, name="Collège Étienne Œuvrard", tenant="cd31", kind="eple", town="Toulouse"),
        Structure(siret=PORT, name="Port de Golfe-Juan", tenant="cd06", kind="regie", town="Vallauris"),
    ),
    services=(
        Service(siret=TOWN, code="DRH", label="Direction des ressources humaines"),
        Service(siret=TOWN, code="DRIT-06", label="Routes et infrastructures routières"),
        Service(siret=PORT, code="CAPITAINERIE", label="Capitainerie"),
    ),
    engagements=(
        Engagement(
            siret=TOWN, number="CP2026/A1/1", supplier=identifier("SIRET", SUPPLIER), remaining=Decimal("10.50")
        ),
        Engagement(siret=TOWN, number="CP2026/A2/1", supplier=identifier("SIRET", SUPPLIER), open=False),
        Engagement(siret=TOWN, number="CP2026/B1/1", supplier=identifier("SIRET", OTHER_SUPPLIER)),
        Engagement(siret=TOWN, number="CP2026/C1/1"),
        Engagement(siret=SCHOOL, number="S-1", supplier=identifier("SIRET", SUPPLIER)),
    ),
)


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    """One directory for all that only ask."""
    async with fresh_database(stack, "routing") as dsns, _filled(dsns) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def own(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    """One that the test may change."""
    async with _filled(dsns) as opened:
        yield opened


@asynccontextmanager
async def _filled(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with routing_world(dsns) as opened:
        await import_directory(opened.pool, DIRECTORY, by="benoît")
        yield opened


async def _found(world: World, text: str) -> list[str]:
    answer = await world.client.get("/api/v1/directory/structures", params={"q": text})
    assert answer.status_code == 200, answer.text
    return [line["siret"] for line in answer.json()]


@pytest.mark.parametrize(
    ("text", "siret"),
    [
        ("220 600 019 00016", TOWN),
        ("22060", TOWN),
        ("00423", SCHOOL),
        ("1000170", SCHOOL),
        ("22060001900061", TOWN),  # two digits swapped
        ("2206000190016", TOWN),  # one is missing
        ("departement alpes maritimes", TOWN),
        ("DÉPARTMENT des alpes", TOWN),
        ("budjet principal nice", TOWN),
        ("nice", TOWN),
        ("06000", TOWN),
        ("drh", TOWN),
        ("DRIT-06", TOWN),
        ("drit06", TOWN),
        ("ressource humaine", TOWN),
        ("capitainerie", PORT),
        ("capitanerie du port", PORT),
        ("golf juan", PORT),
        ("regie vallauris", PORT),
        ("lycée oeuvrard", SCHOOL),
        ("colege etiene", SCHOOL),
        ("college toulouse jolimont", SCHOOL),
        ("toul", SCHOOL),
    ],
)
async def test_a_structure_is_the_first_hit_for_what_people_type(world: World, text: str, siret: str) -> None:
    assert (await _found(world, text))[:1] == [siret]


async def test_a_hit_names_the_services_that_were_asked_for(world: World) -> None:
    [line] = (await world.client.get("/api/v1/directory/structures", params={"q": "routes nice"})).json()
    assert line["services"] == [{"code": "DRIT-06", "label": "Routes et infrastructures routières"}]
    assert (line["town"], line["postal_code"], line["kind"]) == ("Nice", "06000", "budget_principal")


@pytest.mark.parametrize(
    "text", ["zz zz", "__", "%%", "''", "\\\\", "a&b|!c:*", "<->", "99999999999999999999", "\ud800x"]
)
async def test_text_that_means_nothing_finds_nothing(world: World, text: str) -> None:
    answer = await world.client.get(
        "/api/v1/directory/structures", params={"q": text.encode("utf-8", "surrogatepass").decode("latin-1")}
    )
    assert answer.status_code in (200, 422)
    assert answer.json() == [] or answer.status_code == 422


async def test_the_search_follows_each_change_at_once_and_knows_no_engagement(own: World) -> None:
    renamed = msgspec.structs.replace(DIRECTORY.structures[2], name="Harbour Master", town="Antibes")
    moved = msgspec.structs.replace(DIRECTORY.services[2], label="Bureau du port")
    await import_directory(own.pool, DirectoryFile(structures=(renamed,), services=(moved,)), by="benoît")
    assert await _found(own, "harbour antibes") == [PORT]
    assert await _found(own, "golfe juan") == []
    assert await _found(own, "bureau port") == [PORT]
    for number in ("CP2026/A1/1", "CP2026", SUPPLIER):
        assert await _found(own, number) == []


async def test_what_was_stored_before_the_search_is_indexed_after_the_update(own: World) -> None:
    await own.pool.execute("truncate search_entry, search_word, search_variant")
    await own.pool.execute("update structure set words = null; update service set words = null")
    assert await _found(own, "nice drh") == []
    while await reindex.chunk(own.pool):
        pass
    assert await _found(own, "nise drh") == [TOWN]


async def _engagements(world: World, structure: str, **claims: tuple[str, ...]) -> list[str]:
    answer = await world.client.get(
        "/api/v1/directory/engagements", params={"structure": structure}, headers=bearer("FOURNISSEUR", **claims)
    )
    assert answer.status_code == 200
    return [line["number"] for line in answer.json()]


async def test_a_supplier_finds_his_own_open_engagements_and_never_others(world: World) -> None:
    assert await _engagements(world, TOWN, structures=(SUPPLIER,)) == ["CP2026/A1/1"]
    assert await _engagements(world, SCHOOL, structures=(SUPPLIER,)) == ["S-1"]
    assert await _engagements(world, TOWN, structures=(OTHER_SUPPLIER,)) == ["CP2026/B1/1"]
    assert await _engagements(world, TOWN, structures=(TOWN,)) == []
    assert await _engagements(world, TOWN) == []
    assert await _engagements(world, TOWN, tenants=("cd06",)) == []
    assert await _engagements(world, TOWN, structures=("999", "", "999000019%", "_" * 14)) == []
    anonymous = await world.client.get("/api/v1/directory/engagements", params={"structure": TOWN})
    assert anonymous.status_code == 401


async def test_an_administrator_sees_the_engagements_of_his_tenant_only(world: World) -> None:
    async def seen(tenant: str, siret: str) -> int:
        answer = await world.client.get(
            "/api/v1/directory/engagements",
            params={"structure": siret},
            headers=bearer("TENANT_ADMIN", tenants=(tenant,)),
        )
        return len(answer.json())

    assert await seen("cd06", TOWN) == 3
    assert await seen("cd31", TOWN) == 0
    assert await seen("cd06", SCHOOL) == 0


async def test_the_database_itself_keeps_engagements_apart(world: World) -> None:
    statement = "select count(*) from engagement"
    async with scoped(world.read, {}) as nobody:
        assert await nobody.fetchval(statement) == 0
    async with scoped(world.read, {"supplier_structures": SUPPLIER}) as supplier:
        assert await supplier.fetchval(statement) == 3
        assert await supplier.fetchval("select bool_and(supplier = $1) from engagement", SUPPLIER)
    async with scoped(world.read, {"admin_tenants": "cd06"}) as administrator:
        assert await administrator.fetchval("select bool_and(tenant = 'cd06') from engagement")
