"""Requests that try to make a service fail: each is answered with a problem in French, never with a 500."""

import asyncio
import base64
from collections.abc import Mapping

from deploy.database import ServiceDsns
from deploy.local import Stack
from tests.integration import ingest_world, notify_service, status_service
from tests.integration.routing_world import routing_world
from tests.integration.status_service import OPERATOR, SUPPLIER


async def test_a_search_for_a_character_that_no_database_holds_is_refused_in_words(
    dsns: Mapping[str, ServiceDsns],
) -> None:
    async with routing_world(dsns) as world:
        answer = await world.client.get("/api/v1/directory/structures", params={"q": "alpes\x00"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "q")


async def test_instants_beyond_the_calendar_are_refused_in_words(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> None:
    async with (
        status_service.tables(dsns) as found,
        status_service.instances(found, dsns["status"], stack.kafka.bootstrap) as [instance],
    ):
        answer = await instance.get(OPERATOR, "", since="0001-01-01T00:00:00+14:00")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "since")
        assert answer.json()["errors"][0]["message"] == "Cet instant est hors du calendrier."
        cursor = base64.urlsafe_b64encode(b"0001-01-01T00:00:00+14:00 0190e8a0-0000-7000-8000-000000000042").decode()
        answer = await instance.get(OPERATOR, "", cursor=cursor)
        assert (answer.status_code, answer.json()["code"]) == (400, "CURSOR_INVALID")


async def test_what_to_correct_is_said_in_french(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> None:
    async with (
        status_service.tables(dsns) as found,
        status_service.instances(found, dsns["status"], stack.kafka.bootstrap) as [instance],
    ):
        identity = (await instance.get(OPERATOR, "/not-an-id")).json()["errors"][0]
        limit = (await instance.get(OPERATOR, "", limit=1000)).json()["errors"][0]
    assert (identity["message"], identity["action"]) == ("Un identifiant UUID est attendu.", "Corrigez ce champ.")
    assert limit["action"] == "Corrigez ce champ (200 au plus)."


async def test_half_a_character_in_a_body_is_refused_in_words(dsns: Mapping[str, ServiceDsns]) -> None:
    async with notify_service.tables(dsns) as found, notify_service.client(found, OPERATOR) as client:
        body = b'{"managers": [{"siret": "\\ud800", "name": "\\ud800", "email": "a@b.example"}]}'
        answer = await client.put("/api/v1/messages/managers", content=body)
        assert answer.status_code == 422, answer.text


async def test_nobody_takes_every_feed_of_an_instance(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> None:
    async with (
        status_service.tables(dsns) as found,
        status_service.instances(found, dsns["status"], stack.kafka.bootstrap, feed_clients_each=2) as [instance],
    ):
        async with instance.events(SUPPLIER), instance.events(SUPPLIER):
            answer = await instance.get(SUPPLIER, "/events")
            assert (answer.status_code, answer.json()["code"]) == (429, "FEED_TOO_MANY")
            async with instance.events(OPERATOR):
                pass

        async def let_go() -> bool:
            return not instance.feed.clients_of

        await status_service.until(let_go)
        async with instance.events(SUPPLIER):
            pass


async def test_nobody_holds_every_upload(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> None:
    async with ingest_world.open_world(stack, dsns, uploads_each=2) as world:
        assert (await world.get("")).status_code == 200
        host, port = world.settings.host, world.settings.port
        token = world.headers()["Authorization"]
        head = f"POST /api/v1/deposits HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Length: 999\r\n"
        slow = [await asyncio.open_connection(host, port) for _ in range(2)]
        for reader, writer in slow:
            ask = "Expect: 100-continue\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n"
            writer.write(f"{head}{ask}".encode())
            async with asyncio.timeout(30):  # it asks for the body only once the upload has its place
                assert (await reader.readline()).startswith(b"HTTP/1.1 100")
        refused = await world.post(key="again")
        assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_UPLOADS")
        assert (await world.post(principal=ingest_world.supplier("another"))).status_code == 201
        for _, writer in slow:
            writer.close()
            await writer.wait_closed()

        async def let_in() -> bool:
            return (await world.post(key="again")).status_code == 201

        await status_service.until(let_in)
