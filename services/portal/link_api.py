"""The links of mails, followed: what the button of the page ``/lien`` does (:mod:`services.portal.pages.mailed`)."""

from typing import Final

from fastapi import APIRouter, Request, Response

from services.common import clock
from services.common.deliver import Tx, transaction
from services.common.problems import problems
from services.common.trace import RequestCause
from services.common.web import Problem
from services.portal import account_store, factor_store, mail_links, rights, session_store
from services.portal.account_acts import Acts
from services.portal.account_cause import cause_of
from services.portal.account_limits import Limits, agent_of, network_of
from services.portal.account_models import LinkIn, LinkView, error
from services.portal.account_passwords import demand
from services.portal.account_store import Account
from services.portal.mail_links import Link, Purpose
from services.portal.parts import Parts
from services.portal.session_guard import set_cookie

_SERVICE: Final = "portal"
#: Links that ask for a password.
WITH_PASSWORD: Final = frozenset({"activation", "reset"})
_DONE: Final[dict[Purpose, str]] = {
    "activation": "Votre compte est ouvert et vous êtes connecté.",
    "reset": "Votre nouveau mot de passe est enregistré ; toutes les connexions sont fermées. Connectez-vous.",
    "email_old": "Les deux adresses ont confirmé : votre compte s'ouvre désormais avec la nouvelle.",
    "email_new": "Les deux adresses ont confirmé : votre compte s'ouvre désormais avec la nouvelle.",
    "provider": "C'est confirmé : votre fournisseur d'identité ouvre désormais votre compte.",
    "reopen": "Votre compte est de nouveau ouvert. Redemandez les rattachements dont vous avez besoin.",
}
_HALF: Final = "C'est confirmé de ce côté ; l'autre adresse doit confirmer aussi, par le lien qu'elle a reçu."


class _Consumer:
    """Follows links. One use each: the row is locked while it is followed."""

    def __init__(self, parts: Parts, acts: Acts, limits: Limits) -> None:
        self._parts = parts
        self._acts = acts
        self._limits = limits

    async def count(self, request: Request) -> None:
        """Count a request of this network. Raises a 429 problem."""
        async with self._parts.pool.acquire() as connection:
            await self._limits.network(connection, request)

    async def look(self, word: str) -> Link:
        """The link. Raises a 410 problem for one that cannot be used (any more), whatever the reason."""
        async with self._parts.pool.acquire() as connection:
            found = await self._parts.mailing.links.look(connection, word, clock.now())
        if found is None:
            raise _over()
        return found

    async def follow(self, word: str, password: str | None, request: Request) -> tuple[LinkView, str | None]:
        """Do what the link is for; with it the secret of the session that was opened, if any."""
        found = await self.look(word)
        hashed = await self._hashed(found, password) if found.purpose in WITH_PASSWORD else None
        cause = cause_of(request)
        async with transaction(self._parts.pool, _SERVICE) as tx:
            # The account first: of two of its links that are followed at once, the second finds itself ended.
            known = await account_store.of(tx.conn, found.subject, lock=True)
            link = await self._parts.mailing.links.look(tx.conn, word, tx.now, lock=True)
            if link is None or known is None:
                raise _over()
            done, secret = await self._do(tx, link, known, hashed, cause, request)
        self._parts.mailing.wake()
        said = _DONE[link.purpose] if done else _HALF
        view = LinkView(purpose=link.purpose, done=done, signed_in=secret is not None, message=said)
        return view, secret

    async def _hashed(self, link: Link, password: str | None) -> str:
        if password is None:
            said = "Ce lien demande un mot de passe."
            entry = error("password", None, "PASSWORD_MISSING", said, "Ajoutez le mot de passe choisi.")
            raise Problem(422, "PASSWORD_MISSING", "Mot de passe manquant", said, errors=[entry])
        async with self._parts.pool.acquire() as connection:
            known = await account_store.of(connection, link.subject)
        demand(await self._parts.passwords.judge(password, known.words if known else ()))
        return await self._parts.passwords.hash(password)

    async def _do(
        self, tx: Tx, link: Link, known: Account, hashed: str | None, cause: RequestCause, request: Request
    ) -> tuple[bool, str | None]:
        match link.purpose:
            case "activation" if known.state == "pending":
                await mail_links.use(tx.conn, link.id, tx.now)
                await self._acts.open(tx, known, hashed, cause)
                return True, await self._signed_in(tx, known, request)
            case "reset" if known.state == "active":
                assert hashed is not None
                await mail_links.use(tx.conn, link.id, tx.now)
                await self._acts.reset(tx, known, hashed, cause)
                return True, None
            case "email_old" | "email_new" if known.state == "active":
                return await self._acts.confirm_email(tx, link, cause), None
            case "provider" if known.state in ("pending", "active"):
                await self._linked(tx, link, known, cause)
                return True, None
            case "reopen" if await self._acts.reopen(tx, link, cause):
                return True, None
        raise _over()

    async def _linked(self, tx: Tx, link: Link, known: Account, cause: RequestCause) -> None:
        """The provider's name for him opens the account; one that was only asked for is opened by it.

        Raises a 409 problem: whoever reads the mails gets by the second factor no more than by a new password.
        """
        if await factor_store.factors_of(tx.conn, known.subject):
            raise Problem(
                409,
                "SIGN_IN_FIRST",
                "Connectez-vous d'abord",
                "Un second facteur protège ce compte : un courriel ne suffit pas pour qu'il s'ouvre autrement. "
                "Connectez-vous comme d'habitude, puis reliez votre fournisseur d'identité depuis votre compte.",
            )
        await mail_links.use(tx.conn, link.id, tx.now)
        await tx.conn.execute(
            "insert into provider_identity (issuer, provider_subject, subject, linked_at) values ($1, $2, $3, $4)"
            " on conflict (issuer, provider_subject) do nothing",
            link.data["issuer"],
            link.data["provider_subject"],
            known.subject,
            tx.now,
        )
        if known.state == "pending":
            await self._acts.open(tx, known, None, cause)
        else:
            what = f"{link.data['provider']} ouvre désormais votre compte"
            await self._acts.factor_changed(tx, known.subject, what, cause, "account.provider_linked")
            await rights.publish(tx, [known.subject], cause)

    async def _signed_in(self, tx: Tx, known: Account, request: Request) -> str:
        opened = await session_store.open_session(
            tx.conn,
            known.subject,
            ["link", "password"],
            network=network_of(request),
            agent=agent_of(request),
            now=tx.now,
            lasts=self._parts.settings.session_lasts,
        )
        return opened.secret


def add_routes(router: APIRouter, parts: Parts, acts: Acts, limits: Limits) -> None:
    """Serve links."""
    consumer = _Consumer(parts, acts, limits)

    @router.post(
        "/links",
        summary="Suit un lien de courriel : active un compte, choisit un mot de passe, confirme une adresse",
        responses=problems(403, 409, 410, 422, 429, 503),
    )
    async def follow(given: LinkIn, request: Request, response: Response) -> LinkView:
        await consumer.count(request)
        view, secret = await consumer.follow(given.token, given.password, request)
        response.headers["Cache-Control"] = "no-store"
        if secret is not None:
            set_cookie(response, parts.settings, secret)
        return view


def _over() -> Problem:
    return Problem(
        410,
        "LINK_OVER",
        "Ce lien ne sert plus",
        "Il a déjà servi, un autre l'a remplacé, son délai est passé, ou il n'est pas complet : recopiez-le entier, ou "
        "demandez-en un autre.",
    )
