-- Words of an operator or of a tenant to everybody they know. `sent_to` counts as the messages are written.
create table announcement (
    id uuid primary key,
    tenant text,
    audience text not null check (audience in ('everybody', 'suppliers', 'bodies')),
    title text not null,
    body text not null,
    title_en text,
    body_en text,
    by_subject text not null,
    at timestamptz not null,
    sent_to integer not null default 0,
    done_at timestamptz
);
alter table announcement enable row level security;
create policy operator on announcement to chorale_notify_api
    using ((select is_operator())) with check ((select is_operator()));
create policy tenant on announcement to chorale_notify_api
    using ('TENANT_ADMIN' = any ((select claimed('roles'))::text[])
        and tenant = any ((select claimed('tenants'))::text[]))
    with check ('TENANT_ADMIN' = any ((select claimed('roles'))::text[])
        and tenant = any ((select claimed('tenants'))::text[]));
grant select on announcement to chorale_notify_api;
grant insert (id, tenant, audience, title, body, title_en, body_en, by_subject, at) on announcement to chorale_notify_api;

-- What entered each status, by structure and week (Mondays, Paris): the weekly recap is made of it.
create table week_figure (
    week date not null,
    side text not null check (side in ('supplier', 'validator', 'body')),
    siret text not null,
    status text not null,
    invoices integer not null,
    payable numeric not null,
    primary key (week, side, siret, status)
) with (fillfactor = 80);
create table recap_sent (
    week date primary key,
    at timestamptz not null
);
