-- Whose a structure is, from the directory's topic: the latest version of each, deletions included, so that no older
-- version comes back. By it a tenant's addresses are exported, and erased when it leaves.
create table recipient (
    siret text primary key,
    tenant text not null,
    version bigint not null,
    deleted boolean not null
);
create index recipient_tenant on recipient (tenant);

-- A tenant's administrator keeps the addresses of its own structures, and sees no others.
create function administers(of_tenant text) returns boolean language sql stable as
$$ select 'TENANT_ADMIN' = any (string_to_array(coalesce(current_setting('chorale.roles', true), ''), ','))
    and of_tenant = any (string_to_array(coalesce(current_setting('chorale.tenants', true), ''), ',')) $$;
alter table recipient enable row level security;
create policy tenant on recipient for select to chorale_notify_api using (administers(tenant));
grant select (siret, tenant, deleted) on recipient to chorale_notify_api;
create policy tenant on manager to chorale_notify_api
    using (exists (select from recipient r where r.siret = manager.siret and not r.deleted))
    with check (exists (select from recipient r where r.siret = manager.siret and not r.deleted));
