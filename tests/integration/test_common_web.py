"""The HTTP edge: problems in French with a stable shape, traces, health and metrics."""

from collections.abc import AsyncIterator
from typing import Annotated

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from structlog.testing import capture_logs

from services.common.auth import CurrentPrincipal, Principal, mint
from services.common.failures import Transient
from services.common.web import PROBLEM, Problem, create_app
from tests.integration.plumbing.ladder import SECRET, Broken

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
TOKEN_SECRET = "a secret of the tests, long enough for it"


class Item(BaseModel):
    number: Annotated[str, Field(max_length=20)]
    count: int


class Health:
    """What the checks say; ``None`` is well."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self.error: Exception | None = None

    async def check(self) -> str | None:
        if self.error:
            raise self.error
        return self.problem


@pytest.fixture
def health() -> Health:
    return Health()


def _app(health: Health) -> FastAPI:
    app = create_app("notify", token_secret=TOKEN_SECRET, live=health.check, ready=[health.check, health.check])

    @app.post("/items")
    async def items(item: Item) -> Item:
        return item

    @app.get("/bug")
    async def bug() -> None:
        raise Broken(SECRET)

    @app.get("/away/{what}")
    async def away(what: str) -> None:
        raise {"database": asyncpg.ConnectionDoesNotExistError(SECRET), "store": Transient(SECRET)}[what]

    @app.get("/refused")
    async def refused() -> None:
        errors = [{"field": "number", "value": "1", "rule": "BR-1", "message": "Trop court.", "action": "Allongez."}]
        raise Problem(409, "NUMBER_TAKEN", "Numéro pris", "Changez-le.", errors=errors, headers={"X-More": "1"})

    @app.get("/me")
    async def me(principal: CurrentPrincipal) -> str:
        return principal.subject

    @app.get("/half")
    async def half() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"half"
            raise Broken(SECRET)

        return StreamingResponse(parts())

    return app


@pytest.fixture
async def client(health: Health) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=_app(health))
    with capture_logs():
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as found:
            yield found


def _problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    body: dict[str, object] = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:chorale:problem:{code}")
    assert body["instance"] == answer.request.url.path
    assert body["title"]
    assert body["detail"]
    assert answer.headers["traceparent"].split("-")[1] == body["trace"]
    return body


async def test_a_problem_says_everything_it_was_given(client: httpx.AsyncClient) -> None:
    answer = await client.get("/refused")
    body = _problem(answer, 409, "NUMBER_TAKEN")
    assert body["errors"] == [
        {"field": "number", "value": "1", "rule": "BR-1", "message": "Trop court.", "action": "Allongez."}
    ]
    assert answer.headers["x-more"] == "1"


async def test_an_invalid_request_names_each_field_its_value_and_its_rule_in_french(client: httpx.AsyncClient) -> None:
    body = _problem(await client.post("/items", json={"number": "x" * 21, "count": "many"}), 422, "REQUEST_INVALID")
    errors = body["errors"]
    assert isinstance(errors, list)
    number, count = errors
    assert (number["field"], number["value"], number["rule"]) == ("number", "x" * 21, "string_too_long")
    assert (number["message"], number["action"]) == (
        "Le texte est trop long.",
        "Corrigez ce champ (20 caractères au plus).",
    )
    assert (count["field"], count["message"]) == ("count", "Un nombre entier est attendu.")


@pytest.mark.parametrize("body", [rb'{"number": "\ud800", "count": 1}', rb'{"number": "a", "count": "\udfff"}'])
async def test_half_a_character_is_refused_like_any_other_wrong_value(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/items", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["value"] == "?"


async def test_a_missing_field_does_not_give_the_whole_body_back(client: httpx.AsyncClient) -> None:
    body = _problem(await client.post("/items", json={"number": "FA-7731"}), 422, "REQUEST_INVALID")
    assert "FA-7731" not in str(body)
    assert _problem(await client.post("/items", content=b"{"), 422, "REQUEST_INVALID")["errors"]


async def test_an_unknown_address_and_a_wrong_method_are_problems_too(client: httpx.AsyncClient) -> None:
    assert "adresse" in str(_problem(await client.get("/nothing"), 404, "NOT_FOUND")["detail"])
    answer = await client.delete("/items")
    _problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "POST"


async def test_a_bug_answers_500_and_tells_nothing_of_the_inside(client: httpx.AsyncClient) -> None:
    answer = await client.get("/bug")
    _problem(answer, 500, "INTERNAL_ERROR")
    assert SECRET not in answer.text
    assert "Broken" not in answer.text


@pytest.mark.parametrize("what", ["database", "store"])
async def test_what_passes_by_itself_answers_503_and_when_to_come_back(client: httpx.AsyncClient, what: str) -> None:
    answer = await client.get(f"/away/{what}")
    body = _problem(answer, 503, "TEMPORARILY_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) > 0
    assert "Idempotency-Key" in str(body["detail"])
    assert SECRET not in answer.text


async def test_an_answer_that_breaks_off_is_not_ended_as_if_it_were_whole(client: httpx.AsyncClient) -> None:
    with pytest.raises(Broken):
        await client.get("/half")


async def test_the_trace_of_the_request_goes_on_and_a_forged_one_is_replaced(client: httpx.AsyncClient) -> None:
    given = (await client.get("/nothing", headers={"traceparent": TRACEPARENT})).headers["traceparent"]
    assert given.split("-")[1] == TRACE
    assert given.split("-")[2] != TRACEPARENT.split("-")[2]
    for forged in ("x", f"00-{'0' * 32}-b7ad6b7169203331-01", f"{TRACEPARENT}\t"):
        made = (await client.get("/bug", headers={"traceparent": forged})).headers["traceparent"]
        assert len(made) == len(TRACEPARENT)
        assert "0" * 32 not in made


async def test_metrics_count_by_route_and_status_without_growing_by_what_clients_invent(
    client: httpx.AsyncClient,
) -> None:
    for path in ("/bug", "/away/database", "/refused", "/nothing/1", "/nothing/2"):
        await client.get(path)
    await client.request("INVENTED", "/bug")
    text = (await client.get("/metrics")).text
    lines = [line for line in text.splitlines() if line.startswith("chorale_http_seconds_count")]
    for route, status in (("/bug", 500), ("/away/{what}", 503), ("/refused", 409), ("other", 404)):
        assert any(f'route="{route}",status="{status}"' in line for line in lines), (route, status)
    assert "nothing/1" not in text
    assert "INVENTED" not in text
    assert "chorale_consumer_lag" in text


async def test_readiness_is_red_with_every_reason_and_liveness_stays_apart(
    client: httpx.AsyncClient, health: Health
) -> None:
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()["ready"], answer.json()["problems"]) == (200, True, [])
    health.problem = "database: away"
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()["problems"]) == (503, ["database: away"] * 2)
    assert (await client.get("/health/live")).status_code == 503
    health.error = Broken(SECRET)
    answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["problems"] == ["check: Broken"] * 2


async def test_a_token_is_needed_and_verified(client: httpx.AsyncClient) -> None:
    _problem(await client.get("/me"), 401, "TOKEN_MISSING")
    other = mint("another secret of the tests, long enough too", Principal(subject="ada"))
    old = mint(TOKEN_SECRET, Principal(subject="ada"), ttl_seconds=-10)
    for token in ("x", other, old):
        _problem(await client.get("/me", headers={"authorization": f"Bearer {token}"}), 401, "TOKEN_INVALID")
    good = mint(TOKEN_SECRET, Principal(subject="ada"))
    assert (await client.get("/me", headers={"authorization": f"Bearer {good}"})).json() == "ada"
