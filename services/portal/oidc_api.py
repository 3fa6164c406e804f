"""``/api/v1/accounts/sessions/provider``: there and back. Which account an identity opens is said by its link alone.

An identity is the issuer and the issuer's own name for somebody, never an address: addresses are given to others. An
identity without an account gets one where the provider answers for its address and nobody has an account there; else
whoever reads at the address is asked by mail.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from services.common import clock
from services.common.deliver import Tx, transaction
from services.common.problems import problems
from services.common.web import Problem
from services.portal import (
    account_pages,
    account_store,
    account_wishes,
    emails,
    factor_store,
    oidc_proof,
    session_store,
    tickets,
)
from services.portal.account_acts import Acts
from services.portal.account_cause import cause_of
from services.portal.account_limits import Limits, agent_of, network_of
from services.portal.account_store import Claim
from services.portal.account_wishes import ProviderWish
from services.portal.oidc import Identity, Provider, refused
from services.portal.parts import Parts
from services.portal.session_guard import (
    PROVIDER,
    CurrentSession,
    clear_cookie,
    cookie_name,
    recent,
    set_cookie,
    with_factor,
)

_SERVICE: Final = "portal"


def add_routes(router: APIRouter, parts: Parts, acts: Acts) -> None:
    """Serve the way through the provider."""
    desk = _Desk(parts, acts, Limits(parts.settings))
    _add_begin(router, parts, desk)
    oidc_proof.add_routes(router, desk.begin)
    _add_back(router, parts, desk)
    _add_unlink(router, parts, acts)


def _provider(parts: Parts) -> Provider:
    if parts.provider is None:
        raise Problem(
            404, "PROVIDER_NONE", "Aucun fournisseur d'identité", "Connectez-vous par adresse et mot de passe."
        )
    return parts.provider


def _add_begin(router: APIRouter, parts: Parts, desk: "_Desk") -> None:
    @router.get(
        "/sessions/provider",
        status_code=303,
        response_class=RedirectResponse,
        summary="Part chez le fournisseur d'identité",
        responses=problems(404, 422, 429, 503),
    )
    async def begin(request: Request) -> RedirectResponse:
        return await desk.begin(request, None)

    @router.post(
        "/me/providers",
        status_code=303,
        response_class=RedirectResponse,
        summary="Part chez le fournisseur d'identité pour qu'il ouvre aussi mon compte",
        responses=problems(401, 403, 404, 422, 429, 503),
    )
    async def link(request: Request, signed: CurrentSession) -> RedirectResponse:
        async with parts.pool.acquire() as connection:
            with_factor(request, signed, await factor_store.factors_of(connection, signed.subject))
        return await desk.begin(request, signed.subject)


def _add_back(router: APIRouter, parts: Parts, desk: "_Desk") -> None:
    Text = Annotated[str | None, Query(max_length=4000)]  # noqa: N806

    @router.get(
        "/sessions/provider/callback",
        response_class=Response,
        summary="Retour du fournisseur d'identité",
        responses=problems(401, 404, 422, 429, 503),
    )
    async def back(
        request: Request, code: Text = None, state: Text = None, error: Text = None, iss: Text = None
    ) -> Response:
        provider = _provider(parts)
        try:
            if error is not None or code is None or state is None or iss not in (None, parts.settings.oidc_issuer):
                raise refused(provider.label)
            answer = await desk.back(request, provider, code, state)
        except Problem as problem:
            answer = oidc_proof.told(problem)
        clear_cookie(answer, parts.settings, PROVIDER)
        return answer


def _add_unlink(router: APIRouter, parts: Parts, acts: Acts) -> None:
    @router.delete(
        "/me/providers",
        status_code=204,
        summary="Le fournisseur d'identité n'ouvre plus mon compte",
        responses=problems(401, 403, 404, 409, 422, 503),
    )
    async def unlink(request: Request, signed: CurrentSession) -> None:
        recent(request, signed)
        async with transaction(parts.pool, _SERVICE) as tx:
            other = await tx.conn.fetchval(
                "select password_hash is not null or exists (select from passkey p where p.subject = a.subject)"
                " from account a where subject = $1 for update",
                signed.subject,
            )
            if not other:
                raise Problem(
                    409,
                    "LAST_WAY_IN",
                    "Dernier moyen de connexion",
                    "Choisissez d'abord un mot de passe : sans lui, votre compte ne s'ouvrirait plus.",
                )
            gone = await tx.conn.execute("delete from provider_identity where subject = $1", signed.subject)
            if gone == "DELETE 0":
                raise Problem(404, "PROVIDER_NONE", "Rien à retirer", "Aucun fournisseur d'identité n'ouvre ce compte.")
            label = parts.settings.oidc_label
            what = f"{label} n'ouvre plus votre compte"
            await acts.factor_changed(tx, signed.subject, what, cause_of(request), "account.provider_unlinked")
        parts.mailing.wake()


class _Desk:
    """There and back."""

    def __init__(self, parts: Parts, acts: Acts, limits: Limits) -> None:
        self._parts = parts
        self._acts = acts
        self._limits = limits

    async def begin(
        self, request: Request, subject: str | None, proof: dict[str, Any] | None = None
    ) -> RedirectResponse:
        """Send the browser there. What comes back is taken from this browser alone: its cookie has the other half.
        ``proof``: what a proof is for."""
        provider = _provider(self._parts)
        now = clock.now()
        async with self._parts.pool.acquire() as connection:
            await self._limits.network(connection, request)
        begun = await provider.begin(anew=proof is not None)
        data = {"state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier, **(proof or {})}
        minutes = self._parts.settings.ticket_minutes
        async with self._parts.pool.acquire() as connection:
            word = await tickets.make(connection, "provider", subject, data, now, minutes)
        answer = RedirectResponse(begun.url, status_code=303)
        set_cookie(answer, self._parts.settings, word, PROVIDER, int(minutes * 60))
        return answer

    async def back(self, request: Request, provider: Provider, code: str, state: str) -> Response:
        """Who is back, and what it opens."""
        now = clock.now()
        async with transaction(self._parts.pool, _SERVICE) as tx:
            await self._limits.network(tx.conn, request)
            word = request.cookies.get(cookie_name(self._parts.settings, PROVIDER), "")
            ticket = await tickets.take(tx.conn, "provider", word, now)
            await tickets.spend(tx.conn, ticket)
        if ticket.data["state"] != state:
            raise refused(provider.label)
        found = await provider.finish(code, ticket.data["verifier"], ticket.data["nonce"])
        if oidc_proof.SESSION in ticket.data:
            return await oidc_proof.prove(request, self._parts, ticket, found)
        keys = [f"login/{emails.key(found.email)}"] if found.email else []
        async with transaction(self._parts.pool, _SERVICE, keys=keys) as tx:
            if ticket.subject is not None:
                await self._link(tx, request, ticket.subject, found)
                subject: str | None = ticket.subject
            else:
                subject = await self._subject(tx, request, found)
            secret = await self._open(tx, request, subject, found, provider) if subject is not None else None
        self._parts.mailing.wake()
        self._parts.wishes.wake()
        if secret is None:
            return account_pages.told(
                "Un courriel vous attend",
                f"{provider.label} vous a reconnu. Pour que votre compte s'ouvre ainsi, confirmez par le lien du "
                "courriel qui vient de partir à votre adresse.",
            )
        answer = RedirectResponse(f"{self._parts.settings.public_url}/", status_code=303)
        set_cookie(answer, self._parts.settings, secret)
        return answer

    async def _subject(self, tx: Tx, request: Request, found: Identity) -> str | None:
        """The account that this identity opens; None: somebody has to confirm by mail first."""
        row = await tx.conn.fetchrow(
            "update provider_identity i set last_used_at = $3 from account a where i.issuer = $1"
            " and i.provider_subject = $2 and a.subject = i.subject returning a.subject, a.state",
            found.issuer,
            found.subject,
            tx.now,
        )
        if row is not None:
            if row["state"] != "active":
                raise refused(self._parts.settings.oidc_label)
            return str(row["subject"])
        email = emails.clean(found.email or "")
        if email is None:
            raise Problem(
                401,
                "PROVIDER_NO_EMAIL",
                "Adresse absente",
                f"{self._parts.settings.oidc_label} ne donne pas votre adresse : ouvrez un compte par adresse et "
                "mot de passe, puis reliez-le.",
            )
        if found.email_verified and await account_store.by_email(tx.conn, email) is None:
            return await self._new(tx, request, found, email)
        await self._limits.mail(tx.conn, emails.key(email), network_of(request, whole=True))
        wish = ProviderWish(
            email=email,
            name=found.name,
            language="fr",
            issuer=found.issuer,
            provider_subject=found.subject,
            provider=self._parts.settings.oidc_label,
            siret=found.siret,
        )
        await account_wishes.write(tx.conn, "provider", email, wish, tx.now)
        return None

    async def _new(self, tx: Tx, request: Request, found: Identity, email: str) -> str:
        subject = await account_store.make(tx.conn, email, found.name, "fr", "pending", tx.now)
        if found.siret is not None:
            claim = Claim(
                identifier_type="SIRET",
                identifier=found.siret,
                structure_name="",
                address={},
                proof_kind=None,
                proof_reference=None,
            )
            await account_store.claim(tx.conn, subject, claim, found.siret, tx.now)
        await self._keep(tx, subject, found)
        known = await account_store.of(tx.conn, subject)
        assert known is not None
        await self._acts.open(tx, known, None, cause_of(request))
        return subject

    async def _link(self, tx: Tx, request: Request, subject: str, found: Identity) -> None:
        """Somebody who is signed in has it open his account; an identity opens one account only."""
        owner = await tx.conn.fetchval(
            "select subject from provider_identity where issuer = $1 and provider_subject = $2",
            found.issuer,
            found.subject,
        )
        if owner is not None and owner != subject:
            raise Problem(
                409,
                "PROVIDER_TAKEN",
                "Identité déjà reliée",
                "Cette identité ouvre déjà un autre compte : fermez-le, ou retirez-la de là.",
            )
        if owner is None:
            await self._keep(tx, subject, found)
            what = f"{self._parts.settings.oidc_label} ouvre désormais votre compte"
            await self._acts.factor_changed(tx, subject, what, cause_of(request), "account.provider_linked")

    async def _keep(self, tx: Tx, subject: str, found: Identity) -> None:
        await tx.conn.execute(
            "insert into provider_identity (issuer, provider_subject, subject, linked_at, last_used_at)"
            " values ($1, $2, $3, $4, $4)",
            found.issuer,
            found.subject,
            subject,
            tx.now,
        )

    async def _open(self, tx: Tx, request: Request, subject: str, found: Identity, provider: Provider) -> str:
        before = request.cookies.get(cookie_name(self._parts.settings))
        if before:
            old = await session_store.find(tx.conn, before, tx.now, self._parts.settings)
            if old is not None:
                await session_store.revoke(tx, old.subject, "renewed", cause_of(request), only=old.id)
        opened = await session_store.open_session(
            tx.conn,
            subject,
            ["provider"],
            network=network_of(request),
            agent=agent_of(request),
            now=tx.now,
            lasts=self._parts.settings.session_lasts,
            provider_token=provider.keep(found.id_token),
            proved_at=oidc_proof.shown_at(found, tx.now),
        )
        return opened.secret
