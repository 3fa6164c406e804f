"""status's part of a person: what he did to invoices. His name goes from the history, what was done stays.

The history's chain holds salted digests of names: without salt and name they tell nobody, and the chain still holds.
"""

from services.common.deliver import Tx
from services.common.persons import PersonPart, Subject
from services.common.tenants import LONG, Erasure, Kept, count


async def _erase(tx: Tx, asked: Subject) -> Erasure:
    named = await tx.conn.fetchval("select erase_person($1)", asked.subject, timeout=LONG)
    answers = 0
    for table in ("bulk_answer", "bulk_request", "action_request"):
        answers += count(await tx.conn.execute(f"delete from {table} where subject = $1", asked.subject, timeout=LONG))
    kept = await tx.conn.fetchval("select count(*) from invoice where depositor = $1", asked.subject, timeout=LONG)
    ground = "pièces justificatives des comptes : dix ans ; la personne n'y est plus qu'un identifiant sans nom"
    return Erasure(
        erased={"noms dans l'historique": named, "réponses gardées": answers},
        kept=(Kept(what="factures déposées et leur historique", count=kept, ground=ground),),
    )


PERSON = PersonPart(
    lines=(
        "select json_build_object('entree', 'acte', 'facture', invoice, 'rang', entry, 'acte', coalesce(action, kind),"
        " 'statut', status_to, 'le', at, 'commentaire', comment)::text as line from history where by_subject = $1"
        " order by at, invoice, entry",
        "select json_build_object('entree', 'facture', 'id', id, 'numero', number, 'statut', status, 'deposee_le',"
        " submitted_at)::text as line from invoice where depositor = $1 order by submitted_at, id",
    ),
    erase=_erase,
)
