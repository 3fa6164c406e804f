"""portal's part of a tenant: who belongs to its bodies with which rights, their programs, and their trail.

People and suppliers belong to no tenant: their accounts stay. What they held at the tenant's bodies ends.
"""

from typing import Final

from services.common.deliver import Tx
from services.common.tenants import LONG, Erasure, Kept, Part, Request, count
from services.common.trace import RequestCause
from services.portal import rights, software, software_store

_BODIES: Final = "(select s.id from structure s join public_structure p on p.siret = s.key where p.tenant = $1)"
_KEYS: Final = "(select siret from public_structure where tenant = $1)"
_ASKED: Final = "(select id from solicitation where tenant = $1)"
_BY: Final = "platform"


async def _erase(tx: Tx, request: Request) -> Erasure:
    """Rights end and are published; programs are revoked; words of requests go."""
    programs = await _programs(tx, request)
    subjects: set[str] = set()
    ended: dict[str, int] = {}
    for name, statement in (
        ("rattachements", f"update membership set left_at = $2 where structure in {_BODIES} and side = 'body'"),
        ("droits", f"update held_role set withdrawn_at = $2 where structure in {_BODIES} and role <> 'FOURNISSEUR'"),
        ("administrateurs", "update held_office set withdrawn_at = $2 where tenant = $1"),
    ):
        open_ = "left_at" if name == "rattachements" else "withdrawn_at"
        rows = await tx.conn.fetch(
            f"{statement} and {open_} is null returning subject", request.tenant, tx.now, timeout=LONG
        )
        subjects |= {row["subject"] for row in rows}
        ended[name] = len(rows)
    words = await tx.conn.execute(
        f"update attachment_request set message = '' where structure in {_BODIES} and message <> ''",
        request.tenant,
        timeout=LONG,
    )
    said = await tx.conn.execute(
        f"update solicitation_entry set said = null where said is not null and solicitation in {_ASKED}",
        request.tenant,
        timeout=LONG,
    )
    for statement in (
        f"update solicitation_paper set file_name = '', document = null where solicitation in {_ASKED}",
        "update solicitation set title = '', page = null where tenant = $1",
        "update announcement set withdrawn_at = coalesce(withdrawn_at, now()) where tenant = $1",
    ):
        await tx.conn.execute(statement, request.tenant, timeout=LONG)
    await rights.publish(tx, sorted(subjects), RequestCause(request.id))
    kept = await tx.conn.fetchval("select count(*) from audit_entry where tenant = $1", request.tenant, timeout=LONG)
    return Erasure(
        erased={
            **ended,
            "logiciels": programs,
            "mots de demandes": count(words),
            "mots de sollicitations": count(said),
        },
        kept=(Kept(what="journal", count=kept, ground="preuve des droits donnés et retirés : cinq ans, sans nom"),),
    )


async def _programs(tx: Tx, request: Request) -> int:
    rows = await tx.conn.fetch(
        f"select id from software where structure in {_KEYS} and revoked_at is null order by id", request.tenant
    )
    for row in rows:
        found = await software_store.one(tx.conn, row["id"])
        if found is not None:
            await software.revoke(tx, found, by=_BY, traceparent=None)
    return len(rows)


PART: Final = Part(
    lines=(
        "select json_build_object('entree', 'rattachement', 'structure', s.key, 'sujet', m.subject, 'gestion',"
        " m.manager, 'depuis', m.since, 'jusqu_a', m.left_at)::text as line from membership m"
        " join structure s on s.id = m.structure"
        f" where m.structure in {_BODIES} and m.side = 'body' order by m.since, m.id",
        "select json_build_object('entree', 'droit', 'structure', s.key, 'sujet', h.subject, 'role', h.role, 'service',"
        " h.service, 'donne_le', h.given_at, 'donne_par', h.given_by, 'retire_le', h.withdrawn_at)::text as line"
        f" from held_role h join structure s on s.id = h.structure where h.structure in {_BODIES}"
        " order by h.given_at, h.id",
        "select json_build_object('entree', 'administrateur', 'sujet', subject, 'donne_le', given_at, 'retire_le',"
        " withdrawn_at)::text as line from held_office where tenant = $1 order by given_at, id",
        "select json_build_object('entree', 'logiciel', 'id', id, 'nom', name, 'structure', structure, 'roles', roles,"
        " 'services', services, 'portees', scopes, 'fait_par', made_by, 'fait_le', made_at, 'revoque_le', revoked_at)"
        f"::text as line from software where structure in {_KEYS} order by made_at, id",
        "select json_build_object('entree', 'sollicitation', 'numero', s.number, 'facture', s.invoice, 'structure',"
        " coalesce(s.addressee_structure, s.asker_structure), 'objet', s.title, 'acte', e.act, 'cote', e.side, 'texte',"
        " e.said, 'le', e.at)::text as line from solicitation_entry e join solicitation s on s.id = e.solicitation"
        " where s.tenant = $1 order by s.number, e.entry",
        "select json_build_object('entree', 'annonce', 'sorte', kind, 'titre', title, 'texte', body, 'du', shown_from,"
        " 'au', shown_until)::text as line from announcement where tenant = $1 order by made_at, id",
        "select json_build_object('entree', 'journal', 'le', at, 'auteur', actor, 'acte', action, 'sur', about,"
        " 'structure', structure, 'details', details)::text as line from audit_entry where tenant = $1 order by id",
    ),
    erase=_erase,
)
