"""Limits of a client hold over all instances together, are told on every answer, and touch nobody else."""

import asyncio

from deploy.local import Stack
from tests.integration.ingest_world import open_world, supplier
from tests.servers import fresh_database


async def test_two_instances_count_a_client_together_and_say_how_much_is_left(stack: Stack) -> None:
    limits = {"writes_each_minute": 6, "writes_each_day": 9, "reads_each_minute": 3, "s3_bucket": "rates-tests"}
    async with (
        fresh_database(stack, "ingest") as dsns,
        open_world(stack, dsns, **limits) as one,
        open_world(stack, dsns, **limits) as other,
    ):

        async def write(world: object, who: str = "busy") -> tuple[int, str, str, str | None]:
            chosen = one if world is one else other
            answer = await chosen.client.post("/api/v1/drafts", json={"x": 1}, headers=chosen.headers(supplier(who)))
            said = answer.headers
            return answer.status_code, said["ratelimit-policy"], said["ratelimit"], said.get("retry-after")

        answers = await asyncio.gather(*(write(world) for world in [one, other] * 4))
        assert sorted(status for status, *_ in answers) == [422] * 6 + [429] * 2
        assert {policy for _, policy, *_ in answers} == {'"minute";q=6;w=60, "jour";q=9;w=86400'}
        assert {after is not None for status, _, _, after in answers if status == 429} == {True}
        status, _, left, _ = await write(one, "quiet")
        assert status == 422
        assert '"minute";r=5' in left
        assert '"jour";r=8' in left
        await one.pool.execute("update rate_window set started_at = started_at - interval '1 minute'")
        assert (await write(other))[0] == 422
        answer = await one.client.post("/api/v1/drafts", json={}, headers=one.headers(supplier("busy")))
        assert answer.json()["code"] == "QUOTA_EXHAUSTED"
        # Who may not write any more may still read, and reading has a limit of its own.
        reads = [await one.client.get("/api/v1/drafts", headers=one.headers(supplier("busy"))) for _ in range(4)]
        assert [read.status_code for read in reads] == [200, 200, 200, 429]
        assert (reads[3].json()["code"], '"lecture";r=0' in reads[3].headers["ratelimit"]) == ("RATE_LIMITED", True)
        assert int(reads[3].headers["retry-after"]) > 0


async def test_every_route_that_knows_who_asks_is_limited_and_says_so(stack: Stack) -> None:
    async with fresh_database(stack, "ingest") as dsns, open_world(stack, dsns, s3_bucket="rates-tests") as world:
        paths = (await world.client.get("/openapi/ingest.json")).json()["paths"]
        for path, methods in paths.items():
            for method, operation in methods.items():
                if "401" in operation["responses"]:
                    assert "429" in operation["responses"], f"{method} {path}"


async def test_asking_for_an_offset_counts_as_reading_and_who_has_no_token_is_counted_by_his_network(
    stack: Stack,
) -> None:
    limits = {"reads_each_minute": 3, "s3_bucket": "rates-tests"}
    async with fresh_database(stack, "ingest") as dsns, open_world(stack, dsns, **limits) as world:
        address = f"/api/v1/flows/uploads/{'0' * 8}-0000-7000-8000-{'0' * 12}"
        asked = [
            await world.client.head(address, headers={**world.headers(supplier("busy")), "Tus-Resumable": "1.0.0"})
            for _ in range(4)
        ]
        assert [answer.status_code for answer in asked] == [404, 404, 404, 429]
        keys = [await world.client.get("/api/v1/certificates/keys") for _ in range(2)]
        verified = [await world.client.post("/api/v1/certificates/verify", json={}) for _ in range(2)]
        assert [answer.status_code for answer in keys + verified] == [200, 200, 200, 429]
        assert verified[1].json()["code"] == "RATE_LIMITED"
        subjects = {row["subject"] for row in await world.pool.fetch("select subject from rate_window")}
        assert len(subjects) == 2
        assert not [subject for subject in subjects if "127.0.0.1" in subject], "no address is kept"
