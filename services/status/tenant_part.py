"""status's part of a tenant: the invoices that its bodies received, with their history."""

from services.common.deliver import Tx
from services.common.tenants import LONG, Erasure, Kept, Part, Request, count

# What the tenant's own administrator may see: an invoice that went on to another body is that body's.
_RECEIVED = (
    "select invoice from invoice_party p where p.role = 'DESTINATAIRE' and p.tenant = $1"
    " and not p.closed and (p.valid_until is null or p.valid_until > now())"
)


async def _erase(tx: Tx, request: Request) -> Erasure:
    """Nobody sees the invoices for the tenant any more; the invoices stay, for their suppliers and for the law."""
    closed = await tx.conn.execute(
        "update invoice_party set closed = true where role = 'DESTINATAIRE' and tenant = $1 and not closed"
        " and valid_from <= $2",
        request.tenant,
        request.asked_at,
        timeout=LONG,
    )
    await tx.conn.execute("insert into closed_tenant values ($1) on conflict do nothing", request.tenant)
    row = await tx.conn.fetchrow(
        "select count(distinct p.invoice) as invoices, (select count(*) from history h where h.invoice in ("
        "  select invoice from invoice_party where role = 'DESTINATAIRE' and tenant = $1)) as entries"
        " from invoice_party p where p.role = 'DESTINATAIRE' and p.tenant = $1",
        request.tenant,
        timeout=LONG,
    )
    assert row is not None
    ground = "pièces justificatives des comptes : dix ans, pour le fournisseur et pour le comptable"
    return Erasure(
        erased={"accès du tenant à ses factures": count(closed)},
        kept=(
            Kept(what="factures", count=row["invoices"], ground=ground),
            Kept(what="lignes d'historique", count=row["entries"], ground=ground),
        ),
    )


PART = Part(
    lines=(
        "select json_build_object('entree', 'facture', 'id', id, 'number', number, 'header', header, 'submitted_at',"
        " submitted_at, 'status', status, 'status_at', status_at, 'recipient_name', recipient_name, 'service_code',"
        " service_code, 'payment_delay_started_on', payment_delay_started_on, 'payment_delay_source',"
        f" payment_delay_source)::text as line from invoice where id in ({_RECEIVED}) order by submitted_at, id",
        "select json_build_object('entree', 'historique', 'facture', invoice, 'entry', entry, 'kind', kind,"
        " 'status_from', status_from, 'status_to', status_to, 'actor', actor, 'at', at, 'visibility', visibility,"
        " 'reasons', reasons, 'notice', notice, 'action', action, 'motif', motif, 'comment', comment,"
        " 'changes', changes)::text as line"
        f" from history h where invoice in ({_RECEIVED}) and (entry = 1 or entry >= (select max(since_entry)"
        "  from invoice_party p where p.invoice = h.invoice and p.tenant = $1)) order by invoice, entry",
    ),
    erase=_erase,
)
