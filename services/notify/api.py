"""``/api/v1/messages``: messages with their attempts, the managers' addresses, and what the other files add."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, FastAPI, Query
from pydantic import BaseModel, Field

from services.common.auth import CurrentPrincipal
from services.common.db import Pool, scoped
from services.common.deliver import transaction
from services.common.looks import MayLook, add_looks
from services.common.may import require
from services.common.problems import problems
from services.common.web import Problem
from services.notify import addresses
from services.notify.addresses import InvalidManager, Manager
from services.notify.announcements_api import add_announcements
from services.notify.bounces import Bounces
from services.notify.letters_api import add_letters
from services.notify.matrix import Audience
from services.notify.mine_api import add_mine
from services.notify.own_api import add_own
from services.notify.proof_api import add_bounces, add_proofs
from services.notify.recipients_api import add_recipients

OPERATOR = "OPERATEUR"
_MESSAGES = (
    "select id, subject, entry, kind, audience, address, language, state, attempts, created_at, legal, carried_by,"
    " coalesce((select c.message_id_header from message c where c.id = message.carried_by), message_id_header)"
    " as message_id_header, returned_at,"
    " case when state in ('created', 'sending', 'held') then next_attempt_at end as next_attempt_at, done_at"
    " from message where ($1::text is null or subject = $1) and ($2::text is null or state = $2)"
    " and ($3::uuid is null or (created_at, id) < (select created_at, id from message where id = $3))"
    " order by created_at desc, id desc limit $4"
)
_ATTEMPTS = (
    "select message, n, at, host, result, code, answer, tls, tls_version, tls_cipher from attempt"
    " where message = any($1) order by n"
)
_WHOSE = (
    "select m.id, coalesce(m.tenant, r.tenant) as tenant from message m"
    " left join recipient r on r.siret = m.data ->> 'recipient_siret' where m.id = any($1)"
)
State = Literal["created", "sending", "held", "carried", "accepted", "permanent", "technical", "no_address"]


class AttemptView(BaseModel):
    """One answer of the relay. ``code`` is the SMTP code; absent when there was no answer."""

    n: int
    at: datetime
    host: str
    result: Literal["accepted", "temporary", "permanent", "technical"]
    code: int | None
    answer: str
    tls: bool
    tls_version: str | None = None
    tls_cipher: str | None = None


class MessageView(BaseModel):
    """A message and every attempt to hand it over.

    ``carried_by`` names the mail that carries it with others, whose attempts are shown; ``legal``: it cannot be
    switched off; ``returned_at``: it came back after a relay had taken it.
    """

    id: UUID
    invoice: str
    entry: int | None
    kind: str
    audience: Audience
    address: str
    language: str
    state: State
    legal: bool
    carried_by: UUID | None
    returned_at: datetime | None
    message_id: str
    created_at: datetime
    next_attempt_at: datetime | None
    done_at: datetime | None
    attempts: list[AttemptView]


class MessagePage(BaseModel):
    """Newest first. ``next`` is the value of ``before`` for the next page, absent on the last."""

    messages: list[MessageView]
    next: UUID | None


class ManagerView(BaseModel):
    """Somebody who is told on behalf of a structure, or of one of its services."""

    siret: str = Field(max_length=50)
    service_code: str | None = Field(default=None, max_length=100)
    name: str = Field(max_length=200)
    email: str = Field(max_length=300)


class ManagerList(BaseModel):
    """All managers of the structures that appear in it: as many as a request of 1 MB holds."""

    managers: list[ManagerView] = Field(max_length=5_000)


class Loaded(BaseModel):
    """What a load replaced, or would replace: how many addresses come and how many go."""

    structures: int = Field(examples=[1])
    managers: int = Field(examples=[2])
    added: int = Field(examples=[1])
    removed: int = Field(examples=[0])
    dry_run: bool = False


class _DryRun(Exception):
    """Ends the transaction of a dry run."""


def add_routes(
    app: FastAPI,
    api_pool: Pool,
    bounces: Bounces | None = None,
    bounce_secret: str | None = None,
    *,
    pool: Pool | None = None,
    mail_domain: str = "",
) -> None:
    """Serve the notify API on ``app``; bounces are taken in where a secret for it is set.

    ``pool`` is the owner's, for what portal asks; ``mail_domain`` the right part of every Message-ID.
    """
    router = APIRouter(prefix="/api/v1/messages", tags=["messages"])
    add_looks(router, api_pool)
    _add_messages(router, api_pool)
    _add_managers(router, api_pool)
    add_recipients(router, api_pool)
    add_own(router, api_pool)
    add_mine(router, api_pool)
    add_announcements(router, api_pool)
    add_proofs(router, api_pool)
    if bounces is not None and bounce_secret is not None:
        add_bounces(router, bounces, bounce_secret)
    if pool is not None:
        add_letters(router, pool, mail_domain)
    app.include_router(router)


def _add_messages(router: APIRouter, api_pool: Pool) -> None:
    @router.get(
        "",
        summary="Messages et tentatives, le plus récent d'abord (opérateurs)",
        responses=problems(401, 403, 422, 503),
    )
    async def list_messages(
        principal: CurrentPrincipal,
        looking: MayLook,
        invoice: Annotated[UUID | None, Query(description="Identifiant de la facture ou du dépôt")] = None,
        state: Annotated[State | None, Query()] = None,
        before: Annotated[UUID | None, Query(description="La valeur « next » de la page précédente")] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> MessagePage:
        require(principal, "messages.read")
        subject = None if invoice is None else str(invoice)
        async with scoped(api_pool, principal.scope()) as connection:
            rows = await connection.fetch(_MESSAGES, subject, state, before, limit + 1)
            shown = rows[:limit]
            whose = await connection.fetch(_WHOSE, [row["id"] for row in shown])
            tries = await connection.fetch(_ATTEMPTS, [row["carried_by"] or row["id"] for row in shown])
        await looking.among(api_pool, [(row["tenant"], row["id"]) for row in whose])
        attempts: dict[UUID, list[AttemptView]] = {row["carried_by"] or row["id"]: [] for row in shown}
        for row in tries:
            attempts[row["message"]].append(AttemptView(**{k: v for k, v in row.items() if k != "message"}))
        views = [
            MessageView(
                **{k: v for k, v in row.items() if k not in ("subject", "attempts", "message_id_header")},
                invoice=row["subject"],
                message_id=row["message_id_header"],
                attempts=attempts[row["carried_by"] or row["id"]],
            )
            for row in shown
        ]
        return MessagePage(messages=views, next=shown[-1]["id"] if len(rows) > limit else None)


def _add_managers(router: APIRouter, api_pool: Pool) -> None:
    @router.put(
        "/managers",
        summary="Remplace les adresses des structures citées",
        description="Par l'opérateur, ou par un gestionnaire ou l'administrateur d'un tenant pour leurs structures.",
        responses=problems(401, 403, 422, 503),
    )
    async def put_managers(
        given: ManagerList,
        principal: CurrentPrincipal,
        dry_run: Annotated[bool, Query(description="Montrer ce qui changerait, sans rien écrire")] = False,
    ) -> Loaded:
        require(principal, "managers.change")
        managers = _checked(given)
        keys = sorted({f"manager/{manager.siret}" for manager in managers})
        loaded: Loaded | None = None
        try:
            async with transaction(api_pool, "notify", keys=keys, scope=principal.scope()) as tx:
                if OPERATOR not in principal.roles:
                    _guard(await addresses.foreign(tx.conn, managers), managers)
                changed = await addresses.replace(tx.conn, managers)
                loaded = Loaded(managers=len(managers), dry_run=dry_run, **msgspec.structs.asdict(changed))
                if dry_run:
                    raise _DryRun
        except _DryRun:
            pass
        assert loaded is not None
        return loaded

    @router.get(
        "/managers",
        summary="Adresses enregistrées",
        description="Toutes pour l'opérateur ; celles de leurs structures pour les gestionnaires et administrateurs.",
        responses=problems(401, 403, 422, 503),
    )
    async def get_managers(
        principal: CurrentPrincipal, siret: Annotated[str | None, Query(pattern=r"^\d{14}$")] = None
    ) -> ManagerList:
        require(principal, "managers.change")
        async with scoped(api_pool, principal.scope()) as connection:
            found = await addresses.read(connection, siret)
        return ManagerList(managers=[ManagerView(**manager.as_dict()) for manager in found])


def _guard(foreign: Collection[str], managers: Sequence[Manager]) -> None:
    """A structure of another tenant is as unknown as one that is nobody's. Raises a problem that names the entries."""
    wrong = [
        {
            "field": f"managers.{index}.siret",
            "value": manager.siret,
            "rule": "STRUCTURE_FOREIGN",
            "message": "Cette structure n'est ni la vôtre ni de votre tenant, ou n'est pas encore connue ici.",
            "action": "Retirez-la ; si elle vient d'être créée, renvoyez la liste dans une minute.",
        }
        for index, manager in enumerate(managers)
        if manager.siret in foreign
    ]
    if wrong:
        raise Problem(403, "STRUCTURE_FOREIGN", "Structure d'ailleurs", "Rien n'a été enregistré.", errors=wrong)


def _checked(given: ManagerList) -> list[Manager]:
    try:
        return addresses.check(manager.model_dump() for manager in given.managers)
    except InvalidManager as error:
        raise Problem(
            422,
            "MANAGERS_INVALID",
            "Adresses refusées",
            "Rien n'a été enregistré : corrigez les entrées indiquées, puis renvoyez la liste entière.",
            errors=error.problems,
        ) from error
