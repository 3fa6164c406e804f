-- What an earlier invoice said is copied into a draft by whoever issued it, in the role and at the place where he did: a
-- supplier of one structure who may only deposit for another, or reads there, copies nothing of the others' there. And
-- whoever no longer deposits for a structure adds nothing to what he once deposited for it.
select set_config('search_path', current_schema() || ', pg_temp', true);

create function issues(issuer text, header jsonb, given jsonb) returns boolean language sql stable as $$
    select string_to_array(current_setting('chorale.roles', true), ',') && array['FOURNISSEUR', 'MOE', 'MOA']
        and (
            issuer = any(string_to_array(current_setting('chorale.issuer_structures', true), ','))
                and issuer = header ->> 'supplier_siret'
            or issuer = any(string_to_array(current_setting('chorale.moe_structures', true), ','))
                and issuer = given #>> '{moe,siret}'
            or issuer = any(string_to_array(current_setting('chorale.moa_structures', true), ','))
                and issuer = given #>> '{moa,siret}'
        )
$$;

create or replace function attaching(asked uuid)
    returns table (state text, depositor text, document_size bigint)
    language sql stable security definer set search_path from current
as $$
    select d.state, d.depositor, coalesce(d.size, 0) from deposit d
    where d.id = asked and (
        d.depositor = current_setting('chorale.subject', true) and (
            d.state <> 'submitted'
            or d.issuer = any(string_to_array(current_setting('chorale.deposit_structures', true), ','))
        )
        or d.state = 'submitted' and issues(d.issuer, d.header, d.given)
    )
$$;

-- Whoever deposited it reads its files as he reads the deposit itself.
drop policy party_read on attachment;
create policy party_read on attachment for select to chorale_ingest_api
    using (exists (select from deposit d
            where d.id = deposit_id and d.depositor = current_setting('chorale.subject', true))
        or exists (select from attaching(deposit_id)) or reading_files(deposit_id));

create or replace function made_again(asked uuid)
    returns table (state text, rejected boolean, header jsonb, given jsonb, fields jsonb, contents jsonb, sheet jsonb)
    language sql stable security definer set search_path from current
as $$
    select d.state, coalesce(e.rejected, false), d.header, d.given, d.fields, d.contents, w.sheet
    from deposit d left join draft w on w.deposit_id = d.id left join earlier_invoice e on e.deposit_id = d.id
    where d.id = asked and (
        d.depositor = current_setting('chorale.subject', true)
        or d.state = 'submitted' and issues(d.issuer, d.header, d.given)
    )
$$;
create or replace function last_invoice_to(recipient text)
    returns uuid language sql stable security definer set search_path from current
as $$
    select d.id from deposit d
    where d.state = 'submitted' and d.header->>'recipient_siret' = recipient
        and d.issuer = any(string_to_array(current_setting('chorale.structures', true), ','))
        and issues(d.issuer, d.header, d.given)
    order by d.id desc limit 1
$$;
