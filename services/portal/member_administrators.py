"""A tenant's administrators: named by the operator, and gone when he withdraws them."""

from services.common.auth import Principal
from services.common.db import Pool, lock_keys
from services.common.deliver import Cause, transaction
from services.common.principal import OPERATEUR, TENANT_ADMIN
from services.common.web import Problem
from services.portal import audit, member_store, rights, software_makers
from services.portal.mailing import Mailing
from services.portal.member_desk import scene_of
from services.portal.member_words import not_found
from services.portal.structure_store import lock_of


def _operator(principal: Principal) -> None:
    if OPERATEUR not in principal.roles:
        raise Problem(
            403, "ROLE_REQUIRED", "Droit manquant", "Seul l'exploitant nomme les administrateurs d'un département."
        )


async def name(pool: Pool, principal: Principal, tenant: str, subject: str, cause: Cause) -> None:
    """Make somebody administrator. Raises a 403 or 404 problem."""
    _operator(principal)
    async with transaction(pool, "portal", keys=[f"tenant/{tenant}"]) as tx:
        known = await tx.conn.fetchval(
            "select exists (select from public_tenant where id = $1 and not deleted)"
            " and exists (select from account where subject = $2 and state = 'active')",
            tenant,
            subject,
        )
        if not known:
            raise not_found("Département, ou compte actif")
        if await member_store.give_office(tx.conn, subject, TENANT_ADMIN, tenant, principal.subject, tx.now):
            await audit.write(
                tx.conn,
                at=tx.now,
                actor=principal.subject,
                action="tenant.administrator_named",
                about=subject,
                tenant=tenant,
                traceparent=cause.traceparent,
            )
            await rights.publish(tx, [subject], cause)


async def dismiss(pool: Pool, principal: Principal, tenant: str, subject: str, cause: Cause, mailing: Mailing) -> None:
    """Withdraw it; who manages the tenant's structures hears of secrets that he made. Raises a 403 or 404 problem."""
    _operator(principal)
    async with transaction(pool, "portal", keys=[f"tenant/{tenant}"]) as tx:
        managed = await software_makers.managed(tx.conn, subject, tx.now)
        await lock_keys(tx.conn, "portal", [lock_of(key) for key in managed])
        if not await member_store.withdraw_office(tx.conn, subject, TENANT_ADMIN, tenant, tx.now):
            raise not_found("Administrateur de ce département")
        await audit.write(
            tx.conn,
            at=tx.now,
            actor=principal.subject,
            action="tenant.administrator_dismissed",
            about=subject,
            tenant=tenant,
            traceparent=cause.traceparent,
        )
        for key in managed:
            await software_makers.tell(await scene_of(tx, key, principal, cause, mailing), subject)
        await rights.publish(tx, [subject], cause)
