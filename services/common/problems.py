"""What a route answers when it does not answer, for its OpenAPI description: RFC 9457 with a stable code."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from services.common import bodies
from services.common.deprecation import mark

_TITLES = {
    400: ("BAD_REQUEST", "Demande illisible"),
    401: ("TOKEN_MISSING", "Authentification requise"),
    403: ("RIGHT_MISSING", "Droit manquant"),
    404: ("NOT_FOUND", "Introuvable"),
    409: ("CONFLICT", "Demande en conflit avec une autre"),
    408: ("REQUEST_TIMEOUT", "Demande trop lente"),
    410: ("GONE", "Plus disponible"),
    412: ("VERSION_CHANGED", "Changé entre-temps"),
    413: ("FILE_TOO_LARGE", "Fichier trop grand"),
    415: ("MEDIA_TYPE", "Format non accepté"),
    422: ("REQUEST_INVALID", "Demande invalide"),
    428: ("VERSION_MISSING", "Version à préciser"),
    429: ("RATE_LIMITED", "Trop de demandes"),
    503: ("TEMPORARILY_UNAVAILABLE", "Service momentanément indisponible"),
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "instance": {"type": "string"},
        "trace": {"type": ["string", "null"]},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def in_words(words: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """The answers with these statuses, each in the route's own words; :func:`describe` adds their form."""
    return {status: {"description": text} for status, text in words.items()}


def problems(*statuses: int, titles: dict[int, tuple[str, str]] | None = None) -> dict[int | str, dict[str, Any]]:
    """The answers with these statuses; ``titles`` gives code and title where a route has its own."""
    known = {**_TITLES, **(titles or {})}
    return {
        status: {"description": known[status][1], "content": _content(status, *known[status])} for status in statuses
    }


def _content(status: int, code: str, title: str) -> dict[str, Any]:
    example = {
        "type": f"urn:chorale:problem:{code}",
        "title": title,
        "status": status,
        "detail": "Ce qui ne va pas, et ce qu'il faut faire.",
        "code": code,
    }
    return {"application/problem+json": {"schema": _PROBLEM, "example": example}}


#: Dependencies by which a route knows who asks: such a route may answer 401 and 403.
WHO: set[Callable[..., Any]] = set()
#: Dependencies that count requests: such a route may answer 429, and says on every answer how much is left.
LIMITED: set[Callable[..., Any]] = set()
#: What every description says of that.
LIMITS = (
    "Les demandes de chacun sont comptées, lectures et écritures à part : l'en-tête `RateLimit-Policy` de la réponse"
    " dit ce qui est permis, `RateLimit` ce qui reste. Au-delà, la réponse est 429 `RATE_LIMITED` (minute) ou"
    " `QUOTA_EXHAUSTED` (jour), et `Retry-After` dit quand recommencer."
)
_HEADERS = {
    "Retry-After": {"schema": {"type": "integer"}, "description": "Secondes après lesquelles recommencer"},
    "RateLimit-Policy": {
        "schema": {"type": "string"},
        "description": "Ce qui est permis : nom, quota (q), durée en secondes (w)",
        "example": '"minute";q=600;w=60, "jour";q=200000;w=86400',
    },
    "RateLimit": {
        "schema": {"type": "string"},
        "description": "Ce qui reste : nom, demandes (r), secondes jusqu'à la fenêtre suivante (t)",
        "example": '"minute";r=0;t=42, "jour";r=199400;t=81000',
    },
}


def describe(app: FastAPI) -> None:
    """Let the description say of every route what it answers otherwise, in the one form that errors have here.

    ``app.state.examples``, where a service sets it, holds an example of an answer by ``METHOD /path``.
    """
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = plain()
            examples = getattr(app.state, "examples", {})
            for context in iter_route_contexts(app.routes):
                path, calls = context.path_format, list(_calls(getattr(context, "dependant", None)))
                asked = _statuses(calls)
                for method, operation in schema["paths"].get(path, {}).items():
                    if method.upper() in (context.methods or ()):
                        _bound(operation, bodies.most_of(context.endpoint))
                        _add(operation, asked)
                        _show(operation, examples.get(f"{method.upper()} {path}"))
            mark(schema, getattr(app.state, "deprecated", {}))
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _statuses(calls: Sequence[Any]) -> set[int]:
    """What a route answers for what it depends on: who asks, and how often he may."""
    who = {401, 403} if not WHO.isdisjoint(calls) else set()
    return who | (set() if LIMITED.isdisjoint(calls) else {429})


def _bound(operation: dict[str, Any], most: int) -> None:
    """A route that takes a body says how much of it, where it has no words of its own for that."""
    if "requestBody" in operation or most != bodies.JSON:
        words = f"Demande trop lourde : {most // 1_000_000} Mo au plus"
        given = {"description": words, "content": _content(413, "BODY_TOO_LARGE", "Demande trop lourde")}
        operation.setdefault("responses", {}).setdefault("413", given)


def _add(operation: dict[str, Any], asked: set[int]) -> None:
    answers = operation.setdefault("responses", {})
    always = {422, 503} | asked
    for status in sorted({*(int(s) for s in answers if s.isdecimal() and int(s) >= 400), *always}):
        given = answers.get(str(status), {})
        if not given.get("content", {}).get("application/problem+json"):
            code, title = _TITLES.get(status, ("HTTP_ERROR", "Demande refusée"))
            own = given.get("description")
            words = title if own in (None, "Validation Error") else own
            answers[str(status)] = {**given, "description": words, "content": _content(status, code, title)}
    if 429 in asked:
        answers["429"] = {"headers": _HEADERS, **answers["429"]}


def _show(operation: dict[str, Any], example: Any) -> None:
    for status, answer in operation["responses"].items():
        if example is not None and status.startswith("2"):
            answer["content"]["application/json"]["example"] = example


def _calls(dependant: Dependant | None) -> Iterator[Any]:
    for one in dependant.dependencies if dependant is not None else ():
        yield one.call
        yield from _calls(one)
