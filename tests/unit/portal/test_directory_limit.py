"""The page of the directory asks in the name of the network that visits, and says when that has asked too often."""

from aiohttp import web

from tests.unit.portal.served import world


async def test_the_directory_hears_who_visits_and_who_asks_too_often_is_told() -> None:
    async with world() as found:
        assert (await found.get("", "/annuaire?q=nice")).status_code == 200
        assert found.service.askers == ["127.0.0.1"]
        problem = {"code": "RATE_LIMITED", "status": 429, "title": "…", "detail": "…"}
        found.service.busy = web.json_response(problem, status=429, headers={"Retry-After": "40"})
        page = await found.get("", "/annuaire?q=nice")
        assert "Trop de demandes" in page.text or "trop de demandes" in page.text
        assert "Réessayez dans 40 secondes" in page.text
