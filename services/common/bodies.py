"""How much a request may bring: what JSON needs, unless its route says that it takes files.

FastAPI reads a JSON body before it asks for a token, so what comes from anybody has to be little. A route that takes
more (:func:`takes`) reads its body by itself as it comes, after it knows who asks or how often, and says in its own
words what is too much; what it names here is only the bound against abuse, the same as the gateway's
(``deploy/Caddyfile``; a test holds both in step).
"""

from collections.abc import Callable, Iterator
from re import Pattern
from typing import Any, Final, TypeVar

from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

JSON: Final = 1_000_000
FILES: Final = 128_000_000
ARCHIVES: Final = 1_100_000_000
_MOST: Final = "takes_bytes"
Handler = TypeVar("Handler", bound=Callable[..., Any])
_Route = tuple[frozenset[str], Pattern[str], int]


def takes(most: int) -> Callable[[Handler], Handler]:
    """Marks a route's handler: a request may bring so many bytes."""

    def marked(handler: Handler) -> Handler:
        setattr(handler, _MOST, most)
        return handler

    return marked


def most_of(handler: Any) -> int:
    """How many bytes a request may bring to this handler."""
    return int(getattr(handler, _MOST, JSON))


def most(scope: Scope) -> int:
    """How many bytes this request may bring, by its route."""
    app = scope["app"]
    routes: list[_Route] | None = getattr(app.state, _MOST, None)
    if routes is None:
        routes = list(_larger(app))
        setattr(app.state, _MOST, routes)
    method, path = scope["method"], scope["path"]
    return next((size for methods, known, size in routes if method in methods and known.match(path)), JSON)


def _larger(app: Any) -> Iterator[_Route]:
    for context in iter_route_contexts(app.routes):
        size = most_of(context.endpoint)
        if size != JSON:
            yield frozenset(context.methods or ()), context.path_regex, size


def too_large(scope: Scope) -> bool:
    """Whether a request says of itself that it brings more than its route takes."""
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return said.isdigit() and int(said) > JSON and int(said) > most(scope)


def bounded(scope: Scope, receive: Receive) -> Receive:
    """What comes, as long as it is no more than the route takes. Raises ``HTTPException`` 413 beyond."""
    came = 0

    async def received() -> Message:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > JSON and came > most(scope):
            raise HTTPException(413)
        return message

    return received
