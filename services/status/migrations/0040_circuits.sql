-- What decides the circuit and the delay of an invoice beside its header: validators, works, the terms of its delay.
-- A list keeps of the clock when it started, when it ends and its state; the history is what it is reckoned from.
alter table invoice alter column due_on drop expression;
alter table invoice
    add column validators jsonb,
    add column works jsonb,
    add column terms jsonb,
    add column assigned_to text,
    add column works_file text collate "C" generated always as (works ->> 'file') stored,
    -- 'none': already paid, or a credit note.
    add column payment_delay_state text not null default 'not_started'
        check (payment_delay_state in ('not_started', 'running', 'interrupted', 'stopped', 'closed', 'none')),
    drop constraint invoice_payment_delay_source_check,
    add check (payment_delay_source in ('notice', 'portal', 'service_done', 'agreement', 'tacit', 'moe'));
update invoice set payment_delay_state = case
    when status = 'MISE_EN_PAIEMENT' then 'stopped'
    when status in ('REJETEE', 'ABANDONNEE') then 'closed'
    else 'running' end
where payment_delay_started_on is not null;
create index invoice_works_file on invoice (works_file, submitted_at) where works_file is not null;
drop index invoice_without_delay;
create index invoice_without_delay on invoice (available_at)
    where available_at is not null and payment_delay_started_on is null and payment_delay_state = 'not_started';
grant select (payment_delay_state, terms, works, works_file, assigned_to, validators) on invoice to chorale_status_api;

-- At whose disposal an entry puts the invoice: recycling to another structure starts the delay anew.
alter table history add column structure text;

-- What status knows of the directory: latest versions, from the compacted topic.
create table known_tenant (tenant text primary key, policy jsonb not null, version bigint not null);
create table known_body (
    siret text primary key,
    tenant text,
    days integer not null,
    reported boolean,
    version bigint not null
);
create table known_service (
    siret text not null,
    code text not null,
    reported boolean,
    version bigint not null,
    primary key (siret, code)
);
alter table known_tenant enable row level security;
alter table known_body enable row level security;
alter table known_service enable row level security;

-- Validators, MOE and MOA: they see the invoice from the entry that asks them, and go on seeing it. One who was named by
-- mistake sees nothing any more (`closed`).
alter table invoice_party drop constraint invoice_party_role_check;
alter table invoice_party
    add column rank smallint,
    add check (role in ('FOURNISSEUR', 'DESTINATAIRE', 'VALIDATEUR', 'MOE', 'MOA')),
    add check ((role = 'VALIDATEUR') = (rank is not null)),
    add check (role = 'DESTINATAIRE' or tenant is null);
create policy guest on invoice_party for select to chorale_status_api
    using (role in ('VALIDATEUR', 'MOE', 'MOA')
        and (structure = any ((select claimed('structures'))::text[])
            or address = any ((select claimed('services'))::text[])));
-- The comptable of a structure sees all that it has received.
create policy comptable on invoice_party for select to chorale_status_api
    using (role = 'DESTINATAIRE'
        and 'COMPTABLE' = any ((select claimed('roles'))::text[])
        and structure = any ((select claimed('structures'))::text[])
        and tenant = any ((select claimed('tenants'))::text[]));

-- A body sees what the validators said before it had the invoice: a refusal is handed to it (S3).
drop policy party on history;
create policy party on history for select to chorale_status_api
    using (exists (
        select from invoice_party p
        where p.invoice = history.invoice and case
            when p.role = 'DESTINATAIRE' then (history.entry = 1 or history.entry >= p.since_entry
                    or history.status_to in ('VALIDEE_1', 'VALIDEE_2', 'REFUSEE_1', 'REFUSEE_2',
                        'ABSENCE_VALIDATION_1_HORS_DELAI', 'ABSENCE_VALIDATION_2_HORS_DELAI'))
                and (p.until_entry is null or history.entry <= p.until_entry)
            else history.visibility = 'all' end
        offset 0));

-- Acts without a status are shown too; a transfer's request for routing stays between services.
drop policy feed on outbox;
create policy feed on outbox for select to chorale_status_api
    using (case when sequence is not null and topic = 'chorale.lifecycle.v1' then exists (
        select from invoice_party p, (select convert_from(outbox.value, 'UTF8')::jsonb as told offset 0) o
        where p.invoice = outbox.key::uuid
            and (o.told ? 'status_to' or o.told ? 'action')
            and p.since_entry <= (o.told ->> 'entry')::integer
            and (p.until_entry is null or p.until_entry >= (o.told ->> 'entry')::integer)
            and (p.role = 'DESTINATAIRE' or o.told ->> 'visibility' = 'all')
        offset 0)
        else false end);

-- A bulk request: which invoices it was about, and what each was answered, so that the same request again finishes what
-- was begun and does nothing twice.
create table bulk_request (
    subject text not null,
    key text not null,
    digest bytea not null,
    chosen jsonb not null,
    at timestamptz not null,
    primary key (subject, key)
);
create table bulk_answer (
    subject text not null,
    key text not null,
    invoice uuid not null,
    answer jsonb not null,
    primary key (subject, key, invoice),
    foreign key (subject, key) references bulk_request (subject, key) on delete cascade
);
alter table bulk_request enable row level security;
alter table bulk_answer enable row level security;

-- Whoever erases the words of an assignment erases the name on the invoice too, and on what a former body keeps of it.
create function forget_assignee() returns trigger language plpgsql as $$
begin
    update invoice set assigned_to = null where id = new.invoice and assigned_to is not null;
    update invoice_party set left_as = left_as - 'assigned_to' where invoice = new.invoice and left_as ? 'assigned_to';
    return null;
end $$;
create trigger history_assignee after update on history for each row
    when (old.action = 'assign' and old.comment is not null and new.comment is null)
    execute function forget_assignee();

-- What runs as the owner looks for temporary tables last, so that nobody puts one of his own in the place of a table.
do $$
declare
    of_owner regprocedure;
begin
    for of_owner in select p.oid from pg_proc p where p.prosecdef and p.pronamespace = current_schema()::regnamespace loop
        execute format('alter function %s set search_path = %I, pg_temp', of_owner, current_schema());
    end loop;
end $$;
