"""ocr's part of a tenant: how its bodies number their orders, and readings of documents that name them.

A reading is working data of a document that belongs to its depositor, who may never have sent it: it is exported to
nobody. What was accepted is in the parts of ingest and status.
"""

from services.common.blobs import Blobs
from services.common.deliver import Tx
from services.common.tenants import LONG, Erasure, Kept, Part, Request, count

_READINGS = (
    "select invoice_id from reading where read_at <= $2 and exists ("
    " select from jsonb_array_elements(case jsonb_typeof(result->'fields') when 'array' then result->'fields'"
    "  else '[]' end) f where f->>'name' = 'recipient_siret' and f->>'value' in ("
    "  select siret from recipient where tenant = $1))"
)


def part(blobs: Blobs) -> Part:
    """The part; its erasure deletes pictures in the store first, so that none is left without a name."""

    async def erase(tx: Tx, request: Request) -> Erasure:
        rows = await tx.conn.fetch(_READINGS, request.tenant, request.asked_at, timeout=LONG)
        documents = [row["invoice_id"] for row in rows]
        keys = await tx.conn.fetch(
            "select object_key from page where invoice_id = any($1::uuid[]) and object_key is not null", documents
        )
        for row in keys:
            await blobs.delete(row["object_key"])
        await tx.conn.execute("delete from page where invoice_id = any($1::uuid[])", documents, timeout=LONG)
        readings = await tx.conn.execute(
            "delete from reading where invoice_id = any($1::uuid[])", documents, timeout=LONG
        )
        formats = await tx.conn.execute(
            "update recipient set engagement_formats = '[]' where tenant = $1 and engagement_formats <> '[]'",
            request.tenant,
        )
        names = await tx.conn.fetchval("select count(*) from recipient where tenant = $1", request.tenant)
        ground = "SIRET publics, sans leurs données : aucune version plus ancienne ne doit revenir"
        return Erasure(
            erased={
                "lectures de documents": count(readings),
                "images de pages": len(keys),
                "formats d'engagement": count(formats),
            },
            kept=(Kept(what="SIRET", count=names, ground=ground),),
        )

    return Part(
        lines=(
            "select json_build_object('entree', 'structure', 'siret', siret, 'version', version,"
            " 'engagement_formats', engagement_formats)::text as line"
            " from recipient where tenant = $1 and not deleted order by siret",
        ),
        erase=erase,
    )
