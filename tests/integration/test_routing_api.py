"""The public directory over HTTP, and who may change it."""

from collections.abc import AsyncIterator, Mapping

import asyncpg
import httpx
import msgspec
import pytest

from contracts.events import Grant
from deploy.database import ServiceDsns
from invoice.directory_file import DirectoryFile
from services.common.auth import Principal, mint
from services.common.db import Pool, migrate, open_pool, scoped
from services.common.principal import of_grants
from services.common.web import create_app
from services.routing import api
from services.routing.api import Pools
from services.routing.exports import Exports
from services.routing.imports import import_directory
from services.routing.settings import Limits
from tests.identity import Fixed
from tests.unit.routing.samples import FILE, SCHOOL, STRUCTURE, TOWN

SECRET = "a-secret-for-the-tests-of-routing-only"


async def _fine() -> str | None:
    return None


@pytest.fixture
async def pool(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Pool]:
    await migrate(dsns["routing"].worker, "routing", "services.routing")
    opened = await open_pool(dsns["routing"].worker, "routing")
    yield opened
    await opened.close()


@pytest.fixture
async def client(dsns: Mapping[str, ServiceDsns], pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    api_pool = await open_pool(dsns["routing"].api, "routing")
    app = create_app("routing", token_secret=SECRET, live=_fine, ready=[])
    limits = Limits(import_lines=4096, import_json=4096, search_seconds=5, deposit_page="https://test/deposer")
    exports = Exports(pool)
    api.add_routes(app, Pools(write=pool, read=api_pool), exports, limits)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
        yield opened
    await exports.close()
    await api_pool.close()


def _bearer(*roles: str) -> dict[str, str]:
    return {"authorization": f"Bearer {mint(SECRET, Principal(subject='agnès', roles=roles))}"}


async def test_anybody_reads_a_structure_with_its_services_and_demands(pool: Pool, client: httpx.AsyncClient) -> None:
    await import_directory(pool, FILE, by="agnès")
    answer = await client.get("/api/v1/directory/structures/220 600 019 00016")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["name"], found["tenant_name"]) == ("Département d'essai – Budget Principal", "Département d'essai")
    assert found["demands"]["service_required"] is True
    assert {s["code"]: s["open_today"] for s in found["services"]}["FERME"] is False
    assert next(s["code"] for s in found["services"] if s["open_today"]) == "DRH"
    assert "agnès" not in answer.text


async def test_a_search_finds_names_without_accents_and_siret(pool: Pool, client: httpx.AsyncClient) -> None:
    await import_directory(pool, FILE, by="agnès")
    for words in ("regie ECOLES", "223 100 017"):
        answer = await client.get("/api/v1/directory/structures", params={"q": words})
        assert [line["siret"] for line in answer.json()] == [SCHOOL]
    for nothing in ("100%", "'; drop table", "& | !", "zzzzzz"):
        assert (await client.get("/api/v1/directory/structures", params={"q": nothing})).json() == []


@pytest.mark.parametrize(
    ("siret", "status", "code"),
    [
        ("99900002900010", 404, "STRUCTURE_UNKNOWN"),
        ("22060001900017", 422, "SIRET_CHECKSUM"),
        ("2206", 422, "SIRET_LENGTH"),
    ],
)
async def test_a_siret_that_is_wrong_or_unknown_is_said_in_words(
    client: httpx.AsyncClient, siret: str, status: int, code: str
) -> None:
    answer = await client.get(f"/api/v1/directory/structures/{siret}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_only_an_operator_imports(pool: Pool, client: httpx.AsyncClient) -> None:
    content = msgspec.json.encode(FILE)
    path = "/api/v1/directory/import"
    assert (await client.post(path, content=content)).status_code == 401
    assert (await client.post(path, content=content, headers=_bearer("FOURNISSEUR"))).status_code == 403
    tried = await client.post(path, params={"dry_run": "true"}, content=content, headers=_bearer("OPERATEUR"))
    assert (tried.status_code, tried.json()["added"], tried.json()["dry_run"]) == (200, 6, True)
    assert await pool.fetchval("select count(*) from structure") == 0
    done = await client.post(path, content=content, headers=_bearer("OPERATEUR"))
    assert (done.status_code, done.json()["added"]) == (200, 6)
    assert await pool.fetchval("select distinct changed_by from directory_history") == "agnès"


async def test_a_wrong_file_is_refused_with_every_problem_and_changes_nothing(
    pool: Pool, client: httpx.AsyncClient
) -> None:
    path, headers = "/api/v1/directory/import", _bearer("OPERATEUR")
    lonely = msgspec.json.encode(DirectoryFile(structures=(STRUCTURE, STRUCTURE)))
    answer = await client.post(path, content=lonely, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "DIRECTORY_INVALID")
    messages = [error["message"] for error in answer.json()["errors"]]
    assert f"L'entrée structure:{TOWN} est déjà sur une autre ligne." in messages
    assert any("Le tenant cd99 n'existe pas" in message for message in messages)
    assert (await client.post(path, content=b"{", headers=headers)).json()["code"] == "DIRECTORY_INVALID"
    assert (await client.post(path, content=b" " * 5000, headers=headers)).status_code == 413
    assert await pool.fetchval("select count(*) from directory_history") == 0


async def test_the_api_role_reads_the_public_directory_and_nothing_else(
    dsns: Mapping[str, ServiceDsns], pool: Pool
) -> None:
    connection = await asyncpg.connect(dsns["routing"].api, server_settings={"search_path": "routing"})
    try:
        await connection.fetch("select siret, entry, version from structure")
        for statement in (
            "select changed_by from structure",
            "select * from decision",
            "select entry from directory_history",
            "select * from outbox",
            "delete from service",
            "insert into tenant (id) values ('x')",
            "select changed_by from engagement",
            "update engagement set tenant = 'cd99'",
            "select * from import_line",
            "select * from tenant_command",
            "select * from directory_as_of(1)",
            "select reindex(array['22060001900016'])",
            "insert into search_word values ('x', 1)",
            "select nextval('directory_version')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_an_administrator_of_one_tenant_who_manages_a_body_of_another_is_no_administrator_there(
    pool: Pool, dsns: Mapping[str, ServiceDsns]
) -> None:
    await import_directory(pool, FILE, by="agnès")
    siret, tenant = STRUCTURE.siret, STRUCTURE.tenant
    api_pool = await open_pool(dsns["routing"].api, "routing")
    limits = Limits(import_lines=4096, import_json=4096, search_seconds=5, deposit_page="https://test/deposer")
    manages = (
        Grant(role="TENANT_ADMIN", tenant="another"),
        Grant(role="GESTIONNAIRE", structure=siret, tenant=tenant),
        Grant(role="DEPOSANT", structure=siret),
    )
    changes = (
        {"structures": [msgspec.to_builtins(STRUCTURE) | {"name": "Autre nom"}]},
        {"structures": [msgspec.to_builtins(STRUCTURE) | {"tenant": "another"}]},
        {"engagements": [{"siret": siret, "number": "X1"}]},
        {"services": [{"siret": SCHOOL, "code": "X", "label": "Glissé"}]},
    )
    try:
        for grants, sees, status in ((manages, 0, 422), ((Grant(role="TENANT_ADMIN", tenant=tenant),), 1, 200)):
            who = of_grants("x", grants, kid="k")
            app = create_app("routing", token_secret=SECRET, live=_fine, ready=[], access=Fixed(who))
            api.add_routes(app, Pools(write=pool, read=api_pool), Exports(pool), limits)
            headers = {"authorization": "Bearer x"}
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://test", headers=headers
            ) as client:
                history = (await client.get(f"/api/v1/directory/structures/{SCHOOL}/history")).json()
                assert (len(history) > 0) == (sees > 0)  # of his own body he sees it as its manager
                for change in changes:
                    tried = await client.post("/api/v1/directory/import", params={"dry_run": "true"}, json=change)
                    taken = status if "another" not in str(change) else 422  # not his to give away, nor to take
                    assert tried.status_code == taken, (change, tried.text)
            count = "select count(*) from engagement where tenant = $1"
            async with scoped(api_pool, who.scope()) as api_role:
                assert await api_role.fetchval(count, tenant) == sees * await pool.fetchval(count, tenant)
    finally:
        await api_pool.close()
