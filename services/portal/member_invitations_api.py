"""``…/invitations`` and ``…/delegations``: bringing somebody by mail, and standing in for somebody."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter, Request

from services.common.auth import CurrentPrincipal
from services.common.db import scoped
from services.common.problems import problems
from services.portal import cursors, delegation, delegation_store, emails, member_invitations, structure_reads
from services.portal.cursors import Cursor, Limit
from services.portal.delegation_store import Delegation
from services.portal.member_desk import Desk, request_cause
from services.portal.member_invitations import Invitation
from services.portal.member_views import (
    AcceptedView,
    AcceptIn,
    DelegationIn,
    DelegationList,
    DelegationView,
    InvitationIn,
    InvitationList,
    InvitationView,
    RoleView,
)
from services.portal.member_words import invalid, not_found
from services.portal.parts import Parts
from services.portal.scope import scope_of
from services.portal.structure_views import StructureKey, key_of
from services.portal.structures_api import answers


def add_routes(router: APIRouter, parts: Parts, desk: Desk) -> None:
    """Serve them on ``router``."""
    _add_invitations(router, parts, desk)
    _add_accepting(router, parts, desk)
    _add_delegations(router, parts, desk)


def _invitation(found: Invitation, key: str) -> InvitationView:
    return InvitationView.model_validate(
        {
            "id": found.id,
            "structure": key,
            "email": found.address,
            "manager": found.manager,
            "roles": [RoleView.of(each) for each in found.roles],
            "delegation": found.delegation,
            "invited_by": found.invited_by,
            "invited_at": found.invited_at,
            "expires_at": found.expires_at,
            "state": found.state,
        }
    )


def _address(text: str) -> str:
    found = emails.clean(text)
    if found is None:
        raise invalid("email", text, "EMAIL_FORM", "Ce n'est pas une adresse électronique.", "Écrivez nom@domaine.fr.")
    return found


def _add_invitations(router: APIRouter, parts: Parts, desk: Desk) -> None:
    @router.post(
        "/structures/{structure}/invitations",
        status_code=201,
        summary="Invite une personne par courriel, avec ce qu'elle sera dans la structure",
        responses=answers(401, 403, 404, 409, 422, 429, 503),
    )
    async def invite(
        request: Request, structure: StructureKey, given: InvitationIn, principal: CurrentPrincipal
    ) -> InvitationView:
        key, address = key_of(structure), _address(given.email)
        roles = [each.given() for each in given.roles]
        async with desk.at(key, principal, request_cause(request)) as scene:
            made = await member_invitations.invite(
                scene, address, language=given.language, manager=given.manager, roles=roles
            )
        return _invitation(made, key)

    @router.get(
        "/structures/{structure}/invitations",
        summary="Les invitations de la structure",
        responses=answers(401, 403, 404, 422, 503),
    )
    async def listed(
        structure: StructureKey, principal: CurrentPrincipal, cursor: Cursor = None, limit: Limit = cursors.MOST
    ) -> InvitationList:
        after = cursors.read(cursor, cursors.instant, UUID)
        known = await structure_reads.seen(parts.pool, parts.api_pool, principal, key_of(structure))
        async with scoped(parts.api_pool, scope_of(principal)) as connection:
            found = await member_invitations.at(connection, known.id, after, limit + 1)
        shown, following = cursors.cut(found, limit, lambda last: (last.invited_at, last.id))
        return InvitationList(invitations=[_invitation(each, known.key) for each in shown], next=following)

    @router.delete(
        "/structures/{structure}/invitations/{invitation}",
        status_code=204,
        summary="Annule une invitation",
        responses=answers(401, 403, 404, 409, 422, 503),
    )
    async def cancel(request: Request, structure: StructureKey, invitation: UUID, principal: CurrentPrincipal) -> None:
        async with desk.at(key_of(structure), principal, request_cause(request)) as scene:
            await member_invitations.cancel(scene, invitation)


def _add_accepting(router: APIRouter, parts: Parts, desk: Desk) -> None:
    @router.post(
        "/invitations/accept",
        summary="Accepte une invitation, par le lien du courriel",
        responses=problems(401, 403, 404, 409, 422, 503),
    )
    async def accept(request: Request, given: AcceptIn, principal: CurrentPrincipal) -> AcceptedView:
        identity = parts.mailing.links.read(given.token)
        async with parts.pool.acquire() as connection:
            found = await member_invitations.one(connection, identity) if identity else None
            keys = await structure_reads.keys_of(connection, [found.structure]) if found else {}
        if found is None:
            raise not_found("Invitation")
        async with desk.at(keys[found.structure], principal, request_cause(request)) as scene:
            await member_invitations.accept(scene, found.id)
            return AcceptedView(structure=scene.structure.key, name=scene.structure.name)


def _delegations(found: Sequence[Delegation], key: str) -> list[DelegationView]:
    return [
        DelegationView(
            id=each.id,
            structure=key,
            giver=each.giver,
            receiver=each.receiver,
            since=each.since,
            until=each.until,
            made_by=each.made_by,
            made_at=each.made_at,
            ended_at=each.ended_at,
        )
        for each in found
    ]


def _add_delegations(router: APIRouter, parts: Parts, desk: Desk) -> None:
    @router.post(
        "/structures/{structure}/delegations",
        status_code=201,
        summary="Confie ses droits à quelqu'un d'autre pendant une absence",
        responses=answers(401, 403, 404, 409, 422, 429, 503),
    )
    async def make(
        request: Request, structure: StructureKey, given: DelegationIn, principal: CurrentPrincipal
    ) -> DelegationView:
        if (given.receiver is None) == (given.email is None):
            words = "Nommez une personne de la structure, ou une adresse à inviter."
            raise invalid("receiver", given.receiver, "DELEGATION_ONE_OF", words, "Remplissez l'un des deux.")
        key, giver = key_of(structure), given.giver or principal.subject
        address = _address(given.email) if given.email is not None else None
        async with desk.at(key, principal, request_cause(request)) as scene:
            made = await delegation.make(scene, giver, given.receiver, address, given.since, given.until)
        return _delegations([made], key)[0]

    @router.get(
        "/structures/{structure}/delegations",
        summary="Les délégations de la structure, passées et à venir",
        responses=answers(401, 403, 404, 422, 503),
    )
    async def listed(
        structure: StructureKey, principal: CurrentPrincipal, cursor: Cursor = None, limit: Limit = cursors.MOST
    ) -> DelegationList:
        after = cursors.read(cursor, cursors.instant, UUID)
        known = await structure_reads.seen(parts.pool, parts.api_pool, principal, key_of(structure))
        async with scoped(parts.api_pool, scope_of(principal)) as connection:
            found = await delegation_store.at(connection, known.id, after, limit + 1)
        shown, following = cursors.cut(found, limit, lambda last: (last.made_at, last.id))
        return DelegationList(delegations=_delegations(shown, known.key), next=following)

    @router.delete(
        "/structures/{structure}/delegations/{delegation_id}",
        status_code=204,
        summary="Met fin à une délégation avant son terme",
        responses=answers(401, 403, 404, 409, 422, 503),
    )
    async def end(request: Request, structure: StructureKey, delegation_id: UUID, principal: CurrentPrincipal) -> None:
        async with desk.at(key_of(structure), principal, request_cause(request)) as scene:
            await delegation.end(scene, delegation_id)
