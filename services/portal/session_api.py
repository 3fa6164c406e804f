"""``/api/v1/accounts/sessions``: sign in, second factor, access tokens, the list of what is open, sign out."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.common import clock
from services.common.db import scoped
from services.common.deliver import transaction
from services.common.problems import problems
from services.common.web import Problem
from services.portal import session_store
from services.portal.account_cause import cause_of
from services.portal.account_limits import Limits
from services.portal.parts import Parts
from services.portal.session_guard import CurrentSession, clear_cookie, cookie_name, set_cookie
from services.portal.session_models import (
    AccessToken,
    PasskeyAsked,
    PasskeySignIn,
    Proof,
    SecondIn,
    SessionView,
    SignedIn,
    SignedOut,
    SignIn,
)
from services.portal.sign_in import SignIns

_SERVICE: Final = "portal"
_VERSION: Final = "select coalesce((select version from published_right where subject = $1), 0)"


def add_routes(router: APIRouter, parts: Parts, limits: Limits) -> None:
    """Serve sessions."""
    sign_ins = SignIns(parts, limits)
    _add_sign_in(router, parts, sign_ins)
    _add_passkey(router, parts, sign_ins)
    _add_token(router, parts)
    _add_proof(router, parts, sign_ins)
    _add_list(router, parts)
    _add_ends(router, parts)


def _add_sign_in(router: APIRouter, parts: Parts, sign_ins: SignIns) -> None:
    @router.post(
        "/sessions",
        summary="Ouvre une session par mot de passe ; demande le second facteur s'il y en a un",
        description="Une adresse sans compte et un mot de passe faux ont la même réponse, dans le même temps.",
        responses=problems(401, 403, 422, 429, 503),
    )
    async def sign_in(given: SignIn, request: Request, response: Response) -> SignedIn:
        found = await sign_ins.password(given.email, given.password, request)
        return await _answer(found, request, response, parts)

    @router.post(
        "/sessions/second",
        summary="Achève la connexion par le second facteur",
        responses=problems(401, 403, 410, 422, 429, 503),
    )
    async def second(given: SecondIn, request: Request, response: Response) -> SignedIn:
        found = await sign_ins.second(given, request)
        return await _answer(found, request, response, parts)


def _add_passkey(router: APIRouter, parts: Parts, sign_ins: SignIns) -> None:
    @router.post(
        "/sessions/passkey/options",
        summary="Ce qu'il faut au navigateur pour se connecter par une clé d'accès, sans mot de passe",
        responses=problems(403, 422, 429, 503),
    )
    async def options(request: Request) -> PasskeyAsked:
        return await sign_ins.passkey_options(request)

    @router.post(
        "/sessions/passkey",
        summary="Ouvre une session par une clé d'accès",
        responses=problems(401, 403, 410, 422, 429, 503),
    )
    async def passkey(given: PasskeySignIn, request: Request, response: Response) -> SignedIn:
        found = await sign_ins.passkey(given, request)
        return await _answer(found, request, response, parts)


def _add_token(router: APIRouter, parts: Parts) -> None:
    @router.post(
        "/sessions/token",
        summary="Donne un jeton d'accès de dix minutes pour les API",
        responses=problems(401, 403, 422, 503),
    )
    async def token(signed: CurrentSession, response: Response) -> AccessToken:
        version = await parts.pool.fetchval(_VERSION, signed.subject)
        made = await parts.tokens.access(signed.subject, version, session=str(signed.id))
        response.headers["Cache-Control"] = "no-store"
        return AccessToken(access_token=made, expires_in=parts.tokens.seconds)


def _add_proof(router: APIRouter, parts: Parts, sign_ins: SignIns) -> None:
    @router.post(
        "/sessions/proof",
        summary="Redonne la preuve que c'est vous (mot de passe, second facteur), pour les actions qui la demandent",
        responses=problems(401, 403, 410, 422, 429, 503),
    )
    async def proof(given: Proof, request: Request, response: Response, signed: CurrentSession) -> SignedIn:
        means = await sign_ins.prove(given, signed, request)
        async with transaction(parts.pool, _SERVICE) as tx:
            proved = not {"password", "passkey"}.isdisjoint(means)
            secret = await session_store.renew(tx.conn, signed.id, means, tx.now, proved=proved)
        set_cookie(response, parts.settings, secret)
        return SignedIn(state="signed_in", session=signed.id)


def _add_list(router: APIRouter, parts: Parts) -> None:
    @router.get("/sessions", summary="Mes sessions ouvertes", responses=problems(401, 403, 422, 503))
    async def sessions(signed: CurrentSession) -> list[SessionView]:
        async with scoped(parts.api_pool, {"subject": signed.subject}) as connection:
            found = await session_store.live(connection, signed.subject, clock.now(), parts.settings)
        return [
            SessionView(
                id=one.id,
                current=one.id == signed.id,
                created_at=one.created_at,
                last_used_at=one.last_used_at,
                expires_at=one.expires_at,
                means=list(one.means),
                network=one.network,
                agent=one.agent,
            )
            for one in found
        ]


def _add_ends(router: APIRouter, parts: Parts) -> None:
    @router.delete(
        "/sessions/current",
        summary="Me déconnecte ; dit où se déconnecter aussi chez le fournisseur d'identité",
        responses=problems(401, 403, 422, 503),
    )
    async def sign_out(request: Request, response: Response, signed: CurrentSession) -> SignedOut:
        away = await parts.provider.sign_out(parts.pool, signed.id) if parts.provider else None
        async with transaction(parts.pool, _SERVICE) as tx:
            await session_store.revoke(tx, signed.subject, "signed_out", cause_of(request), only=signed.id)
        clear_cookie(response, parts.settings)
        return SignedOut(provider_sign_out=away)

    @router.delete(
        "/sessions/{session}",
        status_code=204,
        summary="Ferme une de mes sessions, partout en moins de deux secondes",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def revoke(session: UUID, request: Request, response: Response, signed: CurrentSession) -> None:
        async with transaction(parts.pool, _SERVICE) as tx:
            ended = await session_store.revoke(tx, signed.subject, "revoked", cause_of(request), only=session)
        if not ended:
            raise Problem(404, "SESSION_NONE", "Session inconnue", "Cette session n'est pas des vôtres, ou est fermée.")
        if session == signed.id:
            clear_cookie(response, parts.settings)

    @router.delete(
        "/sessions",
        status_code=204,
        summary="Ferme toutes mes autres sessions",
        responses=problems(401, 403, 422, 503),
    )
    async def revoke_others(request: Request, signed: CurrentSession) -> None:
        async with transaction(parts.pool, _SERVICE) as tx:
            await session_store.revoke(tx, signed.subject, "revoked", cause_of(request), but=signed.id)


async def _answer(found: tuple[SignedIn, str | None], request: Request, response: Response, parts: Parts) -> SignedIn:
    """The cookie of a new session, in place of the one that the browser had, which ends."""
    view, secret = found
    response.headers["Cache-Control"] = "no-store"
    if secret is None:
        return view
    before = request.cookies.get(cookie_name(parts.settings))
    if before:
        async with transaction(parts.pool, _SERVICE) as tx:
            old = await session_store.find(tx.conn, before, tx.now, parts.settings)
            if old is not None:
                await session_store.revoke(tx, old.subject, "renewed", cause_of(request), only=old.id)
    set_cookie(response, parts.settings, secret)
    return view
