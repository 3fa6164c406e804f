-- Who did what on accounts, rights and software. Subjects, structures and codes only: no name, no address. Nobody changes
-- an entry; one goes when its term of five years has ended, and not before.
create table audit_entry (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    actor text not null check (actor <> ''),
    action text not null check (action ~ '^[a-z_]+\.[a-z_]+$'),
    about text,
    structure text,
    tenant text,
    details jsonb not null default '{}',
    trace text
);
create index audit_actor on audit_entry (actor, id desc);
create index audit_about on audit_entry (about, id desc);
create index audit_structure on audit_entry (structure, id desc) where structure is not null;
create index audit_tenant on audit_entry (tenant, id desc) where tenant is not null;
create index audit_action on audit_entry (action, id desc);
create index audit_age on audit_entry (at);

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if old.at < now() - interval '5 years' then
            return old;
        end if;
    end if;
    raise exception 'the audit trail is append-only: % refused', tg_op using errcode = 'restrict_violation';
end $$;
create trigger audit_rows before update or delete on audit_entry for each row execute function refuse_audit_change();
create trigger audit_truncate before truncate on audit_entry for each statement execute function refuse_audit_change();

-- What a person did or what was done to him; what concerns a structure he manages, a tenant he administers; the operator
-- all of it.
create function audit_claimed(name text) returns text[] language sql stable as
$$ select string_to_array(coalesce(current_setting('chorale.' || name, true), ''), ',') $$;
alter table audit_entry enable row level security;
create policy seen on audit_entry for select to chorale_portal_api using (
    actor = current_setting('chorale.subject', true)
    or about = current_setting('chorale.subject', true)
    or structure = any ((select audit_claimed('managed_structures'))::text[])
    or tenant = any ((select audit_claimed('admin_tenants'))::text[])
    or 'OPERATEUR' = any ((select audit_claimed('roles'))::text[])
);
create policy written on audit_entry for insert to chorale_portal_api with check (true);
grant select on audit_entry to chorale_portal_api;
grant insert (at, actor, action, about, structure, tenant, details, trace) on audit_entry to chorale_portal_api;
