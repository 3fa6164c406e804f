"""ingest's part of a person: deposits, drafts and flows. What became an invoice outlives him, without his address."""

from collections.abc import Sequence
from uuid import UUID

from services.common.db import Connection
from services.common.deliver import Tx
from services.common.persons import PersonPart, Subject
from services.common.tenants import LONG, Erasure, Kept, count

_DRAFTS = "select id from deposit where depositor = $1 and state = 'to_verify' order by id"


async def _documents(connection: Connection, subject: str) -> Sequence[UUID]:
    return [row["id"] for row in await connection.fetch(_DRAFTS, subject)]


async def _erase(tx: Tx, asked: Subject) -> Erasure:
    """Drafts go with their attachments; the sweep deletes the files that no row names any more."""
    rows = await tx.conn.fetch(f"{_DRAFTS} for update", asked.subject, timeout=LONG)
    drafts = [row["id"] for row in rows]
    await tx.conn.execute(
        "delete from attachment where deposit_id in"
        " (select id from deposit where duplicate_of = any($1::uuid[]) or id = any($1::uuid[]))",
        drafts,
        timeout=LONG,
    )
    await tx.conn.execute(
        "delete from deposit where duplicate_of = any($1::uuid[]) or id = any($1::uuid[])", drafts, timeout=LONG
    )
    addresses = 0
    for table, column in (("deposit", "depositor"), ("flow", "depositor"), ("drop_folder", "subject")):
        status = await tx.conn.execute(
            f"update {table} set contact = '' where {column} = $1 and contact <> ''", asked.subject, timeout=LONG
        )
        addresses += count(status)
    kept = await tx.conn.fetchval("select count(*) from deposit where depositor = $1", asked.subject, timeout=LONG)
    ground = "pièces justificatives des comptes : dix ans ; la personne n'y est plus qu'un identifiant sans nom"
    return Erasure(
        erased={"brouillons": len(drafts), "adresses de contact": addresses},
        kept=(Kept(what="dépôts et factures, leurs documents", count=kept, ground=ground),),
    )


#: Of an invoice of a structure where he has no right any more, that he deposited it, and not what it says. Without an
#: account here nothing was withdrawn.
_HIS = (
    "(d.state <> 'submitted' or not exists (select from account_right a where a.subject = $1) or exists (select from"
    " account_right a cross join jsonb_array_elements(a.grants) g where a.subject = $1 and a.state = 'active'"
    " and g->>'structure' = d.issuer and g->>'service' is null and (g->>'until')::timestamptz > now() is not false"
    " and g->>'role' in ('FOURNISSEUR', 'DEPOSANT', 'LECTURE', 'MOE', 'MOA')))"
)
PERSON = PersonPart(
    lines=(
        f"select json_build_object('entree', 'depot', 'id', id, 'etat', state, 'numero', case when {_HIS} then"
        " invoice_number end, 'fichier', file_name, 'recu_le', received_at, 'decide_le', decided_at, 'contact',"
        f" contact, 'sha256', sha256, 'taille', size, 'donnees', case when {_HIS} then header end)::text as line"
        " from deposit d where depositor = $1 order by received_at, id",
        "select json_build_object('entree', 'brouillon', 'id', deposit_id, 'version', version, 'saisie', case when"
        f" {_HIS} then sheet end, 'enregistre_le', saved_at)::text as line from draft w join deposit d"
        " on d.id = w.deposit_id where w.depositor = $1 order by saved_at, deposit_id",
        "select json_build_object('entree', 'piece_jointe', 'id', id, 'facture', deposit_id, 'nom', name, 'libelle',"
        " label, 'deposee_le', stored_at)::text as line from attachment where stored_by = $1 order by stored_at, id",
        "select json_build_object('entree', 'flux', 'id', id, 'fichier', file_name, 'recu_le', received_at, 'contact',"
        " contact, 'etat', state)::text as line from flow where depositor = $1 order by begun_at, id",
    ),
    erase=_erase,
    documents=_documents,
)
