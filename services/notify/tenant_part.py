"""notify's part of a tenant: its managers' addresses, and the notices sent to its bodies with their proofs."""

from services.common.deliver import Tx
from services.common.tenants import LONG, Erasure, Kept, Part, Request, count

_SIRETS = "select siret from recipient where tenant = $1"
_TO_THE_BODY = f"audience = 'body' and data->>'recipient_siret' in ({_SIRETS})"


async def _erase(tx: Tx, request: Request) -> Erasure:
    managers = await tx.conn.execute(
        f"delete from manager where siret in ({_SIRETS}) and loaded_at <= $2",
        request.tenant,
        request.asked_at,
        timeout=LONG,
    )
    notices = await tx.conn.fetchval(f"select count(*) from message where {_TO_THE_BODY}", request.tenant, timeout=LONG)
    ground = "preuve de la notification qui fait courir le délai de paiement (CCP R2192-12 et suivants)"
    return Erasure(
        erased={"adresses des gestionnaires": count(managers)}, kept=(Kept(what="avis", count=notices, ground=ground),)
    )


PART = Part(
    lines=(
        "select json_build_object('entree', 'gestionnaire', 'siret', siret, 'service', service_code, 'nom', name,"
        f" 'courriel', email)::text as line from manager where siret in ({_SIRETS}) order by siret, id",
        "select json_build_object('entree', 'avis', 'id', id, 'facture', subject, 'entry', entry, 'kind', kind,"
        " 'address', address, 'state', state, 'data', data, 'created_at', created_at, 'done_at', done_at, 'attempts',"
        " (select json_agg(json_build_object('n', n, 'at', at, 'host', host, 'result', result, 'code', code,"
        "  'answer', answer, 'tls', tls) order by n) from attempt a where a.message = message.id))::text as line"
        f" from message where {_TO_THE_BODY} order by created_at, id",
    ),
    erase=_erase,
)
