"""The end of a secret is announced by mail 30, 7 and 1 days before: durable timers, each one letter to each reader."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from services.common.db import Connection
from services.common.deliver import Tx
from services.common.timers import Timer
from services.portal import software_store
from services.portal.mailing import Mailing
from services.portal.software import NOTICE
from services.portal.software_store import Secret, Software

LETTER: Final = "ACCOUNT_NOTICE"
_PARIS: Final = ZoneInfo("Europe/Paris")
#: Whoever manages the structure, else the administrators of its tenant; and who made the account, while he has one.
_READERS: Final = (
    "with managers as (select m.subject from membership m join structure s on s.id = m.structure"
    "  where s.key = $1 and m.manager is not null and m.left_at is null),"
    " offices as (select o.subject from held_office o where o.tenant = $2 and o.role = 'TENANT_ADMIN'"
    "  and o.withdrawn_at is null and not exists (select from managers))"
    " select a.subject, a.language from account a where a.state <> 'closed' and a.subject in"
    "  (select subject from managers union select subject from offices union select $3::text) order by 1"
)


async def fire(tx: Tx, due: Sequence[Timer], mailing: Mailing) -> None:
    """Write the letters of these timers. A secret that was revoked meanwhile needs none."""
    for timer in due:
        if timer.kind == NOTICE:
            await _announce(tx, timer, mailing)


async def _announce(tx: Tx, timer: Timer, mailing: Mailing) -> None:
    found = await _secret(tx.conn, UUID(timer.key))
    if found is None:
        return
    software, secret, others = found
    if not secret.live(tx.now) or software.revoked_at is not None:
        return
    ends = secret.expires_at.astimezone(_PARIS)
    days = max(1, (ends.date() - tx.now.astimezone(_PARIS).date()).days)
    rows = await tx.conn.fetch(_READERS, software.structure, software.tenant, software.made_by)
    for row in rows:
        reader = row["subject"]
        words = _words(row["language"], software, secret, days, ends.strftime("%d/%m/%Y"), others)
        await mailing.to_person(tx.conn, LETTER, reader, values=words, now=tx.now, id=uuid5(timer.id, reader))


def _words(language: str, software: Software, secret: Secret, days: int, ends: str, others: int) -> dict[str, str]:
    if language == "en":
        return {
            "heading": f"A secret of {software.name} ends in {days} day{'s' if days > 1 else ''}",
            "words": f"The secret ending in …{secret.hint} of the software {software.name} (structure"
            f" {software.structure}) ends on {ends}. "
            + ("Another secret of it lives longer." if others else "After that the software gets no token any more."),
            "todo": "Make a new secret, put it into the software, then revoke this one: both work meanwhile.",
        }
    return {
        "heading": f"Un secret de {software.name} expire dans {days} jour{'s' if days > 1 else ''}",
        "words": f"Le secret qui finit par …{secret.hint} du logiciel {software.name} (structure"
        f" {software.structure}) expire le {ends}. "
        + ("Un autre secret vit plus longtemps." if others else "Ensuite, le logiciel n'obtient plus de jeton."),
        "todo": "Faites un nouveau secret, placez-le dans le logiciel, puis révoquez celui-ci : les deux servent.",
    }


async def _secret(connection: Connection, identity: UUID) -> tuple[Software, Secret, int] | None:
    """The secret with its account, and how many others of it are live for longer."""
    owner = await connection.fetchval("select software from software_secret where id = $1", identity)
    if owner is None:
        return None
    software = await software_store.one(connection, owner)
    held = (await software_store.secrets(connection, [owner]))[owner]
    secret = next(one for one in held if one.id == identity)
    others = sum(one.revoked_at is None and one.expires_at > secret.expires_at for one in held)
    assert software is not None
    return software, secret, others
