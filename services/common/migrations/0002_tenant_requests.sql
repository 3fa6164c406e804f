-- What the directory asked this service about a tenant: to write its part down, or to erase it. One row per request,
-- with its outcome; a request that was done is never done again, one that was cut short is done from its beginning.
create table tenant_request (
    id uuid primary key,
    tenant text not null,
    kind text not null check (kind in ('export', 'erase')),
    version bigint not null,
    asked_by text not null,
    asked_at timestamptz not null,
    state text not null default 'asked' check (state in ('asked', 'done')),
    attempts integer not null default 0,
    next_try_at timestamptz not null default now(),
    trouble text,
    outcome jsonb,
    done_at timestamptz,
    check ((state = 'done') = (done_at is not null and outcome is not null))
);
create index tenant_request_due on tenant_request (next_try_at) where state = 'asked';
create index tenant_request_tenant on tenant_request (tenant, version);
