"""``/api/v1/accounts/sessions/provider/proof``: that it is he who asks, shown anew at the provider.

An identity that is linked opens the account by itself, so it proves as much as the password does: no more, since a
second factor of the account is asked for besides. That he was signed in there is no proof: whoever sits at his desk is.
"""

import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from services.common.deliver import transaction
from services.common.problems import problems
from services.common.web import Problem
from services.portal import account_pages, session_store
from services.portal.oidc import LEEWAY, Identity
from services.portal.parts import Parts
from services.portal.session_guard import CurrentSession, cookie_name, set_cookie
from services.portal.solicitation_views import PATH
from services.portal.tickets import Ticket

#: What a ticket of a proof has more: the session that is to be proved, since when, and the page to come back to.
SESSION: Final = "session"
_SINCE: Final = "since"
UNPROVED: Final = "PROVIDER_UNPROVED"
_THEN: Final = "then"


class Begin(Protocol):
    """Sends the browser to the provider."""

    def __call__(self, request: Request, subject: str | None, proof: dict[str, Any]) -> Awaitable[RedirectResponse]: ...


def add_routes(router: APIRouter, begin: Begin) -> None:
    """Serve the way there; it comes back as a sign-in does."""

    @router.get(
        "/sessions/provider/proof",
        status_code=303,
        response_class=RedirectResponse,
        summary="Part chez le fournisseur d'identité pour y redonner la preuve que c'est vous",
        responses=problems(401, 403, 404, 422, 429, 503),
    )
    async def leave(
        request: Request,
        signed: CurrentSession,
        then: Annotated[str, Query(max_length=300, pattern=PATH, description="La page du retour")] = "/",
    ) -> RedirectResponse:
        if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            raise Problem(403, "CROSS_SITE", "Demande venue d'un autre site", "Ouvrez la plateforme elle-même.")
        return await begin(request, signed.subject, {SESSION: str(signed.id), _SINCE: time.time(), _THEN: then})


def shown_at(found: Identity, now: datetime) -> datetime:
    """When he showed at the provider who he is: opening a session there anew, long signed in, is no proof here. Where
    the provider does not say, long ago."""
    return min(now, datetime.fromtimestamp(min(found.authenticated_at or 0.0, now.timestamp()), UTC))


async def prove(request: Request, parts: Parts, ticket: Ticket, found: Identity) -> RedirectResponse:
    """Who is back has shown there, since he left (30 s before at most, for clocks), that he is who left. Raises a 401
    problem for anybody else."""
    shown = found.authenticated_at
    secret = request.cookies.get(cookie_name(parts.settings), "")
    async with transaction(parts.pool, "portal") as tx:
        signed = await session_store.find(tx.conn, secret, tx.now, parts.settings)
        owner = await tx.conn.fetchval(
            "update provider_identity set last_used_at = $3 where issuer = $1 and provider_subject = $2"
            " returning subject",
            found.issuer,
            found.subject,
            tx.now,
        )
        if signed is None or str(signed.id) != ticket.data[SESSION] or owner != signed.subject:
            raise _unproved(parts.settings.oidc_label)
        if shown is None or shown < ticket.data[_SINCE] - LEEWAY:
            raise _unproved(parts.settings.oidc_label)
        renewed = await session_store.renew(tx.conn, signed.id, ["provider"], tx.now)
    answer = RedirectResponse(f"{parts.settings.public_url}{ticket.data[_THEN]}", status_code=303)
    set_cookie(answer, parts.settings, renewed)
    return answer


def told(problem: Problem) -> HTMLResponse:
    """Why nothing was opened or proved, and the way on."""
    title, text, status = problem.title, problem.detail, problem.status
    if problem.code == UNPROVED:
        return account_pages.told(title, text, status=status, onward=("/compte", "Retour à mon compte"))
    return account_pages.told(title, text, status=status)


def _unproved(label: str) -> Problem:
    return Problem(
        401,
        UNPROVED,
        "La preuve n'a pas été donnée",
        f"{label} n'a pas dit que vous venez d'y montrer qui vous êtes, ou l'identité n'est pas celle de votre compte, "
        "ou votre connexion ici a pris fin : rien n'a été changé.",
    )
