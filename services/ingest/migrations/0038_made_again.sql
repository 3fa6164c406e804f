-- What a new draft may take over: a deposit of the asker's own, or an invoice made in the name of a structure of his.
-- Functions of the owner's, as `attaching` is: the API's role reads nobody else's deposits.
create index deposit_issuer_latest on deposit (issuer, id desc) where state = 'submitted';

select set_config('search_path', current_schema() || ', pg_temp', true);
create function made_again(asked uuid)
    returns table (state text, rejected boolean, header jsonb, given jsonb, fields jsonb, contents jsonb, sheet jsonb)
    language sql stable security definer set search_path from current
as $$
    select d.state, coalesce(e.rejected, false), d.header, d.given, d.fields, d.contents, w.sheet
    from deposit d left join draft w on w.deposit_id = d.id left join earlier_invoice e on e.deposit_id = d.id
    where d.id = asked and (
        d.depositor = current_setting('chorale.subject', true)
        or (
            d.state = 'submitted'
            and d.issuer = any(string_to_array(current_setting('chorale.structures', true), ','))
            and string_to_array(current_setting('chorale.roles', true), ',') && array['FOURNISSEUR', 'MOE', 'MOA']
        )
    )
$$;
create function last_invoice_to(recipient text)
    returns uuid language sql stable security definer set search_path from current
as $$
    select d.id from deposit d
    where d.state = 'submitted' and d.header->>'recipient_siret' = recipient
        and d.issuer = any(string_to_array(current_setting('chorale.structures', true), ','))
        and string_to_array(current_setting('chorale.roles', true), ',') && array['FOURNISSEUR', 'MOE', 'MOA']
    order by d.id desc limit 1
$$;
revoke all on function made_again (uuid), last_invoice_to (text) from public;
grant execute on function made_again (uuid), last_invoice_to (text) to chorale_ingest_api;
