"""notify's part of a tenant: its people's addresses and choices, its notices with their proofs, its ways out."""

from collections.abc import Sequence
from typing import Any, Final

from services.common.blobs import Blobs
from services.common.db import Connection
from services.common.deliver import Tx
from services.common.tenants import LONG, Erasure, Kept, Part, Request, count
from services.notify.outgoing_folder import MANIFEST

_SIRETS: Final = "select siret from recipient where tenant = $1"
_TO_THE_BODY: Final = f"audience in ('body', 'administrator') and data->>'recipient_siret' in ({_SIRETS})"
_CORRESPONDENTS: Final = f"(tenant = $1 or siret in ({_SIRETS}))"
_FOLDERS: Final = f"select id from webhook where kind = 'folder' and structure in ({_SIRETS})"
#: Whoever belongs to this tenant and to no other.
_OWNERS: Final = "select subject from webhook_owner where tenants = array[$1::text]"
_LINES: Final = (
    "select json_build_object('entree', 'gestionnaire', 'siret', siret, 'service', service_code, 'nom', name,"
    f" 'courriel', email)::text as line from manager where siret in ({_SIRETS}) order by siret, id",
    "select json_build_object('entree', 'correspondant', 'role', role, 'siret', siret, 'nom', name, 'courriel', email)"
    f"::text as line from correspondent where {_CORRESPONDENTS} order by role, siret, email",
    "select json_build_object('entree', 'choix', 'courriel', address, 'langue', language, 'rythmes', cadences)::text"
    f" as line from person where address in (select email from manager where siret in ({_SIRETS}) union"
    f" select email from correspondent where {_CORRESPONDENTS}) order by address",
    "select json_build_object('entree', 'annonce', 'id', id, 'a', audience, 'titre', title, 'texte', body, 'le', at)"
    "::text as line from announcement where tenant = $1 order by at, id",
    "select json_build_object('entree', 'avis', 'id', id, 'facture', subject, 'entry', entry, 'kind', kind,"
    " 'address', address, 'state', state, 'data', data, 'created_at', created_at, 'done_at', done_at, 'attempts',"
    " (select json_agg(json_build_object('n', n, 'at', at, 'host', host, 'result', result, 'code', code,"
    "  'answer', answer, 'tls', tls) order by n) from attempt a where a.message = coalesce(m.carried_by, m.id)))::text"
    f" as line from message m where {_TO_THE_BODY} order by created_at, id",
    "select (to_jsonb(p) || jsonb_build_object('entree', 'preuve'))::text as line from proof p"
    " where tenant = $1 and audience in ('body', 'administrator') order by accepted_at, message",
    "select json_build_object('entree', kind, 'id', id, 'adresse', url, 'structure', structure, 'types', types,"
    " 'statuts', statuses, 'structures', structures, 'services', services, 'etat', state)::text as line from webhook"
    f" where state <> 'deleted' and (owner in ({_OWNERS}) or id in ({_FOLDERS})) order by created_at, id",
)


def part(blobs: Blobs) -> Part:
    """The part; its erasure deletes the folders' files in the store first, so that none is left without a name."""

    async def erase(tx: Tx, request: Request) -> Erasure:
        people = await _addresses(tx.conn, request)
        folders, files = await _ways_out(tx.conn, request, blobs)
        notices = await tx.conn.fetchval(
            f"select count(*) from message where {_TO_THE_BODY}", request.tenant, timeout=LONG
        )
        ground = "preuve de la notification qui fait courir le délai de paiement (CCP R2192-12 et suivants)"
        return Erasure(
            erased={**people, "webhooks et dossiers": folders, "fichiers de dossiers": files},
            kept=(Kept(what="avis", count=notices, ground=ground),),
        )

    return Part(lines=_LINES, erase=erase)


async def _addresses(connection: Connection, request: Request) -> dict[str, int]:
    """Addresses go, and with them what was chosen for those that nobody else has written down."""
    gone = await connection.fetch(
        f"with m as (delete from manager where siret in ({_SIRETS}) and loaded_at <= $2 returning email, 'm' as of),"
        f" c as (delete from correspondent where {_CORRESPONDENTS} and changed_at <= $2 returning email, 'c' as of)"
        " select * from m union all select * from c",
        request.tenant,
        request.asked_at,
        timeout=LONG,
    )
    persons = await connection.execute(
        "delete from person p where address = any($1) and not exists (select from manager where email = p.address)"
        " and not exists (select from correspondent where email = p.address)"
        " and not exists (select from contact c where p.address in (c.address, c.login))",
        [row["email"] for row in gone],
        timeout=LONG,
    )
    announcements = await connection.execute(
        "delete from announcement where tenant = $1 and at <= $2", request.tenant, request.asked_at
    )
    await connection.execute(
        f"delete from week_figure where side = 'body' and siret in ({_SIRETS})", request.tenant, timeout=LONG
    )
    return {
        "adresses des gestionnaires": sum(row["of"] == "m" for row in gone),
        "autres adresses": sum(row["of"] == "c" for row in gone),
        "choix de personnes": count(persons),
        "annonces": count(announcements),
    }


async def _ways_out(connection: Connection, request: Request, blobs: Blobs) -> tuple[int, int]:
    """What the tenant's people had made is closed, with what waits for it. Returns ways out and files.

    What waits for a supplier is his: it still leaves.
    """
    tenant, asked = request.tenant, request.asked_at
    closed = await connection.fetch(
        f"update webhook set state = 'deleted', changed_at = now(), url = case when kind = 'http' then '' end,"
        f" description = '' where state <> 'deleted' and created_at <= $2 and (owner in ({_OWNERS})"
        f" or id in ({_FOLDERS})) returning id",
        tenant,
        asked,
    )
    await connection.execute(
        "update webhook_delivery set state = 'dropped', done_at = now()"
        " where webhook = any($1) and state in ('behind', 'waiting')",
        [row["id"] for row in closed],
        timeout=LONG,
    )
    await connection.execute(
        "delete from webhook_event e where tenant = $1 and recorded_at <= $2 and not exists"
        " (select from webhook_delivery d where d.event = e.id and d.state in ('behind', 'waiting', 'sending'))",
        tenant,
        asked,
        timeout=LONG,
    )
    files = await _files(connection, request, blobs)
    await connection.execute("delete from webhook_secret where webhook = any($1)", [row["id"] for row in closed])
    await connection.execute(
        "update webhook_owner set tenants = array_remove(tenants, $1), contact = case when tenants = array[$1::text]"
        f" then '' else contact end, structures = array(select s from unnest(structures) s where s not in ({_SIRETS})),"
        f" services = array(select s from unnest(services) s where split_part(s, '/', 1) not in ({_SIRETS}))"
        " where $1 = any(tenants) and stated_at <= $2",
        tenant,
        asked,
    )
    return len(closed), files


async def _files(connection: Connection, request: Request, blobs: Blobs) -> int:
    rows: Sequence[Any] = await connection.fetch(
        f"select key from outgoing_file where webhook in ({_FOLDERS}) and planned_at <= $2",
        request.tenant,
        request.asked_at,
        timeout=LONG,
    )
    for row in rows:
        await blobs.delete(row["key"])
        await blobs.delete(f"{row['key']}{MANIFEST}")
    if rows:
        await connection.execute(
            f"delete from outgoing_line where webhook in ({_FOLDERS})", request.tenant, timeout=LONG
        )
        await connection.execute(
            f"delete from outgoing_file where webhook in ({_FOLDERS})", request.tenant, timeout=LONG
        )
    return len(rows)
