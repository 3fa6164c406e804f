"""What a person decides about the mail he gets: kinds, rhythm, language, contact address; and the link that ends it.

A caller speaks for an address when it is his contact address: the one he confirmed, else the one of his token. A signed
link speaks for the address that it was sent to.
"""

from datetime import timedelta
from typing import Annotated, Any, Final, Literal
from uuid import uuid4

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from services.common.auth import CurrentPrincipal, Principal
from services.common.db import Connection, Pool, scoped, set_scope
from services.common.deliver import transaction
from services.common.problems import problems
from services.common.web import Problem
from services.notify import pages, people, tokens
from services.notify.domain import clean_address
from services.notify.letter_examples import titles
from services.notify.matrix import EVERY_KIND, RULES, Cadence
from services.notify.people import NOBODY_SPECIAL, Person

#: Between two addresses that one account asks for.
_BETWEEN: Final = timedelta(minutes=5)


class KindView(BaseModel):
    """A kind of message: what the matrix says, what the caller chose. ``mandatory`` audiences cannot switch it off."""

    kind: str
    label: str
    label_en: str
    chosen: Cadence | None
    default: dict[str, Cadence]
    mandatory: list[str]


class Preferences(BaseModel):
    """The caller's choices. ``every_kind`` holds for all that he has not chosen one by one."""

    address: str
    language: Literal["fr", "en"]
    every_kind: Cadence | None
    undeliverable: bool
    kinds: list[KindView]


class PreferencesIn(BaseModel):
    """Choices by kind (``*``: every kind); null forgets one."""

    language: Literal["fr", "en"] | None = None
    kinds: dict[str, Cadence | None] = Field(default_factory=dict, max_length=100)


class ContactIn(BaseModel):
    """The address where the caller wants his messages."""

    email: str = Field(max_length=300)


class ContactView(BaseModel):
    """``address``: where messages go; ``waiting``: the address that has been asked and has not confirmed yet."""

    address: str | None
    waiting: str | None


def add_own(router: APIRouter, api_pool: Pool) -> None:
    """Serve preferences, contact and links on ``router``."""
    _add_preferences(router, api_pool)
    _add_contact(router, api_pool)
    _add_links(router, api_pool)


def _add_preferences(router: APIRouter, api_pool: Pool) -> None:
    @router.get(
        "/preferences",
        summary="Mes choix : quels messages, à quel rythme, en quelle langue",
        responses=problems(401, 403, 409, 422, 503),
    )
    async def get_preferences(principal: CurrentPrincipal) -> Preferences:
        async with scoped(api_pool, principal.scope()) as connection:
            address = await speaks_for(connection, principal)
            known = await people.load(connection, [address])
        return _shown(address, known.get(address, NOBODY_SPECIAL))

    @router.put(
        "/preferences",
        summary="Change mes choix ; les avis obligatoires restent envoyés",
        responses=problems(401, 403, 409, 422, 503),
    )
    async def put_preferences(given: PreferencesIn, principal: CurrentPrincipal) -> Preferences:
        _refuse_mandatory(given)
        async with transaction(api_pool, "notify", scope=principal.scope()) as tx:
            address = await speaks_for(tx.conn, principal)
            return _shown(address, await people.choose(tx.conn, address, given.kinds, given.language))


def _add_contact(router: APIRouter, api_pool: Pool) -> None:
    @router.get("/contact", summary="Mon adresse de contact", responses=problems(401, 403, 422, 503))
    async def get_contact(principal: CurrentPrincipal) -> ContactView:
        async with scoped(api_pool, principal.scope()) as connection:
            return await _contact(connection, principal)

    @router.put(
        "/contact",
        status_code=202,
        summary="Demande une autre adresse de contact ; elle doit être confirmée",
        responses=problems(401, 403, 422, 429, 503),
    )
    async def put_contact(given: ContactIn, principal: CurrentPrincipal) -> ContactView:
        asked = clean_address(given.email)
        if asked is None:
            raise _bad_address(given.email)
        async with transaction(
            api_pool, "notify", keys=[f"contact/{principal.subject}"], scope=principal.scope()
        ) as tx:
            # Each asks for a mail to an address that is not yet the caller's.
            taken = await tx.conn.fetchval(
                "insert into contact (subject, asked, asked_at, asked_id) values ($1, $2, $3, $4)"
                " on conflict (subject) do update set asked = $2, asked_at = $3, asked_id = $4"
                " where contact.asked_at is null or contact.asked_at <= $5 returning true",
                principal.subject,
                asked,
                tx.now,
                uuid4(),
                tx.now - _BETWEEN,
            )
            if not taken:
                raise _too_soon()
            return await _contact(tx.conn, principal)


def _add_links(router: APIRouter, api_pool: Pool) -> None:
    """Links of mails. Opening one changes nothing (mail scanners open them all): the page's button does."""
    Token = Annotated[str, Query(max_length=2000)]  # noqa: N806

    @router.get(
        "/unsubscribe",
        summary="Page du lien « Ne plus recevoir ces messages »",
        response_class=HTMLResponse,
        responses=problems(404, 422, 503),
    )
    async def unsubscribe_page(token: Token, request: Request) -> HTMLResponse:
        address, kind = _read(request, "unsubscribe", token)
        return pages.unsubscribe(address, kind)

    @router.post(
        "/unsubscribe",
        summary="Arrête ces messages (RFC 8058)",
        response_class=HTMLResponse,
        responses=problems(404, 422, 503),
    )
    async def unsubscribe(token: Token, request: Request) -> HTMLResponse:
        address, kind = _read(request, "unsubscribe", token)
        async with transaction(api_pool, "notify", scope={"contact": address}) as tx:
            await people.end(tx.conn, address, kind)
        return pages.unsubscribed(address)

    @router.get(
        "/contact/confirm",
        summary="Page du lien de confirmation",
        response_class=HTMLResponse,
        responses=problems(404, 422, 503),
    )
    async def confirm_page(token: Token, request: Request) -> HTMLResponse:
        _, address = _read(request, "contact", token)
        return pages.confirm(address)

    @router.post(
        "/contact/confirm",
        summary="Confirme une adresse de contact",
        response_class=HTMLResponse,
        responses=problems(404, 410, 422, 503),
    )
    async def confirm(token: Token, request: Request) -> HTMLResponse:
        subject, address = _read(request, "contact", token)
        async with transaction(api_pool, "notify", scope={"subject": subject}) as tx:
            done = await tx.conn.fetchval(
                "update contact set address = asked, asked = null where subject = $1 and asked = $2"
                " and asked_at > now() - interval '3 days' returning true",
                subject,
                address,
            )
        return pages.confirmed(address) if done else pages.expired()


def _read(request: Request, purpose: tokens.Purpose, token: str) -> tuple[str, str]:
    try:
        first, second = tokens.read(request.app.state.token_secret, purpose, token)
    except (tokens.InvalidToken, ValueError) as error:
        raise Problem(
            404, "LINK_INVALID", "Lien inconnu", "Ce lien n'est pas complet : recopiez-le entier depuis le message."
        ) from error
    return first, second


async def speaks_for(connection: Connection, principal: Principal) -> str:
    """The caller's address, made known to row-level security. Raises a 409 problem when he has none."""
    own = await connection.fetchval(
        "select coalesce(address, login) from contact where subject = $1", principal.subject
    )
    address = own or clean_address(principal.contact)
    if address is None:
        raise Problem(
            409,
            "NO_CONTACT",
            "Aucune adresse de contact",
            "Indiquez d'abord une adresse : PUT /api/v1/messages/contact.",
        )
    await set_scope(connection, {"contact": address})
    return str(address)


async def _contact(connection: Connection, principal: Principal) -> ContactView:
    row = await connection.fetchrow("select address, login, asked from contact where subject = $1", principal.subject)
    fallback = clean_address(principal.contact)
    if row is None:
        return ContactView(address=fallback, waiting=None)
    return ContactView(address=row["address"] or row["login"] or fallback, waiting=row["asked"])


def _shown(address: str, person: Person) -> Preferences:
    kinds = [
        KindView(
            kind=kind,
            label=titles(kind, rules[0].audience, "fr"),
            label_en=titles(kind, rules[0].audience, "en"),
            chosen=person.cadences.get(kind),
            default={rule.audience: rule.cadence for rule in rules},
            mandatory=[rule.audience for rule in rules if not rule.optional],
        )
        for kind, rules in RULES.items()
    ]
    return Preferences(
        address=address,
        language=person.language,
        every_kind=person.cadences.get(EVERY_KIND),
        undeliverable=person.dead,
        kinds=kinds,
    )


def _refuse_mandatory(given: PreferencesIn) -> None:
    errors: list[dict[str, Any]] = []
    for kind, cadence in given.kinds.items():
        if kind != EVERY_KIND and kind not in RULES:
            errors.append(_error(kind, cadence, "KIND_UNKNOWN", "Choisissez parmi GET /api/v1/messages/preferences."))
        elif kind in RULES and cadence is not None and not any(rule.optional for rule in RULES[kind]):
            errors.append(
                _error(
                    kind, cadence, "KIND_MANDATORY", "Cet avis est obligatoire : il ne peut être ni arrêté ni différé."
                )
            )
    if errors:
        raise Problem(
            422, "PREFERENCES_INVALID", "Choix refusés", "Rien n'a été enregistré : voir les lignes.", errors=errors
        )


def _error(kind: str, value: str | None, rule: str, action: str) -> dict[str, Any]:
    return {"field": f"kinds.{kind[:60]}", "value": value, "rule": rule, "message": action, "action": action}


def _too_soon() -> Problem:
    minutes = _BETWEEN // timedelta(minutes=1)
    return Problem(
        429,
        "CONTACT_TOO_SOON",
        "Une demande vient d'être faite",
        f"Vous avez demandé une adresse il y a moins de {minutes} minutes : un message y est parti. Attendez un peu,"
        " puis recommencez.",
        headers={"Retry-After": str(_BETWEEN // timedelta(seconds=1))},
    )


def _bad_address(value: str) -> Problem:
    action = "Écrivez-la sous la forme nom@domaine.fr."
    error = {"field": "email", "value": value[:80], "rule": "EMAIL_FORM", "message": action, "action": action}
    return Problem(422, "CONTACT_INVALID", "Adresse refusée", "Ce n'est pas une adresse électronique.", errors=[error])
