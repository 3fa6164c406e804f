-- What is addressed to a sandbox bears its mark in every answer.
alter table deposit add column sandbox boolean not null default false;

select set_config('search_path', current_schema() || ', pg_temp', true);
-- As before, and two more things. Numbers of a sandbox are taken beside the real ones: their issuer begins with
-- `essai-`. And what later invoices are compared with is kept of what is sent by hand too.
create or replace function submit_draft(asked uuid, decided jsonb, number_issuer text, number_year integer)
    returns text language plpgsql security definer set search_path from current
as $$
declare
    body_tenant text;
begin
    perform from deposit d where d.id = asked and d.depositor = current_setting('chorale.subject', true)
        and d.state = 'to_verify' for update;
    if not found then
        return 'gone';
    end if;
    select data->>'tenant' into body_tenant from directory_entry
        where kind = 'structure' and not deleted and owner = decided->'header'->>'recipient_siret';
    if number_issuer is not null then
        if (coalesce(body_tenant, '') like 'essai-%') <> (number_issuer like 'essai-%') or not exists (
            select from unnest(string_to_array(current_setting('chorale.structures', true), ',')) s
            where left(s, 9) = replace(number_issuer, 'essai-', '')
        ) then
            return 'gone';
        end if;
        insert into number_taken (issuer, year, number, deposit_id)
            values (number_issuer, number_year, decided->>'invoice_number', asked)
            on conflict (issuer, year, number) do nothing;
        if not found then
            return 'taken';
        end if;
    end if;
    update deposit set state = 'submitted', decided_at = (decided->>'decided_at')::timestamptz,
        invoice_number = decided->>'invoice_number', header = decided->'header', findings = decided->'findings',
        given = decided->'given', issuer = decided->>'issuer', works_file = (decided->>'works_file')::uuid,
        contact = decided->>'contact', structures = string_to_array(current_setting('chorale.structures', true), ','),
        roles = string_to_array(current_setting('chorale.roles', true), ','),
        file_name = decided->>'file_name', sha256 = coalesce(sha256, decided->>'sha256'),
        size = coalesce(size, (decided->>'size')::bigint), media_type = coalesce(media_type, decided->>'media_type'),
        bucket = coalesce(bucket, decided->>'bucket'), object_key = coalesce(object_key, decided->>'object_key'),
        sandbox = coalesce(body_tenant, '') like 'essai-%'
        where id = asked;
    if body_tenant is not null then
        insert into earlier_invoice (deposit_id, tenant, supplier, issue_date, total, type_code, number)
            values (asked, body_tenant, decided->'header'->>'supplier_siret',
                (decided->'header'->>'issue_date')::date, (decided->'header'->>'total_incl_tax')::numeric,
                coalesce(decided->'header'->>'type_code', '380'), decided->>'invoice_number')
            on conflict (deposit_id) do nothing;
        if decided->>'iban' is not null then
            insert into supplier_account (tenant, supplier, iban, first_deposit, first_at)
                values (body_tenant, decided->'header'->>'supplier_siret', decided->>'iban', asked, clock_timestamp())
                on conflict (tenant, supplier, iban) do nothing;
        end if;
    end if;
    return 'submitted';
end
$$;
