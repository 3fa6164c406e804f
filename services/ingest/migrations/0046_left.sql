-- What became an invoice is its issuer's: whoever deposited it sees it while he still has a right there, in the capacity
-- in which it was deposited. What became no invoice (waits, is a draft, was refused) stays his own who sent it.
select set_config('search_path', current_schema() || ', pg_temp', true);

create function still_his(issuer text, header jsonb, given jsonb) returns boolean language sql stable as $$
    select coalesce(
        issuer = header ->> 'supplier_siret' and (
            issuer = any(string_to_array(current_setting('chorale.deposit_structures', true), ','))
            or issuer = any(string_to_array(current_setting('chorale.supplier_structures', true), ','))
        )
        or issuer = given #>> '{moe,siret}'
            and issuer = any(string_to_array(current_setting('chorale.moe_structures', true), ','))
        or issuer = given #>> '{moa,siret}'
            and issuer = any(string_to_array(current_setting('chorale.moa_structures', true), ',')),
        false)
$$;

-- A duplicate shows the document of its original.
create function left_behind(original uuid) returns boolean
    language sql stable security definer set search_path from current
as $$
    select exists (select from deposit d where d.id = original and d.state = 'submitted'
        and not still_his(d.issuer, d.header, d.given))
$$;
revoke all on function left_behind (uuid) from public;
grant execute on function left_behind (uuid) to chorale_ingest_api;

drop policy own_read on deposit;
create policy own_read on deposit for select to chorale_ingest_api
    using (depositor = current_setting('chorale.subject', true)
        and case state when 'submitted' then still_his(issuer, header, given)
            when 'duplicate' then not left_behind(duplicate_of) else true end);

-- What was typed is as visible as the deposit that it is of.
drop policy own_read on draft;
create policy own_read on draft for select to chorale_ingest_api
    using (depositor = current_setting('chorale.subject', true)
        and exists (select from deposit d where d.id = deposit_id));

-- The report of a flow stays its depositor's; of the invoices that it made it names those that he may still see.
drop policy own_read on flow_item;
create policy own_read on flow_item for select to chorale_ingest_api
    using (flow_id in (select id from flow)
        and (coalesce(outcome not in ('integrated', 'duplicate'), true) or supplier is null
            or supplier = any((select string_to_array(current_setting('chorale.deposit_structures', true), ',')
                || string_to_array(current_setting('chorale.supplier_structures', true), ','))::text[])));

create or replace function made_again(asked uuid)
    returns table (state text, rejected boolean, header jsonb, given jsonb, fields jsonb, contents jsonb, sheet jsonb)
    language sql stable security definer set search_path from current
as $$
    select d.state, coalesce(e.rejected, false), d.header, d.given, d.fields, d.contents, w.sheet
    from deposit d left join draft w on w.deposit_id = d.id left join earlier_invoice e on e.deposit_id = d.id
    where d.id = asked and (
        d.depositor = current_setting('chorale.subject', true)
            and (d.state <> 'submitted' or still_his(d.issuer, d.header, d.given))
        or d.state = 'submitted' and issues(d.issuer, d.header, d.given)
    )
$$;
