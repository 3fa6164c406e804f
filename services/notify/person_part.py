"""notify's part of a person: addresses, choices, ways out, and the mails that were sent there.

What proves that a body was told is kept: a proof has the address as a salted digest. A mail that waits is not sent any
more; while one is on its way nothing is erased yet, and the portal asks again.
"""

from typing import Final

from services.common.db import Connection
from services.common.deliver import Tx
from services.common.failures import Transient
from services.common.persons import PersonPart, Subject
from services.common.tenants import LONG, Erasure, Kept, count

#: What stands where an address stood. RFC 2606: it belongs to nobody.
NOBODY: Final = "efface@invalid"
#: His are the addresses that he has shown to be his, not one that he has only asked for.
_ADDRESSES: Final = (
    "select address from contact where subject = $1 and address is not null"
    " union select login from contact where subject = $1 and login is not null"
    " union select address from former_contact where subject = $1"
    " union select contact from invoice_contact where depositor = $1 and contact <> ''"
    " union select contact from webhook_owner where subject = $1 and contact <> ''"
)
#: An address that others gave too is theirs: a manager's, a structure's, another account's.
_OTHERS: Final = (
    "exists (select from manager where email = a.address) or exists (select from correspondent where email = a.address)"
    " or exists (select from contact c where a.address in (c.address, c.login) and c.subject <> $1)"
    " or exists (select from invoice_contact i where i.contact = a.address and i.depositor <> $1)"
)


async def _erase(tx: Tx, asked: Subject) -> Erasure:
    own = [
        row["address"]
        for row in await tx.conn.fetch(
            f"select address from ({_ADDRESSES}) a where not ({_OTHERS})", asked.subject, timeout=LONG
        )
    ]
    mails = await _mails(tx.conn, asked.subject, own)
    persons = await tx.conn.execute("delete from person where address = any($1)", own)
    contacts = await tx.conn.execute("delete from contact where subject = $1", asked.subject)
    await tx.conn.execute("delete from former_contact where subject = $1", asked.subject)
    learnt = await tx.conn.execute(
        "update invoice_contact set contact = '' where depositor = $1 and contact <> ''", asked.subject, timeout=LONG
    )
    ways = await _ways_out(tx.conn, asked.subject)
    return Erasure(
        erased={
            "adresse du compte": count(contacts),
            "choix": count(persons),
            "adresses apprises des dépôts": count(learnt),
            "adresses de courriels envoyés": mails,
            "webhooks et dossiers": ways,
        },
        kept=(
            Kept(
                what="courriels sans leur adresse",
                count=mails,
                ground="preuve de ce qui a été envoyé et quand : dix ans ; l'adresse n'y est plus",
            ),
        ),
    )


#: Mails to these addresses, letters about the account wherever they went, and the question to an address asked for.
_HIS: Final = (
    "(address = any($1) or audience = 'person' and (subject = $2 or subject ="
    " (select asked_id::text from contact where subject = $2))) and address <> ''"
)


async def _mails(connection: Connection, subject: str, addresses: list[str]) -> int:
    await connection.execute("delete from gathering where address = any($1)", addresses)
    await connection.execute(
        f"update message set address = '', state = 'no_address', done_at = now() where {_HIS}"
        " and state in ('created', 'held')",
        addresses,
        subject,
        timeout=LONG,
    )
    if await connection.fetchval(
        f"select exists (select from message where {_HIS} and state in ('sending', 'carried'))",
        addresses,
        subject,
        timeout=LONG,
    ):
        raise Transient("mails on their way")
    status = await connection.execute(
        f"update message set address = $3, data = data - 'values' - 'link' where {_HIS} and address <> $3",
        addresses,
        subject,
        NOBODY,
        timeout=LONG,
    )
    await connection.execute("delete from address_window where address = any($1)", addresses)
    return count(status)


async def _ways_out(connection: Connection, subject: str) -> int:
    rows = await connection.fetch(
        "update webhook set state = 'deleted', changed_at = now(), url = case when kind = 'http' then '' end,"
        " description = '' where owner = $1 and state <> 'deleted' returning id",
        subject,
    )
    closed = [row["id"] for row in rows]
    await connection.execute(
        "update webhook_delivery set state = 'dropped', done_at = now()"
        " where webhook = any($1) and state in ('behind', 'waiting')",
        closed,
        timeout=LONG,
    )
    await connection.execute("delete from webhook_secret where webhook = any($1)", closed)
    await connection.execute("update webhook_owner set contact = '' where subject = $1", subject)
    return len(closed)


PERSON = PersonPart(
    lines=(
        "select json_build_object('entree', 'adresse', 'courriel', address, 'demandee', asked, 'demandee_le', asked_at)"
        "::text as line from contact where subject = $1",
        "select json_build_object('entree', 'choix', 'courriel', address, 'langue', language, 'rythmes', cadences)"
        f"::text as line from person where address in ({_ADDRESSES}) order by address",
        "select json_build_object('entree', 'courriel', 'id', id, 'facture', subject, 'genre', kind, 'a', address,"
        " 'etat', state, 'cree_le', created_at, 'fini_le', done_at)::text as line from message"
        f" where address in ({_ADDRESSES}) and audience not in ('body', 'administrator') order by created_at, id",
        "select json_build_object('entree', kind, 'id', id, 'adresse', url, 'description', description, 'etat', state)"
        "::text as line from webhook where owner = $1 and state <> 'deleted' order by created_at, id",
    ),
    erase=_erase,
)
