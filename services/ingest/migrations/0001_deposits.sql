-- A deposit: one row per answer 201. Its id is the key of every later event and becomes the invoice's id.
create table deposit (
    id uuid primary key,
    depositor text not null check (depositor <> ''),
    contact text not null,
    structures text[] not null,
    idempotency_key text,
    state text not null check (state in ('received', 'to_verify', 'submitted', 'refused', 'duplicate')),
    duplicate_of uuid references deposit (id),
    file_name text not null,
    sha256 text not null,
    size bigint not null,
    media_type text not null,
    bucket text not null,
    object_key text not null,
    received_at timestamptz not null,
    overdue_at timestamptz,
    read_at timestamptz,
    decided_at timestamptz,
    invoice_number text,
    header jsonb,
    fields jsonb not null default '[]',
    findings jsonb not null default '[]',
    check ((state = 'duplicate') = (duplicate_of is not null)),
    check ((state = 'submitted') = (header is not null))
);
create index deposit_list on deposit (depositor, id desc);
-- The same answer to the same Idempotency-Key, and one pending or accepted deposit per content: the database says so too.
create unique index deposit_idempotency on deposit (depositor, idempotency_key) where idempotency_key is not null;
create unique index deposit_content on deposit (depositor, sha256)
    where state in ('received', 'to_verify', 'submitted');

-- Numbers taken, by issuer (SIREN), year of the invoice date, and number. No row here for a refusal at entry.
create table number_taken (
    issuer text not null,
    year integer not null,
    number text not null,
    deposit_id uuid not null unique references deposit (id),
    taken_at timestamptz not null default now(),
    primary key (issuer, year, number)
);

-- Replica of the directory: the latest version of each entry; `owner` is a SIRET, or a tenant's own id.
create table directory_entry (
    kind text not null check (kind in ('tenant', 'structure', 'service')),
    entry text not null,
    owner text not null,
    version bigint not null,
    deleted boolean not null,
    data jsonb not null,
    primary key (kind, entry)
);
create index directory_entry_owner on directory_entry (owner, kind) where not deleted;

-- One row, written when the directory's topic had once been read to its end.
create table directory_read_to_end (
    singleton boolean primary key default true check (singleton),
    at timestamptz not null default now()
);

-- The API sees and adds the depositor's own rows, and changes none.
alter table deposit enable row level security;
create policy own_read on deposit for select to chorale_ingest_api
    using (depositor = current_setting('chorale.subject', true));
create policy own_add on deposit for insert to chorale_ingest_api
    with check (depositor = current_setting('chorale.subject', true) and state in ('received', 'duplicate'));
grant select, insert on deposit to chorale_ingest_api;
grant insert on outbox, timer to chorale_ingest_api;
