-- Software accounts (OAuth clients). Each belongs to one structure, whose rights bound its own. Its subject is
-- `software:<id>`; `tenant` is that of the structure where it is a public body.
create table software (
    id uuid primary key,
    subject text not null unique generated always as ('software:' || id::text) stored,
    structure text not null,
    tenant text,
    name text not null check (name <> ''),
    roles text[] not null check (cardinality(roles) > 0),
    services text[] not null default '{}',
    scopes text[] not null check (cardinality(scopes) > 0),
    writes_each_minute integer check (writes_each_minute > 0),
    writes_each_day integer check (writes_each_day > 0),
    made_by text not null,
    made_at timestamptz not null,
    changed_at timestamptz not null,
    last_used_at timestamptz,
    revoked_at timestamptz,
    revoked_by text,
    check ((revoked_at is null) = (revoked_by is null)),
    check (('AGENT' = any (roles)) = (cardinality(services) > 0))
);
create index software_structure on software (structure, made_at desc, id desc);
create index software_tenant on software (tenant) where tenant is not null;
create index software_maker on software (made_by);

-- A secret is 256 random bits, shown once; here is only its SHA-256. `hint` is its end, so that a person knows which.
create table software_secret (
    id uuid primary key,
    software uuid not null references software (id),
    digest bytea not null check (octet_length(digest) = 32),
    hint text not null,
    made_by text not null,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    last_used_at timestamptz,
    revoked_at timestamptz,
    revoked_by text,
    check ((revoked_at is null) = (revoked_by is null))
);
create index software_secret_of on software_secret (software, made_at desc);

-- How many tokens a client took in this minute. Losing it in a crash only gives everybody a new minute.
create unlogged table token_window (
    subject text primary key,
    started_at timestamptz not null,
    used integer not null
) with (fillfactor = 50);

-- Seen by whoever manages the structure, by its tenant's administrator and by the operator.
create function software_seen(of_structure text, of_tenant text) returns boolean language sql stable as $$
    select of_structure = any (audit_claimed('managed_structures'))
        or of_tenant = any (audit_claimed('admin_tenants'))
        or 'OPERATEUR' = any (audit_claimed('roles'))
$$;
alter table software enable row level security;
create policy managed on software to chorale_portal_api
    using (software_seen(structure, tenant)) with check (software_seen(structure, tenant));
alter table software_secret enable row level security;
create policy managed on software_secret to chorale_portal_api
    using (exists (select from software s where s.id = software))
    with check (exists (select from software s where s.id = software));
grant select on software to chorale_portal_api;
grant select (id, software, hint, made_by, made_at, expires_at, last_used_at, revoked_at, revoked_by)
    on software_secret to chorale_portal_api;
