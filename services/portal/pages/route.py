"""What every page has around it: headers, and a page in words for whatever goes wrong."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from services.common import telemetry
from services.common.failures import is_transient
from services.common.trace import trace_id
from services.common.web import Problem as Refused
from services.portal.pages.kept_reading import written
from services.portal.pages.page import Page, SignInFirst, house_of, sign_in_for, visit
from services.portal.pages.problems import NOT_FOUND, FieldError, Problem, Shown

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "frame-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: A page that is asked for again is asked for anew: what it shows changes, and is one person's.
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "private, no-cache",
    "Vary": "Cookie, Accept-Language",
}
_OVER: Final = Problem(status=401, code="SESSION_OVER")
#: Addresses of programs: what is wrong there is said as problem+json whatever the program accepts.
_PROGRAMS: Final = ("/api/", "/docs", "/openapi/", "/health/", "/internal/", "/.well-known/", "/metrics", "/static/")


class PageRoute(APIRoute):
    """The route of a page."""

    def get_route_handler(self) -> Handler:
        """The handler, with what every page has around it."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                response = await inner(request)
            except Exception as error:
                response = await _answer(request, error)
            page = _page(request)
            if page.sent is not None:
                page.sent.close()
            # An address with the word of a mail's link in it is as private as a session.
            return secured(response, signed=page.person is not None or "token" in request.query_params)

        return handle


def secured(response: Response, *, signed: bool) -> Response:
    """With the headers of a page, where it has not set its own."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if signed and response.headers["Cache-Control"] == _HEADERS["Cache-Control"]:
        response.headers["Cache-Control"] = "private, no-store"
    return response


def _page(request: Request) -> Page:
    """The page that was being made, or one for whoever it may be where that was not found out."""
    found = getattr(request.state, "page", None)
    return found if isinstance(found, Page) else Page(house_of(request), request, None)


async def _answer(request: Request, error: Exception) -> Response:
    page = _page(request)
    problem = _OVER if isinstance(error, SignInFirst) else _problem(request, error)
    if request.method == "POST" and page.sent is None and (problem is _OVER or problem.status >= 500):
        page.sent = await written(request)
    if problem is _OVER and request.headers.get("accept", "") == "application/json":
        way = sign_in_for(page.path if request.method == "GET" else page.came_from)
        told = {"problem": page.said(problem), "sign_in": way, "act": page.t("error.sign_in")}
        return JSONResponse(told, status_code=401)
    return page.refused(problem)


def _problem(request: Request, error: Exception) -> Problem:
    trace = trace_id(getattr(request.state, "traceparent", None))
    match error:
        case Shown(problem=problem):
            return problem
        case Refused():
            entries = tuple(FieldError(field=str(e["field"]), message=str(e["message"])) for e in error.errors)
            return Problem(status=error.status, code=error.code, title=error.title, detail=error.detail, errors=entries)
        case RequestValidationError():
            return NOT_FOUND  # an address that no page of ours leads to
        case HTTPException(status_code=413):
            return Problem(status=413, code="FORM_TOO_HEAVY")
        case HTTPException():
            return Problem(status=error.status_code, code=f"HTTP_{error.status_code}", trace=trace)
    if is_transient(error):
        return Problem(status=503, code="TEMPORARILY_UNAVAILABLE", trace=trace)
    telemetry.logger().error("page.failed", error=type(error).__name__, exc_info=error)
    return Problem(status=500, code="INTERNAL_ERROR", trace=trace)


def wants_page(request: Request) -> bool:
    """Whether a person asks, with a browser, for an address that is none of a program's."""
    return not request.url.path.startswith(_PROGRAMS) and "text/html" in request.headers.get("accept", "")


def add_unknown(app: FastAPI) -> None:
    """An address that leads nowhere is a page for people, and stays problem+json for programs."""
    before = app.exception_handlers[HTTPException]

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        if not wants_page(request):
            answer = await before(request, error)  # type: ignore[misc]
            assert isinstance(answer, Response)
            return answer
        try:
            page = await visit(request)
        except Exception as away:
            if not is_transient(away):
                raise
            page = _page(request)
        problem = NOT_FOUND if error.status_code in (403, 404) else _problem(request, error)
        return secured(page.refused(problem), signed=page.person is not None)
