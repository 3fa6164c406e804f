"""Who has signed in, by the cookie; and whether a page of another site asks in his name.

A browser sends the cookie along with whatever any page makes it ask for. So what writes is refused unless the browser
says that the request comes from a page of this platform (Fetch Metadata), or, where it says nothing of that, that its
``Origin`` is this platform's. A program that is no browser says neither, and has no cookie by chance.
"""

from datetime import timedelta
from typing import Annotated, Final, cast

from fastapi import Depends, Request, Response

from services.common import clock
from services.common.problems import WHO
from services.common.web import Problem
from services.portal import session_store
from services.portal.parts import Parts
from services.portal.session_store import Signed
from services.portal.settings import PortalSettings

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def parts_of(request: Request) -> Parts:
    """What the routes share."""
    return cast(Parts, request.app.state.portal)


def cookie_name(settings: PortalSettings) -> str:
    """``__Host-`` lets no other host and no path set it, which browsers take only over TLS."""
    return "__Host-chorale" if settings.secure else "chorale"


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


def set_cookie(response: Response, settings: PortalSettings, secret: str) -> None:
    """Give the browser its session."""
    response.set_cookie(cookie_name(settings), secret, httponly=True, secure=settings.secure, samesite="lax", path="/")
    response.headers["Cache-Control"] = "no-store"


def clear_cookie(response: Response, settings: PortalSettings) -> None:
    """Take it back."""
    response.delete_cookie(cookie_name(settings), httponly=True, secure=settings.secure, samesite="lax", path="/")
