"""The HTTP edge shared by every service: problem+json, health, metrics, traces."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common import telemetry
from services.common.failures import is_transient
from services.common.trace import child, trace_id

Check = Callable[[], Awaitable[str | None]]
PROBLEM = "application/problem+json"


class Problem(Exception):
    """An answer of RFC 9457. ``code`` is stable; ``title``, ``detail`` and ``errors`` are French, for people.

    Each entry of ``errors`` says the ``field``, the ``value`` seen, the ``rule`` and the ``action`` to take.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        *,
        errors: Sequence[dict[str, Any]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.errors = list(errors)
        self.headers = headers

    def response(self, request: Request) -> Response:
        """The HTTP answer."""
        body: dict[str, Any] = {
            "type": f"urn:chorale:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "instance": request.url.path,
            "trace": trace_id(getattr(request.state, "traceparent", None)),
        }
        if self.errors:
            body["errors"] = self.errors
        return JSONResponse(body, status_code=self.status, media_type=PROBLEM, headers=self.headers)


class _Edge:
    """Gives each request its span, and counts it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)
        traceparent = child(given)
        scope.setdefault("state", {})["traceparent"] = traceparent
        started, status = time.perf_counter(), "000"

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
                message["headers"] = [*message["headers"], (b"traceparent", traceparent.encode())]
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            telemetry.HTTP_SECONDS.labels(scope["method"], route, status).observe(time.perf_counter() - started)


def create_app(service: str, *, token_secret: str, live: Check, ready: Sequence[Check]) -> FastAPI:
    """An application with health, readiness, metrics and French problem answers."""
    app = FastAPI(
        title=f"Chorale · {service}",
        version="1",
        docs_url=f"/docs/{service}",
        redoc_url=None,
        openapi_url=f"/openapi/{service}.json",
    )
    app.state.token_secret = token_secret
    app.add_middleware(_Edge)
    _add_problems(app)

    @app.get("/health/live", include_in_schema=False)
    async def health_live() -> JSONResponse:
        problem = await live()
        return JSONResponse({"service": service, "live": problem is None}, 200 if problem is None else 503)

    @app.get("/health/ready", include_in_schema=False)
    async def health_ready() -> JSONResponse:
        problems = [problem for check in ready if (problem := await check())]
        return JSONResponse({"service": service, "ready": not problems, "problems": problems}, 503 if problems else 200)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app


def _add_problems(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def on_problem(request: Request, problem: Problem) -> Response:
        return problem.response(request)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [
            {
                "field": ".".join(str(part) for part in item["loc"][1:]),
                "rule": item["type"],
                "message": item["msg"],
            }
            for item in error.errors()
        ]
        problem = Problem(422, "REQUEST_INVALID", "Demande invalide", "Corrigez les champs indiqués.", errors=errors)
        return problem.response(request)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 400: "BAD_REQUEST"}.get(error.status_code, "HTTP_ERROR")
        title = {404: "Introuvable", 405: "Méthode non permise", 400: "Demande illisible"}.get(
            error.status_code, "Demande refusée"
        )
        headers = dict(error.headers) if error.headers else None
        return Problem(error.status_code, code, title, str(error.detail), headers=headers).response(request)

    @app.exception_handler(Exception)
    async def on_bug(request: Request, error: Exception) -> Response:
        return failure(error).response(request)


def failure(error: Exception) -> Problem:
    """The answer to an unexpected error: 503 when the same request may succeed later, else 500. Nothing is kept."""
    if is_transient(error):
        return Problem(
            503,
            "TEMPORARILY_UNAVAILABLE",
            "Service momentanément indisponible",
            "Rien n'a été enregistré : renvoyez la même demande, avec la même Idempotency-Key, dans quelques secondes.",
            headers={"Retry-After": "5"},
        )
    telemetry.logger().error("http.failed", error=type(error).__name__, exc_info=error)
    return Problem(500, "INTERNAL_ERROR", "Erreur interne", "L'erreur est enregistrée ; réessayez plus tard.")


class Server(uvicorn.Server):
    """A web server inside a service's process; the runtime handles the signals."""

    def __init__(self, app: FastAPI, host: str, port: int, stop_seconds: float) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=max(1, int(stop_seconds / 2)),
                timeout_keep_alive=30,
            )
        )

    def install_signal_handlers(self) -> None:
        """Signals belong to the runtime."""

    async def serve(self, sockets: Any = None) -> None:
        """Serve until ``should_exit``."""
        await self._serve(sockets)
