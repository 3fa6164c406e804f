"""``/api/v1/accounts/me``: one's own account: name, password, address, everything held, closing."""

from datetime import timedelta
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from services.common.db import Connection, scoped
from services.common.deliver import transaction
from services.common.problems import problems
from services.portal import account_store, session_store
from services.portal.account_acts import Acts
from services.portal.account_cause import cause_of
from services.portal.account_models import (
    ClosingIn,
    ClosingView,
    EmailIn,
    MePatch,
    MeView,
    PasswordIn,
    Taken,
    address,
)
from services.portal.account_passwords import demand
from services.portal.parts import Parts
from services.portal.session_guard import CurrentSession, clear_cookie, recent, set_cookie
from services.portal.session_store import Signed

_SERVICE: Final = "portal"
_ME: Final = (
    "select a.subject, a.email, a.name, a.language, a.created_at, a.password_at is not null as has_password,"
    " exists (select from totp t where t.subject = a.subject and t.confirmed_at is not null) as totp,"
    " exists (select from passkey p where p.subject = a.subject) as passkey,"
    " array(select issuer from provider_identity i where i.subject = a.subject order by 1) as providers,"
    " (select proof_kind from account_claim c where c.subject = a.subject and not exists"
    "  (select from proof p where p.subject = a.subject)) as proof_asked"
    " from account a where a.subject = $1"
)


def add_routes(router: APIRouter, parts: Parts, acts: Acts) -> None:
    """Serve one's own account."""
    _add_account(router, parts)
    _add_password(router, parts, acts)
    _add_email(router, parts, acts)
    _add_export(router, parts)
    _add_closing(router, parts, acts)


def _add_account(router: APIRouter, parts: Parts) -> None:
    @router.get("/me", summary="Mon compte", responses=problems(401, 403, 422, 503))
    async def me(signed: CurrentSession, response: Response) -> MeView:
        response.headers["Cache-Control"] = "no-store"
        async with scoped(parts.api_pool, {"subject": signed.subject}) as connection:
            return await _shown(connection, signed)

    @router.patch("/me", summary="Change mon nom ou ma langue", responses=problems(401, 403, 422, 503))
    async def patch(given: MePatch, signed: CurrentSession) -> MeView:
        async with transaction(parts.pool, _SERVICE) as tx:
            name = given.name.strip() if given.name else None
            await account_store.rename(tx.conn, signed.subject, name or None, given.language)
            if given.language is not None:
                await parts.mailing.contact(tx.conn, signed.subject, signed.email, given.language, tx.now)
            shown = await _shown(tx.conn, signed)
        parts.mailing.wake()
        return shown


def _add_password(router: APIRouter, parts: Parts, acts: Acts) -> None:
    @router.put(
        "/me/password",
        status_code=204,
        summary="Change mon mot de passe ; toutes les autres connexions sont fermées",
        responses=problems(401, 403, 422, 503),
    )
    async def password(given: PasswordIn, request: Request, response: Response, signed: CurrentSession) -> None:
        recent(request, signed)
        demand(await parts.passwords.judge(given.password, (signed.email, signed.name)))
        hashed = await parts.passwords.hash(given.password)
        async with transaction(parts.pool, _SERVICE) as tx:
            known = await account_store.of(tx.conn, signed.subject, lock=True)
            assert known is not None
            await acts.change_password(tx, known, hashed, signed.id, cause_of(request))
            secret = await session_store.renew(tx.conn, signed.id, ["password"], tx.now)
        parts.mailing.wake()
        set_cookie(response, parts.settings, secret)


def _add_email(router: APIRouter, parts: Parts, acts: Acts) -> None:
    @router.put(
        "/me/email",
        status_code=202,
        summary="Demande une autre adresse de connexion ; les deux adresses doivent confirmer",
        description="La réponse est la même que la nouvelle adresse ait déjà un compte ou non.",
        responses=problems(401, 403, 422, 429, 503),
    )
    async def change_email(given: EmailIn, request: Request, signed: CurrentSession) -> Taken:
        recent(request, signed)
        email = address(given.email)
        async with transaction(parts.pool, _SERVICE) as tx:
            await acts.ask_email(tx, signed.subject, email, cause_of(request))
        parts.wishes.wake()
        return Taken(
            message="Un courriel est parti aux deux adresses : le changement vaut quand les deux ont confirmé."
        )


def _add_export(router: APIRouter, parts: Parts) -> None:
    @router.get(
        "/me/export",
        summary="Tout ce que la plateforme détient de moi, une ligne JSON par entrée",
        description="La dernière ligne dit que le fichier est entier.",
        response_class=StreamingResponse,
        responses={
            200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}},
            **problems(401, 403, 422, 503),
        },
    )
    async def export(request: Request, signed: CurrentSession) -> StreamingResponse:
        recent(request, signed)
        headers = {"Content-Disposition": 'attachment; filename="mes-donnees.jsonl"', "Cache-Control": "no-store"}
        return StreamingResponse(
            parts.people.export(signed.subject), media_type="application/x-ndjson", headers=headers
        )


def _add_closing(router: APIRouter, parts: Parts, acts: Acts) -> None:
    @router.post(
        "/me/closing",
        summary="Ferme mon compte : droits et connexions cessent, les données sont effacées après le délai",
        responses=problems(401, 403, 409, 422, 503),
    )
    async def close(given: ClosingIn, request: Request, response: Response, signed: CurrentSession) -> ClosingView:
        recent(request, signed)
        async with transaction(parts.pool, _SERVICE) as tx:
            known = await account_store.of(tx.conn, signed.subject)
            assert known is not None
            await acts.close(tx, known, cause_of(request))
            ends = tx.now + timedelta(days=parts.settings.closing_days)
        parts.mailing.wake()
        clear_cookie(response, parts.settings)
        return ClosingView(
            erased_at=ends,
            message="Votre compte est fermé. Un courriel dit comment le rouvrir jusqu'à l'effacement de ses données.",
        )


async def _shown(connection: Connection, signed: Signed) -> MeView:
    row = await connection.fetchrow(_ME, signed.subject)
    assert row is not None
    found = dict(row)
    totp, passkey = found.pop("totp"), found.pop("passkey")
    factors = [name for name, there in (("totp", totp), ("passkey", passkey)) if there]
    return MeView.model_validate({**found, "second_factors": factors, "session": signed.id})
