-- What is known of an address: the language its reader wants, what he chose for each kind of message ('*': for all that
-- may be chosen), and whether mail still arrives. An address is a person here: whoever reads it may decide about it.
create table person (
    address text primary key,
    language text not null default 'fr' check (language in ('fr', 'en')),
    cadences jsonb not null default '{}',
    dead_at timestamptz,
    dead_reason text,
    check ((dead_at is null) = (dead_reason is null))
);

-- The contact address of an account, which may differ from the one it signs in with. `asked` waits for the word of
-- whoever reads there; `asked_id` names the mail that asks for it.
create table contact (
    subject text primary key,
    address text,
    asked text,
    asked_at timestamptz,
    asked_id uuid,
    mailed_id uuid
);
create index contact_asked on contact (asked_at) where asked_id is distinct from mailed_id;

-- Who is written to beside the managers: a supplier's own contacts, validators, project managers (MOE), works clients
-- (MOA) by their structure; a tenant's administrators by the tenant.
create table correspondent (
    id uuid primary key default gen_random_uuid(),
    role text not null check (role in ('supplier', 'validator', 'moe', 'moa', 'administrator')),
    siret text,
    tenant text,
    name text not null,
    email text not null,
    changed_by text not null,
    changed_at timestamptz not null default now(),
    check ((role = 'administrator') = (siret is null)),
    check ((role = 'administrator') = (tenant is not null)),
    unique nulls not distinct (role, siret, tenant, email)
);
create index correspondent_siret on correspondent (siret, role);
create index correspondent_tenant on correspondent (tenant) where tenant is not null;

alter table invoice_contact
    add column depositor text,
    add column supplier text,
    add column validators text[] not null default '{}',
    add column moe text,
    add column moa text,
    add column seen_at timestamptz not null default now();
create index invoice_contact_supplier on invoice_contact (supplier, contact);

-- Who may see and change addresses: the operator all, a structure its own, a tenant those of its structures.
create function claimed(name text) returns text[] language sql stable as
$$ select string_to_array(coalesce(current_setting('chorale.' || name, true), ''), ',') $$;
-- Whose a body is may be known to whoever claims it or its tenant: the directory is public.
drop policy tenant on manager;
drop policy tenant on recipient;
create policy claimed on recipient for select to chorale_notify_api
    using (tenant = any ((select claimed('tenants'))::text[]) or siret = any ((select claimed('structures'))::text[]));
-- The addresses of a body: its manager's and its tenant's administrator's, both in their tenant only.
create function runs_structure(siret text) returns boolean language sql stable as $$
    select ('GESTIONNAIRE' = any (claimed('roles')) and siret = any (claimed('structures'))
            or 'TENANT_ADMIN' = any (claimed('roles')))
        and exists (select from recipient r
            where r.siret = $1 and not r.deleted and r.tenant = any (claimed('tenants')))
$$;
-- A structure of one's own: of any company, and of a body whose tenant one belongs to.
create function speaks_for(siret text) returns boolean language sql stable as $$
    select siret = any (claimed('structures')) and not exists (
        select from recipient r where r.siret = $1 and not r.deleted and r.tenant <> all (claimed('tenants')))
$$;

create policy structure on manager to chorale_notify_api
    using (runs_structure(siret)) with check (runs_structure(siret));

alter table correspondent enable row level security;
create policy operator on correspondent to chorale_notify_api
    using ((select is_operator())) with check ((select is_operator()));
create policy structure on correspondent to chorale_notify_api using (speaks_for(siret)) with check (speaks_for(siret));
create policy tenant on correspondent to chorale_notify_api
    using (role = 'administrator' and 'TENANT_ADMIN' = any ((select claimed('roles'))::text[])
        and tenant = any ((select claimed('tenants'))::text[]))
    with check (role = 'administrator' and 'TENANT_ADMIN' = any ((select claimed('roles'))::text[])
        and tenant = any ((select claimed('tenants'))::text[]));
grant select, insert, delete on correspondent to chorale_notify_api;

alter table contact enable row level security;
create policy own on contact to chorale_notify_api
    using (subject = current_setting('chorale.subject', true))
    with check (subject = current_setting('chorale.subject', true));
grant select (subject, address, asked, asked_at), insert (subject, asked, asked_at, asked_id),
    update (address, asked, asked_at, asked_id) on contact to chorale_notify_api;

-- `chorale.contact` is the address whose reader has proved himself: that of the token, of a confirmed contact, or of a
-- signed link. The API sets it; nothing that a caller writes reaches it otherwise.
alter table person enable row level security;
create policy own on person to chorale_notify_api
    using (address = current_setting('chorale.contact', true))
    with check (address = current_setting('chorale.contact', true));
grant select (address, language, cadences, dead_at), insert (address, language, cadences),
    update (language, cadences) on person to chorale_notify_api;
