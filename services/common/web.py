"""What every service answers over HTTP: problem+json, health, metrics, its documentation."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import asyncpg
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from services.common import telemetry
from services.common.access import Development, Identity
from services.common.edge import Edge
from services.common.failures import is_transient
from services.common.problems import LIMITS, describe
from services.common.trace import trace_id

Check = Callable[[], Awaitable[str | None]]
PROBLEM = "application/problem+json"
_HTTP = {
    400: ("BAD_REQUEST", "Demande illisible", "La demande ne peut pas être lue."),
    404: ("NOT_FOUND", "Introuvable", "Il n'y a rien à cette adresse : vérifiez-la."),
    405: (
        "METHOD_NOT_ALLOWED",
        "Méthode non permise",
        "Cette adresse n'accepte pas cette méthode : voir Allow.",
    ),
    413: (
        "BODY_TOO_LARGE",
        "Demande trop lourde",
        "Cette adresse prend 1 Mo au plus, ou ce que sa documentation dit d'un fichier : envoyez moins à la fois.",
    ),
}
_INVALID = {
    "missing": "Ce champ est obligatoire.",
    "json_invalid": "Le corps n'est pas du JSON valide.",
    "extra_forbidden": "Ce champ n'existe pas.",
    "string_type": "Un texte est attendu.",
    "string_too_short": "Le texte est trop court.",
    "string_too_long": "Le texte est trop long.",
    "string_pattern_mismatch": "Le texte n'a pas la forme attendue.",
    "int_parsing": "Un nombre entier est attendu.",
    "int_type": "Un nombre entier est attendu.",
    "bool_parsing": "Vrai ou faux est attendu.",
    "decimal_parsing": "Un montant est attendu.",
    "date_from_datetime_parsing": "Une date est attendue (AAAA-MM-JJ).",
    "datetime_from_date_parsing": "Un instant est attendu (RFC 3339).",
    "string_unicode": "Ce texte contient un caractère incomplet : retapez-le.",
    "uuid_parsing": "Un identifiant UUID est attendu.",
    "literal_error": "La valeur n'est pas parmi celles qui sont permises.",
    "enum": "La valeur n'est pas parmi celles qui sont permises.",
}
_LIMITS = {
    "ge": "{} au moins",
    "gt": "plus de {}",
    "le": "{} au plus",
    "lt": "moins de {}",
    "min_length": "{} caractères au moins",
    "max_length": "{} caractères au plus",
    "expected": "valeurs permises : {}",
}


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
        return _Answer(body, status_code=self.status, media_type=PROBLEM, headers=self.headers)


class _Answer(JSONResponse):
    """JSON that repeats what was sent, half characters (lone surrogates, which JSON can carry) included."""

    def render(self, content: Any) -> bytes:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def create_app(
    service: str,
    *,
    token_secret: str,
    live: Check,
    ready: Sequence[Check],
    answer_seconds: float | None = 20.0,
    access: Identity | None = None,
) -> FastAPI:
    """An application with health, readiness, metrics and French problem answers.

    ``access`` says who is asking; without it, development tokens signed with ``token_secret`` do, and no others. A
    service's process always gives its own (:mod:`services.common.runtime`).
    A request that nothing has begun to answer after ``answer_seconds`` gets a 503 (``None``: its routes see to that).
    """
    app = FastAPIOffline(  # the documentation pages load nothing from elsewhere
        title=f"Chorale · {service}",
        version="1",
        description=LIMITS,
        docs_url=f"/docs/{service}",
        redoc_url=None,
        openapi_url=f"/openapi/{service}.json",
        static_url=f"/docs/{service}/assets",
    )
    app.state.token_secret = token_secret
    app.state.access = access or Development(token_secret)
    app.add_middleware(
        Edge, answer_seconds=answer_seconds, failed=lambda error, request: failure(error).response(request)
    )
    _add_problems(app)
    describe(app)

    @app.get("/health/live", include_in_schema=False)
    async def health_live() -> JSONResponse:
        problem = await live()
        return JSONResponse({"service": service, "live": problem is None}, 200 if problem is None else 503)

    @app.get("/health/ready", include_in_schema=False)
    async def health_ready() -> JSONResponse:
        problems = [problem for check in ready if (problem := await _asked(check))]
        notes = {name: await asked() for name, asked in getattr(app.state, "notes", {}).items()}
        body = {"service": service, "ready": not problems, "problems": problems, **({"notes": notes} if notes else {})}
        return JSONResponse(body, 503 if problems else 200)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app


async def _asked(check: Check) -> str | None:
    try:
        return await check()
    except Exception as error:
        return f"{getattr(check, '__name__', 'check')}: {type(error).__name__}"


def _invalid(item: dict[str, Any]) -> dict[str, Any]:
    """One entry of a validation problem. The value is shown to who sent it, shortened, unless it is a whole body."""
    value = item.get("input")
    limits = {name: str(limit).replace(" or ", " ou ") for name, limit in item.get("ctx", {}).items()}
    asked = ", ".join(words.format(limits[name]) for name, words in _LIMITS.items() if name in limits)
    said = item["msg"].removeprefix("Value error, ") if item["type"] == "value_error" else "La valeur ne convient pas."
    return {
        "field": ".".join(str(part) for part in item["loc"][1:]),
        "value": str(value)[:100] if isinstance(value, str | int | float | bool) else None,
        "rule": item["type"],
        "message": _INVALID.get(item["type"], said),
        "action": f"Corrigez ce champ ({asked})." if asked else "Corrigez ce champ.",
    }


def _add_problems(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def on_problem(request: Request, problem: Problem) -> Response:
        return problem.response(request)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [_invalid(item) for item in error.errors()]
        problem = Problem(422, "REQUEST_INVALID", "Demande invalide", "Corrigez les champs indiqués.", errors=errors)
        return problem.response(request)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        refused = ("HTTP_ERROR", "Demande refusée", "La demande ne peut pas être traitée.")
        code, title, detail = _HTTP.get(error.status_code, refused)
        headers = dict(error.headers) if error.headers else None
        return Problem(error.status_code, code, title, detail, headers=headers).response(request)


#: What the database says of the null character, the only one of Unicode that it does not store.
_NO_TEXT: Final = (asyncpg.UntranslatableCharacterError, asyncpg.CharacterNotInRepertoireError)


def failure(error: Exception) -> Problem:
    """The answer to an unexpected error: 503 when the same request may succeed later, else 500.

    Whether the request was done is not always known: its commit may have been under way.
    """
    if is_transient(error):
        return Problem(
            503,
            "TEMPORARILY_UNAVAILABLE",
            "Service momentanément indisponible",
            "Renvoyez la même demande dans quelques secondes, avec la même Idempotency-Key : elle ne sera jamais faite "
            "deux fois.",
            headers={"Retry-After": "5"},
        )
    if isinstance(error, _NO_TEXT):
        words = "Un des champs porte le caractère nul (U+0000), qui n'est d'aucun texte : retirez-le."
        return Problem(422, "REQUEST_INVALID", "Demande invalide", words)
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
        # A long answer (a live feed) looks at ``server.should_exit`` to end in time.
        app.state.server = self

    def install_signal_handlers(self) -> None:
        """Signals belong to the runtime."""

    async def serve(self, sockets: Any = None) -> None:
        """Serve until ``should_exit``."""
        await self._serve(sockets)
