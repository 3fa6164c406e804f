-- An invoice as it stands now. Its history is the truth; this row is what the history adds up to.
create table invoice (
    id uuid primary key,
    number text not null,
    header jsonb not null,
    depositor text not null,
    submitted_at timestamptz not null,
    status text not null,
    status_at timestamptz not null,
    entries integer not null check (entries > 0),
    attempt integer not null check (attempt > 0),
    recipient_name text,
    service_code text,
    service_label text,
    tenant text,
    available_entry integer,
    available_at timestamptz,
    payment_delay_started_on date,
    payment_delay_started_at timestamptz,
    payment_delay_source text check (payment_delay_source in ('notice', 'portal')),
    check ((available_entry is null) = (available_at is null)),
    check ((payment_delay_started_on is null) = (payment_delay_started_at is null)),
    check ((payment_delay_started_on is null) = (payment_delay_source is null))
) with (fillfactor = 80);
create index invoice_newest on invoice (submitted_at desc, id desc);
create index invoice_number on invoice (number);
create index invoice_without_delay on invoice (available_at)
    where available_at is not null and payment_delay_started_on is null;

-- Append-only. `previous` makes a gap impossible: entry 3 cannot be written before entry 2.
create table history (
    invoice uuid not null references invoice (id),
    entry integer not null check (entry > 0),
    previous integer generated always as (case when entry > 1 then entry - 1 end) stored,
    kind text not null check (kind in ('status', 'notice', 'delay')),
    status_from text,
    status_to text,
    actor text not null,
    at timestamptz not null,
    recorded_at timestamptz not null,
    visibility text not null check (visibility in ('all', 'body')),
    reasons jsonb not null,
    notice jsonb,
    cause uuid not null,
    primary key (invoice, entry),
    foreign key (invoice, previous) references history (invoice, entry),
    check ((kind = 'status') = (status_to is not null)),
    check ((kind = 'notice') = (notice is not null))
);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'history is append-only: % refused', tg_op using errcode = 'restrict_violation';
end $$;
create trigger history_rows before update or delete on history for each row execute function refuse_change();
create trigger history_truncate before truncate on history for each statement execute function refuse_change();

-- Who may see an invoice, in which role, from which entry on: the key of row-level security. `submitted_at` repeats the
-- invoice's, so that the newest invoices of a party are found by an index; `address` is the claim of a service's users.
create table invoice_party (
    invoice uuid not null references invoice (id),
    structure text not null,
    service text,
    address text generated always as (structure || '/' || service) stored,
    role text not null check (role in ('FOURNISSEUR', 'DESTINATAIRE')),
    tenant text,
    since_entry integer not null,
    submitted_at timestamptz not null,
    valid_from timestamptz not null,
    valid_until timestamptz,
    primary key (invoice, role, structure, since_entry),
    check (role <> 'FOURNISSEUR' or tenant is null)
);
create index invoice_party_structure on invoice_party (structure, role, submitted_at desc, invoice desc);
create index invoice_party_address on invoice_party (address, submitted_at desc, invoice desc)
    where role = 'DESTINATAIRE' and address is not null;
create index invoice_party_tenant on invoice_party (tenant, submitted_at desc, invoice desc)
    where role = 'DESTINATAIRE' and tenant is not null;
