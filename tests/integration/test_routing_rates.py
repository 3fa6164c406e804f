"""Who has no account asks the directory as often as one client may read, and no more."""

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import SecretStr

from deploy.database import ServiceDsns
from services.common.rates import Rates
from services.common.settings import ServiceSettings
from tests.integration.routing_world import SECRET, routing_world

PATHS = ("/api/v1/directory/structures?q=nice", "/api/v1/directory/structures/22060001900016")


async def test_a_network_asks_the_directory_so_often_and_no_other_is_kept_from_it(
    dsns: Mapping[str, ServiceDsns],
) -> None:
    settings = ServiceSettings(
        environment="development",
        kafka="unused:1",
        dsn=SecretStr("unused"),
        api_dsn=SecretStr("unused"),
        port=1,
        token_secret=SecretStr(SECRET),
        reads_each_minute=3,
    )
    async with routing_world(dsns) as world:
        transport: Any = world.client._transport
        transport.app.state.rates = Rates(world.pool, settings)

        async def ask(path: str, host: str) -> httpx.Response:
            there = httpx.ASGITransport(transport.app, client=(host, 1))
            async with httpx.AsyncClient(transport=there, base_url="http://test") as client:
                return await client.get(path)

        answers = [await ask(PATHS[n % 2], "203.0.113.7") for n in range(4)]
        assert [answer.status_code for answer in answers] == [200, 404, 200, 429]
        assert (answers[3].json()["code"], 0 < int(answers[3].headers["retry-after"]) <= 60) == ("RATE_LIMITED", True)
        assert (await ask(PATHS[0], "203.0.113.8")).status_code == 200
