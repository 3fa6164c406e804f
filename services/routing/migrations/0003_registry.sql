-- Engagements, deletions, imports bounded in memory, and walls between tenants.

-- Known to the supplier and to the body only; `supplier` is the supplier's identifier, normalised.
create table engagement (
    siret text not null references structure (siret),
    number text not null,
    tenant text not null,
    supplier text,
    open boolean not null,
    entry jsonb not null,
    version bigint not null unique,
    changed_by text not null,
    changed_at timestamptz not null,
    primary key (siret, number)
);
create index engagement_supplier on engagement (supplier, siret) where open;

alter table engagement enable row level security;
create function claimed(name text) returns text[] language sql stable
begin atomic
    select string_to_array(nullif(current_setting('chorale.' || name, true), ''), ',');
end;
-- A supplier sees what was ordered from him, whichever of his establishments is named; nobody else's, nor whose.
create policy supplier on engagement for select to chorale_routing_api
    using (left(supplier, 9) = any (select left(s, 9) from unnest(claimed('structures')) s where s ~ '^[0-9]{14}$')
        and length(supplier) = 14);
create policy tenant on engagement for select to chorale_routing_api
    using ('TENANT_ADMIN' = any (claimed('roles')) and tenant = any (claimed('tenants')));
grant select (siret, number, tenant, supplier, open, entry, version) on engagement to chorale_routing_api;

alter table directory_history add column deleted boolean not null default false;

-- `tenant` is whose a version was: it stays when a structure moves or is deleted, so that a tenant can be exported.
alter table directory_history add column tenant text;
update directory_history h set tenant = case split_part(h.key, ':', 1)
    when 'tenant' then split_part(h.key, ':', 2)
    when 'structure' then h.entry->>'tenant'
    else (select s.tenant from structure s where s.siret = h.entry->>'siret') end;
create index directory_history_tenant on directory_history (tenant, version);

-- Ranges of keys, whatever the database's own order of letters.
create index directory_history_range on directory_history (key collate "C", version desc);

-- What was in force at a version, deletions left out.
create or replace function directory_as_of(wanted bigint) returns setof directory_history language sql stable
begin atomic
    select * from (
        select distinct on (key) * from directory_history where version <= wanted order by key, version desc
    ) latest where not deleted;
end;

-- Versions are taken under one lock, so a later instant has a greater one.
create index directory_history_at on directory_history (changed_at desc, version desc);
create or replace function directory_version_at(instant timestamptz) returns bigint language sql stable
begin atomic
    select coalesce((
        select version from directory_history where changed_at <= instant order by changed_at desc, version desc limit 1
    ), 0);
end;

-- One structure, its services and its tenant as they stood at a version. Nobody's engagements, and not who changed them.
create function structure_as_of(wanted bigint, of_siret text)
    returns table (key text, entry jsonb, version bigint) language sql stable security definer
begin atomic
    with body as (
        select distinct on (h.key) h.key, h.entry, h.version, h.deleted from directory_history h
        where h.version <= wanted and (h.key collate "C" = 'structure:' || of_siret
            or (h.key collate "C" >= 'service:' || of_siret || '/' and h.key collate "C" < 'service:' || of_siret || '0'))
        order by h.key, h.version desc
    ), owner as (
        select h.key, h.entry, h.version, h.deleted from directory_history h
        where h.version <= wanted and h.key collate "C" = 'tenant:' || (
            select b.entry->>'tenant' from body b where b.key = 'structure:' || of_siret)
        order by h.version desc limit 1
    )
    select found.key, found.entry, found.version from (select * from body union all select * from owner) found
    where not found.deleted;
end;
revoke all on function structure_as_of from public;
grant execute on function structure_as_of, directory_version_at to chorale_routing_api;
grant select (changed_at) on directory_history to chorale_routing_api;

-- The lines of the import that is running; one runs at a time, and it leaves nothing here.
create unlogged table import_line (
    line integer not null, -- counted over all files of the import
    file text not null,
    number integer not null, -- in its file
    kind text not null,
    key text not null,
    siret text,
    tenant text,
    change text not null,
    entry text,
    replaces bigint,
    label text,
    words text,
    supplier text,
    open boolean,
    code text,
    version bigint
);
create index import_line_place on import_line (line);
create index import_line_key on import_line (key);
create index import_line_version on import_line (version);
