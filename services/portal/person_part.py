"""portal's part of a person: the account and all that hangs on it.

Its row stays, without a name, so that the subject is never given again; the audit trail keeps subjects and codes.
"""

from typing import Final

from services.common.deliver import Tx
from services.common.persons import PersonPart, Subject
from services.common.tenants import Erasure, Kept, count

#: What is deleted with the account, by the column that names it.
_GONE: Final = (
    ("session", "subject"),
    ("ticket", "subject"),
    ("totp", "subject"),
    ("recovery_code", "subject"),
    ("passkey", "subject"),
    ("provider_identity", "subject"),
    ("mail_link", "subject"),
    ("account_claim", "subject"),
    ("saved_search", "subject"),
)
#: Words of the person in what is kept. A paper that nobody decided goes whole: of its file no row speaks any more, and
#: the sweep takes it.
_BLANKED: Final = (
    "delete from proof where subject = $1 and state = 'submitted'",
    "update attachment_request set message = '' where subject = $1 and message <> ''",
    "update proof set file_name = '' where subject = $1 and file_name <> ''",
    "delete from solicitation_paper where owner = $1 and solicitation is null",
    "update solicitation_paper set file_name = '', document = null where owner = $1",
    "update solicitation_entry set said = null, idempotency_key = null where author = $1",
    "update solicitation set title = '', page = null, idempotency_key = null where author = $1",
)


def person() -> PersonPart:
    """The part."""
    return PersonPart(lines=_LINES, erase=_erase)


async def _erase(tx: Tx, asked: Subject) -> Erasure:
    gone = {}
    for table, column in _GONE:
        gone[table] = count(await tx.conn.execute(f"delete from {table} where {column} = $1", asked.subject))
    for statement in _BLANKED:
        await tx.conn.execute(statement, asked.subject)
    accounts = count(
        await tx.conn.execute(
            "update account set email = null, email_key = null, name = '', password_hash = null,"
            " erased_at = coalesce(erased_at, $2) where subject = $1 and state = 'closed'",
            asked.subject,
            tx.now,
        )
    )
    kept = await tx.conn.fetchval("select count(*) from audit_entry where actor = $1 or about = $1", asked.subject)
    return Erasure(
        erased={
            "compte": accounts,
            "sessions": gone["session"],
            "seconds facteurs": gone["totp"] + gone["passkey"] + gone["recovery_code"],
            "liens et identités": gone["mail_link"] + gone["provider_identity"],
        },
        kept=(Kept(what="journal", count=kept, ground="preuve des droits donnés et retirés : cinq ans, sans nom"),),
    )


_LINES: Final = (
    "select json_build_object('entree', 'compte', 'sujet', subject, 'courriel', email, 'nom', name, 'langue',"
    " language, 'etat', state, 'ouvert_le', created_at, 'active_le', activated_at, 'ferme_le', closed_at)::text as line"
    " from account where subject = $1",
    "select json_build_object('entree', 'inscription', 'sorte', identifier_type, 'identifiant', identifier,"
    " 'structure', structure_name, 'adresse', address, 'justificatif', proof_kind, 'reference', proof_reference,"
    " 'le', claimed_at)::text as line from account_claim where subject = $1",
    "select json_build_object('entree', 'delegation', 'structure', s.key, 'donnee', d.giver = $1, 'depuis', d.since,"
    " 'jusqu_a', d.until, 'finie_le', d.ended_at)::text as line from delegation d"
    " join structure s on s.id = d.structure where d.giver = $1 or d.receiver = $1 order by d.since",
    "select json_build_object('entree', 'charge', 'role', role, 'client', tenant, 'donnee_le', given_at, 'retiree_le',"
    " withdrawn_at)::text as line from held_office where subject = $1 order by given_at",
    "select json_build_object('entree', 'session', 'ouverte_le', created_at, 'derniere_activite', last_used_at,"
    " 'moyens', means, 'reseau', network, 'navigateur', agent, 'fermee_le', revoked_at)::text as line from session"
    " where subject = $1 order by created_at",
    "select json_build_object('entree', 'cle', 'nom', name, 'faite_le', made_at, 'derniere_utilisation', last_used_at)"
    "::text as line from passkey where subject = $1 order by made_at",
    "select json_build_object('entree', 'identite', 'fournisseur', issuer, 'nom', provider_subject, 'liee_le',"
    " linked_at)::text as line from provider_identity where subject = $1 order by issuer",
    "select json_build_object('entree', 'recherche', 'espace', space, 'nom', name, 'conditions', query, 'le', made_at)"
    "::text as line from saved_search where subject = $1 order by made_at",
    "select json_build_object('entree', 'rattachement', 'structure', s.key, 'verifie', m.verified, 'gestion',"
    " m.manager, 'depuis', m.since, 'jusqu_a', m.left_at)::text as line from membership m"
    " join structure s on s.id = m.structure where m.subject = $1 order by m.since",
    "select json_build_object('entree', 'droit', 'structure', s.key, 'role', h.role, 'service', h.service,"
    " 'donne_le', h.given_at, 'retire_le', h.withdrawn_at)::text as line from held_role h"
    " join structure s on s.id = h.structure"
    " where h.subject = $1 order by h.given_at",
    "select json_build_object('entree', 'demande', 'structure', s.key, 'message', r.message, 'etat', r.state, 'le',"
    " r.asked_at, 'reponse', r.reason)::text as line from attachment_request r join structure s on s.id = r.structure"
    " where r.subject = $1 order by r.asked_at",
    "select json_build_object('entree', 'preuve', 'structure', s.key, 'sorte', p.kind, 'fichier', p.file_name, 'etat',"
    " p.state, 'le', p.submitted_at)::text as line from proof p join structure s on s.id = p.structure"
    " where p.subject = $1 order by p.submitted_at",
    "select json_build_object('entree', 'sollicitation', 'numero', s.number, 'objet', s.title, 'facture',"
    " s.invoice_number, 'acte', e.act, 'texte', e.said, 'le', e.at)::text as line from solicitation_entry e"
    " join solicitation s on s.id = e.solicitation where e.author = $1 order by e.at, e.id",
    "select json_build_object('entree', 'piece de sollicitation', 'fichier', file_name, 'octets', size, 'le', sent_at)"
    "::text as line from solicitation_paper where owner = $1 order by sent_at, id",
    "select json_build_object('entree', 'logiciel', 'id', id, 'nom', name, 'structure', structure, 'fait_le', made_at)"
    "::text as line from software where made_by = $1 order by made_at",
    "select json_build_object('entree', 'journal', 'le', at, 'auteur', actor = $1, 'acte', action, 'structure',"
    " structure)::text as line from audit_entry where actor = $1 or about = $1 order by id",
)
