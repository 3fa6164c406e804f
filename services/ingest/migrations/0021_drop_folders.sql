-- Folders in the store into which a program drops flows, one per technical account; the API has no right to them.
create table drop_folder (
    account text primary key check (account ~ '^[a-z0-9][a-z0-9-]{2,62}$'),
    subject text not null check (subject <> ''),
    contact text not null,
    structures text[] not null,
    roles text[] not null,
    added_at timestamptz not null default now(),
    lease uuid,
    lease_until timestamptz
);
alter table drop_folder enable row level security;

-- One row per file picked up, by what was seen of it: the same file is taken once. `flow_id` is minted before the copy,
-- so that a crash begins the same one again.
create table dropped_file (
    account text not null references drop_folder (account),
    object_key text not null,
    etag text not null,
    size bigint not null,
    flow_id uuid not null unique,
    seen_at timestamptz not null default now(),
    receipt_at timestamptz,
    report_at timestamptz,
    refusal jsonb,
    primary key (account, object_key, etag)
);
create index dropped_file_open on dropped_file (account) where report_at is null;
alter table dropped_file enable row level security;
