"""ocr's part of a person: readings and page images of documents that he never sent. It knows no subjects."""

from services.common.blobs import Blobs
from services.common.deliver import Tx
from services.common.persons import PersonPart, Subject
from services.common.tenants import LONG, Erasure, count


def person(blobs: Blobs) -> PersonPart:
    """The part; pictures are deleted in the store first, so that none is left without a name."""

    async def erase(tx: Tx, asked: Subject) -> Erasure:
        documents = list(asked.documents)
        keys = await tx.conn.fetch(
            "select object_key from page where invoice_id = any($1::uuid[]) and object_key is not null", documents
        )
        for row in keys:
            await blobs.delete(row["object_key"])
        await tx.conn.execute("delete from page where invoice_id = any($1::uuid[])", documents, timeout=LONG)
        readings = await tx.conn.execute(
            "delete from reading where invoice_id = any($1::uuid[])", documents, timeout=LONG
        )
        return Erasure(erased={"lectures de brouillons": count(readings), "images de pages": len(keys)})

    return PersonPart(lines=(), erase=erase)
