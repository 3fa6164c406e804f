-- What is said to everybody on the pages and by the public API: maintenance, codes that close, news. An announcement is
-- shown from `shown_from` until `shown_until`; it is withdrawn, never deleted.
create table announcement (
    id uuid primary key,
    kind text not null check (kind in ('maintenance', 'code_closing', 'news')),
    tenant text,
    structure text,
    service text,
    title text not null,
    body text not null,
    title_en text,
    body_en text,
    starts_at timestamptz,
    ends_at timestamptz,
    shown_from timestamptz not null,
    shown_until timestamptz not null,
    version integer not null default 1,
    made_by text not null,
    made_at timestamptz not null,
    changed_at timestamptz not null,
    withdrawn_at timestamptz,
    check (shown_from < shown_until),
    check (starts_at is null or ends_at is null or starts_at <= ends_at),
    check (service is null or structure is not null),
    check (kind <> 'code_closing' or structure is not null)
);
create index announcement_shown on announcement (shown_from, shown_until) where withdrawn_at is null;

-- What is shown now is public; what is not yet, or no longer, is its writers'.
alter table announcement enable row level security;
create policy shown on announcement for select to chorale_portal_api
    using (withdrawn_at is null and shown_from <= now() and now() < shown_until);
create policy written on announcement for select to chorale_portal_api
    using (portal_operator() or tenant = any (portal_claimed('admin_tenants')));
grant select (id, kind, tenant, structure, service, title, body, title_en, body_en, starts_at, ends_at, shown_from,
    shown_until, version, made_at, changed_at, withdrawn_at) on announcement to chorale_portal_api;
