"""Around every answer over HTTP: its span, its count, its limits of size and time."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from fastapi import Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common import bodies, sandbox, telemetry
from services.common.deprecation import announced
from services.common.trace import child

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Edge:
    """Gives each request its span, counts it, bounds what it brings (:mod:`services.common.bodies`), and answers 503
    when nothing has begun to answer in time. ``failed``: the answer to an error that nobody expected."""

    def __init__(
        self, app: ASGIApp, answer_seconds: float | None, failed: Callable[[Exception, Request], Response]
    ) -> None:
        self._app = app
        self._answer_seconds = answer_seconds
        self._failed = failed
        self._abandoned: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)
        traceparent = child(given)
        scope.setdefault("state", {})["traceparent"] = traceparent
        started, status = time.perf_counter(), "000"
        tried = sandbox.begin()

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
                table = getattr(getattr(scope.get("app"), "state", None), "deprecated", {})
                route = getattr(scope.get("route"), "path", "")
                going = announced(table, scope["method"], route) if table else []
                message["headers"] = [*message["headers"], (b"traceparent", traceparent.encode()), *going]
                message["headers"] += [sandbox.HEADER] if tried else []
                message["headers"] += scope["state"].get("rates", ())
            await send(message)

        try:
            if bodies.too_large(scope):
                await _refuse_large(scope, receive, sent)
                return
            await self._in_time(scope, bodies.bounded(scope, receive), sent, lambda: status != "000")
        except Exception as error:
            if status != "000":
                raise  # the answer has begun: the connection is cut
            await self._failed(error, Request(scope))(scope, receive, sent)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in _METHODS else "OTHER"
            telemetry.HTTP_SECONDS.labels(method, route, status).observe(time.perf_counter() - started)
            _count(scope, method, route, int(status))

    async def _in_time(self, scope: Scope, receive: Receive, send: Send, begun: Callable[[], bool]) -> None:
        """Run the application. Raises ``TimeoutError`` when no answer has begun in time; a begun one is not limited.

        What is too slow is cancelled but not waited for: a connection to a frozen database is slow to be let go.
        """
        if self._answer_seconds is None or _is_long(scope):
            await self._app(scope, receive, send)
            return
        late = False

        async def unless_late(message: Message) -> None:
            if not late:
                await send(message)

        task = asyncio.create_task(self._run(scope, receive, unless_late))
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._answer_seconds)
            if not done and not begun():
                late = True
                raise TimeoutError
            await task
        finally:
            task.cancel()

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


async def _refuse_large(scope: Scope, receive: Receive, send: Send) -> None:
    """As the application says it: in a page where it has pages for people."""
    request = Request(scope)
    answer = await scope["app"].exception_handlers[HTTPException](request, HTTPException(413))
    await answer(scope, receive, send)


def _is_long(scope: Scope) -> bool:
    """Whether a request may take as long as its body takes to come (``app.state.long_bodies``: patterns of paths)."""
    paths = getattr(getattr(scope.get("app"), "state", None), "long_bodies", None)
    return paths is not None and scope["method"] == "POST" and paths.fullmatch(scope["path"]) is not None


def _count(scope: Scope, method: str, route: str, status: int) -> None:
    """Count the request for the client that made it, where the service counts (``app.state.usage``)."""
    usage = getattr(getattr(scope.get("app"), "state", None), "usage", None)
    principal = scope.get("state", {}).get("principal")
    if usage is not None and principal is not None:
        usage.count(principal, method, route, status)
