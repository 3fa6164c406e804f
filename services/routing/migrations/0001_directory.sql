-- The directory in force. `entry` is the JSON of invoice.directory's struct; the columns beside it are what SQL needs.
-- Every change takes a number of one sequence, under one lock, so a greater version was committed later.
create sequence directory_version;

create table tenant (
    id text primary key,
    entry jsonb not null,
    version bigint not null unique,
    changed_by text not null,
    changed_at timestamptz not null
);

create table structure (
    siret text primary key check (siret ~ '^[0-9]{14}$'),
    tenant text not null references tenant (id),
    search text not null,
    entry jsonb not null,
    version bigint not null unique,
    changed_by text not null,
    changed_at timestamptz not null
);
create index structure_tenant on structure (tenant);

-- `code` is the comparison key (invoice.identifiers.normalise_code); the spelling of the body is in `entry`.
create table service (
    siret text not null references structure (siret),
    code text not null,
    entry jsonb not null,
    version bigint not null unique,
    changed_by text not null,
    changed_at timestamptz not null,
    primary key (siret, code)
);

-- Every version there ever was. `replaces` is the version that this one follows, null for a new entry.
create table directory_history (
    version bigint primary key,
    key text not null,
    entry jsonb not null,
    replaces bigint references directory_history (version),
    changed_by text not null,
    changed_at timestamptz not null
);
create index directory_history_key on directory_history (key, version desc);

-- The directory as it stood at a version, which is what a decision names.
create function directory_as_of(wanted bigint) returns setof directory_history language sql stable
begin atomic
    select distinct on (key) * from directory_history where version <= wanted order by key, version desc;
end;

-- The version that was in force at an instant; 0 before the first import.
create function directory_version_at(instant timestamptz) returns bigint language sql stable
begin atomic
    select coalesce(max(version), 0) from directory_history where changed_at <= instant;
end;

-- One decision per invoice and attempt, with every rule looked at and the version of the directory that was asked.
create table decision (
    invoice_id uuid not null,
    attempt integer not null,
    event_id uuid not null,
    outcome text not null check (outcome in ('routed', 'unroutable')),
    tenant text,
    structure text,
    service_code text,
    findings jsonb not null,
    directory_version bigint not null,
    decided_on date not null,
    decided_at timestamptz not null,
    primary key (invoice_id, attempt)
);

-- The directory is public; who changed it is not.
grant select (id, entry, version) on tenant to chorale_routing_api;
grant select (siret, tenant, search, entry, version) on structure to chorale_routing_api;
grant select (siret, code, entry, version) on service to chorale_routing_api;
grant select (version) on directory_history to chorale_routing_api;
