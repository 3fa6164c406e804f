-- What invoices are searched by. The columns follow from the row, so whoever writes an invoice has nothing to add.
-- Text is compared in the order of its bytes: a prefix is a range, which row-level security lets an index answer.
create function legal_day(day text) returns date language sql immutable as $$
    select make_date(substr(day, 1, 4)::integer, substr(day, 6, 2)::integer, substr(day, 9, 2)::integer)
$$;
create function folded(words text) returns text language sql immutable as $$
    select translate(lower(words), 'àâäáãåçéèêëíìîïñóòôöõúùûüýÿ’''-/.,', 'aaaaaaceeeeiiiinooooouuuuyy      ')
$$;
alter table invoice
    add column supplier text collate "C" generated always as (header ->> 'supplier_siret') stored,
    add column recipient text collate "C" generated always as (header ->> 'recipient_siret') stored,
    add column address text collate "C" generated always as ((header ->> 'recipient_siret') || '/' || service_code) stored,
    add column issued_on date generated always as (legal_day(header ->> 'issue_date')) stored,
    add column payable_cents bigint generated always as ((((header ->> 'payable')::numeric) * 100)::bigint) stored,
    add column number_key text collate "C" generated always as (lower(number)) stored,
    add column engagement_key text collate "C" generated always as (lower(header ->> 'engagement')) stored,
    add column contract_key text collate "C" generated always as (lower(header ->> 'contract')) stored,
    -- The last day on which the body pays in time (L2192-10), kept as a day so that lateness is a range of an index.
    add column due_on date generated always as (payment_delay_started_on + 30) stored;

-- A list is the newest of each status, merged: one index answers it with a status asked for and without. What others'
-- rows and those not late are passed over by stands in the index as well, so they are not fetched.
create index invoice_status on invoice (status, submitted_at desc, id desc) include (due_on);
create index invoice_supplier on invoice (supplier, status, submitted_at desc, id desc)
    include (tenant, recipient, address, due_on);
create index invoice_recipient on invoice (recipient, status, submitted_at desc, id desc)
    include (supplier, tenant, due_on);
create index invoice_address on invoice (address, status, submitted_at desc, id desc)
    include (supplier, recipient, tenant, due_on) where address is not null;
create index invoice_tenant on invoice (tenant, status, submitted_at desc, id desc) include (due_on)
    where tenant is not null;
create index invoice_due on invoice (status, due_on, id) include (tenant, recipient, supplier, service_code)
    where due_on is not null;
create index invoice_number_key on invoice (number_key);
create index invoice_engagement on invoice (engagement_key) where engagement_key is not null;
create index invoice_contract on invoice (contract_key) where contract_key is not null;
create index invoice_issued on invoice (issued_on);
create index invoice_payable on invoice (payable_cents);
drop index invoice_newest;
drop index invoice_number;
-- Those who are neither supplier nor recipient, and for whom no column of the invoice stands: few, so one index.
create index invoice_party_guest on invoice_party (structure, submitted_at desc, invoice desc)
    where role not in ('FOURNISSEUR', 'DESTINATAIRE');
-- Nothing looks for parties by these any more; `structure` alone still has its index.
drop index invoice_party_address;
drop index invoice_party_tenant;

grant select (supplier, recipient, address, issued_on, payable_cents, number_key, engagement_key, contract_key, due_on)
    on invoice to chorale_status_api;

-- The names of bodies and services that have received something, for searches by words.
create table place (
    structure text collate "C" not null,
    service text collate "C" not null,
    tenant text collate "C" not null,
    words text not null,
    primary key (structure, service, tenant, words)
);
create function keep_places() returns trigger language plpgsql as $$
begin
    insert into place (structure, service, tenant, words)
    select distinct recipient, coalesce(service_code, ''), coalesce(tenant, ''),
        ' ' || folded(concat_ws(' ', recipient_name, service_label, service_code))
    from changed where recipient_name is not null
    order by 1, 2, 3, 4
    on conflict do nothing;
    return null;
end $$;
create trigger invoice_places_new after insert on invoice referencing new table as changed
    for each statement execute function keep_places();
create trigger invoice_places_changed after update on invoice referencing new table as changed
    for each statement execute function keep_places();
insert into place
select distinct recipient, coalesce(service_code, ''), coalesce(tenant, ''),
    ' ' || folded(concat_ws(' ', recipient_name, service_label, service_code))
from invoice where recipient_name is not null;

-- Names of public bodies and of their services are public; the table itself is not the API's.
alter table place enable row level security;
-- `tenants` and `structures` narrow it for whoever is a body; null for both does not.
-- `all` says whether the other words are in its names as well.
create index place_tenant on place (tenant);
create function places_named(word text, others text[], tenants text[], structures text[], most integer)
returns table (structure text, service text, "all" boolean)
language plpgsql stable security definer set search_path from current as $$
#variable_conflict use_column
declare
    one constant text := ' ' || folded(word);
    also constant text[] := array(select ' ' || folded(o) from unnest(others) o);
begin
    if tenants is null then
        return query select p.structure, p.service,
            bool_or(not exists (select from unnest(also) o where position(o in p.words) = 0))
        from place p where position(one in p.words) > 0
        group by p.structure, p.service limit most;
    else
        return query select p.structure, p.service,
            bool_or(not exists (select from unnest(also) o where position(o in p.words) = 0))
        from place p where position(one in p.words) > 0
            and (p.tenant = any (tenants) or p.structure = any (structures))
        group by p.structure, p.service limit most;
    end if;
end $$;
revoke all on function places_named(text, text[], text[], text[], integer) from public;
grant execute on function places_named(text, text[], text[], text[], integer) to chorale_status_api;

-- Whether a condition leaves few invoices of all, so that they are looked through; else the newest are. It says no more.
create function few(what text, low text, high text) returns boolean language plpgsql stable security definer
set search_path from current as $$
declare
    most constant integer := 2000;
    found integer;
begin
    if what = 'number' then
        select count(*) into found from (select from invoice where number_key >= low collate "C"
            and number_key < high collate "C" limit most + 1) f;
    elsif what = 'engagement' then
        select count(*) into found from (select from invoice where engagement_key >= low collate "C"
            and engagement_key < high collate "C" limit most + 1) f;
    elsif what = 'contract' then
        select count(*) into found from (select from invoice where contract_key >= low collate "C"
            and contract_key < high collate "C" limit most + 1) f;
    elsif what = 'payable' then
        select count(*) into found from (select from invoice where payable_cents >= low::bigint
            and payable_cents <= high::bigint limit most + 1) f;
    elsif what = 'issued' then
        select count(*) into found from (select from invoice where issued_on >= low::date
            and issued_on <= high::date limit most + 1) f;
    else
        raise exception 'few: % is not known', what;
    end if;
    return found <= most;
end $$;
revoke all on function few(text, text, text) from public;
grant execute on function few(text, text, text) to chorale_status_api;

-- PostgreSQL asks the last name first: an operator's row is then not looked up among the parties.
create policy whole_platform on invoice for select to chorale_status_api
    using ('OPERATEUR' = any ((select claimed('roles'))::text[]));
