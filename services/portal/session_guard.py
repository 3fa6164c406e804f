"""Who has signed in, by the cookie; and whether a page of another site asks in his name.

A browser sends the cookie along with whatever any page makes it ask for. So what writes is refused unless the browser
says that the request comes from a page of this platform (Fetch Metadata), or, where it says nothing of that, that its
``Origin`` is this platform's. A program that is no browser says neither, and has no cookie by chance.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final, cast

from fastapi import Depends, Request, Response

from services.common import clock
from services.common.problems import WHO
from services.common.web import Problem
from services.portal import factor_store, session_store
from services.portal.factor_store import Factor
from services.portal.parts import Parts
from services.portal.session_store import Signed
from services.portal.settings import PortalSettings

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: The cookies: of the session, and of who is on his way to the identity provider and back.
SESSION: Final = "chorale"
PROVIDER: Final = "chorale-provider"


def parts_of(request: Request) -> Parts:
    """What the routes share."""
    return cast(Parts, request.app.state.portal)


def cookie_name(settings: PortalSettings, name: str = SESSION) -> str:
    """``__Host-`` lets no other host and no path set it, which browsers take only over TLS."""
    return f"__Host-{name}" if settings.secure else name


def same_site(request: Request) -> None:
    """Raises a 403 problem for a write that a page of another site makes the browser ask."""
    if request.method in _SAFE:
        return
    fetched = request.headers.get("sec-fetch-site")
    if fetched is not None:
        if fetched in ("same-origin", "none"):
            return
    else:
        origin = request.headers.get("origin")
        if origin is None or origin == parts_of(request).settings.origin:
            return
    raise Problem(
        403,
        "CROSS_SITE",
        "Demande venue d'un autre site",
        "Cette demande vient d'une page d'un autre site : elle n'est pas faite. Ouvrez la plateforme elle-même.",
    )


async def of_this_site(request: Request) -> None:
    """FastAPI dependency: :func:`same_site`, without the change of threads that a plain function costs."""
    same_site(request)


async def current_session(request: Request) -> Signed:
    """FastAPI dependency: who has signed in, or a 401 problem."""
    same_site(request)
    parts = parts_of(request)
    secret = request.cookies.get(cookie_name(parts.settings))
    found = None
    if secret:
        async with parts.pool.acquire() as connection:
            found = await session_store.find(connection, secret, clock.now(), parts.settings)
    if found is None:
        raise Problem(
            401,
            "SESSION_MISSING",
            "Connexion requise",
            "Connectez-vous : la session est absente, terminée ou fermée.",
        )
    return found


WHO.add(current_session)
CurrentSession = Annotated[Signed, Depends(current_session)]


def recent(request: Request, signed: Signed) -> None:
    """Raises a 403 problem unless he has shown who he is a short while ago: for what would take the account over."""
    lasts = timedelta(minutes=parts_of(request).settings.recent_minutes)
    if signed.proved_at < clock.now() - lasts:
        raise Problem(
            403,
            "PROOF_REQUIRED",
            "Confirmez que c'est vous",
            "Cette action demande de redonner votre mot de passe ou votre clé d'accès : POST "
            "/api/v1/accounts/sessions/proof, puis recommencez.",
        )


def with_factor(request: Request, signed: Signed, asked: Sequence[Factor]) -> None:
    """As :func:`recent`, and where the account has second factors (``asked``) one of them was shown lately, too.

    For what takes a factor away or adds one: whoever has a session and the password has not the telephone by that.
    """
    recent(request, signed)
    lasts = timedelta(minutes=parts_of(request).settings.recent_minutes)
    if asked and (signed.factor_at is None or signed.factor_at < clock.now() - lasts):
        raise Problem(
            403,
            "FACTOR_REQUIRED",
            "Montrez aussi votre second facteur",
            f"Le mot de passe ne suffit pas ici : donnez aussi {factor_store.shown(asked)} à POST "
            "/api/v1/accounts/sessions/proof, puis recommencez.",
        )


def set_cookie(
    response: Response, settings: PortalSettings, secret: str, name: str = SESSION, seconds: int | None = None
) -> None:
    """Give the browser its session, or another secret; ``seconds``: it forgets it by itself."""
    response.set_cookie(
        cookie_name(settings, name),
        secret,
        httponly=True,
        secure=settings.secure,
        samesite="lax",
        path="/",
        max_age=seconds,
    )
    response.headers["Cache-Control"] = "no-store"


def clear_cookie(response: Response, settings: PortalSettings, name: str = SESSION) -> None:
    """Take it back."""
    response.delete_cookie(cookie_name(settings, name), httponly=True, secure=settings.secure, samesite="lax", path="/")
