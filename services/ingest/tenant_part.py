"""ingest's part of a tenant: the deposits that became invoices of its bodies, and drafts addressed to them."""

from contracts.events import DepositRefused
from invoice.findings import Finding
from services.common.deliver import Tx
from services.common.tenants import LONG, Erasure, Kept, Part, Request
from services.common.trace import RequestCause

_SIRETS = "select owner from directory_entry where kind = 'structure' and data->>'tenant' = $1"
_INVOICES = f"state = 'submitted' and header->>'recipient_siret' in ({_SIRETS})"
_NAMED = (
    # A person writes a SIRET with spaces.
    "regexp_replace("
    "coalesce((select w.sheet->'values'->>'recipient_siret' from draft w where w.deposit_id = deposit.id),"
    " (select f->>'value' from jsonb_array_elements(fields) f where f->>'name' = 'recipient_siret' limit 1)),"
    " '[^0-9]', '', 'g')"
    f" in ({_SIRETS})"
)
#: A claim check (contracts.events.ClaimCheck): of a document that lies in a pack, also where it begins and ends there.
_DOCUMENT = (
    "jsonb_strip_nulls(jsonb_build_object('bucket', bucket, 'key', object_key, 'sha256', sha256, 'size', size,"
    " 'media_type', media_type, 'offset', pack_offset,"
    " 'length', case when pack_offset is not null then size end))"
)
GONE = Finding(
    code="RECIPIENT_GONE",
    level="refuse",
    field="recipient_siret",
    message="L'organisme public auquel ce brouillon s'adresse a quitté la plateforme : le brouillon est effacé.",
    action="Adressez votre facture à cet organisme par le moyen qu'il vous indique.",
)


async def _erase(tx: Tx, request: Request) -> Erasure:
    """Drafts go, and whoever made them is told; the sweep deletes their files, which no row names any more."""
    # Lock first: a person may be completing a draft at this moment.
    drafts = await tx.conn.fetch(
        "select id, depositor, contact, file_name from deposit where state = 'to_verify' and received_at <= $2"
        f" and {_NAMED} order by id for update",
        request.tenant,
        request.asked_at,
        timeout=LONG,
    )
    ids = [row["id"] for row in drafts]
    await tx.conn.execute(
        "delete from attachment where deposit_id in"
        " (select id from deposit where duplicate_of = any($1::uuid[]) or id = any($1::uuid[]))",
        ids,
        timeout=LONG,
    )
    await tx.conn.execute(
        "delete from deposit where duplicate_of = any($1::uuid[]) or id = any($1::uuid[])", ids, timeout=LONG
    )
    for row in drafts:
        told = DepositRefused(
            depositor=row["depositor"],
            contact=row["contact"],
            file_name=row["file_name"],
            reasons=(GONE,),
            refused_at=tx.now,
        )
        tx.emit(told, key=str(row["id"]), cause=RequestCause(row["id"], None))
    invoices = await tx.conn.fetchval(f"select count(*) from deposit where {_INVOICES}", request.tenant, timeout=LONG)
    refused = await tx.conn.fetchval(
        f"select count(*) from deposit where state = 'refused' and {_NAMED}", request.tenant, timeout=LONG
    )
    ten = "pièces justificatives des comptes : dix ans, pour le fournisseur et pour le comptable"
    twelve = "verdict gardé douze mois pour le déposant ; l'organisme n'y a jamais eu accès"
    return Erasure(
        erased={"brouillons": len(ids)},
        kept=(
            Kept(what="factures déposées, leurs documents et leurs pièces jointes", count=invoices, ground=ten),
            Kept(what="dépôts refusés", count=refused, ground=twelve),
        ),
    )


PART = Part(
    lines=(
        "select json_build_object('entree', 'depot', 'id', id, 'number', invoice_number, 'header', header,"
        " 'received_at', received_at, 'submitted_at', decided_at, 'file_name', file_name, 'document',"
        f" {_DOCUMENT}, 'given', given, 'works_file', works_file)::text as line from deposit"
        f" where {_INVOICES} order by received_at, id",
        "select json_build_object('entree', 'piece_jointe', 'id', id, 'invoice', deposit_id, 'name', name,"
        " 'type', type, 'label', label, 'stored_at', stored_at, 'document',"
        f" {_DOCUMENT})::text as line"
        " from attachment"
        f" where deposit_id in (select id from deposit where {_INVOICES}) order by id",
    ),
    erase=_erase,
)
