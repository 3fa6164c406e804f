"""Events of the directory: the replica, the names of public structures, the rights that follow from what is public."""

from collections.abc import Sequence

from contracts.envelope import Event
from services.common import tenants
from services.common.deliver import Tx
from services.portal import rights, software_store, structure_directory


async def handle(tx: Tx, events: Sequence[Event]) -> Sequence[Event]:
    """Apply a batch. Nothing here waits for a predecessor: versions are never lowered."""
    await tenants.ask(tx, events)
    changed = await structure_directory.keep(tx.conn, events)
    if not changed:
        return ()
    rows = await tx.conn.fetch(
        "update structure s set name = p.name, town = p.town, postal_code = p.postal_code, changed_at = $2"
        " from public_structure p where s.key = p.siret and p.siret = any($1::text[]) and not p.deleted returning s.id",
        changed,
        tx.now,
    )
    gone = await tx.conn.fetch(
        "select id from structure s join public_structure p on p.siret = s.key where p.siret = any($1::text[])"
        " and p.deleted",
        changed,
    )
    structures = [row["id"] for row in (*rows, *gone)]
    programs = await software_store.follow(tx.conn, changed)
    if structures or programs:
        people = await rights.holders_at(tx.conn, structures)
        await rights.publish(tx, [*people, *programs], events[0])
    return ()
