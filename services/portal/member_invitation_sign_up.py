"""The account that may come with an invitation.

Who has none asks for one with nothing but his name: the link came to his address, and names the structure.
"""

from typing import Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from services.common import clock
from services.common.problems import problems
from services.common.web import Problem
from services.portal import account_wishes, member_invitations, session_guard
from services.portal.account_limits import Limits
from services.portal.account_models import Taken
from services.portal.account_wishes import SignUp
from services.portal.parts import Parts


class InvitedIn(BaseModel):
    """An account for the address to which the invitation went."""

    model_config = ConfigDict(extra="forbid")
    token: str = Field(min_length=1, max_length=200)
    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", examples=["Claire Martin"])
    language: Literal["fr", "en"] = "fr"


def add_routes(router: APIRouter, parts: Parts) -> None:
    """Serve it on ``router``."""

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
        address = await _invited(parts, given.token)
        wish = SignUp(email=address, name=given.name.strip(), language=given.language, claim=None)
        async with parts.pool.acquire() as connection:
            await account_wishes.write(connection, "sign_up", address, wish, clock.now())
        parts.wishes.wake()
        return Taken(message="Un message vient d'être envoyé à l'adresse invitée : activez le compte par son lien.")


async def _invited(parts: Parts, token: str) -> str:
    """The address of the invitation. Raises a 410 problem for one that cannot be accepted any more."""
    identity = parts.mailing.links.read(token)
    async with parts.pool.acquire() as connection:
        found = await member_invitations.one(connection, identity) if identity else None
    if found is None or found.state != "sent" or found.expires_at <= clock.now() or found.address is None:
        raise Problem(
            410,
            "LINK_OVER",
            "Cette invitation ne sert plus",
            "Elle a été acceptée, annulée, ou son délai est passé : demandez-en une autre au gestionnaire de la "
            "structure.",
        )
    return found.address
