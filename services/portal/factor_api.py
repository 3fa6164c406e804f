"""``/api/v1/accounts/me``: second factors. A change asks for a recent proof and, where there is one, for a factor; it
renews the session and is told by mail."""

from collections.abc import Sequence
from typing import Final

import pyotp
from fastapi import APIRouter, Path, Request, Response
from webauthn import base64url_to_bytes

from services.common.db import scoped
from services.common.deliver import Tx, transaction
from services.common.problems import problems
from services.common.web import Problem
from services.portal import factor_store, session_store, tickets
from services.portal.account_acts import Acts
from services.portal.account_cause import cause_of
from services.portal.account_keys import base64url, wrapper
from services.portal.factor_models import (
    Added,
    CodeIn,
    CodesView,
    FactorsView,
    PasskeyIn,
    PasskeyOptions,
    PasskeyView,
    TotpView,
)
from services.portal.factor_store import Factor
from services.portal.parts import Parts
from services.portal.passkeys import Passkeys
from services.portal.session_guard import CurrentSession, set_cookie, with_factor
from services.portal.session_store import Means, Signed

_SERVICE: Final = "portal"


def add_routes(router: APIRouter, parts: Parts, acts: Acts) -> None:
    """Serve second factors."""
    desk = _Desk(parts, acts)
    _add_view(router, parts)
    _add_totp(router, parts, desk)
    _add_totp_ends(router, parts, desk)
    _add_passkeys(router, parts, desk)
    _add_passkeys_ends(router, parts, desk)


class _Desk:
    """What every change of a factor does beside itself."""

    def __init__(self, parts: Parts, acts: Acts) -> None:
        self._parts = parts
        self._acts = acts

    async def allowed(self, tx: Tx, request: Request, signed: Signed) -> list[Factor]:
        """The factors that there are. Raises a 403 problem unless he has shown lately who he is, by one of them too."""
        asked = await factor_store.factors_of(tx.conn, signed.subject)
        with_factor(request, signed, asked)
        return asked

    async def changed(
        self,
        tx: Tx,
        signed: Signed,
        request: Request,
        response: Response,
        what: str,
        action: str,
        means: Sequence[Means] = (),
    ) -> None:
        """Other sessions end, this one gets another secret, the owner is told. ``means``: what was shown with it."""
        cause = cause_of(request)
        await session_store.revoke(tx, signed.subject, "factor", cause, but=signed.id)
        await self._acts.factor_changed(tx, signed.subject, what, cause, action)
        set_cookie(response, self._parts.settings, await session_store.renew(tx.conn, signed.id, means, tx.now))

    def done(self) -> None:
        """The transaction is committed."""
        self._parts.mailing.wake()


def _add_view(router: APIRouter, parts: Parts) -> None:
    @router.get("/me/factors", summary="Mes seconds facteurs", responses=problems(401, 403, 422, 503))
    async def factors(signed: CurrentSession) -> FactorsView:
        async with scoped(parts.api_pool, {"subject": signed.subject}) as connection:
            asked = await factor_store.factors_of(connection, signed.subject)
            keys = await connection.fetch(
                "select id, name, synced, made_at, last_used_at from passkey where subject = $1 order by made_at, id",
                signed.subject,
            )
            left = await factor_store.codes_left(connection, signed.subject)
        shown = [PasskeyView(**{**dict(key), "id": base64url(key["id"])}) for key in keys]
        return FactorsView(totp="totp" in asked, passkeys=shown, recovery_codes_left=left)


def _add_totp(router: APIRouter, parts: Parts, desk: _Desk) -> None:
    wrap = wrapper(parts.settings.secret, "second factors")

    @router.post(
        "/me/totp",
        summary="Demande un code à usage unique comme second facteur ; il vaut une fois confirmé",
        responses=problems(401, 403, 409, 422, 503),
    )
    async def ask(request: Request, response: Response, signed: CurrentSession) -> TotpView:
        async with transaction(parts.pool, _SERVICE) as tx:
            await desk.allowed(tx, request, signed)
            secret = await factor_store.ask_totp(tx.conn, wrap, signed.subject, tx.now)
        if secret is None:
            raise Problem(
                409, "TOTP_EXISTS", "Déjà en place", "Retirez d'abord le code à usage unique qui est en place."
            )
        response.headers["Cache-Control"] = "no-store"
        uri = pyotp.TOTP(secret).provisioning_uri(name=signed.email, issuer_name="Chorale")
        return TotpView(secret=secret, uri=uri)

    @router.post(
        "/me/totp/confirmation",
        summary="Confirme par un premier code ; donne les codes de secours",
        responses=problems(401, 403, 422, 503),
    )
    async def confirm(given: CodeIn, request: Request, response: Response, signed: CurrentSession) -> CodesView:
        async with transaction(parts.pool, _SERVICE) as tx:
            await desk.allowed(tx, request, signed)
            if not await factor_store.check_totp(tx.conn, wrap, signed.subject, given.code, tx.now, confirm=True):
                raise _wrong_code()
            codes = await factor_store.new_codes(tx.conn, signed.subject)
            what = "un code à usage unique est demandé à chaque connexion"
            await desk.changed(tx, signed, request, response, what, "account.totp_added", ["totp"])
        desk.done()
        return CodesView(recovery_codes=codes)


def _add_totp_ends(router: APIRouter, parts: Parts, desk: _Desk) -> None:
    @router.delete(
        "/me/totp",
        status_code=204,
        summary="Retire le code à usage unique",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def end(request: Request, response: Response, signed: CurrentSession) -> None:
        async with transaction(parts.pool, _SERVICE) as tx:
            await desk.allowed(tx, request, signed)
            if not await factor_store.end_totp(tx.conn, signed.subject):
                raise Problem(404, "TOTP_NONE", "Rien à retirer", "Aucun code à usage unique n'est en place.")
            await factor_store.drop_codes_alone(tx.conn, signed.subject)
            what = "le code à usage unique a été retiré"
            await desk.changed(tx, signed, request, response, what, "account.totp_removed")
        desk.done()

    @router.post(
        "/me/recovery-codes",
        summary="Donne de nouveaux codes de secours ; les anciens ne valent plus",
        responses=problems(401, 403, 409, 422, 503),
    )
    async def codes(request: Request, response: Response, signed: CurrentSession) -> CodesView:
        async with transaction(parts.pool, _SERVICE) as tx:
            if not await desk.allowed(tx, request, signed):
                raise Problem(409, "FACTOR_NONE", "Aucun second facteur", "Ajoutez d'abord un code ou une clé d'accès.")
            made = await factor_store.new_codes(tx.conn, signed.subject)
            what = "de nouveaux codes de secours ont été demandés"
            await desk.changed(tx, signed, request, response, what, "account.codes_renewed")
        desk.done()
        return CodesView(recovery_codes=made)


def _add_passkeys(router: APIRouter, parts: Parts, desk: _Desk) -> None:
    ceremonies = Passkeys(parts.settings)

    @router.post(
        "/me/passkeys/options",
        summary="Ce qu'il faut au navigateur pour faire une clé d'accès",
        responses=problems(401, 403, 422, 503),
    )
    async def options(request: Request, signed: CurrentSession) -> PasskeyOptions:
        async with transaction(parts.pool, _SERVICE) as tx:
            await desk.allowed(tx, request, signed)
            known = await factor_store.passkeys(tx.conn, signed.subject)
            asked, challenge = ceremonies.ask_new(signed.subject, signed.email, signed.name, known)
            data = {"challenge": base64url(challenge)}
            minutes = parts.settings.ticket_minutes
            word = await tickets.make(tx.conn, "passkey_add", signed.subject, data, tx.now, minutes)
        return PasskeyOptions(ticket=word, options=asked)

    @router.post(
        "/me/passkeys",
        status_code=201,
        summary="Ajoute la clé d'accès que le navigateur a faite",
        responses=problems(401, 403, 409, 410, 422, 503),
    )
    async def add(given: PasskeyIn, request: Request, response: Response, signed: CurrentSession) -> Added:
        async with transaction(parts.pool, _SERVICE) as tx:
            first = not await desk.allowed(tx, request, signed)
            ticket = await tickets.take(tx.conn, "passkey_add", given.ticket, tx.now)
            if ticket.subject != signed.subject:
                raise Problem(410, "STEP_OVER", "Étape dépassée", "Recommencez depuis le début.")
            made = ceremonies.made(given.credential, base64url_to_bytes(ticket.data["challenge"]))
            await tickets.spend(tx.conn, ticket)
            if not await factor_store.add_passkey(
                tx.conn,
                signed.subject,
                made.id,
                made.public_key,
                made.sign_count,
                given.name,
                made.synced,
                tx.now,
            ):
                raise Problem(409, "PASSKEY_KNOWN", "Clé déjà enregistrée", "Cette clé d'accès est déjà enregistrée.")
            codes = await factor_store.new_codes(tx.conn, signed.subject) if first else None
            what = "une clé d'accès a été ajoutée"
            await desk.changed(tx, signed, request, response, what, "account.passkey_added", ["passkey"])
        desk.done()
        return Added(passkey=base64url(made.id), recovery_codes=codes)


def _add_passkeys_ends(router: APIRouter, parts: Parts, desk: _Desk) -> None:
    @router.delete(
        "/me/passkeys/{passkey}",
        status_code=204,
        summary="Retire une clé d'accès",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def drop(
        request: Request, response: Response, signed: CurrentSession, passkey: str = Path(max_length=1400)
    ) -> None:
        async with transaction(parts.pool, _SERVICE) as tx:
            await desk.allowed(tx, request, signed)
            if not await factor_store.drop_passkey(tx.conn, signed.subject, _identity(passkey)):
                raise Problem(404, "PASSKEY_NONE", "Clé inconnue", "Cette clé d'accès n'est pas des vôtres.")
            await factor_store.drop_codes_alone(tx.conn, signed.subject)
            what = "une clé d'accès a été retirée"
            await desk.changed(tx, signed, request, response, what, "account.passkey_removed")
        desk.done()


def _identity(text: str) -> bytes:
    try:
        return base64url_to_bytes(text)
    except ValueError:
        return b""


def _wrong_code() -> Problem:
    return Problem(
        422,
        "CODE_WRONG",
        "Code refusé",
        "Ce n'est pas le code du moment : attendez le suivant et vérifiez l'heure de votre téléphone.",
    )
