"""``/api/v1/invoices/{id}/actions``: what the caller may do with an invoice, and doing it.

Who asks is judged through row-level security, under the invoice's lock; what is done is written by the worker's role.
"""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, FastAPI, Header, Request, Response

from services.common import clock, once, telemetry
from services.common.auth import CurrentPrincipal, Principal
from services.common.db import Connection, Pool
from services.common.deliver import Tx, transaction
from services.common.looks import MayLook
from services.common.once import IdempotencyKey
from services.common.trace import RequestCause
from services.common.web import Problem
from services.status import action_store, store, viewing
from services.status.action import Refused, Wanted
from services.status.action_store import Standing
from services.status.action_views import ActionIn, Done, PossibleActions, possible_out, problem
from services.status.actions import ACTIONS, perform, possible
from services.status.api import etag, not_found
from services.status.looked import Trail
from services.status.model import Applied, Invoice
from services.status.plan import act
from services.status.writing import write

_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    403: {"description": "L'action revient à un autre rôle, ou la facture n'est plus chez vous"},
    404: {"description": "Aucune facture visible avec vos droits ne porte cet identifiant"},
    409: {"description": "L'action n'est pas possible dans le statut de la facture, ou la clé a déjà servi"},
    412: {"description": "La facture a changé depuis votre lecture : relisez-la"},
    428: {"description": "L'en-tête If-Match est demandé"},
}
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="L'ETag de la facture lue : personne n'écrase l'action d'un autre")
]


def add_routes(app: FastAPI, pool: Pool, api_pool: Pool) -> None:
    """Two routes. ``pool`` is the worker's, ``api_pool`` that of the API's role."""
    router = APIRouter(prefix="/api/v1/invoices/{invoice}/actions", tags=["actions"])
    _add_possible(router, pool, api_pool)
    _add_act(router, pool, api_pool)
    app.include_router(router)


def _add_possible(router: APIRouter, pool: Pool, api_pool: Pool) -> None:
    @router.get("", summary="Ce que je peux faire maintenant de cette facture", responses={404: _RESPONSES[404]})
    async def list_possible(
        response: Response, invoice: UUID, principal: CurrentPrincipal, looking: MayLook
    ) -> PossibleActions:
        standing = await standing_of(api_pool, principal, invoice)
        await Trail(pool, api_pool).opened(looking, invoice)
        async with pool.acquire() as connection:
            found = await load(connection, invoice)
            past = await action_store.past(connection, invoice)
        now = clock.of("status")
        response.headers["ETag"] = etag(found.version)
        return PossibleActions(
            invoice=found.id,
            version=etag(found.version),
            status=viewing.status_view(found.status, found.status_at),
            turn=viewing.turn_view(found.status),
            actions=[
                possible_out(found, one, ACTIONS[one.name].warns(found, past.entries, now))
                for one in possible(found, standing.actors)
            ],
        )


def _add_act(router: APIRouter, pool: Pool, api_pool: Pool) -> None:
    @router.post("", summary="Agir sur cette facture", responses=_RESPONSES)
    async def act(
        request: Request,
        response: Response,
        invoice: UUID,
        wanted: ActionIn,
        principal: CurrentPrincipal,
        if_match: IfMatch = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Done:
        asked = action_store.digest(invoice, wanted.model_dump_json().encode())
        key = once.checked(idempotency_key)
        locks = [str(invoice)] if key is None else [str(invoice), f"action {principal.subject} {key}"]
        async with transaction(pool, "status", keys=locks) as tx:
            standing = await standing_of(api_pool, principal, invoice)
            done = None if key is None else await answered_before(tx.conn, principal.subject, key, asked)
            if done is None:
                before = await load(tx.conn, invoice)
                action = ACTIONS.get(wanted.action)
                if action is None or not action.light:
                    check_version(if_match, before)
                cause = request.state.traceparent
                done = await act_on(tx, before, wanted, standing, principal.subject, cause)
                if key is not None:
                    answer = done.model_dump_json().encode()
                    await action_store.keep_answer(tx.conn, principal.subject, key, invoice, asked, answer, tx.now)
        response.headers["ETag"] = done.version
        return done


async def act_on(
    tx: Tx, before: Invoice, wanted: ActionIn, standing: Standing, subject: str, traceparent: str | None
) -> Done:
    """Carry the action out in the running transaction. Raises a problem that says why not."""
    past = await action_store.past(tx.conn, before.id)
    done = perform(before, wanted_of(wanted), standing.actors, subject, tx.now, past)
    if isinstance(done, Refused):
        raise problem(done, wanted.action)
    await record(tx, done, traceparent)
    telemetry.logger().info("action.done", action=wanted.action, invoice=str(before.id), entry=done.entry.number)
    after = done.last
    return Done(
        invoice=after.id,
        action=wanted.action,
        entry=done.entry.number,
        version=etag(after.version),
        status=viewing.status_view(after.status, after.status_at),
        turn=viewing.turn_view(after.status),
    )


def wanted_of(given: ActionIn) -> Wanted:
    """What the body of a request asks for."""
    return Wanted(
        action=given.action,
        motif=given.motif,
        comment=given.comment,
        fields=given.fields,
        attachments=tuple(given.attachments),
    )


async def record(tx: Tx, done: Applied, traceparent: str | None) -> None:
    """Write what an action came to, and tell it: one transaction, events whose ids follow from the entry."""
    await write(tx, act(done, RequestCause(id=done.entry.cause, traceparent=traceparent)))
    await action_store.save_header(tx.conn, done)


async def standing_of(api_pool: Pool, principal: Principal, invoice: UUID) -> Standing:
    found = await action_store.standing(api_pool, principal, invoice)
    if found.sees:
        return found
    if found.left:
        raise Problem(
            403,
            "NO_LONGER_YOURS",
            "Facture réadressée",
            "Le fournisseur a adressé cette facture à une autre structure : vous gardez ce que vous en avez vu, mais "
            "n'avez plus rien à y faire.",
        )
    raise not_found()


async def load(connection: Connection, invoice: UUID) -> Invoice:
    found = (await store.load(connection, [invoice])).get(invoice)
    if found is None:
        raise not_found()
    return found


async def answered_before(connection: Connection, subject: str, key: str, asked: bytes) -> Done | None:
    """The answer that the same request had before. Raises a problem when the key was used for another one."""
    known = await action_store.answered(connection, subject, key)
    if known is None:
        return None
    if known.digest != asked:
        raise once.reused(key)
    return Done.model_validate_json(known.answer)


def check_version(if_match: str | None, found: Invoice) -> None:
    """Two people cannot overwrite each other: an action names the version that it was decided on."""
    action = "Relisez la facture, puis recommencez avec l'ETag de cette lecture dans If-Match."
    if if_match is None:
        raise Problem(
            428,
            "IF_MATCH_REQUIRED",
            "If-Match demandé",
            "Dites dans l'en-tête If-Match quelle version de la facture vous avez lue.",
            errors=[{"field": "If-Match", "value": None, "rule": "ETag de la facture", "action": action}],
        )
    if if_match.strip().removeprefix("W/").strip('"') != str(found.version):
        raise Problem(
            412,
            "INVOICE_CHANGED",
            "La facture a changé",
            "Quelqu'un, ou la plateforme, a écrit dans la facture depuis votre lecture : rien n'a été fait.",
            errors=[{"field": "If-Match", "value": if_match[:40], "rule": etag(found.version), "action": action}],
        )
