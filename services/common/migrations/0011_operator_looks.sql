-- Each look of an operator into what is a tenant's, with the reason he gave: for that tenant to read. Nobody changes or
-- removes one, the owner of the table included.
create table operator_look (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    subject text not null check (subject <> ''),
    session text,
    reason text not null check (length(reason) between 10 and 500),
    -- Whose trail it is in. Null: of what is no tenant's yet; with `everywhere`, in the trail of every tenant.
    tenant text,
    everywhere boolean not null default false,
    -- The one invoice that was opened; null where several were listed. `invoices` counts them, where they can be counted.
    invoice uuid,
    invoices integer,
    what text not null,
    criteria jsonb not null,
    check (not everywhere or tenant is null)
);
create index operator_look_tenant on operator_look (tenant, id desc);
create index operator_look_invoice on operator_look (invoice, id desc) where invoice is not null;
create index operator_look_subject on operator_look (subject, id desc);

create function refuse_look_change() returns trigger language plpgsql as $$
begin
    raise exception 'looks are append-only: % refused', tg_op using errcode = 'restrict_violation';
end $$;
create trigger look_rows before update or delete on operator_look for each row execute function refuse_look_change();
create trigger look_truncate before truncate on operator_look for each statement execute function refuse_look_change();
alter table operator_look
    enable always trigger look_rows,
    enable always trigger look_truncate,
    enable row level security;

do $$
declare
    api constant text := 'chorale_' || current_schema() || '_api';
begin
    execute format('revoke update, delete, truncate on operator_look from %I', current_user);
    if exists (select from pg_roles where rolname = api) then
        execute format($policy$create policy operator on operator_look for select to %I
            using ('OPERATEUR' = any (string_to_array(current_setting('chorale.roles', true), ',')))$policy$, api);
        execute format($policy$create policy tenant on operator_look for select to %I
            using (tenant = any (string_to_array(current_setting('chorale.admin_tenants', true), ','))
                or everywhere and current_setting('chorale.admin_tenants', true) <> '')$policy$, api);
        execute format($policy$create policy own on operator_look for insert to %I
            with check (subject = current_setting('chorale.subject', true)
                and 'OPERATEUR' = any (string_to_array(current_setting('chorale.roles', true), ',')))$policy$, api);
        execute format('grant select on operator_look to %I', api);
        execute format('grant insert (subject, session, reason, tenant, everywhere, invoice, invoices, what, criteria)'
            ' on operator_look to %I', api);
    end if;
end $$;
