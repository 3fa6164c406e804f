"""A page asks a service, under the name of whoever looks at it, by the same API that programs use.

Portal's own API is asked in the same way, inside the process: what the pages do is what the API does, with its checks,
limits and letters. A service that is away is an answer too: a page shows a notice in its place, never an error.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import httpx
import msgspec

from services.common import telemetry
from services.common.trace import child
from services.portal.pages import problems
from services.portal.pages.connections import ITSELF, LONG, SECONDS, Services
from services.portal.pages.handing import Carried, fed, handed
from services.portal.pages.person import Person
from services.portal.pages.problems import Problem, Shown
from services.portal.pages.wire import ASKER

_REASON: Final = "REASON_REQUIRED"
Params = Mapping[str, Any]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a service said: ``data`` where it did what was asked, else ``problem``. ``cookies``: to be handed on."""

    status: int
    data: Any = None
    problem: Problem | None = None
    cookies: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}

    @property
    def ok(self) -> bool:
        """It did what was asked."""
        return self.problem is None


class Calls:
    """What one page asks. ``cookie``: the browser's session, which only portal itself gets to see.

    ``reason``: why an operator looks into what is a tenant's; its trail says so.
    """

    def __init__(
        self,
        services: Services,
        person: Person | None,
        *,
        host: str | None,
        agent: str,
        cookie: str | None,
        traceparent: str | None,
        reason: str = "",
    ) -> None:
        self._reason = reason.encode("utf-8")
        self._services = services
        self._person = person
        self._host = host
        self._agent = agent
        self._cookie = cookie
        self._traceparent = traceparent
        #: What was not read for this page because he asked too often: the page says so, whatever it shows else.
        self.busy: Problem | None = None

    @property
    def who(self) -> str:
        """Under which name files under way are counted."""
        return self._person.subject if self._person is not None else f"@{self._host}"

    async def get(self, service: str, path: str, params: Params | None = None) -> Answer:
        """Read."""
        answer = await self.ask("GET", service, path, params=params)
        if answer.problem is not None and answer.problem.busy:
            self.busy = answer.problem
        return answer

    async def need(self, service: str, path: str, params: Params | None = None) -> Any:
        """Read what the page is about. Raises ``Shown`` where there is nothing to show; an address that the service
        cannot read leads to nothing either."""
        answer = await self.get(service, path, params)
        if answer.status == 422:
            raise Shown(problems.NOT_FOUND)
        if answer.problem is not None:
            raise Shown(answer.problem)
        return answer.data

    async def post(self, service: str, path: str, json: Any = None, **more: Any) -> Answer:
        """Do."""
        return await self.ask("POST", service, path, json=json, **more)

    async def put(self, service: str, path: str, json: Any = None, **more: Any) -> Answer:
        """Set."""
        return await self.ask("PUT", service, path, json=json, **more)

    async def patch(self, service: str, path: str, json: Any = None, **more: Any) -> Answer:
        """Change."""
        return await self.ask("PATCH", service, path, json=json, **more)

    async def delete(self, service: str, path: str, **more: Any) -> Answer:
        """Take away."""
        return await self.ask("DELETE", service, path, **more)

    async def ask(
        self,
        method: str,
        service: str,
        path: str,
        *,
        params: Params | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Sequence[tuple[str, Any]] | None = None,
        content: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = SECONDS,
    ) -> Answer:
        """What the service says. A service that does not answer, or not in time, is a problem of status 503. Raises
        ``Shown`` where an operator has to say first why he looks: there is nothing to show him before.

        ``content``: a body that is a file as it is, or comes bit by bit; its type in ``headers``.
        """
        sent = {**await self._headers(service), **(headers or {})}
        asked = {name: value for name, value in (params or {}).items() if value is not None and value != ""}
        try:
            client, url = self._services.client(service, files=isinstance(content, AsyncIterator))
            answer = await client.request(
                method,
                f"{url}{path}",
                params=asked or None,
                json=json,
                data=data,
                files=files,
                content=content,
                headers=sent,
                timeout=seconds,
                extensions={ASKER: self._host},
            )
        except (httpx.HTTPError, KeyError) as error:
            telemetry.logger().warning("page.service_away", service=service, error=type(error).__name__)
            return Answer(status=503, problem=Problem(status=503, code="SERVICE_AWAY"))
        found = _read(answer)
        if found.problem is not None and found.problem.code == _REASON:
            raise Shown(found.problem)
        return found

    async def carry(
        self,
        service: str,
        path: str,
        params: Params | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        lasting: bool = False,
    ) -> Carried:
        """A file as it comes, for the browser: never whole in memory. Raises ``Shown`` for one that is not given, and
        for who has too many under way.

        ``lasting``: a feed, which may be silent for long and takes no connection from the pages.
        """
        sent = {**await self._headers(service), "Accept": "*/*", **(headers or {})}
        if lasting:
            answer = await self._begun(service, path, params, sent, httpx.Timeout(SECONDS, read=None))
            return Carried(headers=dict(answer.headers), chunks=fed(answer))
        turn = self._services.turns.take(self.who)
        try:
            answer = await self._begun(service, path, params, sent, httpx.Timeout(LONG))
        except BaseException:
            turn.give_back()
            raise
        return Carried(headers=dict(answer.headers), chunks=handed(answer, turn))

    async def _begun(
        self, service: str, path: str, params: Params | None, headers: Mapping[str, str], wait: httpx.Timeout
    ) -> httpx.Response:
        client, url = self._services.client(service, files=True)
        client = self._services.feeds if wait.read is None else client
        asked = client.build_request(
            "GET",
            f"{url}{path}",
            params=params or None,
            headers=headers,
            timeout=wait,
            extensions={ASKER: self._host},
        )
        try:
            answer = await client.send(asked, stream=True)
            if not answer.is_success:
                await answer.aread()
        except httpx.HTTPError as error:
            telemetry.logger().warning("page.service_away", service=service, error=type(error).__name__)
            raise Shown(Problem(status=503, code="SERVICE_AWAY")) from error
        refused = _read(answer).problem if not answer.is_success else None
        if refused is not None:
            raise Shown(refused)
        return answer

    async def _headers(self, service: str) -> dict[str, Any]:
        headers: dict[str, Any] = {
            "Accept": "application/json",
            "User-Agent": self._agent,
            "traceparent": child(self._traceparent),
        }
        if service == ITSELF and self._cookie:
            headers["Cookie"] = self._cookie
        if service != ITSELF and self._host:
            # Who visits, for services that believe portal: what is asked without an account is limited by network.
            headers["X-Forwarded-For"] = self._host
        if self._person is not None:
            headers["Authorization"] = f"Bearer {await self._services.token(self._person)}"
        if self._reason:
            headers["X-Chorale-Reason"] = self._reason
        return headers


def _read(answer: httpx.Response) -> Answer:
    body: Any = None
    if "json" in answer.headers.get("content-type", ""):
        try:
            body = msgspec.json.decode(answer.content) if answer.content else None
        except msgspec.DecodeError:
            body = None
    elif answer.is_success:
        body = answer.content
    retry_after = answer.headers.get("retry-after", "")
    problem = None if answer.is_success else problems.read(answer.status_code, body, retry_after)
    return Answer(
        status=answer.status_code,
        data=body if problem is None else None,
        problem=problem,
        cookies=tuple(answer.headers.get_list("set-cookie")),
        headers=dict(answer.headers),
    )
