"""The page behind the link of an invitation, and the account that may come with it.

Its button accepts for whoever has signed in. Who has no account asks for one with nothing but his name: the link came
to his address, and names the structure.
"""

from html import escape
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from services.common import clock
from services.common.principal import Principal
from services.common.problems import problems
from services.common.web import Problem
from services.portal import account_pages, account_wishes, member_invitations, session_guard, structure_store
from services.portal.account_limits import Limits
from services.portal.account_models import Taken
from services.portal.account_wishes import SignUp
from services.portal.member_desk import Desk, request_cause
from services.portal.member_invitations import Invitation
from services.portal.parts import Parts
from services.portal.structure_store import Structure

_TITLE, _DETAIL = (
    "Cette invitation ne sert plus",
    "Elle a été acceptée, annulée, ou son délai est passé : demandez-en une autre au gestionnaire de la structure.",
)
_FIRST = "Connectez-vous d'abord, ou créez un compte ; puis ouvrez de nouveau le lien du message."
Token = Annotated[str, Query(min_length=1, max_length=200)]


class InvitedIn(BaseModel):
    """An account for the address to which the invitation went."""

    model_config = ConfigDict(extra="forbid")
    token: str = Field(min_length=1, max_length=200)
    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", examples=["Claire Martin"])
    language: Literal["fr", "en"] = "fr"


def add_routes(router: APIRouter, parts: Parts, desk: Desk) -> None:
    """Serve them on ``router``."""
    _add_page(router, parts, desk)
    _add_sign_up(router, parts)


def _add_page(router: APIRouter, parts: Parts, desk: Desk) -> None:
    @router.get(
        "/invitations/page",
        summary="Page du lien d'une invitation",
        response_class=HTMLResponse,
        responses=problems(410, 422, 503),
    )
    async def page(token: Token) -> HTMLResponse:
        found = await _look(parts, token)
        return account_pages.told(_TITLE, _DETAIL, status=410) if found is None else _ask(found[1], token)

    @router.post(
        "/invitations/page",
        summary="Le bouton de la page",
        response_class=HTMLResponse,
        responses=problems(401, 403, 409, 410, 422, 503),
    )
    async def press(request: Request, token: Annotated[str, Form(min_length=1, max_length=200)]) -> HTMLResponse:
        try:
            signed = await session_guard.current_session(request)
            found = await _look(parts, token)
            if found is None:
                return account_pages.told(_TITLE, _DETAIL, status=410)
            async with desk.at(found[1].key, Principal(subject=signed.subject), request_cause(request)) as scene:
                await member_invitations.accept(scene, found[0].id)
        except Problem as problem:
            detail = _FIRST if problem.status == 401 else problem.detail
            return account_pages.told(problem.title, detail, status=problem.status)
        return account_pages.told(
            "C'est fait", f"Vous agissez désormais pour {found[1].name}. Vos espaces sont ouverts."
        )


def _add_sign_up(router: APIRouter, parts: Parts) -> None:
    @router.post(
        "/invitations/sign-up",
        status_code=202,
        summary="Demande un compte pour l'adresse invitée : sans structure, l'invitation en tient lieu",
        dependencies=[Depends(session_guard.of_this_site)],
        responses=problems(403, 410, 422, 429, 503),
    )
    async def sign_up(given: InvitedIn, request: Request) -> Taken:
        async with parts.pool.acquire() as connection:
            await Limits(parts.settings).sign_up(connection, request)
        found = await _look(parts, given.token)
        if found is None or found[0].address is None:
            raise Problem(410, "LINK_OVER", _TITLE, _DETAIL)
        address = found[0].address
        wish = SignUp(email=address, name=given.name.strip(), language=given.language, claim=None)
        async with parts.pool.acquire() as connection:
            await account_wishes.write(connection, "sign_up", address, wish, clock.now())
        parts.wishes.wake()
        return Taken(message="Un message vient d'être envoyé à l'adresse invitée : activez le compte par son lien.")


async def _look(parts: Parts, token: str) -> tuple[Invitation, Structure] | None:
    """The invitation that can still be accepted, and its structure."""
    identity = parts.mailing.links.read(token)
    async with parts.pool.acquire() as connection:
        found = await member_invitations.one(connection, identity) if identity else None
        if found is None or found.state != "sent" or found.expires_at <= clock.now():
            return None
        structure = await structure_store.by_id(connection, found.structure)
    return None if structure is None else (found, structure)


def _ask(structure: Structure, token: str) -> HTMLResponse:
    body = (
        f"<p>{escape(structure.name)} vous invite à agir pour elle sur la plateforme de facturation.</p>"
        f'<p>{escape(_FIRST)}</p><form method="post" action="/api/v1/accounts/invitations/page">'
        f'<input type="hidden" name="token" value="{escape(token, quote=True)}">'
        "<button>Accepter l'invitation</button></form>"
    )
    return account_pages.page("Invitation", body)
