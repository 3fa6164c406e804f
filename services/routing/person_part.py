"""routing's part of a person: what he changed in the directory. Nobody's name or address is kept there."""

from services.common.deliver import Tx
from services.common.persons import PersonPart, Subject
from services.common.tenants import LONG, Erasure, Kept


async def _erase(tx: Tx, asked: Subject) -> Erasure:
    changes = await tx.conn.fetchval(
        "select count(*) from directory_history where changed_by = $1", asked.subject, timeout=LONG
    )
    ground = "preuve de ce que valait l'annuaire à la date d'une facture : dix ans ; un identifiant sans nom"
    return Erasure(erased={}, kept=(Kept(what="modifications de l'annuaire", count=changes, ground=ground),))


PERSON = PersonPart(
    lines=(
        "select json_build_object('entree', 'modification', 'objet', key, 'version', version, 'le', changed_at)::text"
        " as line from directory_history where changed_by = $1 order by version",
        "select json_build_object('entree', 'commande', 'locataire', tenant, 'commande', command, 'le', commanded_at)"
        "::text as line from tenant_command where commanded_by = $1 order by commanded_at, id",
    ),
    erase=_erase,
)
