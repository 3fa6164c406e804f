"""What changes an account: opened, a new password, another address, closed, opened again. Each is one transaction."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from invoice import structure_identifiers
from invoice.identifiers import InvalidIdentifier
from services.common.auth import Principal
from services.common.deliver import Cause, Tx
from services.common.web import Problem
from services.portal import (
    account_store,
    account_wishes,
    audit,
    emails,
    mail_links,
    member_arrival,
    rights,
    session_store,
)
from services.portal.account_limits import Limits, show_instant
from services.portal.account_store import Account
from services.portal.account_wishes import EmailWish
from services.portal.mail_links import Link
from services.portal.parts import Parts
from services.portal.session_store import Why
from services.portal.structure import Postal


class Acts:
    """Acts on accounts. Whether the caller may is judged before; rights follow at the end of each."""

    def __init__(self, parts: Parts, limits: Limits) -> None:
        self._parts = parts
        self._limits = limits

    async def open(self, tx: Tx, known: Account, password_hash: str | None, cause: Cause) -> None:
        """The account of somebody who has shown that the address is his: it is open, with the structure he named."""
        if password_hash is not None:
            await account_store.set_password(tx.conn, known.subject, password_hash, tx.now)
        await account_store.activate(tx.conn, known.subject, tx.now)
        await mail_links.end(tx.conn, known.subject, tx.now)
        await self._parts.mailing.contact(tx.conn, known.subject, known.email, known.language, tx.now)
        await audit.write(
            tx.conn,
            at=tx.now,
            actor=known.subject,
            action="account.opened",
            about=known.subject,
            traceparent=cause.traceparent,
        )
        touched = await self._arrive(tx, known.subject, cause)
        await rights.publish(tx, {known.subject, *touched}, cause)

    async def _arrive(self, tx: Tx, subject: str, cause: Cause) -> Sequence[str]:
        """He deposits for the structure that he named. One that has become public meanwhile is left out: he is told
        why when he asks for it again."""
        found = await account_store.claimed(tx.conn, subject)
        if found is None:
            return ()
        touched: Sequence[str] = ()
        try:
            async with tx.conn.transaction():
                named = structure_identifiers.identifier(found.identifier_type, found.identifier)  # type: ignore[arg-type]
                postal = Postal(**{name: value for name, value in found.address.items() if value})
                scene = await member_arrival.arrive(
                    tx, Principal(subject=subject), named, found.structure_name, postal, cause, self._parts.mailing
                )
                touched = sorted(scene.touched)
        except (Problem, InvalidIdentifier):
            pass
        await tx.conn.execute("update account_claim set done_at = $2 where subject = $1", subject, tx.now)
        return touched

    async def reset(self, tx: Tx, known: Account, password_hash: str, cause: Cause) -> None:
        """A new password by a link: every session ends, the lock too."""
        await account_store.set_password(tx.conn, known.subject, password_hash, tx.now)
        await self._changed(tx, known, "password", cause)

    async def change_password(self, tx: Tx, known: Account, password_hash: str, session: UUID, cause: Cause) -> None:
        """A new password by somebody who is signed in: every other session ends."""
        await account_store.set_password(tx.conn, known.subject, password_hash, tx.now)
        await self._changed(tx, known, "password", cause, but=session)

    async def _changed(self, tx: Tx, known: Account, why: Why, cause: Cause, but: UUID | None = None) -> None:
        await mail_links.end(tx.conn, known.subject, tx.now)
        await session_store.revoke(tx, known.subject, why, cause, but=but)
        await self._limits.succeeded(tx.conn, self._limits.key("login", emails.key(known.email)))
        await self._tell(tx, known, "PASSWORD_CHANGED", {})
        await self._note(tx, known.subject, "account.password_changed", cause)
        await rights.publish(tx, [known.subject], cause)

    async def ask_email(self, tx: Tx, subject: str, email: str, cause: Cause) -> None:
        """Another login is wished for; who has the address is looked at afterwards. Raises a 429 problem."""
        await self._limits.mail(tx.conn, emails.key(email), subject)
        await account_wishes.write(tx.conn, "email", email, EmailWish(subject=subject, email=email), tx.now)
        await self._note(tx, subject, "account.email_asked", cause)

    async def confirm_email(self, tx: Tx, link: Link, cause: Cause) -> bool:
        """One of both addresses has confirmed; whether the change is done with it. Raises a 409 problem."""
        await mail_links.use(tx.conn, link.id, tx.now)
        other = "email_new" if link.purpose == "email_old" else "email_old"
        both = await tx.conn.fetchval(
            "select exists (select from mail_link where subject = $1 and purpose = $2 and used_at is not null"
            " and data->>'wish' = $3)",
            link.subject,
            other,
            link.data["wish"],
        )
        known = await account_store.of(tx.conn, link.subject, lock=True)
        if not both or known is None or known.email != link.data["from"]:
            return False
        email = str(link.data["email"])
        if not await account_store.set_email(tx.conn, known.subject, email):
            raise Problem(
                409,
                "EMAIL_TAKEN",
                "Adresse prise entre-temps",
                "Un autre compte s'ouvre par cette adresse depuis peu : votre adresse de connexion reste la même.",
            )
        await mail_links.end(tx.conn, known.subject, tx.now)
        await self._parts.mailing.contact(tx.conn, known.subject, email, known.language, tx.now)
        for address in (known.email, email):
            await self._tell(tx, known, "EMAIL_CHANGED", {"address": email}, address=address)
        await self._note(tx, known.subject, "account.email_changed", cause)
        return True

    async def close(self, tx: Tx, known: Account, cause: Cause) -> None:
        """Closed by its owner: rights and sessions end now, data when the term does. Raises a 409 problem where he is
        the last principal manager of a structure that has other members."""
        touched = await member_arrival.close(tx, Principal(subject=known.subject), cause, self._parts.mailing)
        await account_store.close(tx.conn, known.subject, tx.now)
        await session_store.revoke(tx, known.subject, "closed", cause)
        lasts = timedelta(days=self._parts.settings.closing_days)
        until = show_instant(tx.now + lasts)
        link = await self._parts.mailing.links.make(tx.conn, known.subject, "reopen", now=tx.now, lasts=lasts)
        await self._tell(tx, known, "ACCOUNT_CLOSED", {"until": until}, link=link)
        await self._parts.mailing.forget(tx.conn, known.subject, tx.now)
        await self._note(tx, known.subject, "account.closed", cause)
        await rights.publish(tx, {known.subject, *touched}, cause)

    async def reopen(self, tx: Tx, link: Link, cause: Cause) -> bool:
        """Opened again within the term: without the rights that ended, which are asked for anew."""
        if not await account_store.reopen(tx.conn, link.subject):
            return False
        await mail_links.use(tx.conn, link.id, tx.now)
        await mail_links.end(tx.conn, link.subject, tx.now)
        known = await account_store.of(tx.conn, link.subject)
        assert known is not None
        await self._parts.mailing.contact(tx.conn, known.subject, known.email, known.language, tx.now)
        await self._note(tx, link.subject, "account.reopened", cause)
        await rights.publish(tx, [link.subject], cause)
        return True

    async def factor_changed(self, tx: Tx, subject: str, what: str, cause: Cause, action: str) -> None:
        """A second factor came or went: its owner is told."""
        known = await account_store.of(tx.conn, subject)
        if known is not None:
            await self._tell(tx, known, "SECOND_FACTOR_CHANGED", {"what": what})
        await self._note(tx, subject, action, cause)

    async def _tell(
        self,
        tx: Tx,
        known: Account,
        kind: str,
        values: dict[str, str],
        *,
        link: UUID | None = None,
        address: str | None = None,
    ) -> None:
        await self._parts.mailing.letter(
            tx.conn,
            kind,
            address=address or known.email,
            language=known.language,
            subject=known.subject,
            values=values,
            link=link,
            now=tx.now,
        )

    async def _note(self, tx: Tx, subject: str, action: str, cause: Cause) -> None:
        await audit.write(
            tx.conn, at=tx.now, actor=subject, action=action, about=subject, traceparent=cause.traceparent
        )
