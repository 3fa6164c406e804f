-- Figures without counting invoices: every change of an invoice writes what it adds and takes away, in the transaction
-- of the change, as new rows (`fresh`), so that no two writers wait for one row. A job folds fresh rows into the sums;
-- whoever reads adds both up, so the figures are those of the transaction that reads.
create table tally (
    kind text collate "C" not null check (kind in ('service', 'month', 'since', 'due', 'tenant', 'supplier')),
    -- The tenant, or the supplier's SIRET, or '*' for the whole platform.
    scope text collate "C" not null,
    structure text collate "C" not null,
    service text collate "C" not null,
    status text collate "C" not null,
    -- The first day of the month of the deposit, the Paris day of the status, or the last day to pay.
    day date not null,
    count integer not null,
    -- In cents, of invoices in euros.
    cents bigint not null,
    fresh boolean not null
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000);
-- It holds all that a figure is made of: the rows themselves lie scattered.
create index tally_scope on tally (kind, scope, status, day) include (structure, service, count, cents);
create unique index tally_sum on tally (kind, scope, structure, service, status, day) where not fresh;
create index tally_fresh on tally (fresh) where fresh;
create index tally_address on tally (structure, service) where kind = 'service';

create type counted as (
    sign integer, tenant text, recipient text, service text, supplier text, status text, status_at timestamptz,
    submitted_at timestamptz, due_on date, euros text, cents bigint);

create function add_to_tally(changes counted[]) returns void language sql as $$
    with changed as (
        select sign, coalesce(tenant, '') as tenant, recipient, coalesce(service, '') as service, supplier, status,
            case when euros = 'EUR' then cents else 0 end as cents, due_on,
            (status_at at time zone 'Europe/Paris')::date as since,
            date_trunc('month', submitted_at at time zone 'Europe/Paris')::date as month
        from unnest(changes)),
    parts as (
        select k.*, sign, cents from changed cross join lateral (values
            ('service', tenant, recipient, service, status, date 'epoch'),
            ('month', tenant, recipient, '', status, month),
            ('month', '*', '', '', status, month),
            ('since', tenant, recipient, '', status, since),
            ('since', '*', '', '', status, since),
            ('due', tenant, recipient, '', status, due_on),
            ('due', '*', '', '', status, due_on),
            ('tenant', '*', tenant, '', status, date 'epoch'),
            ('supplier', supplier, '', '', status, date 'epoch')) k(kind, scope, structure, service, status, day)
        where k.day is not null)
    insert into tally (kind, scope, structure, service, status, day, count, cents, fresh)
    select kind, scope, structure, service, status, day, sum(sign), sum(sign * cents), true
    from parts group by kind, scope, structure, service, status, day
    having sum(sign) <> 0 or sum(sign * cents) <> 0
$$;

create function count_new() returns trigger language plpgsql as $$
begin
    perform add_to_tally(array(select (1, tenant, recipient, service_code, supplier, status, status_at, submitted_at,
        due_on, coalesce(header ->> 'currency', 'EUR'), payable_cents)::counted from after_it));
    return null;
end $$;
create function count_changed() returns trigger language plpgsql as $$
begin
    perform add_to_tally(array(
        select case when s.sign = 1
            then (1, a.tenant, a.recipient, a.service_code, a.supplier, a.status, a.status_at, a.submitted_at, a.due_on,
                coalesce(a.header ->> 'currency', 'EUR'), a.payable_cents)::counted
            else (-1, b.tenant, b.recipient, b.service_code, b.supplier, b.status, b.status_at, b.submitted_at, b.due_on,
                coalesce(b.header ->> 'currency', 'EUR'), b.payable_cents)::counted end
        from before_it b join after_it a using (id) cross join (values (1), (-1)) s(sign)
        where (a.tenant, a.recipient, a.service_code, a.status, a.status_at, a.due_on)
            is distinct from (b.tenant, b.recipient, b.service_code, b.status, b.status_at, b.due_on)));
    return null;
end $$;
create trigger invoice_counted_new after insert on invoice referencing new table as after_it
    for each statement execute function count_new();
create trigger invoice_counted_changed after update on invoice referencing old table as before_it new table as after_it
    for each statement execute function count_changed();

create function fold_tally() returns bigint language sql as $$
    with taken as (delete from tally where fresh returning kind, scope, structure, service, status, day, count, cents),
    folded as (
        insert into tally as t (kind, scope, structure, service, status, day, count, cents, fresh)
        select kind, scope, structure, service, status, day, sum(count), sum(cents), false from taken
        group by kind, scope, structure, service, status, day
        on conflict (kind, scope, structure, service, status, day) where not fresh
        do update set count = t.count + excluded.count, cents = t.cents + excluded.cents)
    select count(*) from taken
$$;
revoke all on function add_to_tally(counted[]) from public;
revoke all on function fold_tally() from public;

select add_to_tally(array(select (1, tenant, recipient, service_code, supplier, status, status_at, submitted_at,
    due_on, coalesce(header ->> 'currency', 'EUR'), payable_cents)::counted from invoice));
select fold_tally();

alter table tally enable row level security;
create policy operator on tally for select to chorale_status_api
    using ('OPERATEUR' = any ((select claimed('roles'))::text[]));
create policy tenant on tally for select to chorale_status_api
    using (kind in ('service', 'month', 'since', 'due')
        and 'TENANT_ADMIN' = any ((select claimed('roles'))::text[])
        and scope not in ('', '*') and scope = any ((select claimed('tenants'))::text[]));
create policy whole_structure on tally for select to chorale_status_api
    using (kind in ('service', 'month', 'since', 'due')
        and (select claimed('roles')) && '{GESTIONNAIRE,COMPTABLE,FINANCE}'::text[]
        and structure = any ((select claimed('structures'))::text[])
        and scope not in ('', '*') and scope = any ((select claimed('tenants'))::text[]));
create policy service on tally for select to chorale_status_api
    using (kind = 'service' and scope not in ('', '*')
        and (structure || '/' || service) = any ((select claimed('services'))::text[]));
create policy supplier on tally for select to chorale_status_api
    using (kind = 'supplier' and scope = any ((select claimed('structures'))::text[]));
-- A tenant that has left sees no figures either; the platform's own go on counting its invoices.
create table closed_tenant (tenant text collate "C" primary key);
alter table closed_tenant enable row level security;
create policy every on closed_tenant for select to chorale_status_api using (true);
grant select on closed_tenant to chorale_status_api;
insert into closed_tenant select distinct tenant from invoice_party where closed and tenant is not null;
create policy not_closed on tally as restrictive for select to chorale_status_api
    using (kind = 'supplier' or scope <> all (array(select tenant from closed_tenant))
        or 'OPERATEUR' = any ((select claimed('roles'))::text[]));
grant select (kind, scope, structure, service, status, day, count, cents) on tally to chorale_status_api;
