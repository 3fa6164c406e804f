"""A platform after three years: a million invoices and their eight million entries, written by SQL.

Twenty tenants, the largest with a quarter of all; fifty thousand suppliers, the largest with some 2.5 %. What is
younger than six weeks is mostly open, what is older mostly paid; a small part is late.
"""

from typing import Final

import asyncpg

TENANTS: Final = 20
SUPPLIERS: Final = 50_000
ENTRIES: Final = 8
_MADE = """
create unlogged table made as
select uuidv7(submitted_at - now()) as id, * from (
select n, least(20, 1 + floor(exp(random() * ln(21.0)) - 1))::integer as tenant_no,
    floor(50000 * power(random(), 3))::integer as supplier_no,
    case when random() < 0.7 then 0 else 1 + floor(random() * 20)::integer end as structure_no,
    floor(100 * power(random(), 2))::integer as service_no,
    now() - random() * interval '1095 days' as submitted_at, random() as luck, 100 + floor(random() * 900000) as cents
from generate_series(1, $1::integer) n) dealt
"""
_STATUS = """case
    when submitted_at > now() - interval '45 days' or luck < 0.015 then (array['DEPOSEE', 'MISE_A_DISPOSITION',
        'MISE_A_DISPOSITION', 'MISE_A_DISPOSITION', 'PRISE_EN_COMPTE_DESTINATAIRE', 'PRISE_EN_COMPTE_DESTINATAIRE',
        'SUSPENDUE', 'COMPLETEE', 'SERVICE_FAIT', 'SERVICE_FAIT', 'MANDATEE', 'MANDATEE',
        'MISE_A_DISPOSITION_COMPTABLE', 'A_RECYCLER'])[1 + n % 14]
    when luck < 0.05 then 'REJETEE' when luck < 0.06 then 'ABANDONNEE' else 'MISE_EN_PAIEMENT' end"""
_INVOICES = f"""
insert into invoice (id, number, header, depositor, submitted_at, status, status_at, entries, attempt, recipient_name,
    service_code, service_label, tenant, available_entry, available_at, payment_delay_started_on,
    payment_delay_started_at, payment_delay_source, version, due_on, payment_delay_state)
select id, 'F' || to_char(submitted_at, 'YYYY') || '-' || n, jsonb_build_object('invoice_number', 'F' || n,
    'issue_date', (submitted_at - interval '2 days')::date, 'supplier_siret', {{supplier}}, 'recipient_siret',
    {{structure}}, 'total_excl_tax', (cents / 120)::numeric(12, 2)::text, 'tax', (cents / 600)::numeric(12, 2)::text,
    'total_incl_tax', (cents / 100)::numeric(12, 2)::text, 'payable', (cents / 100)::numeric(12, 2)::text,
    'service_code', 'S' || service_no, 'engagement', 'EJ' || n / 3,
    'contract', case when n % 5 = 0 then 'M' || n % 5000 end),
    'user-' || supplier_no, submitted_at, status, least(now(), submitted_at + interval '20 days' * luck), {ENTRIES}, 1,
    case when there then 'Structure ' || tenant_no || '-' || structure_no end,
    case when there then 'S' || service_no end, case when there then 'Service numéro ' || service_no end,
    case when there then 't' || tenant_no end, case when there then 2 end, case when there then submitted_at end,
    case when there then submitted_at::date + 1 end, case when there then submitted_at end,
    case when there then 'notice' end, 1, case when there then submitted_at::date + 31 end,
    case when not there then 'not_started' when status = 'MISE_EN_PAIEMENT' then 'stopped' else 'running' end
from (select *, status not in ('DEPOSEE', 'ABANDONNEE') as there from (select *, {_STATUS} as status from made) s) m
"""
_PARTIES = """
insert into invoice_party (invoice, structure, service, role, tenant, since_entry, submitted_at, valid_from)
select id, supplier, null, 'FOURNISSEUR', null, 1, submitted_at, submitted_at from invoice
union all
select id, recipient, service_code, 'DESTINATAIRE', tenant, 2, submitted_at, submitted_at from invoice
where tenant is not null
"""
_HISTORY = f"""
insert into history (invoice, entry, kind, status_from, status_to, actor, at, recorded_at, visibility, reasons, cause,
    salt, chain)
select m.id, e, 'status', case when e > 1 then 'MISE_A_DISPOSITION' end, 'MISE_A_DISPOSITION', 'S', submitted_at,
    submitted_at, 'all', '[]', m.id, uuid_send(m.id), sha256(uuid_send(m.id))
from made m cross join generate_series(1, {ENTRIES}) e
"""
_INBOX = "insert into inbox (invoice, structure, entry) select id, recipient, 2 from invoice where tenant is not null"
_TIMERS = """
insert into timer (id, key, kind, due_at, next_try_at)
select gen_random_uuid(), id::text, 'status_unchanged', now() + interval '30 days', now() + interval '30 days'
from invoice where status not in ('REJETEE', 'ABANDONNEE', 'MISE_EN_PAIEMENT')
"""
_TABLES = ("invoice", "invoice_party", "history", "inbox")
_ALWAYS = ("history_rows", "history_truncate", "history_chain")


def supplier(number: int) -> str:
    """A SIRET of the bench."""
    return f"7{number:08}00010"


def structure(tenant: int, number: int) -> str:
    """A SIRET of a body; number 0 is the tenant's main one."""
    return f"2{tenant:04}{number:04}00010"


async def load(admin_dsn: str, invoices: int) -> None:
    """Fill empty, migrated tables. ``admin_dsn`` is a superuser's, for the database of the service."""
    admin = await asyncpg.connect(
        admin_dsn,
        command_timeout=3600,
        server_settings={"search_path": "status", "timezone": "UTC", "maintenance_work_mem": "512MB"},
    )
    try:
        # What a year of events would do one by one is done at once: without the triggers, the indexes afterwards.
        for table in _TABLES:
            await admin.execute(f"alter table {table} disable trigger all")
        indexes = await admin.fetch(
            "select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition from pg_index i"
            " where i.indrelid in ('invoice'::regclass, 'invoice_party'::regclass) and not i.indisprimary"
        )
        for index in indexes:
            await admin.execute(f"drop index {index['name']}")
        await admin.execute(_MADE.replace("$1", str(invoices)))
        names = {
            "supplier": "'7' || lpad(supplier_no::text, 8, '0') || '00010'",
            "structure": "'2' || lpad(tenant_no::text, 4, '0') || lpad(structure_no::text, 4, '0') || '00010'",
        }
        for statement in (_INVOICES.format(**names), _PARTIES, _HISTORY, _INBOX, _TIMERS, "drop table made"):
            await admin.execute(statement)
        for index in indexes:
            await admin.execute(index["definition"])
        for table in _TABLES:
            await admin.execute(f"alter table {table} enable trigger all")
        for trigger in _ALWAYS:
            await admin.execute(f"alter table history enable always trigger {trigger}")
        await _count(admin)
        for table in (*_TABLES, "timer", "tally", "place"):
            await admin.execute(f"vacuum analyze {table}")
    finally:
        await admin.close()


async def _count(admin: asyncpg.Connection) -> None:
    """What the triggers would have kept."""
    await admin.execute(
        "select add_to_tally(array(select (1, tenant, recipient, service_code, supplier, status, status_at,"
        " submitted_at, due_on, 'EUR', payable_cents)::counted from invoice where id >= a and id < b))"
        " from (select (lpad(to_hex(n), 2, '0') || '000000-0000-0000-0000-000000000000')::uuid as a,"
        " coalesce(lead((lpad(to_hex(n), 2, '0') || '000000-0000-0000-0000-000000000000')::uuid) over (order by n),"
        " 'ffffffff-ffff-ffff-ffff-ffffffffffff') as b from generate_series(0, 255, 5) n) r"
    )
    await admin.execute("select fold_tally()")
    await admin.execute(
        "insert into place select distinct recipient, service_code, tenant, ' ' || folded(concat_ws(' ',"
        " recipient_name, service_label, service_code)) from invoice where recipient_name is not null"
    )
