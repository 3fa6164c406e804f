"""A route that will go says so on every answer and in the description; others say nothing."""

from datetime import UTC, datetime

import httpx

from services.common.deprecation import Deprecated
from services.common.web import create_app


async def test_a_route_that_will_go_says_when_and_what_takes_its_place() -> None:
    async def fine() -> str | None:
        return None

    app = create_app("ingest", token_secret="x", live=fine, ready=[])

    @app.get("/api/v1/old/{name}")
    async def old(name: str) -> dict[str, str]:
        return {"name": name}

    @app.get("/api/v1/new/{name}")
    async def new(name: str) -> dict[str, str]:
        return {"name": name}

    since, sunset = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
    going = Deprecated(since=since, sunset=sunset, successor="/api/v1/new")
    app.state.deprecated = {"GET /api/v1/old/{name}": going}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        said = (await client.get("/api/v1/old/a")).headers
        assert said["deprecation"] == "@1767225600"
        assert said["sunset"] == "Thu, 31 Dec 2026 23:00:00 GMT"
        assert said["link"] == '</api/v1/new>; rel="successor-version"'
        assert "deprecation" not in (await client.get("/api/v1/new/a")).headers
        paths = (await client.get("/openapi/ingest.json")).json()["paths"]
    assert paths["/api/v1/old/{name}"]["get"]["deprecated"] is True
    assert "deprecated" not in paths["/api/v1/new/{name}"]["get"]
